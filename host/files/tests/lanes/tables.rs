//! Rows to move.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray,
    Float64Array, Int64Array, LargeBinaryArray, ListArray, RecordBatch, StringArray,
    StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

/// Every codec, with its name in configuration.
pub(crate) fn codecs() -> [(&'static str, Compression); 6] {
    [
        ("uncompressed", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("lz4", Compression::LZ4_RAW),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("brotli", Compression::BROTLI(BrotliLevel::default())),
    ]
}

/// Rows with columns of very different types.
pub(crate) fn types(rows: i64) -> RecordBatch {
    let some = |at: i64| (at % 7 != 0).then_some(at);
    let text = |at: i64| some(at).map(|at| format!("text {}", at % 50));
    let price = Decimal128Array::from_iter((0..rows).map(|at| some(at).map(i128::from)))
        .with_precision_and_scale(20, 2)
        .unwrap();
    let ids = (0..rows).map(|at| [u8::try_from(at % 251).unwrap(); 16]);
    let parts = StructArray::from(vec![
        (
            Arc::new(Field::new("x", DataType::Int64, true)),
            Arc::new(Int64Array::from_iter((0..rows).map(some))) as ArrayRef,
        ),
        (
            Arc::new(Field::new("y", DataType::Utf8, true)),
            Arc::new(StringArray::from_iter((0..rows).map(text))),
        ),
    ]);
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..rows).map(|at| some(at).map(|at| (0..(at % 4) as i32).map(Some).collect::<Vec<_>>())),
    );
    let kinds: DictionaryArray<Int8Type> =
        (0..rows).map(|at| Some(["a", "b", "c"][at as usize % 3])).collect();
    let changed =
        TimestampMicrosecondArray::from_iter((0..rows).map(|at| some(at).map(|at| at * 1_000)));
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from_iter_values(0..rows)) as ArrayRef, false),
        (
            "flag",
            Arc::new(BooleanArray::from_iter((0..rows).map(|at| some(at).map(|at| at % 2 == 0)))),
            true,
        ),
        (
            "ratio",
            Arc::new(Float64Array::from_iter(
                (0..rows).map(|at| some(at).map(|at| at as f64 - 9.5)),
            )),
            true,
        ),
        ("name", Arc::new(StringArray::from_iter((0..rows).map(text))), true),
        ("view", Arc::new(StringViewArray::from_iter((0..rows).map(text))), true),
        ("kind", Arc::new(kinds), true),
        (
            "bytes",
            Arc::new(LargeBinaryArray::from_iter(
                (0..rows).map(|at| some(at).map(|at| at.to_le_bytes())),
            )),
            true,
        ),
        ("uuid", Arc::new(FixedSizeBinaryArray::try_from_iter(ids).unwrap()), false),
        ("price", Arc::new(price), true),
        (
            "day",
            Arc::new(Date32Array::from_iter((0..rows).map(|at| some(at).map(|at| at as i32)))),
            true,
        ),
        ("changed", Arc::new(changed.with_timezone("UTC")), true),
        ("parts", Arc::new(parts), true),
        ("list", Arc::new(lists), true),
        ("nothing", Arc::new(StringArray::from(vec![None::<&str>; rows as usize])), true),
    ])
    .unwrap()
}

/// Rows that no codec makes much smaller: 64 bytes of noise each, beside an id that counts on
/// from `from`.
pub(crate) fn noise(from: i64, rows: i64) -> RecordBatch {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ from.cast_unsigned();
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = (0..rows).map(|_| (0..4).map(|_| format!("{:016x}", next())).collect::<String>());
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(from..from + rows)) as ArrayRef),
        ("noise", Arc::new(StringArray::from_iter_values(words)) as ArrayRef),
    ])
    .unwrap()
}

/// Rows in a row group of [`noise`] that is worth keeping.
pub(crate) const WORTH_KEEPING: i64 = 30_000;
