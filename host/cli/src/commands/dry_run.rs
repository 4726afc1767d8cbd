//! `hygge go --dry-run`: what would run, touching nothing.

use std::collections::HashSet;
use std::fmt::{Display, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use hygge_core::contract::{DestinationPlan, ReadRequest, Since, SourcePlan, StorePlanRequest};
use hygge_core::engine::event::EntityName;
use hygge_core::fault::Fault;
use hygge_core::project::plan::{EntityPlan, Plan, RunType};
use serde_json::{Value, json};

use super::columns::{Difference, outline};
use super::{for_each, guests, runtime};
use crate::args::LogFormat;
use crate::failure::{Failure, print};
use crate::report::format::{bytes, count, counted};
use crate::report::style::{BAD, FAINT, GOOD, WARN, paint};
use crate::report::{fault, fault_object, mode_word, tag};
use hygge_core::journal::{Journal, Resume};

/// What one entity would do.
struct Preview {
    entity: EntityPlan,
    /// A load of an earlier run is staged and would be finished first.
    pending: bool,
    /// Rows that an interrupted load has made durable already.
    kept: Option<u64>,
    resume: Option<Resume>,
    source: Option<SourcePlan>,
    destination: DestinationPlan,
}

/// Shows what would run.
pub(super) fn dry_run(plan: &Plan, format: LogFormat) -> Result<ExitCode, Failure> {
    let journal = Journal::read_only(&plan.root).map_err(Fault::from)?;
    let previews = runtime()?.block_on(previews(plan, journal))?;
    let text = match format {
        LogFormat::Text => describe_all(plan, &previews),
        LogFormat::Json => objects(plan, &previews),
    };
    print(&text)?;
    let well = previews.iter().all(Result::is_ok);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One for each entity, in their order.
async fn previews(plan: &Plan, journal: Journal) -> Result<Vec<Result<Preview, Fault>>, Fault> {
    let pending: HashSet<EntityName> =
        journal.pending()?.iter().map(|pending| pending.name().clone()).collect();
    let previews = for_each(&plan.entities, |entity| {
        let pending = pending.contains(&entity.name);
        preview(entity, journal.clone(), pending)
    });
    Ok(previews.await)
}

async fn preview(entity: EntityPlan, journal: Journal, pending: bool) -> Result<Preview, Fault> {
    let resume = match &entity.watermark {
        Some(spec) if entity.run_type == RunType::Incremental => {
            Some(journal.resume_from(&entity.name, entity.journal.as_deref(), spec).await?)
        }
        _ => None,
    };
    let column = entity.watermark.as_ref().map(|spec| spec.column.clone());
    let since = match (&resume, &column) {
        (Some(Resume::Since(value, _)), Some(column)) => {
            Some(Since { column: column.clone(), value: value.clone() })
        }
        _ => None,
    };
    let key_columns = entity.watermark.as_ref().map(|spec| spec.key_columns()).unwrap_or_default();
    let terms = entity.store.terms(entity.mode);
    let request = ReadRequest { since, watermark_column: column, key_columns, terms, resume: None };
    let source = entity.home.plan(&request).await?;
    let request = StorePlanRequest {
        schema: source.as_ref().map(|source| Arc::clone(&source.schema)),
        mode: entity.mode,
    };
    let destination = entity.store.plan(&request).await?;
    let kept = journal.checkpoint_of(&entity.name).map(|checkpoint| checkpoint.rows);
    Ok(Preview { entity, pending, kept, resume, source, destination })
}

impl Preview {
    /// Where it goes on, in words; the second is true for a warning.
    fn goes_on(&self) -> Option<(String, bool)> {
        let column = self.entity.watermark.as_ref().map_or("", |spec| spec.column.as_str());
        Some(match self.resume.as_ref()? {
            Resume::Since(value, _) => (format!("from {column} {value}"), false),
            Resume::First => (format!("the first load: all rows, then on by {column}"), false),
            Resume::Full { why } => (format!("all rows: {why}"), true),
        })
    }

    fn columns(&self) -> Option<Vec<String>> {
        let source = self.source.as_ref().map(|source| source.schema.as_ref());
        let after = self.destination.future.as_deref().or(source)?;
        Some(match &self.destination.current {
            None => vec![format!("a new table: {}", outline(after))],
            Some(current) => {
                let difference = Difference::between(current, after);
                if difference.is_empty() {
                    vec!["as they are".to_owned()]
                } else {
                    difference.lines()
                }
            }
        })
    }
}

fn describe_all(plan: &Plan, previews: &[Result<Preview, Fault>]) -> String {
    let mut text: String = plan
        .entities
        .iter()
        .zip(previews)
        .map(|(entity, preview)| describe(entity, preview))
        .collect();
    for connector in guests::in_use(plan) {
        let _ = writeln!(text, "{}  {}", connector.title(), paint(FAINT, connector.origin()));
        for (what, rights) in connector.rights() {
            let _ = writeln!(text, "  {}  {rights}", paint(FAINT, format!("{what:8}")));
        }
        if let Some(lacks) = connector.lacks() {
            let _ = writeln!(text, "  {}", paint(WARN, format!("was not granted {lacks}")));
        }
        text.push('\n');
    }
    let verdict = match previews.iter().filter(|preview| preview.is_err()).count() {
        0 => paint(GOOD, "nothing stands in the way".to_owned()),
        faults => paint(BAD, format!("{} cannot run", count(faults as u64))),
    };
    let _ = writeln!(
        text,
        "{}, {} at a time · {verdict}\n{}",
        counted(plan.entities.len() as u64, "entity", "entities"),
        plan.options.concurrency,
        paint(FAINT, "dry run: nothing was moved, written or made")
    );
    text
}

fn describe(entity: &EntityPlan, preview: &Result<Preview, Fault>) -> String {
    let mut text =
        format!("{} {} → {}\n", tag(&entity.name), entity.home.location(), entity.store.location());
    let mut item = |title: &str, value: &dyn Display| {
        let _ = writeln!(text, "  {}  {value}", paint(FAINT, format!("{title:8}")));
    };
    item("run", &format!("{}, {}", entity.run_type.as_str(), mode_word(entity.mode)));
    match preview {
        Ok(preview) => {
            if preview.pending {
                item("first", &paint(WARN, "finishes the load that an earlier run left staged"));
            }
            if let Some(rows) = preview.kept {
                let rows = counted(rows, "row", "rows");
                let words =
                    format!("behind {rows} of an interrupted load, if it is the same still");
                item("goes on", &words);
            }
            match preview.goes_on() {
                Some((words, true)) => item("goes on", &paint(WARN, words)),
                Some((words, false)) => item("goes on", &words),
                None => {}
            }
            item("reads", &source_words(preview.source.as_ref(), preview.resume.as_ref()));
            item("writes", &destination_words(&preview.destination));
            for (place, line) in preview.columns().unwrap_or_default().iter().enumerate() {
                item(if place == 0 { "columns" } else { "" }, line);
            }
        }
        Err(fault) => {
            for (place, line) in fault::lines(fault).iter().enumerate() {
                item(if place == 0 { "✗" } else { "" }, line);
            }
        }
    }
    text.push('\n');
    text
}

fn source_words(source: Option<&SourcePlan>, resume: Option<&Resume>) -> String {
    let Some(source) = source else {
        return "cannot be told without reading".to_owned();
    };
    let mut parts = Vec::new();
    if let Some(rows) = source.rows {
        let at_most = if matches!(resume, Some(Resume::Since(..))) { "at most " } else { "" };
        parts.push(format!("{at_most}{}", counted(rows, "row", "rows")));
    }
    parts.extend(source.bytes.map(bytes));
    parts.extend(Some(source.note.clone()).filter(|note| !note.is_empty()));
    if parts.is_empty() { "all there is".to_owned() } else { parts.join(" · ") }
}

fn destination_words(destination: &DestinationPlan) -> String {
    let mut parts = Vec::new();
    parts.extend(Some(destination.note.clone()).filter(|note| !note.is_empty()));
    parts.push(match (destination.rows, &destination.current) {
        (Some(rows), _) => format!("{} there now", counted(rows, "row", "rows")),
        (None, Some(_)) => "a table is there now".to_owned(),
        (None, None) => "nothing there now".to_owned(),
    });
    parts.join(" · ")
}

/// One object a line: the connectors in use, then the entities.
fn objects(plan: &Plan, previews: &[Result<Preview, Fault>]) -> String {
    let connectors = guests::in_use(plan).into_iter().map(|connector| connector.object());
    let entities = plan.entities.iter().zip(previews);
    let entities = entities.map(|(entity, preview)| object(entity, preview));
    connectors.chain(entities).map(|object| format!("{object}\n")).collect()
}

fn object(entity: &EntityPlan, preview: &Result<Preview, Fault>) -> Value {
    let mut object = json!({
        "event": "plan",
        "flow": &*entity.name.flow,
        "entity": &*entity.name.entity,
        "source": entity.home.location(),
        "destination": entity.store.location(),
        "run_type": entity.run_type.as_str(),
        "mode": mode_word(entity.mode),
    });
    let fields = match preview {
        Err(fault) => json!({ "error": fault_object(fault) }),
        Ok(preview) => {
            let since = match &preview.resume {
                Some(Resume::Since(value, _)) => Some(value.to_string()),
                _ => None,
            };
            json!({
                "pending": preview.pending,
                "kept_rows": preview.kept,
                "since": since,
                "rows": preview.source.as_ref().and_then(|source| source.rows),
                "bytes": preview.source.as_ref().and_then(|source| source.bytes),
                "reads": preview.source.as_ref().map(|source| &source.note),
                "writes": preview.destination.note,
                "rows_there": preview.destination.rows,
                "columns": preview.columns(),
            })
        }
    };
    if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
        object.extend(fields);
    }
    object
}

#[cfg(test)]
mod tests {
    use arrow_schema::DataType;
    use hygge_core::contract::Mode;
    use hygge_core::watermark::{Watermark, WatermarkSpec};

    use super::*;
    use crate::commands::test_support::{broken, destination, entity, foreign, plan, source};
    use crate::report::style::plain;

    fn shown(plan: &Plan, previews: &[Result<Preview, Fault>]) -> String {
        plain(&describe_all(plan, previews))
    }

    #[tokio::test]
    async fn each_entity_says_what_it_would_do() {
        let columns = [("id", DataType::Int64), ("name", DataType::Utf8)];
        let before =
            [("id", DataType::Int32), ("name", DataType::LargeUtf8), ("x", DataType::Int8)];
        let plan = plan(vec![
            entity("new", source(&columns), destination(&[])),
            entity("same", source(&columns), destination(&columns)),
            entity("other", source(&columns), destination(&before)),
            entity("bad", broken("source"), destination(&[])),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::read_only(folder.path()).unwrap();
        let previews = previews(&plan, journal).await.unwrap();
        insta::assert_snapshot!(shown(&plan, &previews), @r"
        [crm_new] data/source → data/destination
          run       full_drop, replace
          reads     1,234 rows · 56.0 kB · 2 files
          writes    swap 2 files · nothing there now
          columns   a new table: id int64, name text

        [crm_same] data/source → data/destination
          run       full_drop, replace
          reads     1,234 rows · 56.0 kB · 2 files
          writes    swap 2 files · 7 rows there now
          columns   as they are

        [crm_other] data/source → data/destination
          run       full_drop, replace
          reads     1,234 rows · 56.0 kB · 2 files
          writes    swap 2 files · 7 rows there now
          columns   - x int8
                    ~ id int32 → int64

        [crm_bad] data/source → data/destination
          run       full_drop, replace
          ✗         data/source is not there
                    what to do: correct `path` in flow.yml

        4 entities, 8 at a time · 1 cannot run
        dry run: nothing was moved, written or made
        ");
        let json = parsed(&objects(&plan, &previews));
        assert_eq!(json[0]["rows"], 1234);
        assert_eq!(json[3]["error"]["message"], "data/source is not there");
    }

    fn parsed(lines: &str) -> Vec<Value> {
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn connectors_are_told_with_their_rights() {
        let plan = plan(vec![entity("users", foreign(&[]), destination(&[]))]);
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::read_only(folder.path()).unwrap();
        let previews = previews(&plan, journal).await.unwrap();
        let text = shown(&plan, &previews);
        assert!(text.contains("connector shop 1.2.0  connectors/shop.wasm"), "{text}");
        assert!(text.contains("was not granted hosts a.example: add them to"), "{text}");
        let json = parsed(&objects(&plan, &previews));
        assert_eq!(json[0]["event"], "connector");
        assert_eq!(json[0]["flows"], json!(["crm"]));
        assert_eq!(json[0]["asks"]["hosts"], json!(["a.example"]));
        assert_eq!(json[0]["has"]["limits"]["memory"], "64 MB");
        assert_eq!(json[1]["event"], "plan");
    }

    #[test]
    fn an_incremental_entity_says_where_it_goes_on() {
        let mut entity = entity("users", source(&[]), destination(&[]));
        entity.run_type = RunType::Incremental;
        entity.mode = Mode::Append;
        entity.watermark =
            Some(WatermarkSpec { primary_key: "id".into(), column: "updated_at".into() });
        let words = |resume| {
            let preview = Preview {
                entity: entity.clone(),
                pending: true,
                kept: Some(1_500),
                resume: Some(resume),
                source: None,
                destination: DestinationPlan::default(),
            };
            plain(&describe(&entity, &Ok(preview)))
        };
        insta::assert_snapshot!(words(Resume::Since(Watermark::Int(41), None)), @r"
        [crm_users] data/source → data/destination
          run       incremental, append
          first     finishes the load that an earlier run left staged
          goes on   behind 1,500 rows of an interrupted load, if it is the same still
          goes on   from updated_at 41
          reads     cannot be told without reading
          writes    nothing there now
        ");
        let changed = words(Resume::Full { why: "the primary key changed".into() });
        assert!(changed.contains("all rows: the primary key changed"), "{changed}");
        assert!(words(Resume::First).contains("the first load"));
    }
}
