//! Rows to an API.

use super::*;

/// A project whose generated rows go to the sink.
pub(super) fn project(api: &Api, rows: u64) -> Project {
    let url = api.url();
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: rest\njournal: { path: journal }\n\
         options: { durability: process, checkpoint: 20ms, retry_wait: 10ms }\n",
    );
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: generate\n  rows: {rows}\n  batch_rows: 130\n  pause_ms: 5\n  columns:\n    \
             id: {{ type: int64, sequence: 0 }}\n    name: {{ type: string, pattern: \"n{{row}}\" }}\n    \
             at: {{ type: timestamp_utc, from: 2026-01-01, step: 30s }}\n\
             store:\n  type: rest\n  base_url: {url}/sink\n  rows_per_request: 100\n  \
             incremental: true\nentities: [orders]\n\
             connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
        ),
    );
    project
}

#[test]
fn every_row_is_taken_once() {
    let api = Api::start();
    let project = project(&api, 1050);
    project.hygge(&["go"]).ok().says(&["1,050 rows"]);
    let rows = api.taken("orders");
    assert_eq!(rows.len(), 1050);
    for (id, row) in rows.iter().enumerate() {
        assert_eq!((row["id"].as_u64(), &row["name"]), (Some(id as u64), &format!("n{id}").into()));
    }
    assert_eq!(rows[1]["at"], "2026-01-01T00:00:30Z");
    let posts = api.asked().iter().filter(|asked| asked.starts_with("POST /sink/orders")).count();
    assert_eq!(posts, 11);
}

#[test]
fn faults_on_the_way_lose_nothing_and_double_nothing() {
    let api = Api::start();
    let project = project(&api, 2000);
    let flow = std::fs::read_to_string(project.path("flows/f/flow.yml")).unwrap();
    project.write("flows/f/flow.yml", flow.replace("/sink\n", "/faulty/sink\n"));
    project.hygge(&["go"]).ok();
    let ids: Vec<u64> = api.taken("orders").iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert!(ids.into_iter().eq(0..2000));
}

#[test]
fn what_an_api_refuses_is_told() {
    let api = Api::start();
    let project = project(&api, 300);
    let flow = std::fs::read_to_string(project.path("flows/f/flow.yml")).unwrap();
    project.write("flows/f/flow.yml", flow.replace("sequence: 0", "sequence: -151"));
    project.hygge(&["go"]).fails_with(&[
        "sending rows 101 to 200",
        "the 100 before were taken, and stay",
        "is refused",
    ]);
    project.write("flows/f/flow.yml", flow.replace("  incremental: true\n", ""));
    project
        .hygge(&["go"])
        .fails_with(&["an API cannot replace a table as a whole", "`replace: send`"]);
}
