//! One JSON object a line on stdout for each event, for machines.
//!
//! Every object has `time` (RFC 3339, UTC) and `event`; objects about an entity have `flow` and
//! `entity`. Names and meanings are stable; further fields and events may be added.
//!
//! | `event` | further fields |
//! |---|---|
//! | `run_started` | `entities`, `concurrency` |
//! | `recovered` | `rows`: a load that an earlier run left staged is now visible |
//! | `started` | `index`, `of`, `source`, `destination`, `mode` (`replace`, `append`), `since` |
//! | `opened` | `rows`: how many there will be, or null |
//! | `progress` | `rows`, `bytes` so far; at most one a second for each entity |
//! | `staged` | `rows` |
//! | `retrying` | `attempt`, `wait_seconds`, `error` |
//! | `notice` | `level` (`debug`, `info`, `warning`), `message`; `flow` and `entity` may be null |
//! | `finished` | `index`, `of`, `status` (`success`, `skip`, `fail`), `reason`, `error`, `source`, `destination`, `mode`, `rows`, `bytes`, `files`, `seconds`, `rows_per_second`, `watermark`, `how` (how the rows travelled: `copied`, or null), `warnings` |
//! | `interrupted` | the user asked for an end |
//! | `stopped` | `error`: the run could not go on, or not begin |
//! | `run_finished` | `run_id`, `status` (`success`, `fail`, `cancelled`), `pass`, `warn`, `error`, `skip`, `total`, `rows`, `bytes`, `files`, `seconds`, `rows_per_second` |
//!
//! A project with mistakes ends before a run begins, with one object for each of them: `event` is
//! `problem`, with `message`, `file`, `line`, `column`, `label`, `also` (other places that belong to
//! it, each with `file`, `line`, `column`, `label`), `help`. With `--dry-run` there is
//! one object for each entity: `event` is `plan`.
//!
//! An `error` is `{kind, message, causes, help}`. `--quiet` leaves only `finished` with the status
//! `fail`, `interrupted`, `stopped` and `run_finished`; the level of `options.log_level` and
//! `--verbose` apply to `notice`.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use hygge_core::engine::event::{EntityName, EntityReport, Event, Level, Outcome, RunReport};
use hygge_core::fault::Fault;
use hygge_core::project::problem::Problems;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{per_second, seconds};
use super::lines::mode_word;
use super::summary::Tally;
use super::{Face, Moment, Said, Settings, Severity, fault};

/// The shortest time between two `progress` objects of an entity.
const PROGRESS: Duration = Duration::from_secs(1);

/// JSON objects for machines.
pub(super) struct Json {
    out: Box<dyn Write + Send>,
    gone: bool,
    settings: Settings,
    progress: HashMap<EntityName, Instant>,
}

impl Json {
    /// On stdout.
    pub(super) fn on_stdout(settings: Settings) -> Self {
        Self::new(Box::new(std::io::stdout()), settings)
    }

    fn new(out: Box<dyn Write + Send>, settings: Settings) -> Self {
        Self { out, gone: false, settings, progress: HashMap::new() }
    }

    fn wanted(&mut self, at: Instant, said: &Said) -> bool {
        match said {
            Said::Interrupted | Said::Stopped(_) | Said::Event(Event::RunFinished(_)) => true,
            Said::Event(Event::Finished(report)) => {
                !self.settings.quiet || matches!(report.outcome, Outcome::Failed(_))
            }
            Said::Event(_) if self.settings.quiet => false,
            Said::Event(Event::Notice { level, .. }) => severity(*level) >= self.settings.least,
            Said::Event(Event::Progress { name, .. }) => {
                let due = self
                    .progress
                    .get(name)
                    .is_none_or(|last| at.saturating_duration_since(*last) >= PROGRESS);
                if due {
                    self.progress.insert(name.clone(), at);
                }
                due
            }
            Said::Event(_) => true,
        }
    }
}

impl Face for Json {
    fn tell(&mut self, at: Moment, said: &Said) {
        if self.gone || !self.wanted(at.instant, said) {
            return;
        }
        let mut line = object(at.time, said).to_string();
        line.push('\n');
        // A reader that went away is no reason to stop a run.
        self.gone = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush()).is_err();
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Debug => Severity::Debug,
        Level::Info => Severity::Info,
        Level::Warn => Severity::Warning,
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warning",
    }
}

/// A fault as an object.
pub(crate) fn fault_object(fault: &Fault) -> Value {
    json!({
        "kind": fault.kind().as_str(),
        "message": fault.to_string(),
        "causes": fault::causes(fault),
        "help": fault.help(),
    })
}

/// One object a line for each mistake in a project's files.
pub(crate) fn problem_lines(problems: &Problems) -> String {
    let time = format!("{:.3}", Timestamp::now());
    let mut text = String::new();
    for problem in &problems.list {
        let place = problem.span.as_ref().map(|span| (span, span.line_column()));
        let also: Vec<Value> = problem
            .also
            .iter()
            .map(|(span, label)| {
                let (line, column) = span.line_column();
                json!({ "file": span.source.name, "line": line, "column": column, "label": label })
            })
            .collect();
        let object = json!({
            "time": time,
            "event": "problem",
            "message": problem.message,
            "file": place.map(|(span, _)| &span.source.name),
            "line": place.map(|(_, (line, _))| line),
            "column": place.map(|(_, (_, column))| column),
            "label": problem.label,
            "also": also,
            "help": problem.help,
        });
        text.push_str(&object.to_string());
        text.push('\n');
    }
    text
}

/// The object for what was said.
fn object(time: Timestamp, said: &Said) -> Value {
    let (event, name, fields) = match said {
        Said::Interrupted => ("interrupted", None, json!({})),
        Said::Stopped(fault) => ("stopped", None, json!({ "error": fault_object(fault) })),
        Said::Event(event) => match event {
            Event::RunStarted { entities, concurrency } => {
                let fields = json!({ "entities": entities, "concurrency": concurrency });
                ("run_started", None, fields)
            }
            Event::Recovered { name, rows } => ("recovered", Some(name), json!({ "rows": rows })),
            Event::Started { name, index, of, source, destination, mode, since } => {
                let fields = json!({
                    "index": index,
                    "of": of,
                    "source": source,
                    "destination": destination,
                    "mode": mode_word(*mode),
                    "since": since.as_ref().map(ToString::to_string),
                });
                ("started", Some(name), fields)
            }
            Event::Opened { name, rows } => ("opened", Some(name), json!({ "rows": rows })),
            Event::Progress { name, rows, bytes } => {
                ("progress", Some(name), json!({ "rows": rows, "bytes": bytes }))
            }
            Event::Staged { name, rows } => ("staged", Some(name), json!({ "rows": rows })),
            Event::Retrying { name, attempt, wait, fault } => {
                let fields = json!({
                    "attempt": attempt,
                    "wait_seconds": seconds(*wait),
                    "error": fault_object(fault),
                });
                ("retrying", Some(name), fields)
            }
            Event::Notice { name, level, message } => {
                let mut fields = json!({ "level": level_word(*level), "message": message });
                if name.is_none() {
                    fields["flow"] = Value::Null;
                    fields["entity"] = Value::Null;
                }
                ("notice", name.as_ref(), fields)
            }
            Event::Finished(report) => ("finished", Some(&report.name), finished(report)),
            Event::RunFinished(report) => ("run_finished", None, run_finished(report)),
        },
    };
    let mut object = serde_json::Map::new();
    object.insert("time".to_owned(), json!(format!("{time:.3}")));
    object.insert("event".to_owned(), json!(event));
    if let Some(name) = name {
        object.insert("flow".to_owned(), json!(&*name.flow));
        object.insert("entity".to_owned(), json!(&*name.entity));
    }
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

fn finished(report: &EntityReport) -> Value {
    let (status, reason, error) = match &report.outcome {
        Outcome::Success => ("success", None, Value::Null),
        Outcome::Skipped(why) => ("skip", Some(why), Value::Null),
        Outcome::Failed(fault) => ("fail", None, fault_object(fault)),
    };
    json!({
        "index": report.index,
        "of": report.of,
        "status": status,
        "reason": reason,
        "error": error,
        "source": report.source,
        "destination": report.destination,
        "mode": mode_word(report.mode),
        "rows": report.rows,
        "bytes": report.bytes,
        "files": report.parts,
        "seconds": seconds(report.elapsed),
        "rows_per_second": per_second(report.rows, report.elapsed),
        "watermark": report.watermark.as_ref().map(ToString::to_string),
        "how": report.how,
        "warnings": report.warnings,
    })
}

fn run_finished(report: &RunReport) -> Value {
    let tally = Tally::of(&report.entities);
    let status = match (report.cancelled, report.failed()) {
        (true, _) => "cancelled",
        (false, true) => "fail",
        (false, false) => "success",
    };
    json!({
        "run_id": report.coordinator_run_id,
        "status": status,
        "pass": tally.pass,
        "warn": tally.warn,
        "error": tally.error,
        "skip": tally.skip,
        "total": tally.total(),
        "rows": tally.rows,
        "bytes": tally.bytes,
        "files": tally.parts,
        "seconds": seconds(report.elapsed),
        "rows_per_second": per_second(tally.rows, report.elapsed),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hygge_core::project::yaml::{Source, Span};

    use super::*;
    use crate::args::LogFormat;
    use crate::report::test_support::{name, success};

    fn shown(said: &Said) -> String {
        object("2026-01-02T03:04:05.678901Z".parse().unwrap(), said).to_string()
    }

    #[test]
    fn objects_have_stable_names() {
        let fault = Fault::data("1.parquet is damaged")
            .because(Fault::data("the footer ends early"))
            .with_help("copy it again");
        let mut failed = success("crm", "orders", 0);
        failed.outcome = Outcome::Failed(Arc::new(fault));
        let report = RunReport {
            coordinator_run_id: "c0".into(),
            entities: vec![success("crm", "users", 300), failed.clone()],
            elapsed: Duration::from_secs(2),
            cancelled: false,
        };
        let text: Vec<String> = [
            Said::Event(Event::Progress { name: name("crm", "users"), rows: 1, bytes: 2 }),
            Said::Event(Event::Notice { name: None, level: Level::Warn, message: "low".into() }),
            Said::Event(Event::Finished(failed)),
            Said::Interrupted,
            Said::Event(Event::RunFinished(report)),
        ]
        .iter()
        .map(shown)
        .collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        {"time":"2026-01-02T03:04:05.678Z","event":"progress","flow":"crm","entity":"users","rows":1,"bytes":2}
        {"time":"2026-01-02T03:04:05.678Z","event":"notice","level":"warning","message":"low","flow":null,"entity":null}
        {"time":"2026-01-02T03:04:05.678Z","event":"finished","flow":"crm","entity":"orders","index":1,"of":3,"status":"fail","reason":null,"error":{"kind":"data","message":"1.parquet is damaged","causes":["the footer ends early"],"help":"copy it again"},"source":"data/in/orders","destination":"data/out/orders","mode":"replace","rows":0,"bytes":0,"files":2,"seconds":1.5,"rows_per_second":null,"watermark":null,"how":null,"warnings":[]}
        {"time":"2026-01-02T03:04:05.678Z","event":"interrupted"}
        {"time":"2026-01-02T03:04:05.678Z","event":"run_finished","run_id":"c0","status":"fail","pass":1,"warn":0,"error":1,"skip":0,"total":2,"rows":300,"bytes":3000,"files":2,"seconds":2.0,"rows_per_second":150}
        "#);
    }

    #[test]
    fn a_mistake_is_an_object_with_its_place() {
        let source = Source {
            name: "flows/crm/flow.yml".into(),
            path: "/p/flows/crm/flow.yml".into(),
            text: "home:\n  pth: data\n".into(),
        };
        let source = Arc::new(source);
        let home = Span { source: Arc::clone(&source), start: 0, end: 4 };
        let span = Span { source, start: 8, end: 11 };
        let mut problems = Problems::default();
        problems
            .add(&span, "unknown key `pth`")
            .label("did you mean `path`?")
            .also(&home, "in this home");
        problems.add_nowhere("no hygge.yml");
        let text = problem_lines(&problems);
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["line"], &lines[0]["column"]), (&json!(2), &json!(3)));
        assert_eq!(lines[0]["file"], "flows/crm/flow.yml");
        let also = json!([{
            "file": "flows/crm/flow.yml", "line": 1, "column": 1, "label": "in this home"
        }]);
        assert_eq!(lines[0]["also"], also);
        assert_eq!((&lines[1]["file"], &lines[1]["also"]), (&Value::Null, &json!([])));
    }

    #[test]
    fn progress_is_throttled_and_quiet_keeps_failures() {
        let settings = |quiet| Settings { format: LogFormat::Json, quiet, least: Severity::Info };
        let at = Instant::now();
        let progress =
            Said::Event(Event::Progress { name: name("crm", "users"), rows: 1, bytes: 2 });
        let mut json = Json::new(Box::new(std::io::sink()), settings(false));
        assert!(json.wanted(at, &progress));
        assert!(!json.wanted(at + Duration::from_millis(999), &progress));
        assert!(json.wanted(at + PROGRESS, &progress));
        let detail =
            Said::Event(Event::Notice { name: None, level: Level::Debug, message: "x".into() });
        assert!(!json.wanted(at, &detail));

        let mut quiet = Json::new(Box::new(std::io::sink()), settings(true));
        let mut report = success("crm", "users", 1);
        assert!(!quiet.wanted(at, &Said::Event(Event::Finished(report.clone()))));
        report.outcome = Outcome::Failed(Arc::new(Fault::cancelled()));
        assert!(quiet.wanted(at, &Said::Event(Event::Finished(report))));
    }
}
