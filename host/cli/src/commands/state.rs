//! `hygge state`: where incremental runs go on.

use std::fmt::Write as _;
use std::process::ExitCode;

use hygge_core::fault::Fault;
use hygge_core::project::keys::nearest;
use hygge_core::project::plan::{EntityPlan, Plan};
use hygge_core::watermark::{Watermark, WatermarkSpec};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::runs::{journal_time, local};
use super::table::{Column, Table};
use super::{blocking, load, open_journal, runtime};
use crate::args::{Global, StateAction, WatermarkType};
use crate::failure::{Failure, print, remark};
use crate::report::style::{GOOD, paint};
use hygge_core::journal::Journal;
use hygge_core::project::Request;

/// Does what is asked for.
pub(super) fn state(action: StateAction, global: &Global) -> Result<ExitCode, Failure> {
    let plan = load(global, &Request::default())?;
    let runtime = runtime()?;
    let text = match action {
        StateAction::Get { name, json } => runtime.block_on(get(&plan, name.as_deref(), json))?,
        StateAction::Set { name, value, kind, json } => {
            runtime.block_on(set(&plan, &name, &value, kind, json))?
        }
        StateAction::Clear { name, json } => runtime.block_on(clear(&plan, &name, json))?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Where one entity stands.
struct State<'a> {
    entity: &'a EntityPlan,
    /// The watermark of the last success, and when that was.
    last: Option<(Watermark, Timestamp)>,
}

impl State<'_> {
    fn object(&self) -> serde_json::Value {
        let spec = self.entity.watermark.as_ref();
        let last = self.last.as_ref();
        json!({
            "flow": &*self.entity.name.flow,
            "entity": &*self.entity.name.entity,
            "primary_key": spec.map(|spec| &spec.primary_key),
            "watermark_column": spec.map(|spec| &spec.column),
            "watermark_type": last.map(|(watermark, _)| watermark.type_name()),
            "watermark": last.map(|(watermark, _)| watermark.to_string()),
            "finish_time": last.map(|(_, time)| journal_time(*time)),
        })
    }
}

async fn get(plan: &Plan, name: Option<&str>, json: bool) -> Result<String, Fault> {
    let entities = match name {
        Some(name) => named(plan, name)?,
        None => plan.entities.iter().filter(|entity| entity.watermark.is_some()).collect(),
    };
    let root = plan.root.clone();
    let journal = blocking(move || Journal::read_only(&root)).await?;
    let mut states = Vec::new();
    for entity in entities {
        let success = journal.last_success(&entity.name, entity.journal.as_deref()).await?;
        let last = success.and_then(|last| Some((last.watermark?, last.run.finish_time)));
        states.push(State { entity, last });
    }
    if json {
        return Ok(lines(&states));
    }
    if states.is_empty() {
        remark("no entity has a `watermark:`, so every run loads everything");
        return Ok(String::new());
    }
    let zone = TimeZone::system();
    let mut table = Table::new(vec![
        Column::text("FLOW"),
        Column::text("ENTITY"),
        Column::text("COLUMN"),
        Column::text("WATERMARK"),
        Column::text("SINCE"),
    ]);
    for state in &states {
        let column = state.entity.watermark.as_ref().map_or("", |spec| spec.column.as_str());
        let (watermark, time) = match &state.last {
            Some((watermark, time)) => (watermark.to_string(), local(*time, &zone)),
            None => ("none".to_owned(), String::new()),
        };
        table.push(vec![
            (*state.entity.name.flow).into(),
            (*state.entity.name.entity).into(),
            column.into(),
            watermark.into(),
            time.into(),
        ]);
    }
    Ok(table.render())
}

async fn set(
    plan: &Plan,
    name: &str,
    value: &str,
    kind: Option<WatermarkType>,
    json: bool,
) -> Result<String, Fault> {
    let entity = one(plan, name)?;
    let spec = spec(entity)?;
    let journal = open_journal(plan, "hygge state set").await?;
    let folder = entity.journal.as_deref();
    let earlier = journal.last_success(&entity.name, folder).await?.and_then(|last| last.watermark);
    let watermark = read_watermark(value, kind, earlier.as_ref())?;
    journal.set_watermark(&entity.name, folder, spec, watermark.clone()).await?;
    Ok(if json {
        lines(&[State { entity, last: Some((watermark, Timestamp::now())) }])
    } else {
        format!(
            "{} the next incremental run of {} goes on from {} {watermark}\n",
            paint(GOOD, "✓"),
            entity.name.label(),
            spec.column
        )
    })
}

async fn clear(plan: &Plan, name: &str, json: bool) -> Result<String, Fault> {
    let entities: Vec<(&EntityPlan, &WatermarkSpec)> = named(plan, name)?
        .into_iter()
        .filter_map(|entity| Some((entity, entity.watermark.as_ref()?)))
        .collect();
    if entities.is_empty() {
        return Err(no_watermark(name));
    }
    let journal = open_journal(plan, "hygge state clear").await?;
    let mut text = String::new();
    for (entity, spec) in entities {
        journal.clear_watermark(&entity.name, entity.journal.as_deref(), spec).await?;
        if json {
            text.push_str(&lines(&[State { entity, last: None }]));
        } else {
            let _ = writeln!(
                text,
                "{} the next incremental run of {} loads everything",
                paint(GOOD, "✓"),
                entity.name.label()
            );
        }
    }
    Ok(text)
}

fn lines(states: &[State<'_>]) -> String {
    states.iter().map(|state| format!("{}\n", state.object())).collect()
}

/// The entities that `flow` or `flow.entity` names.
fn named<'a>(plan: &'a Plan, name: &str) -> Result<Vec<&'a EntityPlan>, Fault> {
    let found: Vec<&EntityPlan> =
        plan.entities.iter().filter(|entity| is_called(entity, name)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let known: Vec<String> = plan.entities.iter().map(full_name).collect();
    let flows = plan.entities.iter().map(|entity| &*entity.name.flow);
    let near = nearest(name, known.iter().map(String::as_str).chain(flows));
    let fault = Fault::config(format!("there is no flow or entity `{name}`"));
    Err(match near {
        Some(near) => fault.with_help(format!("did you mean `{near}`?")),
        None => fault.with_help("`hygge debug` lists the entities of this project"),
    })
}

fn is_called(entity: &EntityPlan, name: &str) -> bool {
    *entity.name.flow == *name || full_name(entity) == name || entity.name.label() == name
}

fn full_name(entity: &EntityPlan) -> String {
    format!("{}.{}", entity.name.flow, entity.name.entity)
}

/// The one entity that `name` names.
fn one<'a>(plan: &'a Plan, name: &str) -> Result<&'a EntityPlan, Fault> {
    match named(plan, name)?.as_slice() {
        [one] => Ok(one),
        several => {
            let names: Vec<String> =
                several.iter().take(5).map(|entity| full_name(entity)).collect();
            Err(Fault::config(format!("flow `{name}` has {} entities", several.len()))
                .with_help(format!("name one of them: {}", names.join(", "))))
        }
    }
}

fn spec(entity: &EntityPlan) -> Result<&WatermarkSpec, Fault> {
    entity.watermark.as_ref().ok_or_else(|| no_watermark(&entity.name.label()))
}

fn no_watermark(name: &str) -> Fault {
    Fault::config(format!("{name} has no watermark: it always loads everything")).with_help(
        "give the flow or the entity a `watermark:` with `primary_key` and `watermark_column`",
    )
}

/// Reads a watermark as the type asked for, else as that of the last one, else as what it looks
/// like.
fn read_watermark(
    text: &str,
    kind: Option<WatermarkType>,
    earlier: Option<&Watermark>,
) -> Result<Watermark, Fault> {
    let (wanted, why) = match (kind, earlier) {
        (Some(kind), _) => (kind.as_str(), "--type asks for"),
        (None, Some(earlier)) => (earlier.type_name(), "the last watermark has"),
        (None, None) => return Ok(Watermark::guess(text)),
    };
    Watermark::parse(wanted, text).map_err(|error| {
        Fault::config(error.to_string()).with_help(format!(
            "{why} the type {wanted}: correct the value, or choose another with --type"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_is_read_as_what_it_should_be() {
        let int = Watermark::Int(5);
        let text = Watermark::String("5".into());
        assert_eq!(read_watermark("5", None, None).unwrap(), int);
        assert_eq!(read_watermark("5", None, Some(&Watermark::String("a".into()))).unwrap(), text);
        assert_eq!(read_watermark("5", Some(WatermarkType::String), Some(&int)).unwrap(), text);
        let date = read_watermark("2026-01-01T00:41:39", None, None).unwrap();
        assert_eq!(date.type_name(), "datetime");
        assert_eq!(read_watermark("abc", None, None).unwrap().type_name(), "string");
        let fault = read_watermark("abc", None, Some(&int)).unwrap_err();
        assert!(fault.help().unwrap().contains("the last watermark has the type int"));
    }
}
