//! What becomes of the records of an answer.

use arrow_schema::DataType;
use hygge_sdk::Fault;

use super::*;

/// The columns' names and types.
fn columns(read: &Read) -> Vec<(String, DataType)> {
    let fields = read.schema.fields().iter();
    fields.map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

fn names(read: &Read) -> Vec<String> {
    columns(read).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn every_type_is_read_without_loss() {
    let api = only(json!([
        {"id": 1, "price": 1234567890123.45, "at": "2026-01-31T13:30:00.25+01:00", "on": "2026-01-31",
         "clock": "13:30:00", "wall": "2026-01-31 13:30:00", "seen": 1700000000, "ms": 1700000000123_u64,
         "blob": "aGk=", "tags": ["a", null], "where": {"lat": 1.5, "lon": 2}, "raw": {"x": [1]}, "ok": true,
         "big": 18446744073709551615_u64, "lines": [{"n": 1}, {"n": null}], "inner": {"deep": {"er": "x"}}},
        {"id": 2},
        {"id": 3, "tags": null, "where": null, "raw": null, "lines": [], "inner": null},
    ]));
    let config = json!({"schema": {
        "id": {"type": "int32", "required": true}, "price": "decimal(20,2)", "at": "timestamp_utc",
        "on": "date", "clock": "time", "wall": "timestamp", "seen": "unix", "ms": "unix_ms",
        "blob": "binary", "tags": ["string"], "where": {"type": {"lat": "float64", "lon": "float32"}},
        "raw": "json", "ok": "bool", "big": "uint64", "lines": [{"n": "int8"}],
        "er": {"type": "string", "path": "inner.deep.er"}, "inner": "json",
    }});
    let read = read(&api, config).unwrap();
    assert!(!read.schema.field(0).is_nullable());
    let rows = read.to_json().unwrap();
    let first = json!({
        "id": 1, "price": 1234567890123.45, "at": "2026-01-31T12:30:00.250+00:00", "on": "2026-01-31",
        "clock": "13:30:00", "wall": "2026-01-31T13:30:00", "seen": "2023-11-14T22:13:20+00:00",
        "ms": "2023-11-14T22:13:20.123+00:00", "blob": "6869", "tags": ["a", null],
        "where": {"lat": 1.5, "lon": 2.0}, "raw": "{\"x\":[1]}", "ok": true,
        "big": 18446744073709551615_u64, "lines": [{"n": 1}, {}], "er": "x",
        "inner": "{\"deep\":{\"er\":\"x\"}}",
    });
    let text = rows[0]
        .to_string()
        .replace(".250Z", ".250+00:00")
        .replace("20Z", "20+00:00")
        .replace("123Z", "123+00:00");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), first);
    assert_eq!(rows[1], json!({"id": 2}));
    assert_eq!(rows[2], json!({"id": 3, "lines": []}));
}

#[test]
fn columns_are_inferred_and_widened() {
    let api = only(json!([
        {"id": 1, "n": 1, "mixed": 1, "x": null, "flag": true, "o": {"a": {"b": 1}, "c": [1]}, "t": "2026-01-01T00:00:00Z"},
        {"id": 2, "n": 1.5, "mixed": "a", "late": "x", "both": {"a": 1}, "o": {"d": "e"}, "t": "2026-01-01T00:00:00+02:00"},
        {"id": 18446744073709551615_u64, "both": 7},
    ]));
    let plain = read(&api, json!({})).unwrap();
    assert_eq!(names(&plain), ["id", "n", "mixed", "x", "flag", "o", "t", "late", "both"]);
    let types: Vec<DataType> = columns(&plain).into_iter().map(|(_, kind)| kind).collect();
    use DataType::{Boolean, Float64, UInt64, Utf8};
    assert_eq!(types, [UInt64, Float64, Utf8, Utf8, Boolean, Utf8, Utf8, Utf8, Utf8]);
    let rows = plain.to_json().unwrap();
    assert_eq!((&rows[0]["mixed"], &rows[1]["mixed"]), (&json!("1"), &json!("a")));
    assert_eq!((&rows[1]["both"], &rows[2]["both"]), (&json!("{\"a\":1}"), &json!("7")));

    let flat = read(&api, json!({"nested": "flatten", "separator": "__", "times": true})).unwrap();
    assert_eq!(
        names(&flat),
        ["id", "n", "mixed", "x", "flag", "o__a__b", "o__c", "o__d", "t", "late", "both"]
    );
    assert!(matches!(columns(&flat)[8].1, DataType::Timestamp(_, Some(_))));
    assert_eq!(flat.to_json().unwrap()[0]["o__a__b"], json!(1));

    let whole = read(&api, json!({"nested": "struct"})).unwrap();
    assert_eq!(whole.to_json().unwrap()[0]["o"], json!({"a": {"b": 1}, "c": [1]}));

    let told = fault(&api, json!({"conflicts": "fail"})).to_string();
    assert!(told.contains("`mixed` holds numbers (row 1) and texts (row 2)"), "{told}");
}

#[test]
fn what_comes_after_the_sample_is_told() {
    let api = |late: Value| {
        world(move |sent| match sent.param("page") {
            Some("1") => Answer::json(json!([{"id": 1, "n": 1}])),
            Some("2") => Answer::json(json!([late.clone()])),
            _ => Answer::json(json!([])),
        })
    };
    let config = json!({"sample": 1, "paginate": "page_number"});
    let told = fault(&api(json!({"id": 2, "n": "x"})), config.clone());
    assert_eq!(told.fault(), Fault::Data);
    assert_eq!(
        told.to_string(),
        "page 2 of /rows: row 1: the column `n` is int64 and cannot hold the text \"x\"; name its \
         type in `schema`, or have more rows looked at with `sample`"
    );
    // A number in quotes is one, unless that is not wanted.
    assert_eq!(rows(&api(json!({"id": 2, "n": "7"})), config.clone())[1]["n"], json!(7));
    let strict = json!({"sample": 1, "paginate": "page_number", "conflicts": "fail"});
    assert!(fault(&api(json!({"id": 2, "n": "7"})), strict).to_string().contains("cannot hold"));

    let world = api(json!({"id": 2, "new": 1, "gone": null}));
    assert_eq!(rows(&world, config).len(), 2);
    let lines = world.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].1.starts_with("`new` first comes after"), "{}", lines[0].1);
}

#[test]
fn records_are_found_or_what_is_there_is_told() {
    let api = only(json!({"items": [{"id": 1}], "next": null, "one": {"id": 7}, "none": null}));
    assert_eq!(rows(&api, json!({"records": "$.items[*]"})), [json!({"id": 1})]);
    assert_eq!(rows(&api, json!({"records": "items"})), [json!({"id": 1})]);
    assert_eq!(rows(&api, json!({"records": "one"})), [json!({"id": 7})]);
    assert_eq!(rows(&api, json!({"records": "$.items[*].id"})), [json!({"value": 1})]);
    let told = fault(&api, json!({"records": "$.data[*]"})).to_string();
    assert!(told.contains("nothing at `records: $.data[*]`"), "{told}");
    assert!(told.contains("an object with `items`, `next`, `one`, `none`"), "{told}");
    let told = fault(&api, json!({"records": "none"})).to_string();
    assert!(told.contains("`rows` has no rows") && told.contains("`schema`"), "{told}");
    let none = json!({"records": "none", "schema": {"id": "int8"}});
    assert_eq!(read(&api, none).unwrap().rows(), 0);
}

#[test]
fn answers_that_are_none_are_told() {
    let html = world(|_| Answer::status(200).body("<html>\n <body>Sign in"));
    let told = fault(&html, json!({})).to_string();
    assert!(told.contains("no JSON, it begins with \"<html> <body>Sign in\""), "{told}");
    let cut = world(|_| Answer::status(200).body("[{\"id\": 1}, {\"id\""));
    assert!(fault(&cut, json!({})).to_string().contains("not `:`"));
    let failed = only(json!({"errors": [{"message": "no such field"}], "data": null}));
    let told = fault(&failed, json!({"records": "data", "error": "$.errors"})).to_string();
    assert!(told.contains("no such field"), "{told}");
    let gone = world(|_| Answer::status(404).body("no rows here"));
    assert_eq!(fault(&gone, json!({})).fault(), Fault::Missing);
    let schema = json!({"id": "int64"});
    assert_eq!(read(&gone, json!({"empty_on": [404], "schema": schema})).unwrap().rows(), 0);
}

#[test]
fn lines_and_csv_are_read_record_by_record() {
    let lines: String =
        (0..5000).map(|id| format!("{{\"id\": {id}, \"t\": \"{id:0>60}\"}}\r\n")).collect();
    let api = world(move |_| Answer::status(200).body(lines.clone()));
    let read_lines = rows(&api, json!({"format": "ndjson"}));
    assert_eq!((read_lines.len(), &read_lines[4999]["id"]), (5000, &json!(4999)));

    let csv = "\u{feff}id;name;zip;note\r\n1;\"a;b\";01234;\r\n2;c;99999;\"x\"\"y\n z\"\r\n";
    let api = world(move |_| Answer::status(200).body(csv));
    let config = json!({"format": "csv", "csv": {"delimiter": ";"}});
    assert_eq!(
        rows(&api, config),
        [
            json!({"id": 1, "name": "a;b", "zip": "01234"}),
            json!({"id": 2, "name": "c", "zip": "99999", "note": "x\"y\n z"}),
        ]
    );
    let config = json!({"format": "csv", "csv": {"delimiter": ";"}, "schema": {"zip": "int32", "id": "int8"}});
    assert_eq!(rows(&api, config), [json!({"zip": 1234, "id": 1}), json!({"zip": 99999, "id": 2})]);
    let bare = world(|_| Answer::status(200).body("1,x\n2,y"));
    let config = json!({"format": "csv", "csv": {"header": false}});
    assert_eq!(rows(&bare, config)[1], json!({"column_1": 2, "column_2": "y"}));

    let broken = world(|_| Answer::status(200).body("{\"id\": 1}\n{\"id\": oops}\n"));
    let told = fault(&broken, json!({"format": "ndjson", "schema": {"id": "int64"}})).to_string();
    assert!(told.starts_with("page 1 of /rows: record 2: no JSON"), "{told}");
}

#[test]
fn documents_of_xml_are_read_like_those_of_json() {
    let api = world(|sent| {
        let page = match sent.target.split_once("page=").map(|(_, page)| page) {
            None => {
                "<orders next='2'><order id='1'><zip>01234</zip><sum>1.50</sum></order><order id='2'>\
                 <zip>99999</zip><sum>2</sum><note>a &lt; b</note></order></orders>"
            }
            Some("2") => "<orders next='3'><order id='3'><zip>5</zip><sum/></order></orders>",
            Some(_) => "<orders/>",
        };
        Answer::status(200).body(page)
    });
    let config = json!({
        "format": "xml", "records": "$.orders.order",
        "paginate": {"type": "cursor", "param": "page", "path": "$.orders['@next']"},
    });
    assert_eq!(
        rows(&api, config),
        [
            json!({"@id": 1, "zip": "01234", "sum": 1.5}),
            json!({"@id": 2, "zip": "99999", "sum": 2.0, "note": "a < b"}),
            json!({"@id": 3, "zip": "5"}),
        ]
    );
    let config = json!({"format": "xml", "records": "$.orders.lines.line"});
    assert!(fault(&api, config).to_string().contains("nothing at `records: $.orders.lines.line`"));
    let html = world(|_| Answer::status(200).body("<p>Not <br> today</p>"));
    let told = fault(&html, json!({"format": "xml"})).to_string();
    assert!(told.contains("the answer is no XML") && told.contains("Not <br>"), "{told}");
}

#[test]
fn a_page_that_is_larger_than_asked_for_is_given_in_parts() {
    let page: Vec<Value> =
        (0..40_000).map(|id| json!({"id": id, "text": "x".repeat(100)})).collect();
    let read = read(&only(json!(page)), json!({})).unwrap();
    assert_eq!((read.rows(), read.states), (40_000, 1));
    assert!(read.batches.len() > 1);
}

#[test]
fn requests_are_made_as_configured() {
    let api = only(json!([{"id": 1}]));
    let config = json!({"path": "/a/b", "params": {"q": "x y", "ids": [1, 2], "gone": null, "on": true},
        "headers": {"X-Team": "data"}, "credential": "other"});
    rows(&api, config);
    let sent = &api.sent()[0];
    assert_eq!(sent.target, "a/b?q=x%20y&ids=1&ids=2&on=true");
    assert_eq!(sent.header("x-team"), Some("data"));
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(sent.credential.as_deref(), Some("other"));
    assert_eq!(sent.method, "GET");

    let form = only(json!([{"id": 1}]));
    rows(&form, json!({"form": {"a": "ö=", "b": 2}, "credential": "none"}));
    let sent = &form.sent()[0];
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "rows"));
    assert_eq!(sent.body, b"a=%C3%B6%3D&b=2");
    assert_eq!(sent.credential, None);
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));

    let both = json!({"form": {}, "body": {}});
    assert!(fault(&form, both).to_string().contains("one too many"));
    assert!(fault(&form, json!({"path": "/x/{id}"})).to_string().contains("place for `{id}`"));
}

#[test]
fn debug_says_what_the_first_page_has() {
    let api = only(json!([{"id": 1}, {"id": 2}]));
    let home = open(&api, json!({}));
    let said = api.run(|| hygge_sdk::Home::check(home.home())).unwrap();
    assert_eq!(said, "answers, with 2 rows on the first page");
    assert_eq!(api.sent().len(), 1);
}
