//! Every lane, for files of every codec, version of pages and what may stand beside them, with
//! columns of every type: what lands is what was there, as pyarrow, DuckDB and Polars read it, and
//! they still leave out by statistics, indexes and bloom filters what they left out at the source.
//!
//! `tests/python/lanes_make.py` says which files and which lanes, `lanes_check.py` what must hold.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hygge_tests::independent::program;
use hygge_tests::project::Project;

/// Runs the project, and gives what was said of each entity that ended.
fn go(project: &Project, arguments: &[&str]) -> Vec<String> {
    let said = project.hygge(&[&["go", "--log-format", "json"], arguments].concat()).ok();
    let finished = |line: &&str| line.contains(r#""event":"finished""#);
    said.stdout.lines().filter(finished).map(str::to_owned).collect()
}

#[test]
fn every_lane_lands_what_was_there() {
    let project = Project::new();
    let root = project.root().display().to_string();
    program("lanes_make.py", &[&root]);
    let mut said = go(&project, &[]);
    // The sources of one flow grow: what is new goes through another lane than what may have
    // landed.
    said.retain(|line| !line.contains(r#""flow":"incremental""#));
    program("lanes_make.py", &[&root, "more"]);
    said.extend(go(&project, &["--flow", "incremental"]));
    project.write("said.jsonl", said.join("\n"));
    let said = project.path("said.jsonl").display().to_string();
    let checked = program("lanes_check.py", &[&root, &said]);
    assert!(checked.parse::<usize>().unwrap() > 300, "{checked}");
    assert_eq!(project.strays(), Vec::<String>::new());
}
