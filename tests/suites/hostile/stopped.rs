//! Runs that are interrupted while a connector does not listen.

use std::io::{BufRead, BufReader};

use hygge_tests::project::{Project, finish};
use hygge_tests::{guest, table};
use rustix::process::{Pid, Signal, kill_process};

/// Interrupts a run once `good` has landed, while all others are at what they do.
fn interrupted(entities: &[&str]) {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: hostile\noptions: { concurrency: 8 }\n\
         connectors: { hostile: { cpu: 1h, idle: 1h } }\n",
    );
    guest::add_to(&project, "hostile");
    let list: String = entities.iter().map(|entity| format!("  - {entity}\n")).collect();
    let flow = format!("home: {{ type: hostile }}\nstore: lake\nentities:\n  - good\n{list}");
    project.write("flows/f/flow.yml", flow);

    let mut child = project.start(&["go", "--log-format", "json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let done = lines.by_ref().map_while(Result::ok).any(|line| line.contains("\"finished\""));
    assert!(done, "nothing ever finished");
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let said = finish(child);
    assert_eq!(said.code, Some(1), "{}", said.all());

    let rest = rest.join().unwrap();
    let ended = rest.iter().find(|line| line.contains("\"run_finished\"")).expect("it says so");
    assert!(ended.contains("\"status\":\"cancelled\""), "{ended}");
    assert_eq!(table::count(&project.path("lake/good")), 300);
    let landed = project.files("lake");
    assert!(landed.iter().all(|path| path.starts_with("good/")), "{landed:?}");
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn while_it_waits_within_the_host() {
    interrupted(&["sleep_in_open", "sleep_in_plan", "sleep_in_next", "naps_in_next"]);
}

#[test]
fn while_it_loops() {
    interrupted(&["loop_in_next", "calls_in_next", "endless_destructor"]);
}
