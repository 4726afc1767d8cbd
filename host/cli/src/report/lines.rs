//! Events told as lines. The terminal and the log file show the same lines; each leaves out what
//! it does not want.

use std::collections::HashMap;
use std::time::Instant;

use hygge_core::contract::Mode;
use hygge_core::engine::event::{EntityName, EntityReport, Event, Level, Outcome};
use hygge_core::project::plan::LogLevel;

use super::fault;
use super::format::{bytes, count, counted, duration, rate};
use super::style::{BAD, BEGIN, FAINT, GOOD, LABEL, WARN, paint};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// For those who look closely.
    Debug,
    /// What a person wants to know.
    Info,
    /// What may need a person.
    Warning,
    /// What went wrong.
    Error,
}

impl Severity {
    /// The word in the log file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl From<LogLevel> for Severity {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warning => Self::Warning,
            LogLevel::Error => Self::Error,
        }
    }
}

/// One line, without its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// How much it matters.
    pub severity: Severity,
    /// What it says, with escape codes for colours.
    pub text: String,
}

impl Line {
    /// A line of that severity.
    pub(crate) fn new(severity: Severity, text: impl Into<String>) -> Self {
        Self { severity, text: text.into() }
    }
}

/// Rows between two milestone lines of an entity.
const MILESTONE: u64 = 1_000_000;

/// Turns events into lines; remembers of running entities what milestones need.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    running: HashMap<EntityName, Running>,
}

#[derive(Debug)]
struct Running {
    /// When this attempt began to read.
    since: Instant,
    /// Milestones told so far.
    told: u64,
}

impl Narrator {
    /// The lines for an event heard at `at`; none for those that only move progress bars.
    pub(crate) fn tell(&mut self, at: Instant, event: &Event) -> Vec<Line> {
        match event {
            Event::RunStarted { entities, concurrency } => vec![Line::new(
                Severity::Info,
                format!(
                    "running {}, {concurrency} at a time",
                    counted(*entities as u64, "entity", "entities")
                ),
            )],
            Event::Recovered { name, rows } => vec![tagged(
                Severity::Info,
                name,
                format!(
                    "finished the load that an earlier run left staged: {}",
                    counted(*rows, "row", "rows")
                ),
            )],
            Event::Started { name, index, of, source, destination, mode, since } => {
                self.running.insert(name.clone(), Running { since: at, told: 0 });
                let how = match since {
                    Some(value) => format!("{} from {value}", mode_word(*mode)),
                    None => mode_word(*mode).to_owned(),
                };
                let route = paint(FAINT, format!("{source} → {destination} ({how})"));
                let text =
                    format!("{}  {route}", step(*index, *of, paint(BEGIN, "STARTING"), name));
                vec![Line::new(Severity::Info, text)]
            }
            Event::Opened { name, rows } => {
                if let Some(running) = self.running.get_mut(name) {
                    *running = Running { since: at, told: 0 };
                }
                let rows = rows.map_or_else(
                    || "an unknown number of rows".to_owned(),
                    |rows| counted(rows, "row", "rows"),
                );
                vec![tagged(Severity::Debug, name, format!("reading {rows}"))]
            }
            Event::Progress { name, rows, .. } => {
                self.milestone(at, name, *rows).into_iter().collect()
            }
            Event::Staged { name, rows } => vec![tagged(
                Severity::Debug,
                name,
                format!("staged {}, publishing", counted(*rows, "row", "rows")),
            )],
            Event::Retrying { name, attempt, wait, fault } => vec![tagged(
                Severity::Warning,
                name,
                paint(
                    WARN,
                    format!(
                        "attempt {attempt} failed, next in {}: {}",
                        duration(*wait),
                        fault.chain()
                    ),
                ),
            )],
            Event::Notice { name, level, message } => vec![notice(name.as_ref(), *level, message)],
            Event::Finished(report) => {
                self.running.remove(&report.name);
                finished(report)
            }
            Event::RunFinished(_) => Vec::new(),
        }
    }

    fn milestone(&mut self, at: Instant, name: &EntityName, rows: u64) -> Option<Line> {
        let running = self.running.get_mut(name)?;
        let reached = rows / MILESTONE;
        if reached <= running.told {
            return None;
        }
        running.told = reached;
        let mut text = format!("{} rows", count(reached * MILESTONE));
        if let Some(rate) = rate(rows, at.saturating_duration_since(running.since)) {
            text.push_str(" · ");
            text.push_str(&rate);
        }
        Some(tagged(Severity::Info, name, text))
    }
}

/// `replace` or `append`.
pub(crate) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Replace => "replace",
        Mode::Append => "append",
    }
}

/// `[flow] …`
fn tagged(severity: Severity, name: &EntityName, text: impl std::fmt::Display) -> Line {
    Line::new(severity, format!("{} {text}", tag(name)))
}

/// The bracketed name at the head of a line.
pub(crate) fn tag(name: &EntityName) -> impl std::fmt::Display {
    paint(LABEL, format!("[{}]", name.label()))
}

/// `[1 of 3] STARTING flow sales_orders`
fn step(index: usize, of: usize, word: impl std::fmt::Display, name: &EntityName) -> String {
    format!("[{index} of {of}] {word} flow {}", name.label())
}

fn notice(name: Option<&EntityName>, level: Level, message: &str) -> Line {
    let (severity, text) = match level {
        Level::Debug => (Severity::Debug, paint(FAINT, message).to_string()),
        Level::Info => (Severity::Info, message.to_owned()),
        Level::Warn => (Severity::Warning, paint(WARN, message).to_string()),
    };
    match name {
        Some(name) => tagged(severity, name, text),
        None => Line::new(severity, text),
    }
}

fn finished(report: &EntityReport) -> Vec<Line> {
    let EntityReport { name, index, of, .. } = report;
    let took = duration(report.elapsed);
    match &report.outcome {
        Outcome::Success => {
            let mut text = format!(
                "{}  {}",
                step(*index, *of, paint(GOOD, "FINISHED"), name),
                counted(report.rows, "row", "rows")
            );
            if report.parts > 0 {
                text.push_str(&format!(
                    " · {} · {}",
                    bytes(report.bytes),
                    counted(report.parts, "file", "files")
                ));
            }
            text.push_str(&format!(" · {took}"));
            vec![Line::new(Severity::Info, text)]
        }
        Outcome::Skipped(why) => vec![Line::new(
            Severity::Info,
            format!("{}  {why}", step(*index, *of, paint(WARN, "SKIPPED"), name)),
        )],
        Outcome::Failed(fault) => {
            let head = format!("{}  after {took}", step(*index, *of, paint(BAD, "FAILED"), name));
            std::iter::once(Line::new(Severity::Error, head))
                .chain(
                    fault::lines(fault).into_iter().map(|text| tagged(Severity::Error, name, text)),
                )
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use hygge_core::fault::Fault;
    use hygge_core::watermark::Watermark;

    use super::*;
    use crate::report::style::plain;
    use crate::report::test_support::{name, success};

    fn shown(lines: &[Line]) -> String {
        lines
            .iter()
            .map(|line| format!("{} {}\n", line.severity.as_str(), plain(&line.text)))
            .collect()
    }

    #[test]
    fn a_run_reads_as_a_story() {
        let mut narrator = Narrator::default();
        let start = Instant::now();
        let users = name("crm", "users");
        let mut failed = success("crm", "orders", 0);
        failed.outcome = Outcome::Failed(Arc::new(
            Fault::data("data/in/orders/1.parquet is not a Parquet file")
                .because(Fault::data("no magic bytes at its end"))
                .with_help("remove it or copy it again"),
        ));
        let mut skipped = success("crm", "crm", 0);
        skipped.outcome = Outcome::Skipped("nothing new".into());
        let events = [
            Event::RunStarted { entities: 3, concurrency: 2 },
            Event::Started {
                name: users.clone(),
                index: 1,
                of: 3,
                source: "data/in/users".into(),
                destination: "data/out/users".into(),
                mode: Mode::Append,
                since: Some(Watermark::Int(41)),
            },
            Event::Opened { name: users.clone(), rows: Some(2_400_000) },
            Event::Progress { name: users.clone(), rows: 900_000, bytes: 1 },
            Event::Notice { name: None, level: Level::Warn, message: "low on disk".into() },
            Event::Progress { name: users.clone(), rows: 2_400_000, bytes: 2 },
            Event::Staged { name: users, rows: 2_400_000 },
            Event::Finished(success("crm", "users", 2_400_000)),
            Event::Finished(failed),
            Event::Finished(skipped),
        ];
        let mut text = String::new();
        for (second, event) in events.iter().enumerate() {
            let at = start + Duration::from_secs(second as u64);
            text.push_str(&shown(&narrator.tell(at, event)));
        }
        insta::assert_snapshot!(text, @r"
        INFO running 3 entities, 2 at a time
        INFO [1 of 3] STARTING flow crm_users  data/in/users → data/out/users (append from 41)
        DEBUG [crm_users] reading 2,400,000 rows
        WARN low on disk
        INFO [crm_users] 2,000,000 rows · 800,000 rows/s
        DEBUG [crm_users] staged 2,400,000 rows, publishing
        INFO [1 of 3] FINISHED flow crm_users  2,400,000 rows · 24.0 MB · 2 files · 1.5s
        ERROR [1 of 3] FAILED flow crm_orders  after 1.5s
        ERROR [crm_orders] data/in/orders/1.parquet is not a Parquet file
        ERROR [crm_orders] because: no magic bytes at its end
        ERROR [crm_orders] what to do: remove it or copy it again
        INFO [1 of 3] SKIPPED flow crm  nothing new
        ");
    }

    #[test]
    fn a_milestone_is_told_once_and_a_new_attempt_begins_anew() {
        let mut narrator = Narrator::default();
        let at = Instant::now();
        let users = name("crm", "users");
        let progress = |rows| Event::Progress { name: users.clone(), rows, bytes: 0 };
        // Progress of an entity that never started is no reason to fail.
        assert_eq!(narrator.tell(at, &progress(5_000_000)), []);
        narrator.running.insert(users.clone(), Running { since: at, told: 0 });
        assert_eq!(narrator.tell(at, &progress(1_000_000)).len(), 1);
        assert_eq!(narrator.tell(at, &progress(1_999_999)).len(), 0);
        narrator.tell(at, &Event::Opened { name: users.clone(), rows: None });
        assert_eq!(narrator.tell(at, &progress(1_000_000)).len(), 1);
    }
}
