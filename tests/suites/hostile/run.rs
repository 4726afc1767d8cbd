//! One run in which nearly everybody misbehaves.

use std::collections::BTreeMap;
use std::process::Command;

use hygge_tests::project::{Project, Said};
use hygge_tests::{guest, memory, table};
use serde_json::Value;

use crate::deeds::{self, Deed};

/// A Home that takes a while.
const MADE: &str = "{ type: generate, rows: 1000, batch_rows: 100, pause_ms: 2, columns: { id: { \
                    type: int64, sequence: 0 } } }";

/// What the run may have in memory at a time: its budget of 256 MB, what the instances of eight
/// entities hold at most, and the program itself.
const MOST_MEMORY: u64 = 700 << 20;

fn list<'a>(entities: impl IntoIterator<Item = &'a str>) -> String {
    entities.into_iter().map(|entity| format!("  - {entity}\n")).collect()
}

/// A flow from a Home, whose entities are named by what they do.
fn flow<'a>(
    project: &Project,
    name: &str,
    (home, store): (&str, &str),
    more: &str,
    entities: impl IntoIterator<Item = &'a str>,
) {
    let text = format!("home: {home}\nstore: {store}\n{more}\nentities:\n{}", list(entities));
    project.write(&format!("flows/{name}/flow.yml"), text);
}

fn names(deeds: &'static [Deed]) -> impl Iterator<Item = &'static str> {
    deeds.iter().map(|(name, _)| *name)
}

/// Everything of `deeds`, and flows that have nothing to do with it.
fn project() -> Project {
    let project = Project::new();
    // Eight entities at a time read by one instance each: so much memory may all of them have.
    project.write(
        "hygge.yml",
        "name: hostile\njournal: { path: journal }\n\
         options: { retries: 0, durability: process, concurrency: 8 }\n\
         connectors:\n  \
         hostile: { cpu: 300ms, idle: 5m, memory: 64 MB, instances: 1, handles: 100 }\n  \
         intruder: { idle: 5m, memory: 64 MB }\n",
    );
    guest::add_to(&project, "hostile");
    guest::add_to(&project, "intruder");
    let hostile = ("{ type: hostile }", "lake/homes");
    flow(
        &project,
        "homes",
        hostile,
        "",
        names(deeds::HOMES).chain(deeds::TOLERATED.iter().copied()),
    );
    let limits = |connector: &str, keys: &str| format!("connectors: {{ {connector}: {keys} }}");
    let home = "{ type: hostile }";
    let idle = limits("hostile", "{ idle: 500ms }");
    flow(&project, "waiting", (home, "lake/waiting"), &idle, names(deeds::WAITING));
    let timeout = limits("hostile", "{ timeout: 1s }");
    flow(&project, "napping", (home, "lake/napping"), &timeout, names(deeds::NAPPING));
    let hog = limits("hostile", "{ memory: 256 MB, cpu: 5m, idle: 5s }");
    flow(&project, "hogging", (home, "lake/hogging"), &hog, names(deeds::HOGGING));
    let more = limits("hostile", "{ memory: 256 MB, cpu: 5m }");
    let large = names(deeds::LARGE).chain(["logs_in_next"]);
    flow(&project, "large", (home, "lake/large"), &more, large);
    let stores = names(deeds::STORES).chain(deeds::TAKING.iter().copied());
    flow(&project, "stores", (MADE, "{ type: hostile }"), "", stores);
    let (home, idle) = ("{ type: intruder }", limits("intruder", "{ idle: 500ms }"));
    flow(&project, "wasi", (home, "lake/wasi"), "", names(deeds::WASI));
    flow(&project, "wasi_waiting", (home, "lake/waiting"), &idle, names(deeds::WASI_WAITING));
    flow(&project, "looking", (home, "lake/looking"), "", ["found", "prints"]);
    // Both ends are hostile: the Store is told to give up.
    let aborts = "{ type: hostile, behaviour: loop_in_abort }";
    flow(&project, "both", ("{ type: hostile, behaviour: trap_in_next }", aborts), "", ["t"]);

    for name in ["a", "b", "c"] {
        let path = project.path(&format!("source/{name}/x.parquet"));
        table::write(&path, &table::rows(0..50_000, 1, 1));
    }
    flow(&project, "files", ("source", "lake/files"), "", ["a", "b", "c"]);
    flow(&project, "made", (MADE, "lake/made"), "", ["a", "b", "c"]);
    project
}

/// What became of every entity, by flow and name.
pub(crate) struct Outcomes(BTreeMap<(String, String), Value>);

impl Outcomes {
    pub(crate) fn of(stdout: &str) -> Self {
        let lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let finished = lines.filter(|line| line["event"] == "finished");
        let name = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        Self(finished.map(|line| ((name(&line, "flow"), name(&line, "entity")), line)).collect())
    }

    fn get(&self, flow: &str, entity: &str) -> &Value {
        self.0.get(&(flow.to_owned(), entity.to_owned())).expect("every entity finishes")
    }

    /// Panics unless every one failed, and is said to have done what it did.
    pub(crate) fn failed(&self, flow: &str, deeds: &[Deed]) {
        for (entity, words) in deeds {
            let outcome = self.get(flow, entity);
            assert_eq!(outcome["status"], "fail", "{outcome:#}");
            let error = outcome["error"].to_string();
            for word in *words {
                let word = word.replace('\\', "\\\\");
                assert!(error.contains(&word), "`{word}` is not said of {flow} {entity}: {error}");
            }
            assert!(!error.contains("panicked"), "{error}");
            assert!(error.len() < 10_000, "{} bytes are said of {entity}", error.len());
        }
    }

    /// Panics unless every one has warnings that say so.
    pub(crate) fn warned(&self, flow: &str, deeds: &[Deed]) {
        for (entity, words) in deeds {
            let warnings = self.get(flow, entity)["warnings"].to_string();
            for word in *words {
                assert!(warnings.contains(word), "`{word}` is not said of {entity}: {warnings}");
            }
        }
    }

    pub(crate) fn succeeded(&self, flow: &str, entity: &str, rows: u64) -> &Value {
        let outcome = self.get(flow, entity);
        assert_eq!(outcome["status"], "success", "{outcome:#}");
        assert_eq!(outcome["rows"], rows, "{outcome:#}");
        outcome
    }
}

/// A run in which somebody fails. Panics unless hygge outlives that, within its memory.
pub(crate) fn contained(mut go: Command) -> Said {
    let (said, peak) = memory::finish_with_peak(go.spawn().expect("hygge starts"));
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(!said.all().contains("panicked"), "a panic shows:\n{}", said.all());
    println!("{} MiB were in memory at most", peak >> 20);
    assert!(peak > 0 && peak < MOST_MEMORY, "{} MiB were in memory", peak >> 20);
    said
}

/// The rows of a table, which are all there and in their order.
pub(crate) fn whole(project: &Project, path: &str, rows: i64) {
    let landed = table::read(&project.path(&format!("lake/{path}"))).expect("a table");
    assert!(table::ints(&landed, "id").into_iter().eq(0..rows), "{path} has other rows");
}

/// What a connector looked for and found, as text.
fn found(project: &Project, entity: &str) -> String {
    let landed = table::read(&project.path(&format!("lake/looking/{entity}"))).expect("a table");
    let text =
        |column: usize| arrow_cast::cast(landed.column(column), &arrow_schema::DataType::Utf8);
    let [what, found] = [0, 1].map(|column| text(column).expect("text"));
    let [what, found] = [&what, &found].map(|column| {
        column.as_any().downcast_ref::<arrow_array::StringArray>().expect("text").clone()
    });
    what.iter()
        .zip(found.iter())
        .map(|(what, found)| format!("{}: {}\n", what.unwrap(), found.unwrap()))
        .collect()
}

#[test]
fn everybody_who_misbehaves_is_contained_and_named_and_nobody_else_is_harmed() {
    let project = project();
    let mut go = project.command(&["go", "--log-format", "json"]);
    go.env("HYGGE_SECRET", "nobody may see this");
    let said = contained(go);
    let all = said.all();
    assert!(!all.contains('\u{1b}') && !all.contains("\\u001b"), "a terminal is steered");
    assert!(!all.contains('\u{202e}'), "text is turned around");

    let outcomes = Outcomes::of(&said.stdout);
    outcomes.failed("homes", deeds::HOMES);
    outcomes.failed("waiting", deeds::WAITING);
    outcomes.failed("napping", deeds::NAPPING);
    outcomes.failed("hogging", deeds::HOGGING);
    outcomes.failed("large", deeds::LARGE);
    outcomes.failed("stores", deeds::STORES);
    outcomes.failed("wasi", deeds::WASI);
    outcomes.failed("wasi_waiting", deeds::WASI_WAITING);
    outcomes.failed("both", &[("t", &["`hostile` aborted", "`home.reader.next`"])]);

    for entity in deeds::TOLERATED {
        outcomes.succeeded("homes", entity, 300);
        whole(&project, &format!("homes/{entity}"), 300);
    }
    let lines = outcomes.succeeded("large", "logs_in_next", 300)["warnings"].to_string();
    assert!(
        lines.contains("hostile: 9") && lines.contains("more log lines were not kept"),
        "{lines}"
    );
    for entity in deeds::TAKING {
        outcomes.succeeded("stores", entity, 1000);
    }
    for entity in ["a", "b", "c"] {
        outcomes.succeeded("files", entity, 50_000);
        whole(&project, &format!("files/{entity}"), 50_000);
        outcomes.succeeded("made", entity, 1000);
        whole(&project, &format!("made/{entity}"), 1000);
    }
    outcomes.succeeded("looking", "prints", 7);
    assert_eq!(
        found(&project, "found"),
        "environment: []\narguments: []\nworking directory: None\ndirectories: 0\nstdin: closed\n\
         socket: Err(ErrorCode { code: 1, name: \"access-denied\", message: \"\" })\n\
         name: Err(ErrorCode { code: 20, name: \"permanent-resolver-failure\", message: \"\" })\n"
    );

    // Nothing is left of those that failed.
    let mut landed: Vec<String> = project.files("lake");
    landed.retain(|path| path.ends_with(".parquet"));
    assert_eq!(landed.len(), deeds::TOLERATED.len() + 1 + 3 + 3 + 2, "{landed:#?}");
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn a_store_whose_checkpoints_are_too_large() {
    let project = Project::new();
    project
        .write("hygge.yml", "name: t\njournal: { path: journal }\noptions: { checkpoint: 1ms }\n");
    guest::add_to(&project, "hostile");
    flow(&project, "f", (MADE, "{ type: hostile }"), "", ["checkpoint_large"]);
    project.hygge(&["go"]).fails_with(&[
        "`hostile` gave a state of 1048576 bytes, of at most 65536",
        "`store.writer.checkpoint`",
    ]);
}

#[test]
fn a_store_that_cannot_publish_is_named_by_every_run() {
    let project = Project::new();
    project.write("hygge.yml", "name: t\njournal: { path: journal }\noptions: { retries: 0 }\n");
    guest::add_to(&project, "hostile");
    flow(&project, "f", (MADE, "{ type: hostile }"), "", ["trap_in_commit"]);
    flow(&project, "made", (MADE, "lake"), "", ["a"]);
    for _ in 0..2 {
        project.hygge(&["go"]).fails_with(&[
            "`hostile` aborted (`unreachable`) in `store.session.commit`",
            "f_trap_in_commit",
        ]);
        whole(&project, "a", 1000);
        std::fs::remove_dir_all(project.path("lake")).unwrap();
    }
}

#[test]
fn those_that_are_only_looked_at_are_contained_too() {
    let project = Project::new();
    let connectors = "connectors: { hostile: { cpu: 300ms, idle: 5m, memory: 64 MB } }\n";
    project.write("hygge.yml", format!("name: t\n{connectors}"));
    guest::add_to(&project, "hostile");
    let looked_at = names(deeds::LOOKED_AT).chain(["good"]);
    flow(&project, "f", ("{ type: hostile }", "lake"), "", looked_at);
    let mut said = project.hygge(&["debug"]);
    for (_, words) in deeds::LOOKED_AT {
        said = said.fails_with(words);
    }
    assert!(!said.all().contains('\u{1b}'), "a terminal is steered");
}
