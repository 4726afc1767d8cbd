//! The closing summary: where each table landed, what failed and why, and the totals.

use std::fmt::Write as _;

use hygge_core::engine::event::{EntityReport, Outcome, RunReport};
use indexmap::IndexMap;

use super::fault;
use super::format::{bytes, count, counted, duration, rate};
use super::lines::mode_word;
use super::style::{BAD, FAINT, GOOD, HEADING, LABEL, WARN, paint};

/// With more entities than this, tables that landed are told flow by flow.
const MANY: usize = 60;

/// How many entities ended how. One that landed with warnings counts as a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Landed.
    pub pass: u64,
    /// Landed, with warnings.
    pub warn: u64,
    /// Failed.
    pub error: u64,
    /// Not run, or nothing to do.
    pub skip: u64,
    /// Rows that landed.
    pub rows: u64,
    /// Bytes that landed.
    pub bytes: u64,
    /// Files written.
    pub parts: u64,
}

impl Tally {
    /// Counts `entities`.
    pub(crate) fn of<'a>(entities: impl IntoIterator<Item = &'a EntityReport>) -> Self {
        let mut tally = Self::default();
        for entity in entities {
            match &entity.outcome {
                Outcome::Success if entity.warnings.is_empty() => tally.pass += 1,
                Outcome::Success => tally.warn += 1,
                Outcome::Skipped(_) => tally.skip += 1,
                Outcome::Failed(_) => tally.error += 1,
            }
            if matches!(entity.outcome, Outcome::Success) {
                tally.rows += entity.rows;
                tally.bytes += entity.bytes;
                tally.parts += entity.parts;
            }
        }
        tally
    }

    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.pass + self.warn + self.error + self.skip
    }
}

/// How much of the summary is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Every table by name, however many there are: for the log file.
    Whole,
    /// Many tables are told flow by flow: for the terminal.
    Readable,
    /// The totals in one line: for `--quiet`, where failures were told as they came.
    Brief,
}

/// The summary of a run, several lines with escape codes for colours.
pub(crate) fn summary(report: &RunReport, extent: Extent) -> String {
    let mut text = String::new();
    let flows = by_flow(report);
    if extent != Extent::Brief {
        landed(&mut text, &flows, extent == Extent::Readable && report.entities.len() > MANY);
        skipped(&mut text, &flows);
        warnings(&mut text, &flows);
        failures(&mut text, &flows);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&last_lines(report, extent));
    text
}

/// Entities of each flow, flows and entities by name whatever the order they ended in.
fn by_flow(report: &RunReport) -> IndexMap<&str, Vec<&EntityReport>> {
    let mut sorted: Vec<&EntityReport> = report.entities.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut flows: IndexMap<&str, Vec<&EntityReport>> = IndexMap::new();
    for entity in sorted {
        flows.entry(&entity.name.flow).or_default().push(entity);
    }
    flows
}

fn landed(text: &mut String, flows: &IndexMap<&str, Vec<&EntityReport>>, fold: bool) {
    let successes = |entities: &[&EntityReport]| -> Vec<EntityReport> {
        entities
            .iter()
            .filter(|entity| matches!(entity.outcome, Outcome::Success))
            .map(|entity| (*entity).clone())
            .collect()
    };
    let mut heading = Heading::new("Landed");
    for (flow, entities) in flows {
        let good = successes(entities);
        if good.is_empty() {
            continue;
        }
        heading.put(text);
        if fold {
            let tally = Tally::of(&good);
            let _ = writeln!(
                text,
                "  {}  {}: {}",
                paint(LABEL, flow),
                counted(good.len() as u64, "table", "tables"),
                amounts(tally.rows, tally.bytes, tally.parts)
            );
            continue;
        }
        let _ = writeln!(text, "  {}", paint(LABEL, flow));
        let name_width = width(&good, |entity| &entity.name.entity);
        let place_width = width(&good, |entity| &entity.destination);
        for entity in &good {
            let _ = write!(
                text,
                "    {:name_width$}  → {:place_width$}  {} · {} · {}",
                entity.name.entity,
                entity.destination,
                mode_word(entity.mode),
                amounts(entity.rows, entity.bytes, entity.parts),
                duration(entity.elapsed),
            );
            if let Some(how) = &entity.how {
                let _ = write!(text, " · {how}");
            }
            text.push('\n');
        }
    }
    if fold && heading.shown {
        let _ = writeln!(text, "  {}", paint(FAINT, "each table by name is in the log file"));
    }
}

fn width(entities: &[EntityReport], of: impl Fn(&EntityReport) -> &str) -> usize {
    // One very long path must not push every other line off the screen.
    entities.iter().map(|entity| of(entity).chars().count()).max().unwrap_or(0).min(48)
}

fn amounts(rows: u64, size: u64, parts: u64) -> String {
    let mut text = counted(rows, "row", "rows");
    if parts > 0 {
        let _ = write!(text, " · {} · {}", bytes(size), counted(parts, "file", "files"));
    }
    text
}

fn warnings(text: &mut String, flows: &IndexMap<&str, Vec<&EntityReport>>) {
    let told = flows.values().flatten().flat_map(|entity| {
        entity.warnings.iter().map(|warning| (warning.as_str(), entity.name.label()))
    });
    grouped(text, "Warnings", told);
}

fn skipped(text: &mut String, flows: &IndexMap<&str, Vec<&EntityReport>>) {
    let told = flows.values().flatten().filter_map(|entity| match &entity.outcome {
        Outcome::Skipped(why) => Some((why.as_str(), entity.name.label())),
        Outcome::Success | Outcome::Failed(_) => None,
    });
    grouped(text, "Skipped", told);
}

/// What is the same for several entities is told once, with the first few of them.
fn grouped<'a>(
    text: &mut String,
    title: &'static str,
    told: impl Iterator<Item = (&'a str, String)>,
) {
    let mut groups: IndexMap<&str, Vec<String>> = IndexMap::new();
    for (words, label) in told {
        groups.entry(words).or_default().push(label);
    }
    let mut heading = Heading::new(title);
    for (words, labels) in groups {
        heading.put(text);
        let more = labels.len().saturating_sub(3);
        let mut names = labels.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            let _ = write!(names, " and {more} more");
        }
        let _ = writeln!(text, "  {}  {}", paint(LABEL, names), paint(WARN, words));
    }
}

fn failures(text: &mut String, flows: &IndexMap<&str, Vec<&EntityReport>>) {
    let mut heading = Heading::new("Failures");
    for entity in flows.values().flatten() {
        let Outcome::Failed(fault) = &entity.outcome else { continue };
        heading.put(text);
        let _ = writeln!(text, "  {}", paint(LABEL, entity.name.label()));
        for line in fault::lines(fault) {
            let _ = writeln!(text, "    {line}");
        }
    }
}

fn last_lines(report: &RunReport, extent: Extent) -> String {
    let tally = Tally::of(&report.entities);
    let colour = |style, number| if number > 0 { style } else { FAINT };
    let mut rows = format!("{} rows in {}", count(tally.rows), duration(report.elapsed));
    if let Some(rate) = rate(tally.rows, report.elapsed) {
        let _ = write!(rows, " · {rate}");
    }
    let counts = format!(
        "{} {} {} {} TOTAL={}",
        paint(colour(GOOD, tally.pass), format_args!("PASS={}", tally.pass)),
        paint(colour(WARN, tally.warn), format_args!("WARN={}", tally.warn)),
        paint(colour(BAD, tally.error), format_args!("ERROR={}", tally.error)),
        paint(colour(WARN, tally.skip), format_args!("SKIP={}", tally.skip)),
        tally.total(),
    );
    let cancelled =
        if report.cancelled { format!("{}  ", paint(WARN, "CANCELLED")) } else { String::new() };
    match extent {
        Extent::Brief => format!("{cancelled}{counts}  {rows}\n"),
        Extent::Whole | Extent::Readable => format!("{cancelled}{counts}\n{rows}\n"),
    }
}

/// A heading that appears with the first line under it.
struct Heading {
    title: &'static str,
    shown: bool,
}

impl Heading {
    fn new(title: &'static str) -> Self {
        Self { title, shown: false }
    }

    fn put(&mut self, text: &mut String) {
        if !self.shown {
            self.shown = true;
            let _ = writeln!(text, "\n{}", paint(HEADING, self.title));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use hygge_core::contract::Mode;
    use hygge_core::fault::Fault;

    use super::*;
    use crate::report::style::plain;
    use crate::report::test_support::success;

    fn run(entities: Vec<EntityReport>) -> RunReport {
        RunReport {
            coordinator_run_id: "c0".into(),
            entities,
            elapsed: Duration::from_millis(12_300),
            cancelled: false,
        }
    }

    fn failure(flow: &str, entity: &str) -> EntityReport {
        let mut report = success(flow, entity, 0);
        report.outcome = Outcome::Failed(Arc::new(
            Fault::data(format!("data/in/{entity}/1.parquet is damaged"))
                .because(Fault::data("the footer ends early"))
                .with_help("copy it again"),
        ));
        report
    }

    fn mixed() -> RunReport {
        let mut warned = success("sales", "lines", 3_000_000);
        warned.warnings = vec!["2 rows without updated_at were left out".into()];
        warned.mode = Mode::Append;
        let mut also = success("sales", "orders", 1);
        also.warnings = warned.warnings.clone();
        also.how = Some("2 of 16 columns encoded".into());
        let mut skipped = success("sales", "returns", 0);
        skipped.outcome = Outcome::Skipped("an earlier entity failed".into());
        run(vec![
            warned,
            success("crm", "users", 1_234_567),
            also,
            failure("crm", "leads"),
            skipped,
        ])
    }

    #[test]
    fn a_summary_tells_where_everything_landed_and_what_failed() {
        insta::assert_snapshot!(plain(&summary(&mixed(), Extent::Readable)).trim_start(), @r"
        Landed
          crm
            users  → data/out/users  replace · 1,234,567 rows · 12.3 MB · 2 files · 1.5s
          sales
            lines   → data/out/lines   append · 3,000,000 rows · 30.0 MB · 2 files · 1.5s
            orders  → data/out/orders  replace · 1 row · 10 B · 2 files · 1.5s · 2 of 16 columns encoded

        Skipped
          sales_returns  an earlier entity failed

        Warnings
          sales_lines, sales_orders  2 rows without updated_at were left out

        Failures
          crm_leads
            data/in/leads/1.parquet is damaged
            because: the footer ends early
            what to do: copy it again

        PASS=1 WARN=2 ERROR=1 SKIP=1 TOTAL=5
        4,234,568 rows in 12.3s · 344,273 rows/s
        ");
    }

    #[test]
    fn quiet_keeps_one_line() {
        insta::assert_snapshot!(plain(&summary(&mixed(), Extent::Brief)), @"PASS=1 WARN=2 ERROR=1 SKIP=1 TOTAL=5  4,234,568 rows in 12.3s · 344,273 rows/s");
    }

    #[test]
    fn hundreds_of_entities_are_told_flow_by_flow() {
        let mut entities: Vec<EntityReport> = (0..200)
            .map(|n| success(["crm", "sales"][n % 2], &format!("table_{n:03}"), 1000))
            .collect();
        entities.push(failure("sales", "zz"));
        let report = run(entities);
        insta::assert_snapshot!(plain(&summary(&report, Extent::Readable)).trim_start(), @r"
        Landed
          crm  100 tables: 100,000 rows · 1.0 MB · 200 files
          sales  100 tables: 100,000 rows · 1.0 MB · 200 files
          each table by name is in the log file

        Failures
          sales_zz
            data/in/zz/1.parquet is damaged
            because: the footer ends early
            what to do: copy it again

        PASS=200 WARN=0 ERROR=1 SKIP=0 TOTAL=201
        200,000 rows in 12.3s · 16,260 rows/s
        ");
        let whole = summary(&report, Extent::Whole);
        assert_eq!(whole.matches("table_").count(), 400, "name and place of every table");
    }

    #[test]
    fn an_empty_or_cancelled_run_has_totals_too() {
        let mut report = run(Vec::new());
        report.cancelled = true;
        insta::assert_snapshot!(plain(&summary(&report, Extent::Readable)).trim_start(), @r"
        CANCELLED  PASS=0 WARN=0 ERROR=0 SKIP=0 TOTAL=0
        0 rows in 12.3s
        ");
    }
}
