//! `hygge runs`: what the journal remembers.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anstyle::Style;
use hygge_core::fault::Fault;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::table::{Cell, Column, Table};
use super::{journal_folders, load, runtime};
use crate::args::{Global, RunsArgs};
use crate::failure::{Failure, print, remark};
use crate::report::format::{count, duration};
use crate::report::style::{BAD, GOOD, WARN};
use crate::stand_in::journal::{EntityRun, Filter, Journal};
use crate::stand_in::project::Request;

/// Prints the newest runs, newest last.
pub(super) fn runs(args: RunsArgs, global: &Global) -> Result<ExitCode, Failure> {
    let plan = load(global, &Request::default())?;
    let json = args.json;
    let filter = filter(args);
    let runs = runtime()?.block_on(async {
        let journal = Journal::read_only(&plan.root).await?;
        journal.history(&journal_folders(&plan), &filter).await
    });
    let runs = runs.map_err(Fault::from)?;
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

fn filter(args: RunsArgs) -> Filter {
    let mut filter = Filter { flow: args.flow, entity: args.entity, last: Some(args.last.get()) };
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
            local(&run.finish_time, zone).into(),
            run.flow.as_str().into(),
            run.entity.as_str().into(),
            Cell::styled(run.status.as_str(), status_style(&run.status)),
            run.run_type.as_str().into(),
            run.row_count.map_or_else(String::new, rows).into(),
            run.duration.and_then(took).unwrap_or_default().into(),
            run.watermark.clone().unwrap_or_default().into(),
            run.message.clone().unwrap_or_default().into(),
        ]);
    }
    table.render()
}

/// A time of the journal on the user's clock; as it stands where it is no time.
fn local(text: &str, zone: &TimeZone) -> String {
    text.parse::<Timestamp>().map_or_else(
        |_| text.to_owned(),
        |time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn status_style(status: &str) -> Style {
    match status {
        "success" => GOOD,
        "fail" => BAD,
        _ => WARN,
    }
}

fn rows(number: i64) -> String {
    u64::try_from(number).map_or_else(|_| number.to_string(), count)
}

fn took(seconds: f64) -> Option<String> {
    Duration::try_from_secs_f64(seconds).ok().map(duration)
}

/// The run with the journal's own names.
fn object(run: &EntityRun) -> Value {
    json!({
        "entity_run_id": run.entity_run_id,
        "coordinator_run_id": run.coordinator_run_id,
        "flow_run_id": run.flow_run_id,
        "coordinator": run.coordinator,
        "flow": run.flow,
        "entity": run.entity,
        "start_time": run.start_time,
        "finish_time": run.finish_time,
        "status": run.status,
        "run_type": run.run_type,
        "row_count": run.row_count,
        "duration": run.duration,
        "primary_key": run.primary_key,
        "watermark_column": run.watermark_column,
        "watermark_type": run.watermark_type,
        "watermark": run.watermark,
        "message": run.message,
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

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

    #[test]
    fn runs_are_a_table_and_odd_values_stay_as_they_are() {
        let run = EntityRun {
            flow: "crm".into(),
            entity: "users".into(),
            finish_time: "2026-11-21T02:06:07.122348+00:00".into(),
            status: "success".into(),
            run_type: "incremental".into(),
            row_count: Some(1_234_567),
            duration: Some(2.5),
            watermark: Some("2026-01-01T00:41:39".into()),
            ..EntityRun::default()
        };
        let odd = EntityRun {
            finish_time: "yesterday".into(),
            status: "fail".into(),
            row_count: Some(-1),
            duration: Some(f64::NAN),
            message: Some("two\nlines".into()),
            ..run.clone()
        };
        insta::assert_snapshot!(plain(&table(&[run, odd], &TimeZone::UTC)), @r"
        FINISHED             FLOW  ENTITY  STATUS   RUN TYPE          ROWS  TOOK  WATERMARK            MESSAGE
        2026-11-21 02:06:07  crm   users   success  incremental  1,234,567  2.5s  2026-01-01T00:41:39
        yesterday            crm   users   fail     incremental         -1        2026-01-01T00:41:39  two lines
        ");
    }
}
