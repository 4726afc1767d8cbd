use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, Int64Array,
    RecordBatch, StringArray, StringViewArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::fault::FaultKind;

use super::{decode, decode_schema, encode, schema_bytes};

mod hostile;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn refused(bytes: Vec<u8>, expected: &SchemaRef) -> String {
    let fault = decode(bytes, expected, "connector `shop`, `orders`").unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data);
    let message = fault.to_string();
    message.strip_prefix("connector `shop`, `orders`: ").expect("names who it was").to_owned()
}

fn lists() -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..100 {
        for item in 0..row % 4 {
            lists.values().append_value(format!("{row}/{item}"));
        }
        lists.append(row % 7 != 0);
    }
    Arc::new(lists.finish())
}

fn mixed() -> RecordBatch {
    let text = || (0..100).map(|row| (row % 5 != 0).then(|| format!("row {row} of a hundred")));
    batch(vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..100))),
        (
            "flag",
            Arc::new(
                (0..100).map(|row| (row % 3 > 0).then_some(row % 2 == 0)).collect::<BooleanArray>(),
            ),
        ),
        ("text", Arc::new(text().collect::<StringArray>())),
        ("view", Arc::new(text().collect::<StringViewArray>())),
        (
            "word",
            Arc::new(
                (0..100)
                    .map(|row| ["a", "b", "c"].get(row % 4).copied())
                    .collect::<DictionaryArray<arrow_array::types::Int8Type>>(),
            ),
        ),
        (
            "price",
            Arc::new(
                Decimal128Array::from_iter_values(0..100).with_precision_and_scale(20, 2).unwrap(),
            ),
        ),
        ("lists", lists()),
    ])
}

#[test]
fn rows_come_back_as_they_went() {
    let rows = mixed();
    let stream = encode(&rows).unwrap();
    assert_eq!(decode(stream, rows.schema_ref(), "x").unwrap(), [rows]);
}

#[test]
fn of_a_slice_only_what_it_shows_is_sent() {
    let rows = mixed();
    let slice = rows.slice(13, 6);
    let stream = encode(&slice).unwrap();
    assert!(stream.len() < encode(&rows).unwrap().len() / 2, "{}", stream.len());
    assert_eq!(decode(stream, rows.schema_ref(), "x").unwrap(), [slice]);
}

#[test]
fn a_stream_is_written_into_just_the_room_it_needs() {
    let stream = encode(&mixed()).unwrap();
    assert_eq!(stream.capacity(), stream.len());
}

#[test]
fn columns_stay_where_they_arrived() {
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..1000))),
        ("text", Arc::new(StringArray::from_iter_values((0..1000).map(|n| n.to_string())))),
    ]);
    let stream = encode(&rows).unwrap();
    let bytes = stream.as_ptr_range();
    let (start, end) = (bytes.start as usize, bytes.end as usize);
    let decoded = decode(stream, rows.schema_ref(), "x").unwrap();
    for column in decoded[0].columns() {
        for buffer in column.to_data().buffers() {
            assert!((start..end).contains(&(buffer.as_ptr() as usize)));
        }
    }
}

#[test]
fn columns_that_are_not_aligned_are_copied() {
    let price = Decimal128Array::from_iter_values(0..10).with_precision_and_scale(9, 2).unwrap();
    let rows = batch(vec![("price", Arc::new(price))]);
    let stream = encode(&rows).unwrap();
    let at = stream.windows(16).position(|word| word == 1i128.to_le_bytes()).unwrap();
    // Four bytes more in the head of the batch put its body on an address no 16 divides.
    let head =
        stream.windows(4).enumerate().filter(|(_, word)| *word == [0xff; 4]).map(|(at, _)| at);
    let head = head.filter(|head| *head < at).max().unwrap();
    let length = u32::from_le_bytes(stream[head + 4..head + 8].try_into().unwrap());
    let body = head + 8 + length as usize;
    let mut moved = stream[..head + 4].to_vec();
    moved.extend((length + 4).to_le_bytes());
    moved.extend(&stream[head + 8..body]);
    moved.extend([0; 4]);
    moved.extend(&stream[body..]);
    let decoded = decode(moved, rows.schema_ref(), "x").unwrap();
    assert_eq!(decoded[0].column(0).as_primitive::<Decimal128Type>().value(9), 9);
}

#[test]
fn several_batches_in_one_stream_are_taken_in_their_order() {
    let rows = batch(vec![("id", Arc::new(Int64Array::from_iter_values(0..10)))]);
    let mut stream = Vec::new();
    let mut writer =
        arrow_ipc::writer::StreamWriter::try_new(&mut stream, rows.schema_ref()).unwrap();
    for at in 0..5 {
        writer.write(&rows.slice(at * 2, 2)).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    let decoded = decode(stream, rows.schema_ref(), "x").unwrap();
    let ids = decoded
        .iter()
        .flat_map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec());
    assert_eq!(ids.collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_schema_alone_goes_there_and_back() {
    let schema = mixed().schema();
    let bytes = schema_bytes(&schema).unwrap();
    assert_eq!(&decode_schema(bytes.clone(), "x").unwrap(), schema.as_ref());
    assert_eq!(decode(bytes, &schema, "x").unwrap(), []);
    let fault = decode_schema(encode(&mixed()).unwrap(), "x").unwrap_err();
    assert!(fault.to_string().contains("followed by rows"), "{fault}");
}

#[test]
fn metadata_and_names_of_items_are_the_librarys_own_business() {
    let rows = batch(vec![("lists", lists())]);
    let items =
        Field::new("element", DataType::Utf8, true).with_metadata([("PARQUET:field_id", "7")]);
    let announced = Arc::new(Schema::new(vec![
        Field::new("lists", DataType::List(Arc::new(items)), true).with_metadata([("a", "b")]),
    ]));
    let decoded = decode(encode(&rows).unwrap(), &announced, "x").unwrap();
    assert_eq!(decoded[0].schema(), announced);
    assert_eq!(decoded[0].column(0).len(), 100);
}

#[test]
fn a_batch_of_another_schema_is_told_by_its_first_difference() {
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1]))),
        ("text", Arc::new(StringArray::from(vec!["a"]))),
    ]);
    let against =
        |fields: Vec<Field>| refused(encode(&rows).unwrap(), &Arc::new(Schema::new(fields)));
    let id = || Field::new("id", DataType::Int64, false);
    let text = || Field::new("text", DataType::Utf8, false);
    assert_eq!(
        against(vec![id(), Field::new("text", DataType::Int32, false)]),
        "a batch is not of the announced schema: `text` is Utf8, announced as Int32"
    );
    assert!(against(vec![id()]).ends_with("the column `text` was not announced"));
    assert!(against(vec![id(), text(), id()]).ends_with("the column `id` is missing"));
    assert!(against(vec![text(), id()]).ends_with("column 1 is `id`, announced as `text`"));
    assert!(
        against(vec![Field::new("id", DataType::Int64, true), text()])
            .ends_with("`id` is never null, announced as null at times")
    );
}

#[test]
fn nulls_in_a_column_that_is_never_null_are_refused() {
    let rows = batch(vec![("id", Arc::new(Int32Array::from(vec![Some(1), None])))]);
    let mut stream = encode(&rows).unwrap();
    let announced = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
    assert!(refused(stream.clone(), &announced).contains("`id` may be null"));
    // The schema of one stream, the batch of another.
    let head = schema_bytes(&announced).unwrap();
    let rest = schema_bytes(rows.schema_ref()).unwrap().len() - 8;
    stream.splice(..rest, head[..head.len() - 8].iter().copied());
    assert!(refused(stream, &announced).contains("non-nullable but contains null values"));
}
