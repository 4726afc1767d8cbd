use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit, UnionFields, UnionMode};

use super::{Announced, announced};
use crate::ipc;

fn json(text: &str) -> Result<Schema, String> {
    announced(Announced::Json(text.to_owned()), "connector `shop`, `orders`")
        .map(|schema| schema.as_ref().clone())
        .map_err(|fault| fault.to_string())
}

fn arrow(fields: Vec<Field>) -> Result<Schema, String> {
    let bytes = ipc::schema_bytes(&Schema::new(fields)).unwrap();
    announced(Announced::Arrow(bytes), "connector `shop`, `orders`")
        .map(|schema| schema.as_ref().clone())
        .map_err(|fault| fault.to_string())
}

#[test]
fn every_type_of_the_json_form() {
    let schema = json(
        r#"[{"name": "id", "type": "int64", "nullable": false}, {"name": "b", "type": "bool"},
            {"name": "u", "type": "uint8"}, {"name": "f", "type": "float32"},
            {"name": "price", "type": "decimal(12, 2)"}, {"name": "huge", "type": "decimal(50,0)"},
            {"name": "s", "type": "string"}, {"name": "x", "type": "binary"},
            {"name": "d", "type": "date"}, {"name": "t", "type": "time"},
            {"name": "ts", "type": "timestamp"}, {"name": "utc", "type": "timestamp_utc"},
            {"name": "j", "type": "json"}, {"name": "l", "type": "list<list<date>>"},
            {"name": "o", "type": [{"name": "x", "type": "int8"}], "nullable": false}]"#,
    )
    .unwrap();
    let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
    let micros = TimeUnit::Microsecond;
    let expected = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("b", DataType::Boolean, true),
        Field::new("u", DataType::UInt8, true),
        Field::new("f", DataType::Float32, true),
        Field::new("price", DataType::Decimal128(12, 2), true),
        Field::new("huge", DataType::Decimal256(50, 0), true),
        Field::new("s", DataType::Utf8, true),
        Field::new("x", DataType::Binary, true),
        Field::new("d", DataType::Date32, true),
        Field::new("t", DataType::Time64(micros), true),
        Field::new("ts", DataType::Timestamp(micros, None), true),
        Field::new("utc", DataType::Timestamp(micros, Some("UTC".into())), true),
        Field::new("j", DataType::Utf8, true)
            .with_metadata([("ARROW:extension:name", "arrow.json")]),
        Field::new("l", list(list(DataType::Date32)), true),
        Field::new(
            "o",
            DataType::Struct(vec![Field::new("x", DataType::Int8, true)].into()),
            false,
        ),
    ]);
    assert_eq!(schema, expected);
}

#[test]
fn a_mistake_in_the_json_form_names_its_field() {
    for (text, said) in [
        ("nonsense", "not JSON"),
        ("{}", "not a list of fields"),
        ("[]", "no columns"),
        ("[1]", "field 1 of the announced schema is not an object"),
        (r#"[{"type": "int8"}]"#, "field 1 of the announced schema has no `name`"),
        (r#"[{"name": "a"}]"#, "column `a` has no `type`: it may be `bool`"),
        (r#"[{"name": "a", "type": "varchar"}]"#, "`a` has the type `varchar`: it may be `bool`"),
        (r#"[{"name": "a", "type": "list<varchar>"}]"#, "`a` has the type `list<varchar>`"),
        (r#"[{"name": "a", "type": "int8", "nullabel": 1}]"#, "has a key `nullabel`"),
        (r#"[{"name": "a", "type": "int8", "nullable": "no"}]"#, "neither true nor false"),
        (r#"[{"name": "", "type": "int8"}]"#, "column 1 of the announced schema has no name"),
        (
            r#"[{"name": "a", "type": "int8"}, {"name": "a", "type": "int8"}]"#,
            "the column `a` is announced twice",
        ),
        (r#"[{"name": "a", "type": [{"name": "b", "type": "c"}]}]"#, "`a.b` has the type `c`"),
        (r#"[{"name": "a", "type": []}]"#, "`a` is a struct without fields"),
        (r#"[{"name": "a", "type": "decimal(0,0)"}]"#, "precision is between 1 and 38"),
        (r#"[{"name": "a", "type": "decimal(77,0)"}]"#, "precision is between 1 and 76"),
        (r#"[{"name": "a", "type": "decimal(5,6)"}]"#, "between 0 and the precision"),
        (r#"[{"name": "a", "type": "decimal(5,-1)"}]"#, "between 0 and the precision"),
        (r#"[{"name": "a", "type": "decimal(300,0)"}]"#, "has the type `decimal(300,0)`"),
    ] {
        let message = json(text).unwrap_err();
        assert!(message.starts_with("connector `shop`, `orders`: "), "{message}");
        assert!(message.contains(said), "{text}: {message}");
    }
}

#[test]
fn width_and_depth_are_bounded() {
    let wide = |count: usize| {
        let fields: Vec<_> =
            (0..count).map(|n| format!(r#"{{"name": "c{n}", "type": "int8"}}"#)).collect();
        json(&format!("[{}]", fields.join(",")))
    };
    assert_eq!(wide(4096).unwrap().fields().len(), 4096);
    assert!(wide(4097).unwrap_err().contains("has 4097 columns: at most 4096"));
    let deep = |depth: usize| {
        let word = format!("{}int8{}", "list<".repeat(depth), ">".repeat(depth));
        json(&format!(r#"[{{"name": "a", "type": "{word}"}}]"#))
    };
    assert!(deep(31).is_ok());
    assert!(deep(32).unwrap_err().contains("nested more than 32 deep"));
    assert!(deep(100_000).is_err());
    let bracket = format!(r#"[{{"name":"a","type":{}"#, r#"[{"name":"a","type":"#.repeat(10_000));
    assert!(json(&bracket).is_err());
    assert!(json(&" ".repeat(5 << 20)).unwrap_err().contains("bytes: at most"));
}

#[test]
fn the_arrow_form_is_looked_at_as_closely() {
    let pairs = UnionFields::try_new([0], [Field::new("a", DataType::Int8, true)]).unwrap();
    let nested = DataType::Struct(vec![Field::new("x", DataType::Int8, true)].into());
    let entries = Field::new("entries", nested.clone(), false);
    for (data_type, said) in [
        (DataType::Union(pairs, UnionMode::Sparse), "is a union"),
        (DataType::FixedSizeBinary(-1), "has values of -1 bytes"),
        (DataType::FixedSizeBinary(i32::MAX), "has values of 2147483647 bytes"),
        (DataType::Decimal128(39, 0), "the precision is between 1 and 38"),
        (DataType::Timestamp(TimeUnit::Second, Some("\u{1b}[31m".into())), "for a time zone"),
        (DataType::Map(Arc::new(entries), false), "is a map whose entries"),
        (DataType::Struct(vec![Field::new("", DataType::Int8, true)].into()), "1 of `a` of the"),
        (
            DataType::Dictionary(Box::new(DataType::Int8), Box::new(nested)),
            "is a dictionary of something else",
        ),
    ] {
        let message = arrow(vec![Field::new("a", data_type, true)]).unwrap_err();
        assert!(message.contains(said), "{message}");
    }
    assert!(arrow(vec![]).unwrap_err().contains("no columns"));
    let bell = arrow(vec![Field::new("\u{7}", DataType::Int8, true)]).unwrap_err();
    assert!(bell.contains("control characters") && !bell.contains('\u{7}'), "{bell}");
}

#[test]
fn of_metadata_only_what_is_known_is_kept() {
    let noted = |data_type, name: &str| {
        let field = Field::new("a", data_type, true)
            .with_metadata([("ARROW:extension:name", name), ("PARQUET:field_id", "x")]);
        arrow(vec![field]).unwrap().field(0).metadata().clone()
    };
    assert!(noted(DataType::Utf8, "arrow.parquet.variant").is_empty());
    assert!(noted(DataType::Int8, "arrow.json").is_empty());
    assert_eq!(noted(DataType::Utf8, "arrow.json").len(), 1);
}
