//! Every type that Parquet can carry comes through as it is.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    Int32Builder, ListBuilder, MapBuilder, StringBuilder, StringDictionaryBuilder,
};
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::{IntervalDayTime, OffsetBuffer, i256};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

use crate::support::{Project, read};

const ROWS: i64 = 1000;

fn every_third_null<T>(value: impl Fn(i64) -> T) -> impl Iterator<Item = Option<T>> {
    (0..ROWS).map(move |row| (row % 3 != 1).then(|| value(row)))
}

macro_rules! primitive {
    ($array:ty, $native:ty) => {
        Arc::new(<$array>::from_iter(every_third_null(|row| row as $native))) as ArrayRef
    };
}

fn all_types() -> RecordBatch {
    let text = |row: i64| format!("value {row} ø");
    let bytes = |row: i64| vec![row as u8; (row % 7) as usize];
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    let mut list = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
    let mut dictionary = StringDictionaryBuilder::<Int16Type>::new();
    for row in 0..ROWS {
        for key in 0..row % 3 {
            map.keys().append_value(format!("k{key}"));
            map.values().append_option((key != 1).then_some(row as i32));
        }
        map.append(row % 5 != 0).unwrap();
        for inner in 0..row % 4 {
            for item in 0..inner {
                list.values().values().append_option((item != 1).then(|| text(row)));
            }
            list.values().append(inner != 3);
        }
        list.append(row % 6 != 0);
        dictionary.append_option((row % 3 != 0).then(|| format!("d{}", row % 20)));
    }
    let struct_fields = Fields::from(vec![
        Field::new("x", DataType::Int32, true),
        Field::new(
            "inner",
            DataType::Struct(vec![Field::new("y", DataType::Utf8, true)].into()),
            false,
        ),
    ]);
    let inner = StructArray::new(
        vec![Field::new("y", DataType::Utf8, true)].into(),
        vec![Arc::new(StringArray::from_iter(every_third_null(text)))],
        None,
    );
    let nested = StructArray::new(
        struct_fields,
        vec![primitive!(Int32Array, i32), Arc::new(inner)],
        Some((0..ROWS).map(|row| row % 4 != 0).collect::<Vec<_>>().into()),
    );
    let fixed_item = Arc::new(Field::new("item", DataType::Float32, true));
    let fixed_list = FixedSizeListArray::new(
        fixed_item,
        3,
        Arc::new(Float32Array::from_iter((0..ROWS * 3).map(|at| (at % 5 != 0).then_some(1.5)))),
        Some((0..ROWS).map(|row| row % 4 != 0).collect::<Vec<_>>().into()),
    );
    let lengths = OffsetBuffer::<i64>::from_lengths((0..ROWS).map(|row| (row % 3) as usize));
    let total = lengths.last();
    let large_list = LargeListArray::new(
        Arc::new(Field::new("element", DataType::Int64, false)),
        lengths,
        Arc::new(Int64Array::from_iter_values(0..total)),
        None,
    );
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bool", Arc::new(BooleanArray::from_iter(every_third_null(|row| row % 2 == 0)))),
        ("i8", primitive!(Int8Array, i8)),
        ("i16", primitive!(Int16Array, i16)),
        ("i32", primitive!(Int32Array, i32)),
        ("i64", primitive!(Int64Array, i64)),
        ("u8", primitive!(UInt8Array, u8)),
        ("u16", primitive!(UInt16Array, u16)),
        ("u32", primitive!(UInt32Array, u32)),
        ("u64", Arc::new(UInt64Array::from_iter(every_third_null(|row| u64::MAX - row as u64)))),
        (
            "f16",
            Arc::new(Float16Array::from_iter(every_third_null(|row| {
                <Float16Type as ArrowPrimitiveType>::Native::from_f32(row as f32)
            }))),
        ),
        ("f32", primitive!(Float32Array, f32)),
        ("f64", primitive!(Float64Array, f64)),
        (
            "d32",
            Arc::new(
                Decimal32Array::from_iter(every_third_null(|row| row as i32))
                    .with_precision_and_scale(9, 2)
                    .unwrap(),
            ),
        ),
        (
            "d64",
            Arc::new(
                Decimal64Array::from_iter(every_third_null(|row| row))
                    .with_precision_and_scale(18, 4)
                    .unwrap(),
            ),
        ),
        (
            "d128",
            Arc::new(
                Decimal128Array::from_iter(every_third_null(|row| i128::from(row) << 60))
                    .with_precision_and_scale(38, 10)
                    .unwrap(),
            ),
        ),
        (
            "d256",
            Arc::new(
                Decimal256Array::from_iter(every_third_null(|row| {
                    i256::from_parts(row as u128, i128::from(row))
                }))
                .with_precision_and_scale(76, 20)
                .unwrap(),
            ),
        ),
        ("date32", primitive!(Date32Array, i32)),
        ("date64", Arc::new(Date64Array::from_iter(every_third_null(|row| row * 86_400_000)))),
        ("time32s", primitive!(Time32SecondArray, i32)),
        ("time32ms", primitive!(Time32MillisecondArray, i32)),
        ("time64us", primitive!(Time64MicrosecondArray, i64)),
        ("time64ns", primitive!(Time64NanosecondArray, i64)),
        ("ts_s", primitive!(TimestampSecondArray, i64)),
        ("ts_ms", primitive!(TimestampMillisecondArray, i64)),
        (
            "ts_us_tz",
            Arc::new(
                TimestampMicrosecondArray::from_iter(every_third_null(|row| -row))
                    .with_timezone("Europe/Oslo"),
            ),
        ),
        (
            "ts_ns_utc",
            Arc::new(
                TimestampNanosecondArray::from_iter(every_third_null(|row| row))
                    .with_timezone("+02:00"),
            ),
        ),
        ("duration", primitive!(DurationMillisecondArray, i64)),
        ("interval_ym", primitive!(IntervalYearMonthArray, i32)),
        (
            "interval_dt",
            Arc::new(IntervalDayTimeArray::from_iter(every_third_null(|row| {
                IntervalDayTime::new(row as i32, 5)
            }))),
        ),
        ("utf8", Arc::new(StringArray::from_iter(every_third_null(text)))),
        ("large_utf8", Arc::new(LargeStringArray::from_iter(every_third_null(text)))),
        ("utf8_view", Arc::new(StringViewArray::from_iter(every_third_null(text)))),
        ("binary", Arc::new(BinaryArray::from_iter(every_third_null(bytes)))),
        ("large_binary", Arc::new(LargeBinaryArray::from_iter(every_third_null(bytes)))),
        ("binary_view", Arc::new(BinaryViewArray::from_iter(every_third_null(bytes)))),
        (
            "fixed_binary",
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    every_third_null(|row| (row as u128).to_be_bytes()),
                    16,
                )
                .unwrap(),
            ),
        ),
        ("dictionary", Arc::new(dictionary.finish())),
        ("null", Arc::new(NullArray::new(ROWS as usize))),
        ("struct", Arc::new(nested)),
        ("list", Arc::new(list.finish())),
        ("large_list", Arc::new(large_list)),
        ("fixed_list", Arc::new(fixed_list)),
        ("map", Arc::new(map.finish())),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| {
            Field::new(*name, column.data_type().clone(), true)
                .with_metadata(HashMap::from([("comment".to_owned(), format!("about {name}"))]))
        })
        .collect();
    let schema =
        Schema::new_with_metadata(fields, HashMap::from([("owner".to_owned(), "me".to_owned())]));
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, column)| column).collect())
        .unwrap()
}

/// The types and the metadata; Parquet adds ids of its own to fields in places.
fn assert_same(read: &RecordBatch, written: &RecordBatch) {
    for (field, expected) in read.schema().fields().iter().zip(written.schema().fields()) {
        assert_eq!(field.name(), expected.name());
        assert_eq!(field.data_type(), expected.data_type());
        assert_eq!(field.metadata().get("comment"), expected.metadata().get("comment"));
    }
    assert_eq!(read.schema().metadata().get("owner").map(String::as_str), Some("me"));
    for (at, column) in read.columns().iter().enumerate() {
        assert_eq!(column, written.column(at), "{}", read.schema().field(at).name());
    }
}

#[tokio::test]
async fn all_types_come_through() {
    let written = all_types();
    for properties in [
        WriterProperties::builder().build(),
        WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_data_page_row_count_limit(77)
            .set_write_batch_size(13)
            .set_max_row_group_row_count(Some(333))
            .build(),
        WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_encoding("utf8".into(), Encoding::DELTA_BYTE_ARRAY)
            .set_column_encoding("i64".into(), Encoding::DELTA_BINARY_PACKED)
            .set_column_encoding("f64".into(), Encoding::BYTE_STREAM_SPLIT)
            .build(),
        WriterProperties::builder().set_compression(Compression::LZ4_RAW).build(),
        WriterProperties::builder().set_compression(Compression::GZIP(Default::default())).build(),
        WriterProperties::builder()
            .set_compression(Compression::BROTLI(Default::default()))
            .build(),
    ] {
        let project = Project::new();
        project.write_parquet_with("a.parquet", &written, properties);
        let read = read(&project.parquet()).await.unwrap();
        assert_eq!(read.rows_expected, Some(ROWS as u64));
        assert_same(&read.all(), &written);
    }
}

#[tokio::test]
async fn short_batches_bring_the_same() {
    let written = all_types();
    let project = Project::new();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(333)).build();
    project.write_parquet_with("a.parquet", &written, properties);
    let keys = serde_json::json!({ "path": "in", "options": { "batch_size": 7 } });
    let read = read(&project.home("parquet", keys)).await.unwrap();
    assert!(read.batches.iter().all(|batch| batch.num_rows() <= 7));
    assert_same(&read.all(), &written);
}

#[tokio::test]
async fn a_table_without_rows_keeps_its_columns() {
    let project = Project::new();
    project.write_parquet("a.parquet", &all_types().slice(0, 0));
    let read = read(&project.parquet()).await.unwrap();
    assert_eq!(read.rows(), 0);
    assert_eq!(
        read.schema.field_with_name("interval_ym").unwrap().data_type(),
        &DataType::Interval(IntervalUnit::YearMonth)
    );
    assert_eq!(
        read.schema.field_with_name("ts_s").unwrap().data_type(),
        &DataType::Timestamp(TimeUnit::Second, None)
    );
}
