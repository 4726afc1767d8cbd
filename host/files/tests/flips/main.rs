//! A Parquet file with a byte changed is read, or is a fault: it never brings hygge down,
//! and never makes it ask for absurd amounts of memory.

#![allow(clippy::unwrap_used, clippy::panic)]

mod allocations;
mod lanes;
// The tests of lanes use the rest of it.
#[allow(dead_code)]
#[path = "../lanes/load.rs"]
mod load;
// The other tests use the rest of it.
#[allow(dead_code)]
#[path = "../home/support.rs"]
mod support;

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, StringViewArray,
};
use hygge_core::fault::FaultKind;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

use crate::allocations::largest;
use crate::support::{Project, read};

fn table() -> RecordBatch {
    let text = |at: i64| format!("{}", at % 9);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter((0..60).map(|at| (at % 7 != 0).then_some(at))))),
        ("flag", Arc::new(BooleanArray::from_iter((0..60).map(|at| Some(at % 2 == 0))))),
        ("name", Arc::new(StringArray::from_iter_values((0..60).map(text)))),
        ("view", Arc::new(StringViewArray::from_iter_values((0..60).map(text)))),
        ("price", Arc::new(Float64Array::from_iter_values((0..60).map(f64::from)))),
        (
            "kind",
            Arc::new(
                ["a", "b", "c"].into_iter().cycle().take(60).collect::<DictionaryArray<Int8Type>>(),
            ),
        ),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
                (0..60).map(|at| (at % 5 != 0).then(|| (0..at % 4).map(Some).collect::<Vec<_>>())),
            )),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

async fn flip_all(properties: WriterPropertiesBuilder, seed: u8) {
    let project = Project::new();
    let properties = properties.set_max_row_group_row_count(Some(40)).build();
    let path = project.write_parquet_with("a.parquet", &table(), properties);
    let whole = std::fs::read(&path).unwrap();
    let home = project.parquet();
    let before = largest();
    assert!(before < 32 << 20, "the test itself takes {before} bytes at once");
    let mut faults = 0;
    for at in (usize::from(seed) % 2..whole.len()).step_by(2) {
        // Each byte with another change: all changes of all bytes would take hours.
        let change = match (at as u8).wrapping_mul(37).wrapping_add(seed) {
            0 => 0xff,
            change => change,
        };
        let mut flipped = whole.clone();
        flipped[at] ^= change;
        std::fs::write(&path, &flipped).unwrap();
        match read(&home).await {
            // What lies within a value cannot be told from another value.
            Ok(read) => assert_eq!(read.rows(), 60, "byte {at} ^ {change}"),
            Err(fault) => {
                faults += 1;
                assert_eq!(fault.kind(), FaultKind::Data, "byte {at} ^ {change}: {fault:?}");
                assert!(fault.to_string().contains("in/a.parquet"), "{fault}");
            }
        }
        let most = largest();
        assert!(most < 64 << 20, "byte {at} ^ {change}: {most} bytes asked for at once");
    }
    assert!(faults > whole.len() / 8, "{faults} of {}", whole.len());
}

#[tokio::test]
async fn plain() {
    flip_all(WriterProperties::builder().set_dictionary_enabled(false), 1).await;
}

#[tokio::test]
async fn dictionaries_and_snappy() {
    flip_all(WriterProperties::builder().set_compression(Compression::SNAPPY), 2).await;
}

#[tokio::test]
async fn zstandard() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    flip_all(WriterProperties::builder().set_compression(zstd), 3).await;
}

#[tokio::test]
async fn lz4_and_pages_of_version_two() {
    let properties = WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_writer_version(WriterVersion::PARQUET_2_0);
    flip_all(properties, 4).await;
}

#[tokio::test]
async fn brotli_and_gzip() {
    let properties = WriterProperties::builder()
        .set_compression(Compression::BROTLI(Default::default()))
        .set_column_compression("name".into(), Compression::GZIP(Default::default()));
    flip_all(properties, 5).await;
}

#[tokio::test]
async fn delta_encodings() {
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_column_encoding("id".into(), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding("name".into(), Encoding::DELTA_BYTE_ARRAY)
        .set_column_encoding("view".into(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        .set_column_encoding("price".into(), Encoding::BYTE_STREAM_SPLIT);
    flip_all(properties, 6).await;
}
