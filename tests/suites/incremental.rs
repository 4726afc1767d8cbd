//! Incremental loads: every row once, whatever arrives late, and going on from the existing
//! tool's journal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hygge_tests::independent::script;
use hygge_tests::project::{Project, repository};
use hygge_tests::random::Random;
use hygge_tests::table;

const WATERMARK: &str = "run_type: incremental\nwatermark:\n  primary_key: id\n  \
                         watermark_column: updated_at\njournal:\n  path: journal\n";

/// The ids at a destination, sorted.
fn ids(project: &Project, table: &str) -> Vec<i64> {
    let mut ids = table::read(&project.path(&format!("lake/{table}")))
        .map(|rows| table::ints(&rows, "id"))
        .unwrap_or_default();
    ids.sort_unstable();
    ids
}

fn last_watermark(project: &Project, entity: &str) -> String {
    let state = project.hygge(&["state", "get", &format!("f.{entity}"), "--json"]).ok();
    let state: serde_json::Value = serde_json::from_str(&state.stdout).unwrap();
    state["watermark"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn rows_that_share_the_last_watermark_and_come_later_land_once() {
    let project = Project::with_flow(&["t"], WATERMARK);
    let seed = Random::seed_or(7);
    println!("HYGGE_SEED={seed}");
    let mut random = Random::new(seed);
    let mut end = 0;
    for run in 0..12 {
        let more = random.below(700) as i64;
        // 100 rows share a second, so almost every run ends within one.
        let path = project.path(&format!("source/t/{run:03}.parquet"));
        table::write(&path, &table::rows(end..end + more, run, 100));
        end += more;
        project.hygge(&["go"]).ok();
        assert!(ids(&project, "t").into_iter().eq(0..end), "run {run}");
    }
    // With nothing new, nothing is added, and the watermark stays.
    let (files, watermark) = (project.files("lake/t"), last_watermark(&project, "t"));
    project.hygge(&["go"]).ok();
    assert_eq!(project.files("lake/t"), files);
    assert_eq!(last_watermark(&project, "t"), watermark);
    // Numbering went on, file after file.
    let numbers: Vec<u64> =
        files.iter().map(|name| name.trim_end_matches(".parquet").parse().unwrap()).collect();
    assert_eq!(numbers, (1..=files.len() as u64).collect::<Vec<_>>());
}

#[test]
fn it_goes_on_from_a_journal_of_the_existing_tool() {
    let project = Project::new();
    project.write("hygge.yml", "name: moved\njournal:\n  path: journal\n");
    project.write(
        "flows/example_flow/flow.yml",
        "home: source\nstore: lake\nrun_type: incremental\nentities: [users]\nwatermark:\n  \
         primary_key: id\n  watermark_column: updated_at\n",
    );
    let sample = repository().join("host/core/tests/data/journal-0.6.5.parquet");
    std::fs::create_dir_all(project.path("journal")).unwrap();
    std::fs::copy(sample, project.path("journal/journal.parquet")).unwrap();
    // The journal says: 2,500 rows up to 2026-01-01T00:41:39, one a second; they have landed.
    table::write(
        &project.path("lake/users/00000000000000000001.parquet"),
        &table::rows(0..2_500, 1, 1),
    );
    // The source has grown since, and has one more row at the very last watermark.
    table::write(&project.path("source/users/a.parquet"), &table::rows(0..3_000, 1, 1));
    script(
        r#"
import sys, pyarrow as pa, pyarrow.parquet as pq
path = sys.argv[1] + "/a.parquet"
rows = pq.read_table(path)
late = rows.slice(2499, 1).set_column(0, "id", pa.array([999999]))
pq.write_table(late, sys.argv[1] + "/late.parquet")
"#,
        &[&project.path("source/users").display().to_string()],
    );
    project.hygge(&["go"]).ok();
    let expected: Vec<i64> = (0..3_000).chain([999_999]).collect();
    assert!(ids(&project, "users") == expected, "rows are missing or landed twice");
    assert_eq!(project.files("lake/users")[1], "00000000000000000002.parquet");

    // The journal is one that the existing tool can read, and the old rows are still in it.
    let read = script(
        r#"
import sys, polars as pl
rows = pl.read_parquet(sys.argv[1])
assert rows.columns[:3] == ["entity_run_id", "coordinator_run_id", "flow_run_id"], rows.columns
assert rows.height == 5, rows
last = rows.sort("finish_time").row(-1, named=True)
assert last["flow"] == "example_flow" and last["entity"] == "users" and last["status"] == "success"
assert last["schema_version"] == "1.0" and last["coordinator"] == "coordinator"
assert last["primary_key"] == "id" and last["watermark_type"] == "datetime"
print(last["row_count"], last["watermark"])
"#,
        &[&project.path("journal/journal.parquet").display().to_string()],
    );
    assert_eq!(read, "501 2026-01-01T00:49:59");
}

#[test]
fn another_key_or_column_loads_in_full_and_says_so() {
    let project = Project::with_flow(&["t"], WATERMARK);
    table::write(&project.path("source/t/a.parquet"), &table::rows(0..100, 1, 1));
    project.hygge(&["go"]).ok();
    let flow = std::fs::read_to_string(project.path("flows/f/flow.yml")).unwrap();
    project.write("flows/f/flow.yml", flow.replace("updated_at", "id"));
    project.hygge(&["go"]).ok().says(&["watermark", "in full"]);
    assert_eq!(ids(&project, "t"), (0..100).collect::<Vec<_>>());
    table::write(&project.path("source/t/b.parquet"), &table::rows(90..120, 1, 1));
    project.hygge(&["go"]).ok();
    // 99 is the last watermark and has landed; above it everything is new.
    assert_eq!(ids(&project, "t"), (0..120).collect::<Vec<_>>());
}

#[test]
fn the_command_line_chooses_how_to_run() {
    let project = Project::with_flow(&["t"], WATERMARK);
    table::write(&project.path("source/t/a.parquet"), &table::rows(0..100, 1, 1));
    project.hygge(&["go"]).ok();
    table::write(&project.path("source/t/a.parquet"), &table::rows(0..150, 2, 1));
    project.hygge(&["go", "--full-drop"]).ok();
    let landed = table::read(&project.path("lake/t")).unwrap();
    assert_eq!(table::ints(&landed, "version"), vec![2; 150]);
    // The full drop has left a watermark to go on from.
    table::write(&project.path("source/t/b.parquet"), &table::rows(150..160, 3, 1));
    project.hygge(&["go", "--incremental"]).ok();
    assert_eq!(ids(&project, "t"), (0..160).collect::<Vec<_>>());
    let both = project.hygge(&["go", "-i", "-d"]);
    assert_eq!(both.code, Some(2), "{}", both.all());
}

#[test]
fn a_watermark_can_be_shown_moved_and_cleared() {
    let project = Project::with_flow(&["t"], WATERMARK);
    table::write(&project.path("source/t/a.parquet"), &table::rows(0..100, 1, 1));
    project.hygge(&["go"]).ok();
    assert_eq!(last_watermark(&project, "t"), "2026-01-01T00:01:39");

    // Moved on, past rows that come later: they are left out.
    project.hygge(&["state", "set", "f.t", "2026-01-01T00:02:00"]).ok();
    assert_eq!(last_watermark(&project, "t"), "2026-01-01T00:02:00");
    table::write(&project.path("source/t/b.parquet"), &table::rows(100..130, 1, 1));
    project.hygge(&["go"]).ok();
    assert_eq!(ids(&project, "t"), (0..100).chain(120..130).collect::<Vec<_>>());

    project.hygge(&["state", "clear", "f.t"]).ok();
    project.hygge(&["go"]).ok();
    assert_eq!(ids(&project, "t"), (0..130).collect::<Vec<_>>());
    project.hygge(&["runs", "--flow", "f", "--last", "2"]).ok().says(&["success", "130"]);
}

#[test]
fn row_groups_that_statistics_rule_out_are_not_read() {
    let project = Project::with_flow(&["t"], WATERMARK);
    let groups: Vec<_> = (0..20).map(|g| table::rows(g * 1_000..(g + 1) * 1_000, 1, 1)).collect();
    let path = project.path("source/t/a.parquet");
    table::write_all(&path, &groups[0].schema(), &groups[..10]);
    project.hygge(&["go"]).ok();
    table::write_all(&path, &groups[0].schema(), &groups);
    // Damage in the values of the old row groups goes unnoticed: their pages are never touched.
    let mut bytes = std::fs::read(&path).unwrap();
    for byte in &mut bytes[100..4_000] {
        *byte = 0xFF;
    }
    std::fs::write(&path, bytes).unwrap();
    project.hygge(&["go"]).ok();
    assert!(ids(&project, "t").into_iter().eq(0..20_000));
}

#[test]
fn a_missing_watermark_column_is_named() {
    let project = Project::with_flow(
        &["t"],
        "run_type: incremental\nwatermark: {primary_key: id, watermark_column: updatet_at}\n",
    );
    table::write(&project.path("source/t/a.parquet"), &table::rows(0..10, 1, 1));
    project.hygge(&["go"]).fails_with(&["updatet_at", "updated_at"]);
}
