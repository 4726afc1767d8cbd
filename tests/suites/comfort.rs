//! What a person sees: mistakes, locks, interruptions, output for machines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::Duration;

use hygge_tests::memory::finish_with_peak;
use hygge_tests::project::{Project, finish};
use hygge_tests::table;

/// A project with one entity `t` that takes a while to load.
fn slow() -> Project {
    let project = Project::with_flow(&["t"], "");
    let batch = table::rows(0..200_000, 1, 1);
    let batches = vec![batch.clone(); 30];
    table::write_all(&project.path("source/t/a.parquet"), &batch.schema(), &batches);
    project
}

/// Starts `hygge go` and waits until it says that the entity is being read.
fn started(project: &Project) -> Child {
    let mut child = project.start(&["go", "--log-format", "json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen = lines.by_ref().map_while(Result::ok).any(|line| line.contains("\"progress\""));
    assert!(seen, "it never made progress");
    // What is still to come is read elsewhere, so that a full pipe does not stop it.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, signal).unwrap();
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let project = Project::new();
    project.write("hygge.yml", "name: test\noptions:\n  concurency: 4\n");
    project.write(
        "flows/f/flow.yml",
        "home: source\nstore:\n  path: lake\n  compression: zstandard\n  batchsize: 10\nentities: \
         [a, a]\nrun_type: sometimes\n",
    );
    project.write("flows/g/flow.yml", "home: {type: parqet, path: \"${NOT_SET}\"}\nstore: lake2\n");
    project.hygge(&["go"]).fails_with(&[
        "hygge.yml:3:3",
        "did you mean `concurrency`?",
        "flows/f/flow.yml:4:16",
        "did you mean `zstd`?",
        "flows/f/flow.yml:5:3",
        "did you mean `batch_size`?",
        "sometimes",
        "NOT_SET",
        "flows/g/flow.yml",
        "did you mean `parquet`?",
    ]);
}

#[test]
fn outside_of_a_project_it_says_how_to_begin() {
    let project = Project::new();
    std::fs::remove_file(project.path("hygge.yml")).unwrap();
    project.hygge(&["go"]).fails_with(&["hygge.yml", "hygge init"]);
}

#[test]
fn init_makes_a_project_that_runs() {
    let project = Project::new();
    project.hygge(&["init", "cosy"]).ok().says(&["cosy", "hygge go"]);
    let source = project.path("cosy/data/source/users/a.parquet");
    table::write(&source, &table::rows(0..10, 1, 1));
    project.hygge(&["--project-dir", "cosy", "go"]).ok();
    assert_eq!(table::count(&project.path("cosy/data/destination/users")), 10);
    project.hygge(&["init", "cosy"]).fails_with(&["--force"]);
    project.hygge(&["init", "cosy", "--force"]).ok();
}

#[test]
fn a_second_run_is_told_who_holds_the_project() {
    let project = slow();
    let first = started(&project);
    let id = first.id().to_string();
    project.hygge(&["go"]).fails_with(&[&id, "hygge go"]);
    // Looking is always allowed.
    project.hygge(&["runs"]).ok();
    project.hygge(&["go", "--dry-run"]).ok();
    finish(first).ok();
    project.hygge(&["go"]).ok();
}

#[test]
fn a_first_interrupt_ends_cleanly() {
    let project = slow();
    let child = started(&project);
    signal(&child, rustix::process::Signal::INT);
    let said = finish(child);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert_eq!(table::count(&project.path("lake/t")), 0);
    assert_eq!(project.strays(), Vec::<String>::new());
    project.hygge(&["runs"]).ok().says(&["cancelled"]);
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let project = slow();
    let child = started(&project);
    signal(&child, rustix::process::Signal::INT);
    std::thread::sleep(Duration::from_millis(2));
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::INT,
    );
    let code = finish(child).code;
    // It may have ended cleanly before the second one came.
    assert!(matches!(code, Some(130 | 1)), "{code:?}");
    project.hygge(&["go"]).ok();
    assert_eq!(table::count(&project.path("lake/t")), 6_000_000);
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn output_for_machines_is_one_object_a_line() {
    let project = Project::with_flow(&["a", "b"], "");
    table::write(&project.path("source/a/x.parquet"), &table::rows(0..10, 1, 1));
    let said = project.hygge(&["go", "--log-format", "json"]);
    assert_eq!(said.code, Some(1));
    let events: Vec<serde_json::Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!((of("started"), of("finished")), (2, 2), "{}", said.stdout);
    assert!(said.stdout.contains("\"rows\":10"), "{}", said.stdout);
}

#[test]
fn quiet_says_only_what_matters() {
    let project = Project::with_flow(&["a"], "");
    table::write(&project.path("source/a/x.parquet"), &table::rows(0..10, 1, 1));
    let said = project.hygge(&["go", "--quiet"]).ok();
    assert_eq!(said.all().trim().lines().count(), 1, "{}", said.all());
    let log = project.files("logs");
    let text = std::fs::read_to_string(project.path("logs").join(&log[0])).unwrap();
    assert!(text.contains("FINISHED") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn selections_and_variables() {
    let project = Project::with_flow(&["a", "b", "c"], "");
    for name in ["a", "b", "c"] {
        table::write(&project.path(&format!("source/{name}/x.parquet")), &table::rows(0..5, 1, 1));
    }
    project.hygge(&["go", "-f", "f_a", "-e", "f.c"]).ok();
    assert_eq!(project.files("lake").len(), 2);
    project.hygge(&["go", "-e", "f.b", "--var", "flow.f.store=elsewhere"]).ok();
    assert_eq!(table::count(&project.path("elsewhere/b")), 5);
    project.hygge(&["go", "-f", "g"]).fails_with(&["g"]);
    assert_eq!(project.hygge(&["go", "--no-such-flag"]).code, Some(2));
}

#[test]
fn debug_names_what_is_wrong_and_what_to_do() {
    let project = Project::with_flow(&["a", "b"], "");
    table::write(&project.path("source/a/x.parquet"), &table::rows(0..5, 1, 1));
    project.hygge(&["debug"]).fails_with(&["source/a", "✓", "source/b", "✗"]);
    assert!(!project.path("lake").exists());
}

#[test]
fn the_schema_for_editors_knows_the_keys() {
    let said = Project::new().hygge(&["schema"]).ok();
    let schema: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(schema["$defs"]["flow"].is_object());
    for key in ["target_file_size", "infer_schema_length", "hash_ids", "durability"] {
        assert!(said.stdout.contains(key), "{key} is not in the schema");
    }
}

#[test]
fn many_entities_share_little_memory() {
    let names: Vec<String> = (0..200).map(|index| format!("e{index:03}")).collect();
    let project = Project::with_flow(&names.iter().map(String::as_str).collect::<Vec<_>>(), "");
    for name in &names {
        table::write(
            &project.path(&format!("source/{name}/x.parquet")),
            &table::rows(0..1_000, 1, 1),
        );
    }
    let peak = peak_memory(&project);
    assert_eq!(project.files("lake").len(), 200);
    assert!(peak < 150 << 20, "{} MB", peak >> 20);
}

#[test]
fn memory_does_not_follow_the_data() {
    let project = Project::with_flow(&["t"], "");
    project.write("hygge.yml", "name: test\noptions:\n  memory: 64 MB\n  durability: process\n");
    let batch = table::rows(0..100_000, 1, 1);
    let mut peaks = Vec::new();
    // The first is long enough to fill what may be made ahead.
    for groups in [80, 240] {
        let batches = vec![batch.clone(); groups];
        table::write_all(&project.path("source/t/a.parquet"), &batch.schema(), &batches);
        peaks.push(peak_memory(&project));
        assert_eq!(table::count(&project.path("lake/t")), groups * 100_000);
    }
    assert!(peaks[1] < peaks[0] + (32 << 20), "{peaks:?} bytes");
    assert!(peaks[1] < 160 << 20, "{peaks:?} bytes");
}

/// The most bytes that a run had in memory at a time.
fn peak_memory(project: &Project) -> u64 {
    let (said, peak) = finish_with_peak(project.start(&["go", "--quiet"]));
    said.ok();
    peak
}
