use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::decode;
use crate::schema::{Announced, announced};

fn schema(text: &str) -> SchemaRef {
    announced(Announced::Json(text.to_owned()), "x").unwrap()
}

fn one(data_type: &str) -> SchemaRef {
    schema(&format!(r#"[{{"name": "a", "type": {data_type}}}]"#))
}

fn read(text: &str, schema: &SchemaRef) -> Result<RecordBatch, String> {
    match decode(text.as_bytes().to_vec(), schema, "connector `shop`, `orders`") {
        Ok(batches) => {
            assert_eq!(batches.len(), 1);
            Ok(batches[0].clone())
        }
        Err(fault) => {
            let text = fault.to_string();
            Err(text.strip_prefix("connector `shop`, `orders`: ").unwrap().to_owned())
        }
    }
}

#[test]
fn rows_of_every_type() {
    let schema = schema(
        r#"[{"name": "id", "type": "int64", "nullable": false}, {"name": "big", "type": "uint64"},
            {"name": "f", "type": "float64"}, {"name": "p", "type": "decimal(10,2)"},
            {"name": "s", "type": "string"}, {"name": "d", "type": "date"},
            {"name": "ts", "type": "timestamp_utc"}, {"name": "j", "type": "json"},
            {"name": "l", "type": "list<int64>"}, {"name": "b", "type": "bool"},
            {"name": "x", "type": "binary"}, {"name": "t", "type": "time"},
            {"name": "o", "type": [{"name": "x", "type": "string"}]}]"#,
    );
    let rows = read(
        concat!(
            r#"{"id": 1, "big": "18446744073709551615", "f": 1e300, "p": "12.50", "s": "ä\n", "d": "2026-01-31", "#,
            r#""ts": "2026-01-31T01:00:00.000001+01:00", "j": {"a": [1, "b\"", null, 1.50]}, "l": [1, null], "#,
            r#""b": true, "x": "00ff", "t": "00:00:01", "o": {"x": "y"}}"#,
            "\n\n  \r\n",
            r#"{"id": 9007199254740993, "p": 3, "f": "NaN", "j": "text", "o": null}"#,
        ),
        &schema,
    )
    .unwrap();
    assert_eq!(rows.num_rows(), 2);
    let column = |name| rows.column_by_name(name).unwrap();
    assert_eq!(column("id").as_primitive::<Int64Type>().values(), &[1, 9_007_199_254_740_993]);
    assert_eq!(column("big").as_primitive::<UInt64Type>().value(0), u64::MAX);
    assert_eq!(column("f").as_primitive::<Float64Type>().value(0), 1e300);
    assert!(column("f").as_primitive::<Float64Type>().value(1).is_nan());
    assert_eq!(column("p").as_primitive::<Decimal128Type>().values(), &[1250, 300]);
    assert_eq!(column("s").as_string::<i32>().value(0), "ä\n");
    assert_eq!(column("d").as_primitive::<Date32Type>().value(0), 20_484);
    let midnight = 20_484 * 86_400_000_000;
    assert_eq!(column("ts").as_primitive::<TimestampMicrosecondType>().value(0), midnight + 1);
    let json = column("j").as_string::<i32>();
    assert_eq!((json.value(0), json.value(1)), (r#"{"a":[1,"b\"",null,1.50]}"#, r#""text""#));
    assert_eq!(column("l").as_list::<i32>().value(0).null_count(), 1);
    assert_eq!(column("x").as_binary::<i32>().value(0), [0, 0xff]);
    assert!(column("o").is_null(1) && column("s").is_null(1));
}

#[test]
fn a_value_of_another_type_is_told_with_its_line_and_column() {
    for (data_type, value, said) in [
        (r#""int64""#, "2.5", "`2.5` is not a whole number that fits int64"),
        (r#""int8""#, "128", "`128` is not a whole number that fits int8"),
        (r#""uint8""#, "-1", "`-1` is not a whole number"),
        (r#""int64""#, "9223372036854775808", "is not a whole number that fits int64"),
        (r#""int64""#, "1e30", "is not a whole number that fits int64"),
        (r#""int64""#, "true", "`true` is not a whole number"),
        (r#""int64""#, r#""one""#, r#"`"one"` is not a whole number"#),
        (r#""float64""#, r#""one""#, "is not a number"),
        (r#""float64""#, r#""inf""#, "is not a number"),
        (r#""float32""#, "1e39", "is not a number that fits its type"),
        (r#""decimal(10,2)""#, "1.234", "is not a number that fits decimal(10,2) without rounding"),
        (r#""decimal(10,2)""#, r#""1.2.3""#, "is not a number that fits decimal(10,2)"),
        (r#""decimal(4,2)""#, "123.4", "is not a number that fits decimal(4,2)"),
        (r#""decimal(4,2)""#, r#""1e99999999999""#, "is not a number that fits decimal(4,2)"),
        (r#""string""#, "1", "`1` is not text"),
        (r#""bool""#, "1", "`1` is not true or false"),
        (r#""date""#, r#""31.01.2026""#, "is not a date as text"),
        (r#""date""#, "20484", "is not a date as text"),
        (r#""timestamp""#, "1769817600", "is not a date and time as text"),
        (r#""timestamp""#, r#""now""#, "is not a date and time as text"),
        (r#""time""#, r#""25:00""#, "is not a time as text"),
        (r#""binary""#, r#""xyz""#, "is not text of hexadecimal digits"),
        (r#""list<int8>""#, "1", "`1` is not a list"),
        (r#"[{"name": "b", "type": "int8"}]"#, "1", "`1` is not an object"),
    ] {
        let message = read(&format!("{{}}\n{{\"a\": {value}}}\n"), &one(data_type)).unwrap_err();
        assert!(message.starts_with("line 2, column `a`: `"), "{message}");
        assert!(message.contains(said), "{data_type} {value}: {message}");
    }
}

#[test]
fn a_wrong_value_within_a_value_is_told_by_its_path() {
    let nested = one(r#"[{"name": "b", "type": "list<int8>"}]"#);
    let message = read(r#"{"a": {"b": [1, 300]}}"#, &nested).unwrap_err();
    assert!(message.starts_with("line 1, column `a.b[]`: `300` is not"), "{message}");
}

#[test]
fn numbers_that_only_look_unfit_are_taken() {
    for (data_type, value) in [
        (r#""int8""#, "2.0"),
        (r#""int64""#, "1e3"),
        (r#""int64""#, "-0.0"),
        (r#""decimal(10,2)""#, "1.2300"),
        (r#""decimal(10,2)""#, "12345e-2"),
        (r#""decimal(10,2)""#, "1.5e2"),
        (r#""float32""#, "0.1"),
    ] {
        let rows = read(&format!("{{\"a\": {value}}}"), &one(data_type)).unwrap();
        assert!(rows.column(0).is_valid(0), "{value}");
    }
}

#[test]
fn lines_that_are_not_one_known_object_are_refused() {
    let schema = schema(
        r#"[{"name": "a", "type": "int8"}, {"name": "o", "type": [{"name": "x", "type": "int8"}]}]"#,
    );
    for (line, said) in [
        ("nonsense", "line 2 is not a JSON object but `nonsense`"),
        ("[1]", "line 2 is not a JSON object but `[1]`"),
        ("{\"a\": 1", "line 2 is not one JSON object: EOF while parsing an object at byte 7"),
        ("{\"a\": 1} {\"a\": 1}", "line 2 is not one JSON object: trailing characters"),
        ("{\"a\": 01}", "line 2 is not one JSON object"),
        ("{\"a\": 1, \"a\": 2}", "line 2: `a` stands there twice"),
        ("{\"b\": 1}", "line 2: `b` is not in the announced schema"),
        ("{\"o\": {\"y\": 1}}", "line 2: `o.y` is not in the announced schema"),
        ("{\"o\": {\"x\": 1, \"x\": 1}}", "line 2: `o.x` stands there twice"),
    ] {
        let message = read(&format!("{{}}\n{line}\n{{}}"), &schema).unwrap_err();
        assert!(message.starts_with(said), "{message}");
    }
}

#[test]
fn a_column_that_is_never_null_is_there_in_every_line() {
    let schema = schema(r#"[{"name": "a", "type": "int8", "nullable": false}]"#);
    let message = read("{\"a\": 1}\n{}", &schema).unwrap_err();
    assert_eq!(message, "line 2, column `a` is missing: it is announced as never null");
    let message = read("{\"a\": null}", &schema).unwrap_err();
    assert_eq!(message, "line 1, column `a` is null: it is announced as never null");
}

#[test]
fn depth_length_and_encoding_are_bounded() {
    let schema = one(r#""json""#);
    let deep = |depth: usize| format!(r#"{{"a": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(read(&deep(63), &schema).is_ok());
    assert!(read(&deep(64), &schema).unwrap_err().contains("nested more than 64 deep"));
    assert!(read(&deep(1_000_000), &schema).unwrap_err().contains("nested more than 64 deep"));
    let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(17 << 20));
    assert!(read(&long, &schema).unwrap_err().contains("a row may have 16 MiB"));
    let fault = decode(b"{}\n{\"a\": \"\xff\"}".to_vec(), &schema, "x").unwrap_err();
    assert!(fault.to_string().contains("line 2 is not UTF-8"), "{fault}");
    assert_eq!(decode(Vec::new(), &schema, "x").unwrap(), []);
}

#[test]
fn short_lines_do_not_become_gigabytes() {
    let wide =
        Arc::new(Schema::new(vec![Field::new("a", DataType::FixedSizeBinary(1 << 20), true)]));
    let message = decode(b"{}\n".repeat(300), &wide, "x").unwrap_err().to_string();
    assert!(message.contains("300 rows come to more than 256 MiB"), "{message}");
    let batches = decode(b"{}\n".repeat(30), &wide, "x").unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 30);
}

#[test]
fn instants_keep_the_name_of_their_zone() {
    let of = |zone: &str| {
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        Arc::new(Schema::new(vec![Field::new("a", data_type, true)]))
    };
    for (zone, text, hours) in [
        ("UTC", "1970-01-01T02:00:00", 2),
        ("UTC", "1970-01-01 02:00:00Z", 2),
        ("+02:00", "1970-01-01T02:00:00", 0),
        ("Europe/Berlin", "1970-01-01T02:00:00+01:00", 1),
    ] {
        let rows = read(&format!("{{\"a\": \"{text}\"}}"), &of(zone)).unwrap();
        assert_eq!(rows.schema(), of(zone));
        let value = rows.column(0).as_primitive::<TimestampMicrosecondType>().value(0);
        assert_eq!(value, hours * 3_600_000_000, "{zone} {text}");
    }
    let message = read(r#"{"a": "1970-01-01T02:00:00"}"#, &of("Europe/Berlin")).unwrap_err();
    assert!(message.contains("is not a date and time as text, as in"), "{message}");
}

#[test]
fn many_rows_stay_in_their_order() {
    let text: String = (0..100_000).map(|at| format!("{{\"a\": {at}}}\n")).collect();
    let batches = decode(text.into_bytes(), &one(r#""int64""#), "x").unwrap();
    let ids = batches
        .iter()
        .flat_map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec());
    assert!(ids.eq(0..100_000));
}
