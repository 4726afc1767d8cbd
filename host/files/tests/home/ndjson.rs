//! NDJSON files.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, Int64Array, StringArray};
use arrow_schema::DataType;
use hygge_core::fault::FaultKind;
use serde_json::{Value as Json, json};

use crate::support::{Project, Read, read, told};

async fn read_text(text: impl AsRef<[u8]>, options: Json) -> Read {
    let project = Project::new();
    project.write("a.ndjson", text);
    read(&project.ndjson(options)).await.unwrap()
}

async fn fault_of(text: impl AsRef<[u8]>, options: Json) -> String {
    let project = Project::new();
    project.write("a.ndjson", text);
    let fault = read(&project.ndjson(options)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data, "{fault:?}");
    told(&fault)
}

#[tokio::test]
async fn types_follow_from_values() {
    let text = r#"{"id": 1, "price": 1, "tags": ["a", null], "who": {"name": "x", "age": 3}}

        {"id": 2, "price": 2.5, "tags": [], "who": {"name": null}, "late": true}
        {"id": null, "who": null, "big": 18446744073709551615}"#;
    let read = read_text(text, json!({})).await;
    let all = read.all();
    assert_eq!(all.column(0).as_ref(), &Int64Array::from(vec![Some(1), Some(2), None]));
    assert_eq!(all.column(1).as_primitive::<Float64Type>().value(1), 2.5);
    assert_eq!(all.column(2).as_list::<i32>().value(0).as_string::<i32>().value(0), "a");
    let who = all.column(3).as_struct();
    assert_eq!(who.column(1).as_primitive::<Int64Type>().value(0), 3);
    assert!(who.is_null(2));
    assert_eq!(all.column_by_name("late").unwrap().data_type(), &DataType::Boolean);
    let big = all.column_by_name("big").unwrap();
    assert_eq!(big.as_primitive::<UInt64Type>().value(2), u64::MAX);
}

#[tokio::test]
async fn what_goes_together_in_no_other_way_is_kept_as_json() {
    let text = "{\"a\": 1.50}\n{\"a\": \"x\"}\n{\"a\": [1, {\"b\": \"\\\"\"}]}\n{\"a\": true}\n{\"a\": {}}\n";
    let read = read_text(text, json!({})).await;
    assert_eq!(
        read.all().column(0).as_ref(),
        &StringArray::from(vec!["1.50", "x", "[1,{\"b\":\"\\\"\"}]", "true", "{}"])
    );
}

fn sampled() -> String {
    (0..200).map(|row| format!("{{\"id\": {row}, \"who\": {{\"name\": \"x\"}}}}\n")).collect()
}

const TEN: &str = "infer_schema_length";

#[tokio::test]
async fn a_late_surprise_is_told_with_its_line_key_and_value() {
    for (line, said) in [
        (r#"{"id": "seven"}"#, "in/a.ndjson, line 201, column `id`: `seven` is not a whole number"),
        // Arrow alone would cut the fraction off.
        (r#"{"id": 1.5}"#, "in/a.ndjson, line 201, column `id`: `1.5` is not a whole number"),
        (r#"{"id": 1e3}"#, "in/a.ndjson, line 201, column `id`: `1000.0` is not a whole number"),
        (
            r#"{"id": 99999999999999999999}"#,
            "in/a.ndjson, line 201, column `id`: `1e+20` is not a whole number",
        ),
        (r#"{"idd": 1}"#, "in/a.ndjson, line 201: the key `idd` is in none of the rows"),
        (
            r#"{"who": {"name": "x", "age": 1}}"#,
            "in/a.ndjson, line 201: the key `who.age` is in none of the rows",
        ),
        (r#"{"who": 5}"#, "in/a.ndjson, line 201, column `who`: `5` is not an object like"),
        (r#"{"id": 1"#, "in/a.ndjson, line 201: not JSON"),
        ("[1]", "in/a.ndjson, line 201: not an object"),
        (r#"{"id": 1} {"id": 2}"#, "in/a.ndjson, line 201: not JSON"),
    ] {
        let text = format!("{}{line}\n{}", sampled(), sampled());
        let told = fault_of(&text, json!({ TEN: 100 })).await;
        assert!(told.starts_with(said), "{line}: {told}");
    }
    let text = format!("{}{}\n", sampled(), r#"{"late": 1, "id": 2.0}"#);
    let told = fault_of(&text, json!({ TEN: 100 })).await;
    assert!(told.contains("`infer_schema_length`") && told.contains("`schema_overrides`"));
    let read = read_text(&text, json!({ TEN: 100, "dtypes": { "late": "int8" } })).await;
    assert_eq!(read.rows(), 201);
    let all = read.all();
    assert_eq!(all.column(0).as_primitive::<Int64Type>().value(200), 2);
    assert_eq!(all.column_by_name("late").unwrap().null_count(), 200);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_a_fault() {
    let told = fault_of(b"{\"a\": \"x\"}\n{\"a\": \"caf\xe9\"}\n", json!({})).await;
    assert!(told.starts_with("in/a.ndjson, line 2: not JSON"), "{told}");
    let told = fault_of("\n\n", json!({})).await;
    assert!(told.contains("there are no rows to find columns from"), "{told}");
}

#[tokio::test]
async fn many_files_of_both_endings_compressed_or_not() {
    let project = Project::new();
    project.write("a.jsonl", "{\"id\": 1}\n");
    project.write("b.ndjson.zst", zstd::encode_all(&b"{\"id\": 2, \"x\": 1}"[..], 1).unwrap());
    project.write("c.json", "{\"id\": 3}");
    project.write("d.ndjson", "");
    let all = read(&project.ndjson(json!({}))).await.unwrap().all();
    assert_eq!(all.column(0).as_ref(), &Int64Array::from(vec![1, 2]));
    assert_eq!(all.column(1).as_ref(), &Int64Array::from(vec![None, Some(1)]));
}

#[tokio::test]
async fn large_files_come_in_order() {
    let text: String =
        (0..100_000).map(|row| format!("{{\"id\": {row}, \"n\": [{row}]}}\n")).collect();
    let all = read_text(&text, json!({})).await.all();
    assert!(all.column(0).as_primitive::<Int64Type>().values().iter().copied().eq(0..100_000));
}
