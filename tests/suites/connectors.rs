//! What a user does with connectors: find, look at, use and test them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hygge_tests::project::Project;
use serde_json::Value;

/// A project with a flow that generates rows.
fn project() -> Project {
    let project = Project::new();
    project.write("hygge.yml", "connectors:\n  generate: { memory: 32 MB }\n");
    project.write(
        "flows/made/flow.yml",
        "home:\n  type: generate\n  rows: 1000\n  columns: { id: { type: int64 } }\nstore: out\n\
         entities: [a, b]\nconnectors: { generate: { allow_hosts: [api.example.com] } }\n",
    );
    project
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_connector_is_a_type_like_any_other() {
    let project = project();
    project.hygge(&["go"]).ok();
    project.hygge(&["debug"]).ok().says(&[
        "connector generate",
        "built in · sha256",
        "used by made",
        "hosts api.example.com · memory 32 MB",
    ]);
    let said = project.hygge(&["go", "--dry-run", "--log-format", "json"]).ok();
    let told = objects(&said.stdout);
    assert_eq!(told[0]["event"], "connector");
    assert_eq!(told[0]["has"]["limits"]["memory"], "32 MB");
    assert_eq!(told[0]["digest"].as_str().unwrap().len(), 64);
    assert_eq!(told.iter().filter(|line| line["event"] == "plan").count(), 2);
}

#[test]
fn its_keys_are_checked_where_they_stand() {
    let project = project();
    project.write(
        "flows/made/flow.yml",
        "home:\n  type: generate\n  rows: many\n  colums: {}\nstore: out\n",
    );
    project.hygge(&["go"]).fails_with(&[
        "flows/made/flow.yml:3:9",
        "expected a whole number",
        "unknown key `colums`",
        "did you mean `columns`?",
    ]);
    let schema = project.hygge(&["schema"]).ok();
    let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
    let keys = &schema["$defs"]["home_generate"]["properties"];
    assert!(keys["rows"]["description"].is_string(), "{keys}");
}

#[test]
fn connectors_are_listed_with_what_is_wrong_with_some() {
    let project = project();
    project.hygge(&["connector", "list"]).ok().says(&["generate", "home", "built in", "made"]);
    project.write("connectors/broken.wasm", "no component");
    project.hygge(&["connector", "list"]).fails_with(&[
        "generate",
        "broken",
        "connectors/broken.wasm",
    ]);
    let listed = objects(&project.hygge(&["connector", "list", "--json"]).stdout);
    assert_eq!(listed[0]["name"], "broken");
    assert!(listed[0]["error"]["message"].is_string());
    assert_eq!(listed[1]["flows"][0], "made");
    // What no flow uses is not in the way.
    project.hygge(&["go"]).ok();
}

#[test]
fn a_connector_is_looked_at_without_being_run() {
    let project = project();
    project.hygge(&["connector", "check", "generate"]).ok().says(&[
        "home-connector, contract 0.1.1",
        "keys of home",
        "all well",
    ]);
    project.hygge(&["connector", "inspect", "generate"]).ok().says(&[
        "Keys under `home:`",
        "rows",
        "sha256",
        "of WASI",
    ]);
    let said = project.hygge(&["connector", "inspect", "generate", "--json"]).ok();
    let told: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&told["kinds"][0], &told["wasi"]), (&"home".into(), &Value::Array(Vec::new())));
    assert!(told["config"]["home"]["properties"]["rows"].is_object());

    project.write("shop.wasm", "no component");
    project.hygge(&["connector", "check", "shop.wasm"]).fails_with(&["1 fault"]);
    project
        .hygge(&["connector", "inspect", "generat"])
        .fails_with(&["there is no connector `generat`", "did you mean `generate`?"]);
}

#[test]
fn a_connector_passes_the_suite_of_all_homes() {
    let project = project();
    let config = "{ rows: 20000, splits: 3, batch_rows: 1000, columns: { id: { type: int64 } } }";
    let test = ["connector", "test", "generate", "--config", config];
    project.hygge(&test).ok().says(&["generate as a home", " 0 failed"]);
    let points = objects(&project.hygge(&[&test[..], &["--json"]].concat()).ok().stdout);
    let outcome = |name: &str| {
        points.iter().find(|point| point["point"] == name).map(|point| point["outcome"].clone())
    };
    for name in ["schema", "batches", "again", "resume", "resume twice", "cancel", "memory"] {
        assert_eq!(outcome(name), Some("passed".into()), "{name}: {points:#?}");
    }
    project
        .hygge(&["connector", "test", "generate", "--config", "{ rows: none }"])
        .fails_with(&["expected a whole number"]);
}
