//! Bodies that connectors write bit by bit: however much it is, and whatever the server does, the
//! host holds next to nothing of it.

use hygge_tests::project::Project;
use hygge_tests::web::{Received, Reply, Server};
use hygge_tests::{guest, memory};

use crate::deeds::Deed;
use crate::run::Outcomes;

const DEEDS: &[Deed] = &[
    ("stuck_in_next", &["`127.0.0.1` took nothing more of a body within 5s (`read_timeout`)"]),
    ("early_in_next", &["was answered 413", "too much"]),
    ("longer_in_next", &["a body has more than the 3 bytes it was to have"]),
    ("shorter_in_next", &["a body has 2 of the 3 bytes it was to have"]),
    ("uploads_in_next", &["`hostile` held more than 100 handles", "`handles` of `hostile`"]),
];

/// One that does nothing while its body is waited for.
const IDLING: &[Deed] = &[("idling_in_next", &["`hostile` made no progress", "for 500ms"])];

fn serve(request: &Received, reply: &mut Reply<'_>) {
    match request.path.as_str() {
        "/stuck" => reply.stall(),
        "/early" => {
            reply.send(413, &[], "too much");
            let _ = reply.rest();
        }
        _ => match reply.rest() {
            Some(bytes) => reply.send(200, &[], format!("{bytes} bytes")),
            None => reply.last(),
        },
    }
}

fn project(server: &Server) -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: uploads\njournal: { path: journal }\n\
         options: { retries: 0, durability: process, concurrency: 8 }\n\
         connectors:\n  hostile: { memory: 64 MB, instances: 1, handles: 100, requests: 100,\n\
         \x20   retries: 0, read_timeout: 5s }\n",
    );
    guest::add_to(&project, "hostile");
    let flow = |name: &str, more: &str, entities: &[&str]| {
        let entities: String = entities.iter().map(|entity| format!("  - {entity}\n")).collect();
        let origin = server.origin();
        let text = format!(
            "home: {{ type: hostile, base_url: \"{origin}\" }}\nstore: lake/{name}\n{more}\
             entities:\n{entities}"
        );
        project.write(&format!("flows/{name}/flow.yml"), text);
    };
    flow("small", "", &["small_in_next"]);
    flow("large", "", &["large_in_next"]);
    let names: Vec<_> = DEEDS.iter().map(|(entity, _)| *entity).collect();
    flow("tried", "", &names);
    flow("idling", "connectors: { hostile: { idle: 500ms } }\n", &["idling_in_next"]);
    flow("well", "", &["dropped_in_next", "good"]);
    project
}

#[test]
fn a_gigabyte_is_sent_in_the_memory_of_ten_megabytes() {
    let server = Server::start(serve);
    let project = project(&server);
    let mut peaks = Vec::new();
    for (flow, bytes) in [("small", 10 << 20), ("large", 1 << 30)] {
        let mut go = project.command(&["go", flow, "--log-format", "json"]);
        let (said, peak) = memory::finish_with_peak(go.spawn().expect("hygge starts"));
        assert!(said.all().contains("was answered 200"), "{}", said.all());
        assert!(said.all().contains(&format!("{bytes} bytes")), "{}", said.all());
        peaks.push(peak >> 20);
    }
    println!("{peaks:?} MiB were in memory at most");
    assert!(peaks[0] > 0 && peaks[1] < peaks[0] + 64, "{peaks:?} MiB were in memory");
}

#[test]
fn whatever_becomes_of_an_upload_is_contained() {
    let server = Server::start(serve);
    let project = project(&server);
    let mut go = project.command(&["go", "tried", "idling", "well", "--log-format", "json"]);
    let (said, peak) = memory::finish_with_peak(go.spawn().expect("hygge starts"));
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(!said.all().contains("panicked"), "a panic shows:\n{}", said.all());
    assert!(peak > 0 && peak < 700 << 20, "{} MiB were in memory", peak >> 20);
    let outcomes = Outcomes::of(&said.stdout);
    outcomes.failed("tried", DEEDS);
    outcomes.failed("idling", IDLING);
    for entity in ["dropped_in_next", "good"] {
        outcomes.succeeded("well", entity, 300);
    }
}
