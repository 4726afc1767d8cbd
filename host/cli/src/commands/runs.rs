//! `hygge runs`: what the journal remembers.

use std::fmt::Write as _;
use std::process::ExitCode;

use anstyle::Style;
use hygge_core::fault::Fault;
use hygge_core::watermark::Watermark;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::table::{Cell, Column, Table};
use super::{journal_folders, load, runtime};
use crate::args::{Global, RunsArgs};
use crate::failure::{Failure, print, remark};
use crate::report::format::{count, duration, seconds};
use crate::report::style::{BAD, GOOD, WARN};
use hygge_core::journal::{EntityRun, HistoryFilter, Journal, Status};
use hygge_core::project::Request;

/// Prints the newest runs, newest last.
pub(super) fn runs(args: RunsArgs, global: &Global) -> Result<ExitCode, Failure> {
    let plan = load(global, &Request::default())?;
    let json = args.json;
    let filter = filter(args);
    let journal = Journal::read_only(&plan.root).map_err(Fault::from)?;
    let history = journal.history(filter, journal_folders(&plan));
    let runs = runtime()?.block_on(history).map_err(Fault::from)?;
    if json {
        let mut text = String::new();
        for run in &runs {
            let _ = writeln!(text, "{}", object(run));
        }
        print(&text)?;
    } else if runs.is_empty() {
        remark("nothing ran yet");
    } else {
        print(&table(&runs, &TimeZone::system()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn filter(args: RunsArgs) -> HistoryFilter {
    let mut filter =
        HistoryFilter { flow: args.flow, entity: args.entity, last: Some(args.last.get()) };
    // `--entity flow.entity` names both; a flow given beside it stays.
    if let Some((flow, entity)) = filter.entity.as_deref().and_then(|name| name.split_once('.')) {
        let (flow, entity) = (flow.to_owned(), entity.to_owned());
        filter.flow.get_or_insert(flow);
        filter.entity = Some(entity);
    }
    filter
}

fn table(runs: &[EntityRun], zone: &TimeZone) -> String {
    let mut table = Table::new(vec![
        Column::text("FINISHED"),
        Column::text("FLOW"),
        Column::text("ENTITY"),
        Column::text("STATUS"),
        Column::text("RUN TYPE"),
        Column::number("ROWS"),
        Column::number("TOOK"),
        Column::text("WATERMARK"),
        Column::text("MESSAGE"),
    ]);
    for run in runs {
        table.push(vec![
            local(run.finish_time, zone).into(),
            (*run.name.flow).into(),
            (*run.name.entity).into(),
            Cell::styled(run.status.as_str(), status_style(run.status)),
            run.run_type.as_str().into(),
            count(run.rows).into(),
            duration(run.duration).into(),
            run.watermark.as_ref().map(ToString::to_string).unwrap_or_default().into(),
            run.message.clone().unwrap_or_default().into(),
        ]);
    }
    table.render()
}

/// A time on the user's clock.
pub(super) fn local(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time as the journal writes it.
pub(super) fn journal_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

fn status_style(status: Status) -> Style {
    match status {
        Status::Success => GOOD,
        Status::Fail => BAD,
        Status::Skip => WARN,
    }
}

/// The run with the journal's own names.
fn object(run: &EntityRun) -> Value {
    json!({
        "entity_run_id": run.ids.entity,
        "coordinator_run_id": run.ids.coordinator,
        "flow_run_id": run.ids.flow,
        "flow": &*run.name.flow,
        "entity": &*run.name.entity,
        "start_time": journal_time(run.start_time),
        "finish_time": journal_time(run.finish_time),
        "status": run.status.as_str(),
        "run_type": run.run_type.as_str(),
        "row_count": run.rows,
        "duration": seconds(run.duration),
        "primary_key": run.spec.as_ref().map(|spec| &spec.primary_key),
        "watermark_column": run.spec.as_ref().map(|spec| &spec.column),
        "watermark_type": run.watermark.as_ref().map(Watermark::type_name),
        "watermark": run.watermark.as_ref().map(ToString::to_string),
        "message": run.message,
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use hygge_core::contract::RunIds;
    use hygge_core::engine::event::EntityName;
    use hygge_core::project::plan::RunType;
    use hygge_core::watermark::WatermarkSpec;

    use super::*;
    use crate::report::style::plain;

    #[test]
    fn a_name_with_a_dot_is_a_flow_and_an_entity() {
        let args = |flow: Option<&str>, entity: &str| RunsArgs {
            flow: flow.map(Into::into),
            entity: Some(entity.into()),
            last: NonZeroUsize::MIN,
            json: false,
        };
        let both = filter(args(None, "crm.users"));
        assert_eq!((both.flow.as_deref(), both.entity.as_deref()), (Some("crm"), Some("users")));
        let alone = filter(args(None, "users"));
        assert_eq!((alone.flow.as_deref(), alone.entity.as_deref()), (None, Some("users")));
        let beside = filter(args(Some("erp"), "crm.users"));
        assert_eq!(beside.flow.as_deref(), Some("erp"));
    }

    fn run() -> EntityRun {
        EntityRun {
            name: EntityName { flow: "crm".into(), entity: "users".into() },
            ids: RunIds { coordinator: "c0".into(), flow: "f0".into(), entity: "e0".into() },
            start_time: "2026-11-21T02:06:04.6Z".parse().unwrap(),
            finish_time: "2026-11-21T02:06:07.122348Z".parse().unwrap(),
            status: Status::Success,
            run_type: RunType::Incremental,
            rows: 1_234_567,
            duration: Duration::from_millis(2522),
            spec: Some(WatermarkSpec { primary_key: "id".into(), column: "at".into() }),
            watermark: Some(Watermark::Int(41)),
            message: None,
        }
    }

    #[test]
    fn runs_are_a_table() {
        let failed = EntityRun {
            status: Status::Fail,
            rows: 0,
            watermark: None,
            message: Some("two\nlines".into()),
            ..run()
        };
        insta::assert_snapshot!(plain(&table(&[run(), failed], &TimeZone::UTC)), @r"
        FINISHED             FLOW  ENTITY  STATUS   RUN TYPE          ROWS  TOOK  WATERMARK  MESSAGE
        2026-11-21 02:06:07  crm   users   success  incremental  1,234,567  2.5s  41
        2026-11-21 02:06:07  crm   users   fail     incremental          0  2.5s             two lines
        ");
    }

    #[test]
    fn objects_have_the_names_of_the_journal() {
        insta::assert_snapshot!(object(&run()), @r#"{"entity_run_id":"e0","coordinator_run_id":"c0","flow_run_id":"f0","flow":"crm","entity":"users","start_time":"2026-11-21T02:06:04.600000+00:00","finish_time":"2026-11-21T02:06:07.122348+00:00","status":"success","run_type":"incremental","row_count":1234567,"duration":2.522,"primary_key":"id","watermark_column":"at","watermark_type":"int","watermark":"41","message":null}"#);
    }
}
