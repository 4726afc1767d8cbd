//! Many Parquet files as one table: order, differing schemas, incremental reads, changes.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampMillisecondArray,
};
use arrow_schema::DataType;
use hygge_core::contract::ReadRequest;
use hygge_core::fault::FaultKind;
use hygge_core::watermark::Watermark;
use parquet::file::properties::WriterProperties;
use serde_json::json;

use crate::support::{Project, age, next_rows, plan, read, read_with, run, since, told};

fn numbers(from: i64, to: i64) -> RecordBatch {
    RecordBatch::try_from_iter([(
        "id",
        Arc::new(Int64Array::from_iter_values(from..to)) as ArrayRef,
    )])
    .unwrap()
}

fn one(name: &str, column: impl Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([(name, Arc::new(column) as ArrayRef, true)]).unwrap()
}

fn small_groups(rows: usize) -> WriterProperties {
    WriterProperties::builder().set_max_row_group_row_count(Some(rows)).build()
}

#[tokio::test]
async fn rows_come_in_the_order_of_the_files() {
    let project = Project::new();
    project.write_parquet("b.parquet", &numbers(100, 200));
    project.write_parquet("a/z.parquet", &numbers(0, 100));
    project.write_parquet_with("c.parquet", &numbers(200, 5000), small_groups(7));
    project.write_parquet("empty.parquet", &numbers(0, 0));
    let read = read(&project.parquet()).await.unwrap();
    assert_eq!(read.rows_expected, Some(5000));
    let all = read.all();
    let ids = all.column(0).as_primitive::<Int64Type>();
    assert!(ids.values().iter().copied().eq(0..5000));

    let plan = plan(&project.parquet()).await;
    assert_eq!((plan.rows, plan.note.as_str()), (Some(5000), "4 files"));
}

#[tokio::test]
async fn a_thousand_little_files_are_one_table() {
    let project = Project::new();
    for at in 0..1000 {
        project.write_parquet(&format!("{at:04}.parquet"), &numbers(at, at + 1));
    }
    let all = read(&project.parquet()).await.unwrap().all();
    assert!(all.column(0).as_primitive::<Int64Type>().values().iter().copied().eq(0..1000));
}

#[tokio::test]
async fn what_a_file_lacks_is_null_and_other_clothes_are_changed() {
    let project = Project::new();
    let a: ArrayRef = Arc::new(StringViewArray::from(vec!["x", "y"]));
    let only_a: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    project.write_parquet(
        "a.parquet",
        &RecordBatch::try_from_iter([("text", a), ("only_a", only_a)]).unwrap(),
    );
    let b: ArrayRef = Arc::new(["z", "z"].into_iter().collect::<DictionaryArray<Int32Type>>());
    let only_b: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
    project.write_parquet(
        "b.parquet",
        &RecordBatch::try_from_iter([("only_b", only_b), ("text", b)]).unwrap(),
    );
    let read = read(&project.parquet()).await.unwrap();
    let names: Vec<&str> = read.schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, ["text", "only_a", "only_b"]);
    assert_eq!(read.schema.field(0).data_type(), &DataType::Utf8View);
    let all = read.all();
    let text: Vec<&str> = all.column(0).as_string_view().iter().flatten().collect();
    assert_eq!(text, ["x", "y", "z", "z"]);
    assert_eq!(all.column(1).as_ref(), &Int32Array::from(vec![Some(1), Some(2), None, None]));
    assert_eq!(all.column(2).as_ref(), &Int64Array::from(vec![None, None, Some(7), Some(8)]));
}

#[tokio::test]
async fn a_conflict_names_both_files_the_column_and_both_types() {
    let project = Project::new();
    project.write_parquet("a.parquet", &one("price", Int64Array::from(vec![1])));
    project.write_parquet("b.parquet", &one("price", StringArray::from(vec!["1"])));
    let fault = read(&project.parquet()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data);
    assert_eq!(
        fault.to_string(),
        "column `price` is Int64 in in/a.parquet but Utf8 in in/b.parquet"
    );
}

#[tokio::test]
async fn what_lies_below_the_watermark_is_left_out_unread() {
    let project = Project::new();
    project.write_parquet_with("a.parquet", &numbers(0, 1000), small_groups(100));
    project.write_parquet("b.parquet", &numbers(1000, 1100));
    let request = since("id", Watermark::Int(950));
    let home = project.parquet();
    let read = read_with(&home, &request).await.unwrap();
    assert_eq!(read.rows_expected, Some(200));
    let all = read.all();
    assert!(all.column(0).as_primitive::<Int64Type>().values().iter().copied().eq(900..1100));

    let plan = home.plan(&request).await.unwrap().unwrap();
    assert_eq!(plan.rows, Some(200));
    assert_eq!(plan.note, "2 files, 900 rows left out by their statistics");

    // A value that is the highest of a group may occur again above it.
    let at_the_edge = read_with(&home, &since("id", Watermark::Int(999))).await.unwrap();
    assert_eq!(at_the_edge.rows(), 200);
}

#[tokio::test]
async fn times_and_text_prune_and_no_statistics_means_read() {
    let project = Project::new();
    let times = TimestampMillisecondArray::from_iter_values(0..1000).with_timezone("Asia/Tokyo");
    project.write_parquet_with("a.parquet", &one("at", times), small_groups(100));
    let value = |ms: i16| {
        Watermark::DateTime(jiff::civil::date(1970, 1, 1).at(0, 0, 0, i32::from(ms) * 1_000_000))
    };
    let read_since =
        |value| async { read_with(&project.parquet(), &since("at", value)).await.unwrap().rows() };
    assert_eq!(read_since(value(950)).await, 100);
    assert_eq!(read_since(value(199)).await, 900);
    // A watermark of another type proves nothing.
    assert_eq!(read_since(Watermark::Int(950)).await, 1000);

    let texts = Project::new();
    let text = StringArray::from_iter_values((0..1000).map(|at| format!("k{at:04}")));
    texts.write_parquet_with("a.parquet", &one("k", text), small_groups(100));
    let request = since("k", Watermark::String("k0950".to_owned()));
    assert_eq!(read_with(&texts.parquet(), &request).await.unwrap().rows(), 100);

    let bare = Project::new();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(100))
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    bare.write_parquet_with("a.parquet", &numbers(0, 1000), properties);
    let request = since("id", Watermark::Int(950));
    assert_eq!(read_with(&bare.parquet(), &request).await.unwrap().rows(), 1000);
}

#[tokio::test]
async fn a_watermark_column_must_exist() {
    let project = Project::new();
    project.write_parquet("a.parquet", &one("updated_at", Int64Array::from(vec![1])));
    let request =
        ReadRequest { watermark_column: Some("update_at".to_owned()), ..ReadRequest::default() };
    let fault = read_with(&project.parquet(), &request).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Config);
    assert_eq!(
        told(&fault),
        "`watermark_column`: in has no column `update_at` | did you mean `updated_at`?"
    );
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_no_source() {
    let project = Project::new();
    project.write_parquet("a.parquet", &numbers(0, 100_000));
    let second = project.write_parquet("b.parquet", &numbers(0, 10));
    age(&second);
    let run = run(1 << 20);
    let home = project.home("parquet", json!({ "path": "in", "batch_size": 1000 }));
    let mut reader = home.open(&ReadRequest::default(), Arc::clone(&run.context)).await.unwrap();
    project.write_parquet("b.parquet", &numbers(0, 10));
    let fault = loop {
        match next_rows(reader.as_mut()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the change went unnoticed"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.kind(), FaultKind::Transient);
    assert_eq!(fault.to_string(), "in/b.parquet changed while it was being read");
}
