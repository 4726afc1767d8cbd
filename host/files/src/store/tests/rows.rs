//! Rows come back as they went in, in files of the right size.

use std::collections::HashMap;

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder, StructBuilder};
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, IntervalUnit, Schema, TimeUnit};
use hygge_core::fault::FaultKind;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};

use super::*;

fn every_type() -> RecordBatch {
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("a"), None]);
    list.append_null();
    let mut map = MapBuilder::new(None, StringBuilder::new(), builder::Int64Builder::new());
    map.keys().append_value("k");
    map.values().append_value(1);
    map.append(true).unwrap();
    map.append(true).unwrap();
    let fields =
        vec![Field::new("x", DataType::Int32, true), Field::new("y", DataType::Utf8, true)];
    let mut structs = StructBuilder::from_fields(fields, 2);
    structs.field_builder::<builder::Int32Builder>(0).unwrap().append_value(7);
    structs.field_builder::<StringBuilder>(1).unwrap().append_null();
    structs.append(true);
    structs.field_builder::<builder::Int32Builder>(0).unwrap().append_null();
    structs.field_builder::<StringBuilder>(1).unwrap().append_null();
    structs.append(false);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("null", Arc::new(NullArray::new(2))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("i8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None]))),
        ("i16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None]))),
        ("i32", Arc::new(Int32Array::from(vec![Some(i32::MIN), None]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("u8", Arc::new(UInt8Array::from(vec![Some(u8::MAX), None]))),
        ("u16", Arc::new(UInt16Array::from(vec![Some(u16::MAX), None]))),
        ("u32", Arc::new(UInt32Array::from(vec![Some(u32::MAX), None]))),
        ("u64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(f32::MIN_POSITIVE), None]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(-0.1), Some(f64::INFINITY)]))),
        ("utf8", Arc::new(StringArray::from(vec![Some("æøå 🦀"), None]))),
        ("large_utf8", Arc::new(LargeStringArray::from(vec![Some(""), None]))),
        ("utf8_view", Arc::new(StringViewArray::from(vec![Some("longer than twelve"), None]))),
        ("binary", Arc::new(BinaryArray::from(vec![Some(b"\0\xff".as_slice()), None]))),
        ("large_binary", Arc::new(LargeBinaryArray::from(vec![Some(b"x".as_slice()), None]))),
        ("binary_view", Arc::new(BinaryViewArray::from(vec![Some(b"x".as_slice()), None]))),
        (
            "fixed",
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    [Some([1_u8; 16]), None].into_iter(),
                    16,
                )
                .unwrap(),
            ),
        ),
        (
            "d128",
            Arc::new(
                Decimal128Array::from(vec![Some(i128::from(i64::MAX) * 1000), None])
                    .with_precision_and_scale(38, 10)
                    .unwrap(),
            ),
        ),
        (
            "d256",
            Arc::new(
                Decimal256Array::from(vec![Some(i256::from_i128(-5)), None])
                    .with_precision_and_scale(76, 4)
                    .unwrap(),
            ),
        ),
        ("date32", Arc::new(Date32Array::from(vec![Some(-1), None]))),
        ("date64", Arc::new(Date64Array::from(vec![Some(86_400_000), None]))),
        ("t_ms", Arc::new(Time32MillisecondArray::from(vec![Some(1), None]))),
        ("t_us", Arc::new(Time64MicrosecondArray::from(vec![Some(1), None]))),
        ("t_ns", Arc::new(Time64NanosecondArray::from(vec![Some(1), None]))),
        ("ts_ms", Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None]))),
        (
            "ts_us",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None]).with_timezone("UTC")),
        ),
        (
            "ts_ns",
            Arc::new(
                TimestampNanosecondArray::from(vec![Some(1), None])
                    .with_timezone("Europe/Copenhagen"),
            ),
        ),
        ("duration", Arc::new(DurationMicrosecondArray::from(vec![Some(5), None]))),
        ("months", Arc::new(IntervalYearMonthArray::from(vec![Some(5), None]))),
        (
            "dictionary",
            Arc::new(vec![Some("a"), None].into_iter().collect::<DictionaryArray<Int8Type>>()),
        ),
        ("list", Arc::new(list.finish())),
        ("map", Arc::new(map.finish())),
        ("struct", Arc::new(structs.finish())),
        (
            "fixed_list",
            Arc::new(FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
                vec![Some(vec![Some(1), None]), None],
                2,
            )),
        ),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| {
            Field::new(*name, column.data_type().clone(), true)
                .with_metadata(HashMap::from([("note".to_owned(), format!("of {name}"))]))
        })
        .collect();
    let metadata = HashMap::from([("made by".to_owned(), "a test".to_owned())]);
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, column)| column).collect()).unwrap()
}

#[tokio::test]
async fn every_type_comes_back() {
    let project = Project::new();
    let rows = every_type();
    project.load(project.parquet().as_ref(), "r", Mode::Replace, std::slice::from_ref(&rows)).await;
    let path = project.table().join(number(1));
    let file = fs::File::open(&path).unwrap();
    let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
    assert_eq!(schema, rows.schema(), "metadata of the table and of fields is kept");
    let read = read_file(&path);
    assert_eq!(read.len(), 1);
    for (field, (read, written)) in
        rows.schema().fields().iter().zip(read[0].columns().iter().zip(rows.columns()))
    {
        assert_eq!(read.to_data(), written.to_data(), "{}", field.name());
    }
}

#[tokio::test]
async fn whole_seconds_are_stored_in_a_unit_that_readers_know() {
    let project = Project::new();
    let rows = RecordBatch::try_from_iter([
        ("at", Arc::new(TimestampSecondArray::from(vec![5])) as ArrayRef),
        ("time", Arc::new(Time32SecondArray::from(vec![7]))),
    ])
    .unwrap();
    project.load(project.parquet().as_ref(), "r", Mode::Replace, &[rows]).await;
    let read = &read_file(&project.table().join(number(1)))[0];
    let expected: [ArrayRef; 2] = [
        Arc::new(TimestampMillisecondArray::from(vec![5_000])),
        Arc::new(Time32MillisecondArray::from(vec![7_000])),
    ];
    assert_eq!(read.columns(), expected);
    let schema = read.schema();
    assert_eq!(schema.field(0).data_type(), &DataType::Timestamp(TimeUnit::Millisecond, None));
}

#[tokio::test]
async fn a_type_that_parquet_lacks_is_refused_with_its_column() {
    let project = Project::new();
    let union =
        DataType::Union(arrow_schema::UnionFields::empty(), arrow_schema::UnionMode::Sparse);
    let nested = DataType::List(Arc::new(Field::new("item", union.clone(), true)));
    for data_type in [
        union,
        nested,
        DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::Struct(Default::default()),
        DataType::Decimal128(5, -2),
    ] {
        let schema = Arc::new(Schema::new(vec![Field::new("odd", data_type, true)]));
        let store = project.parquet();
        let fault = project.begin(store.as_ref(), "r", Mode::Replace, schema).await.err().unwrap();
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(fault.to_string().contains("`odd`"), "{fault}");
    }
    assert_eq!(project.everything(), Vec::<String>::new(), "nothing was begun");
}

#[tokio::test]
async fn files_hold_exactly_batch_size_rows() {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("batch_size", Value::Int(4))]));
    let batches = [rows(&[1, 2, 3]), rows(&[4, 5, 6, 7, 8, 9, 10, 11, 12, 13]), rows(&[14])];
    let published = project.load(store.as_ref(), "r", Mode::Replace, &batches).await;
    assert_eq!(published.parts, 4);
    let files: Vec<Vec<i64>> = ids(&project.table()).into_iter().map(|(_, ids)| ids).collect();
    assert_eq!(files, [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9, 10, 11, 12], vec![13, 14]]);
}

#[tokio::test]
async fn files_end_at_row_groups_once_they_are_large() {
    let project = Project::new();
    let group = Value::Mapping(mapping([("row_group_size", Value::Int(100))]));
    let store = project.local(mapping([
        ("path", text("out")),
        ("format_options", group),
        ("target_file_size", text("3 KB")),
    ]));
    let all: Vec<i64> = (0..1000).collect();
    project.load(store.as_ref(), "r", Mode::Replace, &[rows(&all[..730]), rows(&all[730..])]).await;
    let files = ids(&project.table());
    assert!(files.len() > 1 && files.len() < 10, "{} files", files.len());
    for (name, ids) in &files[..files.len() - 1] {
        assert_eq!(ids.len() % 100, 0, "{name} ends within a row group");
    }
    let read: Vec<i64> = files.into_iter().flat_map(|(_, ids)| ids).collect();
    assert_eq!(read, all);
}

#[tokio::test]
async fn a_table_without_rows_keeps_its_columns() {
    let project = Project::new();
    let store = project.parquet();
    let published = project.load(store.as_ref(), "r", Mode::Append, &[rows(&[])]).await;
    assert_eq!((published.rows, published.parts), (0, 0));
    assert!(!project.table().exists());
    let published = project.load(store.as_ref(), "s", Mode::Replace, &[rows(&[])]).await;
    assert_eq!((published.rows, published.parts), (0, 1));
    let file = fs::File::open(project.table().join(number(1))).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.schema().as_ref(), rows(&[]).schema().as_ref());
    assert_eq!(project.everything(), [format!("out/orders/{}", number(1))]);
}

#[tokio::test]
async fn every_compression_comes_back() {
    for word in ["snappy", "gzip", "lz4", "brotli", "zstd", "uncompressed"] {
        let project = Project::new();
        let keys = mapping([("path", text("out")), ("compression", text(word))]);
        let store = project.try_store("parquet", keys).unwrap();
        project.load(store.as_ref(), "r", Mode::Replace, &[rows(&[1, 2, 3])]).await;
        assert_eq!(ids(&project.table())[0].1, [1, 2, 3]);
        let file = fs::File::open(project.table().join(number(1))).unwrap();
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
        let codec = format!("{:?}", metadata.row_group(0).column(0).compression());
        assert!(codec.to_lowercase().starts_with(word), "{codec}");
    }
}

#[tokio::test]
async fn files_say_who_wrote_them_and_have_statistics_of_every_page() {
    let project = Project::new();
    let all: Vec<i64> = (0..50_000).collect();
    project.load(project.parquet().as_ref(), "r", Mode::Replace, &[rows(&all)]).await;
    let file = fs::File::open(project.table().join(number(1))).unwrap();
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&file)
        .unwrap();
    let by = metadata.file_metadata().created_by().unwrap();
    assert_eq!(by, concat!("hygge ", env!("CARGO_PKG_VERSION")));
    let index = metadata.page_index_for_row_group(0);
    let pages = index.offset_index(0).unwrap();
    assert!(pages.page_locations().len() > 1);
    let column = metadata.row_group(0).column(0);
    assert!(column.statistics().unwrap().max_bytes_opt().is_some());
}

#[tokio::test]
async fn polish_is_part_of_what_is_written() {
    let project = Project::new();
    let hash = mapping([("name", text("key")), ("from_columns", list([text("id")]))]);
    let polish = mapping([
        ("hash_ids", list([Value::Mapping(hash)])),
        ("columns", Value::Mapping(mapping([("case", text("pascal"))]))),
        ("add_row_marker", Value::Mapping(mapping([("enabled", Value::Bool(true))]))),
    ]);
    let store = project.local(mapping([("path", text("out")), ("polish", Value::Mapping(polish))]));
    project.load(store.as_ref(), "r", Mode::Replace, &[rows(&[7])]).await;
    let read = &read_file(&project.table().join(number(1)))[0];
    let schema = read.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["Key", "Id", "Name", "__rowMarker__"]);
    // SHA-256 of `7`.
    let key = read.column(0).as_string::<i32>().value(0);
    assert_eq!(key, "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451");
}
