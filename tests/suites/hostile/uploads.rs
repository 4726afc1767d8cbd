//! Bodies that connectors write bit by bit: however much it is, and whatever the server does, the
//! host holds next to nothing of it.

use hygge_tests::project::Project;
use hygge_tests::web::{Received, Reply, Server};
use hygge_tests::{guest, memory};

use crate::deeds::Deed;
use crate::run::{Outcomes, contained};

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

fn project(server: &Server, flows: &[(&str, &str, &[Deed])]) -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: uploads\njournal: { path: journal }\n\
         options: { retries: 0, durability: process, concurrency: 8 }\n\
         connectors:\n  hostile: { memory: 64 MB, instances: 1, handles: 100, requests: 100,\n\
         \x20   retries: 0, read_timeout: 5s }\n",
    );
    guest::add_to(&project, "hostile");
    for (name, more, deeds) in flows {
        let entities: String = deeds.iter().map(|(entity, _)| format!("  - {entity}\n")).collect();
        let origin = server.origin();
        let text = format!(
            "home: {{ type: hostile, base_url: \"{origin}\" }}\nstore: lake/{name}\n{more}\
             entities:\n{entities}"
        );
        project.write(&format!("flows/{name}/flow.yml"), text);
    }
    project
}

#[test]
fn a_gigabyte_is_sent_in_the_memory_of_ten_megabytes() {
    let server = Server::start(serve);
    let flows: [(&str, &str, &[Deed]); 2] = [
        ("small", "", &[("small_in_next", &["was answered 200"])]),
        ("large", "", &[("large_in_next", &["was answered 200"])]),
    ];
    let project = project(&server, &flows);
    let mut peaks = Vec::new();
    for ((flow, _, deeds), bytes) in flows.into_iter().zip([10 << 20, 1 << 30]) {
        let mut go = project.command(&["go", "--flow", flow, "--log-format", "json"]);
        let (said, peak) = memory::finish_with_peak(go.spawn().expect("hygge starts"));
        Outcomes::of(&said.stdout).failed(flow, deeds);
        assert!(said.all().contains(&format!("{bytes} bytes")), "{}", said.all());
        peaks.push(peak >> 20);
    }
    println!("{peaks:?} MiB were in memory at most");
    assert!(peaks[0] > 0 && peaks[1] < peaks[0] + 64, "{peaks:?} MiB were in memory");
}

#[test]
fn whatever_becomes_of_an_upload_is_contained() {
    let server = Server::start(serve);
    let well: &[Deed] = &[("dropped_in_next", &[]), ("good", &[])];
    let idle = "connectors: { hostile: { idle: 500ms } }\n";
    let flows = [("tried", "", DEEDS), ("idling", idle, IDLING), ("well", "", well)];
    let project = project(&server, &flows);
    let said = contained(project.command(&["go", "--log-format", "json"]));
    let outcomes = Outcomes::of(&said.stdout);
    outcomes.failed("tried", DEEDS);
    outcomes.failed("idling", IDLING);
    for (entity, _) in well {
        outcomes.succeeded("well", entity, 300);
    }
}
