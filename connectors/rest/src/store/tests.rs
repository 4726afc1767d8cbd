use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use hygge_sdk::testing::{Answer, Sent, Store, World};
use hygge_sdk::{Fault, Load, Mode, Received, Store as _, Writer as _};
use serde_json::{Value, json};

use super::{Shelf, Upload};

/// Rows of some numbers, in batches of seven.
fn batches(count: i64) -> Vec<RecordBatch> {
    let ids: Vec<i64> = (0..count).collect();
    let batch = |ids: &[i64]| {
        let names = ids.iter().map(|id| (id % 2 == 0).then(|| format!("n{id}")));
        let columns: [(&str, ArrayRef); 2] = [
            ("id", Arc::new(Int64Array::from(ids.to_vec()))),
            ("name", Arc::new(names.collect::<StringArray>())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    ids.chunks(7).map(batch).collect()
}

/// An API that takes rows once for each key, as real ones do. Bodies by their keys.
type Taken = Rc<RefCell<Vec<(String, Value)>>>;

fn api() -> (World, Taken) {
    let taken = Taken::default();
    let by_key: RefCell<HashMap<String, Vec<u8>>> = RefCell::default();
    let own = Rc::clone(&taken);
    let world = World::new().serving(move |sent: &Sent| {
        let key = sent.header("Idempotency-Key").unwrap().to_owned();
        if let Some(body) = by_key.borrow().get(&key) {
            assert_eq!(body, &sent.body, "another body under the same key");
            return Answer::status(200);
        }
        by_key.borrow_mut().insert(key, sent.body.clone());
        let body = serde_json::from_slice(&sent.body).unwrap_or(Value::Null);
        own.borrow_mut().push((format!("{} {}", sent.method, sent.target), body));
        Answer::status(201)
    });
    (world, taken)
}

fn open(world: &World, config: Value) -> Store<Shelf> {
    Store::open(world, config).unwrap()
}

fn ids(taken: &Taken) -> Vec<i64> {
    let taken = taken.borrow();
    let rows = taken.iter().flat_map(|(_, body)| body.as_array().unwrap().clone());
    rows.map(|row| row["id"].as_i64().unwrap()).collect()
}

#[test]
fn every_row_is_sent_once() {
    let (world, taken) = api();
    let store = open(&world, json!({"rows_per_request": 10}));
    let done = store.load("orders", Mode::Append, &batches(25)).unwrap();
    assert_eq!(ids(&taken), (0..25).collect::<Vec<_>>());
    assert_eq!(taken.borrow().len(), 3);
    assert_eq!(taken.borrow()[0].0, "POST orders");
    assert_eq!(taken.borrow()[0].1[1], json!({"id": 1, "name": null}));
    assert!(format!("{done:?}").contains("rows: 25"));
    let sent = &world.sent()[0];
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.credential.as_deref(), Some("default"));
    assert!(sent.options.contains(&("retry".to_owned(), "always".to_owned())));
}

#[test]
fn a_load_that_is_killed_anywhere_goes_on_under_the_same_keys() {
    let load = |batches: &[RecordBatch], run: &str| Load {
        table: "orders".into(),
        schema: Received::arrow(&batches[0].slice(0, 0)).unwrap(),
        mode: Mode::Append,
        keys: Vec::new(),
        run_id: run.into(),
        options: vec![("follows".into(), "the last one".into())],
    };
    let batches = batches(60);
    // A checkpoint after so many batches, and a kill after so many more.
    for (size, at, killed) in [(1, 0, 2), (3, 1, 0), (7, 2, 1), (10, 4, 4), (100, 3, 2)] {
        let (world, taken) = api();
        let store = open(&world, json!({"rows_per_request": size, "body": "{rows}"}));
        let write = |writer: &mut Upload, from: usize, to: usize| {
            for batch in &batches[from..to] {
                writer.write(Received::arrow(batch).unwrap()).unwrap();
            }
        };
        world.run(|| {
            let mut first = store.store().begin(load(&batches, "one")).unwrap();
            write(&mut first, 0, at);
            let checkpoint = first.checkpoint().unwrap().unwrap();
            write(&mut first, at, at + killed);
            drop(first);
            let mut second = store.store().resume(load(&batches, "two"), checkpoint).unwrap();
            write(&mut second, at, batches.len());
            second.prepare().unwrap();
            // Even one that begins anew repeats what the others sent.
            let mut third = store.store().begin(load(&batches, "three")).unwrap();
            write(&mut third, 0, batches.len());
            third.prepare().unwrap();
        });
        assert_eq!(ids(&taken), (0..60).collect::<Vec<_>>(), "{size}");
    }
}

#[test]
fn too_many_rows_that_wait_are_no_checkpoint() {
    let (world, _) = api();
    let store = open(&world, json!({"rows_per_request": 100_000}));
    let (_, checkpoints) = store.load_resumed("orders", Mode::Append, &batches(1_000)).unwrap();
    assert!((1..143).contains(&checkpoints), "{checkpoints}");
}

#[test]
fn bodies_are_shaped_as_configured() {
    let sent = |config: Value| {
        let (world, _) = api();
        open(&world, config).load("orders", Mode::Append, &batches(2)).unwrap();
        let sent = world.sent();
        let body = String::from_utf8(sent[0].body.clone()).unwrap();
        (format!("{} {}", sent[0].method, sent[0].target), body, sent.len())
    };
    let (_, body, _) =
        sent(json!({"body": {"rows": "{rows}", "why": "\"{rows}\""}, "nulls": "omit"}));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body, json!({"rows": [{"id": 0, "name": "n0"}, {"id": 1}], "why": "\"{rows}\""}));
    let (_, body, _) = sent(json!({"format": "ndjson", "nulls": "omit"}));
    assert_eq!(body, "{\"id\":0,\"name\":\"n0\"}\n{\"id\":1}\n");
    let one =
        json!({"path": "/orders/{id}", "method": "put", "rows_per_request": 1, "nulls": "omit"});
    let (target, body, requests) = sent(one);
    assert_eq!((target.as_str(), body.as_str()), ("PUT orders/0", "{\"id\":0,\"name\":\"n0\"}"));
    assert_eq!(requests, 2);
    let wrapped = json!({"rows_per_request": 1, "body": {"row": "{row}"}, "nulls": "omit"});
    assert_eq!(sent(wrapped).1, r#"{"row":{"id":0,"name":"n0"}}"#);
}

#[test]
fn an_api_that_can_stage_is_told() {
    let (world, taken) = api();
    let config = json!({
        "path": "/loads/{load}/{table}", "body": {"rows": "{rows}"},
        "begin": {"path": "/loads", "body": {"id": "{load}", "mode": "{mode}"}},
        "commit": {"path": "/loads/{load}/commit", "body": {"rows": "{rows}"}},
        "abort": {"path": "/loads/{load}", "method": "DELETE"},
    });
    let store = open(&world, config);
    store.load("orders", Mode::Replace, &batches(2)).unwrap();
    let seen: Vec<(String, Value)> = taken.borrow_mut().drain(..).collect();
    assert_eq!(seen[0], ("POST loads".into(), json!({"id": "test-run", "mode": "replace"})));
    assert_eq!(seen[1].0, "POST loads/test-run/orders");
    // The second commit is under the same key: this API has seen it.
    assert_eq!(seen[2], ("POST loads/test-run/commit".into(), json!({"rows": 2})));
    assert_eq!(seen.len(), 3);
    store.abort("orders", Mode::Replace, &batches(2)).unwrap();
    assert_eq!(taken.borrow().last().unwrap().0, "DELETE loads/test-run");
}

#[test]
fn what_an_api_refuses_is_told_with_its_words() {
    let world = World::new().serving(|sent| {
        let rows: Value = serde_json::from_slice(&sent.body).unwrap();
        match rows[0]["id"].as_i64() {
            Some(0) => Answer::json(json!({"errors": [], "taken": 10})),
            Some(10) => Answer::status(422).body("{\"message\": \"id 13 is taken\"}"),
            _ => Answer::json(json!({"errors": ["id 20: no"], "taken": 9})),
        }
    });
    let fault = |config: Value, rows: Vec<RecordBatch>| {
        open(&world, config).load("orders", Mode::Append, &rows).unwrap_err()
    };
    let told = fault(json!({"rows_per_request": 10}), batches(25));
    assert_eq!(told.fault(), Fault::Config);
    let told = told.to_string();
    assert!(
        told.starts_with("sending rows 11 to 20 (the 10 before were taken, and stay)"),
        "{told}"
    );
    assert!(told.contains("id 13 is taken"), "{told}");

    let late: Vec<RecordBatch> = batches(30).into_iter().skip(3).collect();
    let told = fault(json!({"rows_per_request": 9, "error": "$.errors"}), late.clone()).to_string();
    assert!(told.contains("at `$.errors` that it failed: [\"id 20: no\"]"), "{told}");
    let told = fault(json!({"rows_per_request": 9, "accepted": "taken"}), late[..1].to_vec());
    assert!(told.to_string().contains("not 7 rows were taken"), "{told}");
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_sent() {
    let (world, _) = api();
    let fault = |config: Value, mode: Mode| {
        open(&world, config).load("orders", mode, &batches(2)).unwrap_err().to_string()
    };
    assert!(fault(json!({}), Mode::Replace).contains("`replace: send`"));
    assert!(fault(json!({"path": "/o/{id}"}), Mode::Append).contains("`rows_per_request: 1`"));
    assert!(fault(json!({"body": {"a": 1}}), Mode::Append).contains("no place for the rows"));
    let lines = json!({"body": "{rows}", "format": "ndjson"});
    assert!(fault(lines, Mode::Append).contains("lines stand for themselves"));
    assert!(world.sent().is_empty());
    open(&world, json!({"replace": "send"})).load("o", Mode::Replace, &batches(2)).unwrap();
}

#[test]
fn the_keys_of_another_load_are_others() {
    let key = |table: &str| {
        let (world, _) = api();
        open(&world, json!({})).load(table, Mode::Append, &batches(2)).unwrap();
        world.sent()[0].header("idempotency-key").unwrap().to_owned()
    };
    assert_eq!(key("orders"), key("orders"));
    assert_ne!(key("orders"), key("customers"));
    assert_eq!(key("orders").len(), 32);
}
