//! Memory, width, cancellation.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use hygge_core::contract::ReadRequest;
use hygge_core::fault::FaultKind;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::support::{Project, next_rows, read, run};

#[tokio::test]
async fn two_thousand_columns_are_read() {
    let project = Project::new();
    let columns: Vec<(String, ArrayRef)> = (0..2000)
        .map(|column| {
            let values = Int32Array::from_iter_values((0..600).map(|row| row * 2000 + column));
            (format!("c{column}"), Arc::new(values) as ArrayRef)
        })
        .collect();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    project.write_parquet_with("a.parquet", &batch, properties.build());
    let read = read(&project.parquet()).await.unwrap();
    assert!(read.batches.len() > 1, "rows this wide come in short batches");
    assert_eq!(read.all(), batch);
}

/// Rows that are narrow at first, and then wide by way of a dictionary.
fn skewed(rows: i64, wide_from: i64) -> RecordBatch {
    let long: Vec<String> = (0..4).map(|at| at.to_string().repeat(50_000)).collect();
    let text =
        StringArray::from_iter_values(
            (0..rows).map(|row| {
                if row < wide_from { "short" } else { long[(row % 4) as usize].as_str() }
            }),
        );
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    RecordBatch::try_from_iter([("id", id), ("text", Arc::new(text) as ArrayRef)]).unwrap()
}

#[tokio::test]
async fn batches_stay_small_however_wide_rows_become() {
    let project = Project::new();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    project.write_parquet_with("a.parquet", &skewed(21_000, 20_000), properties);
    let limit = 8 << 20;
    let run = run(limit);
    let home = project.parquet();
    let mut reader = home.open(&ReadRequest::default(), Arc::clone(&run.context)).await.unwrap();
    let (mut rows, mut largest) = (0, 0);
    while let Some(batch) = next_rows(reader.as_mut()).await.unwrap() {
        let id = batch.rows.column(0).as_primitive::<arrow_array::types::Int64Type>();
        assert!(id.values().iter().copied().eq(rows..rows + batch.rows.num_rows() as i64));
        rows += batch.rows.num_rows() as i64;
        largest = largest.max(batch.permit.bytes());
    }
    assert_eq!(rows, 21_000);
    assert!(largest < limit, "the largest batch has {largest} bytes");
    drop(reader);
}

#[tokio::test]
async fn what_is_held_is_charged_and_given_back() {
    let project = Project::new();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..2_000_000));
    project.write_parquet("a.parquet", &RecordBatch::try_from_iter([("n", numbers)]).unwrap());
    let run = run(4 << 20);
    let home = project.parquet();
    let mut reader = home.open(&ReadRequest::default(), Arc::clone(&run.context)).await.unwrap();
    let first = next_rows(reader.as_mut()).await.unwrap().unwrap();
    let bytes = first.rows.num_rows() * 8;
    assert!(
        (bytes..bytes * 2).contains(&first.permit.bytes()),
        "{} bytes charged for {bytes}",
        first.permit.bytes()
    );
    // All that is read ahead fits into the budget, however long nothing is taken.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(run.budget.used() <= 6 << 20, "{} bytes", run.budget.used());
    drop(first);
    while next_rows(reader.as_mut()).await.unwrap().is_some() {}
    drop(reader);
    settle(&run.budget).await;
}

/// Waits until nothing is held any more: for tasks that are being stopped.
async fn settle(budget: &hygge_core::budget::Budget) {
    for _ in 0..500 {
        if budget.used() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} bytes are still held", budget.used());
}

#[tokio::test]
async fn cancelling_ends_it_and_dropping_stops_its_work() {
    let project = Project::new();
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..3_000_000));
    project.write_parquet("a.parquet", &RecordBatch::try_from_iter([("n", numbers)]).unwrap());
    let home = project.parquet();

    let cancelled = run(4 << 20);
    let mut reader =
        home.open(&ReadRequest::default(), Arc::clone(&cancelled.context)).await.unwrap();
    let batch = next_rows(reader.as_mut()).await.unwrap().unwrap();
    assert_eq!(batch.rows.column(0).as_primitive::<Int32Type>().value(1), 1);
    drop(batch);
    cancelled.context.cancel.cancel();
    let fault = next_rows(reader.as_mut()).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Cancelled);
    settle(&cancelled.budget).await;
    let fault = home.open(&ReadRequest::default(), Arc::clone(&cancelled.context)).await;
    assert_eq!(fault.err().map(|fault| fault.kind()), Some(FaultKind::Cancelled));

    let dropped = run(4 << 20);
    let mut reader =
        home.open(&ReadRequest::default(), Arc::clone(&dropped.context)).await.unwrap();
    drop(next_rows(reader.as_mut()).await.unwrap());
    drop(reader);
    settle(&dropped.budget).await;
}
