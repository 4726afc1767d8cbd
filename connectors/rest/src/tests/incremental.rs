//! Where an incremental load goes on.

use hygge_sdk::Watermark;

use super::*;

fn since(kind: &str, value: &str) -> Query {
    let since = Watermark { column: "at".into(), value: value.into(), kind: kind.into() };
    Query { since: Some(since), ..Query::table("rows") }
}

fn targets(config: Value, query: &Query) -> Vec<String> {
    let api = only(json!([{"id": 1, "at": "2026-01-01T00:00:00Z"}]));
    open(&api, config).read(query).unwrap();
    api.sent().into_iter().map(|sent| sent.target).collect()
}

#[test]
fn the_watermark_becomes_a_parameter() {
    let config = json!({"incremental": {"param": "since", "start": "2020-01-01"}, "schema": {"id": "int64"}});
    assert_eq!(targets(config.clone(), &Query::table("rows")), ["rows?since=2020-01-01"]);
    let at = since("timestamp", "2026-01-31T23:59:59.250000Z");
    assert_eq!(targets(config, &at), ["rows?since=2026-01-31T23%3A59%3A59Z"]);
}

#[test]
fn columns_are_those_of_all_rows_whatever_is_asked_for() {
    let config =
        json!({"incremental": {"param": "since", "format": "unix"}, "params": {"since": 7}});
    let asked = targets(config, &since("timestamp", "1970-01-01T00:01:00Z"));
    // What the user says of the same parameter holds while there is no watermark.
    assert_eq!(asked, ["rows?since=7", "rows?since=60"]);
}

#[test]
fn the_watermark_can_stand_anywhere() {
    let config = json!({"path": "/changes/{since}", "schema": {"id": "int64"},
        "headers": {"X-After": "{since}"},
        "params": {"q": "at >= {since}"}, "incremental": {"start": 0}});
    let asked = targets(config, &since("int", "17"));
    assert_eq!(asked, ["changes/17?q=at%20%3E%3D%2017"]);

    let api = only(json!([{"id": 1}]));
    let body = json!({"body": {"filter": {"from": "{since}", "text": "from {since} on"}, "n": [1, "{since}"]},
        "schema": {"id": "int64"}, "incremental": {}});
    open(&api, body.clone()).read(&since("int", "17")).unwrap();
    open(&api, body).read(&Query::table("rows")).unwrap();
    let bodies: Vec<Value> =
        api.sent().iter().map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect();
    assert_eq!(bodies[0], json!({"filter": {"from": 17, "text": "from 17 on"}, "n": [1, 17]}));
    assert_eq!(bodies[1], json!({"filter": {}, "n": [1]}), "no watermark yet: left out");

    let told = fault(&api, json!({"path": "/{since}", "incremental": {}})).to_string();
    assert!(told.contains("place for `{since}`") || told.contains("`incremental.start`"), "{told}");
}
