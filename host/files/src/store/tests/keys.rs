//! The keys of rows that landed with exactly one watermark.

use arrow_array::{Date32Array, TimestampMicrosecondArray};
use hygge_core::contract::BoundaryRequest;
use hygge_core::watermark::Watermark;

use super::*;
use hygge_core::watermark::key_hashes;

fn ask(key: &[&str], column: &str, value: Watermark) -> BoundaryRequest {
    let key = key.iter().map(|name| (*name).to_owned()).collect();
    BoundaryRequest { key, column: column.to_owned(), value }
}

fn timed(ids: &[i64], seconds: &[i64]) -> RecordBatch {
    let times = seconds.iter().map(|second| second * 1_000_000).collect::<Vec<_>>();
    RecordBatch::try_from_iter([
        ("Order Id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef),
        ("At", Arc::new(TimestampMicrosecondArray::from(times))),
        ("day", Arc::new(Date32Array::from(vec![0; ids.len()]))),
    ])
    .unwrap()
}

#[tokio::test]
async fn rows_at_the_watermark_are_found_under_their_new_names() {
    let project = Project::new();
    let rules = mapping([("case", text("snake"))]);
    let polish = mapping([("columns", Value::Mapping(rules))]);
    let group = mapping([("row_group_size", Value::Int(2))]);
    let store = project.local(mapping([
        ("path", text("out")),
        ("polish", Value::Mapping(polish)),
        ("format_options", Value::Mapping(group)),
    ]));
    let time = |second| Watermark::DateTime(jiff::civil::date(1970, 1, 1).at(0, 0, second, 0));
    let none = store.keys_at(&ask(&["Order Id"], "At", time(2))).await.unwrap().unwrap();
    assert!(none.hashes.is_empty(), "there is no table yet");

    project.load(store.as_ref(), "a", Mode::Append, &[timed(&[1, 2, 3], &[1, 2, 2])]).await;
    project.load(store.as_ref(), "b", Mode::Append, &[timed(&[4, 5], &[2, 3])]).await;
    let found = store.keys_at(&ask(&["Order Id"], "At", time(2))).await.unwrap().unwrap();
    let expected = key_hashes(&timed(&[2, 3, 4], &[0, 0, 0]), &[0]).unwrap();
    assert_eq!(found.hashes, expected.into_iter().collect());
    let day = Watermark::DateTime(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0));
    let all = store.keys_at(&ask(&["Order Id", "At"], "day", day)).await.unwrap().unwrap();
    assert_eq!(all.hashes.len(), 5);
    let lacks = store.keys_at(&ask(&["id"], "At", time(2))).await.unwrap();
    assert!(lacks.is_none(), "the table has no such column");
}

#[tokio::test]
async fn numbers_and_texts_are_watermarks_too() {
    let project = Project::new();
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Append, &[rows(&[1, 2, 2])]).await;
    let count = |found: Option<hygge_core::watermark::KeySet>| found.unwrap().hashes.len();
    let two = store.keys_at(&ask(&["name"], "id", Watermark::Int(2))).await.unwrap();
    assert_eq!(count(two), 1);
    let text = Watermark::String("name 1".into());
    assert_eq!(count(store.keys_at(&ask(&["id"], "name", text)).await.unwrap()), 1);
}

#[tokio::test]
async fn text_files_cannot_tell() {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("format", text("csv"))]));
    project.load(store.as_ref(), "a", Mode::Append, &[rows(&[1])]).await;
    assert!(store.keys_at(&ask(&["id"], "id", Watermark::Int(1))).await.unwrap().is_none());
}
