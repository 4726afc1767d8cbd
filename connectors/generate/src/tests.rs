use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use hygge_sdk::testing::{Home, Read, World};
use hygge_sdk::{Error, Fault, Query};
use serde_json::{Value, json};

use crate::home::Generate;

fn open(config: Value) -> Home<Generate> {
    Home::open(&World::new(), config).unwrap()
}

fn read(config: Value) -> Read {
    open(config).read(&Query::table("t")).unwrap()
}

fn error(column: Value) -> Error {
    let config = json!({"rows": 3, "columns": {"x": column}});
    open(config).read(&Query::table("t")).unwrap_err()
}

fn everything() -> Value {
    json!({
        "id": {"type": "int64", "sequence": 1},
        "tiny": {"type": "int8"},
        "price": {"type": "decimal(10,2)", "min": "0.01", "max": 99.99},
        "ratio": {"type": "float64", "min": -1, "max": 1},
        "active": {"type": "bool"},
        "status": {"type": "string", "choices": ["new", "paid"], "nulls": 0.25},
        "name": {"type": "string", "pattern": "user-{row}-##-??"},
        "note": {"type": "string", "length": 5},
        "key": {"type": "uuid"},
        "day": {"type": "date", "from": "2026-01-01", "to": "2026-01-31"},
        "at": {"type": "timestamp", "from": "2026-01-01", "step": "5m"},
        "seen": {"type": "timestamp_utc", "nulls": 1},
    })
}

#[test]
fn every_type_is_generated_within_its_bounds() {
    let read = read(json!({"rows": 1000, "columns": everything()}));
    assert_eq!(read.rows(), 1000);
    let batch = &read.batches[0];
    let column = |name: &str| batch.column_by_name(name).unwrap();

    let ids = column("id").as_primitive::<Int64Type>();
    assert!(ids.values().iter().enumerate().all(|(row, id)| *id == row as i64 + 1));
    let prices = column("price").as_primitive::<Decimal128Type>();
    assert!(prices.values().iter().all(|price| (1..=9999).contains(price)));
    let statuses = column("status").as_string::<i32>();
    assert!(statuses.iter().flatten().all(|status| status == "new" || status == "paid"));
    assert!((200..300).contains(&column("status").null_count()));
    let days = column("day").as_primitive::<Date32Type>();
    assert!(days.values().iter().all(|day| (20_454..=20_484).contains(day)));
    let times = column("at").as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.value(1) - times.value(0), 300_000_000);
    assert_eq!(column("seen").null_count(), 1000);
    let name = column("name").as_string::<i32>().value(7);
    assert!(name.starts_with("user-7-") && name.len() == "user-7-00-aa".len(), "{name}");
    let uuid = column("key").as_string::<i32>().value(0);
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    assert!(
        column("active").null_count() == 0 && column("note").as_string::<i32>().value(0).len() == 5
    );
}

#[test]
fn the_same_rows_come_however_they_are_split() {
    let config = |splits: u64, batch_rows: u64| json!({"rows": 1001, "columns": everything(), "splits": splits, "batch_rows": batch_rows});
    let whole = read(config(1, 100_000)).to_json().unwrap();
    assert_eq!(whole, read(config(7, 64)).to_json().unwrap());
    assert_eq!(whole, read(config(1001, 1)).to_json().unwrap());
    // More parts than rows are not made.
    let few = json!({"rows": 2, "columns": everything(), "splits": 9});
    assert_eq!(read(few).rows(), 2);
    assert_eq!(read(json!({"rows": 0, "columns": everything()})).rows(), 0);
}

#[test]
fn it_goes_on_from_every_state() {
    let home = open(json!({"rows": 1000, "columns": everything(), "splits": 3, "batch_rows": 100}));
    assert_eq!(home.check_resume(&Query::table("t")).unwrap(), 12);
}

#[test]
fn seeds_and_tables_give_other_values() {
    let config = |seed: u64| json!({"rows": 10, "columns": {"x": {"type": "int64"}}, "seed": seed});
    let rows = |seed: u64, table: &str| {
        open(config(seed)).read(&Query::table(table)).unwrap().to_json().unwrap()
    };
    assert_eq!(rows(1, "a"), rows(1, "a"));
    assert_ne!(rows(1, "a"), rows(2, "a"));
    assert_ne!(rows(1, "a"), rows(1, "b"));
}

#[test]
fn only_the_columns_that_are_asked_for_are_given() {
    let home = open(json!({"rows": 5, "columns": everything()}));
    let query = Query { columns: Some(vec!["day".into(), "id".into()]), ..Query::table("t") };
    let read = home.read(&query).unwrap();
    let names: Vec<_> = read.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!((names, read.rows()), (vec!["day", "id"], 5));
    let none = Query { columns: Some(Vec::new()), ..Query::table("t") };
    assert_eq!(home.read(&none).unwrap().rows(), 5);
    let unknown = Query { columns: Some(vec!["nope".into()]), ..Query::table("t") };
    assert_eq!(home.read(&unknown).unwrap_err().fault(), Fault::Missing);
}

#[test]
fn mistakes_name_the_column_and_what_would_do() {
    for (column, told) in [
        (json!({"type": "text"}), "`type: text` is not known"),
        (json!({"type": "int64", "pattern": "#"}), "`pattern` does not go with `type: int64`"),
        (
            json!({"type": "int64", "sequence": 1, "max": 3}),
            "`sequence` and `max` do not go together",
        ),
        (json!({"type": "int8", "max": 128}), "128 does not fit"),
        (json!({"type": "int8", "min": 5, "max": 4}), "`min` is larger than `max`"),
        (json!({"type": "decimal(5,2)", "max": "1.234"}), "at most 2 digits"),
        (json!({"type": "decimal(50,2)"}), "from 1 to 38"),
        (json!({"type": "date", "from": "yesterday"}), "`yesterday` is no date"),
        (json!({"type": "date", "step": "1h"}), "`1d`"),
        (json!({"type": "timestamp", "step": "1d", "to": "2026-01-01"}), "do not go together"),
        (json!({"type": "string", "choices": []}), "`choices` is empty"),
        (json!({"type": "bool", "choices": ["yes"]}), "neither true nor false"),
        (json!({"type": "string", "nulls": 2}), "`nulls` is a share"),
        (json!({"type": "string", "colour": 2}), "unknown field `colour`"),
    ] {
        let error = error(column);
        assert_eq!(error.fault(), Fault::Config);
        let text = error.to_string();
        assert!(text.starts_with("`columns.x`: ") && text.contains(told), "{text}");
    }
}

#[test]
fn a_sequence_that_outgrows_its_type_says_where() {
    let home = open(json!({"rows": 200, "columns": {"x": {"type": "int8", "sequence": 0}}}));
    let error = home.read(&Query::table("t")).unwrap_err().to_string();
    assert!(error.contains("`columns.x`: row 128"), "{error}");
}

#[test]
fn a_pause_is_taken_before_each_batch_and_can_be_cancelled() {
    let config =
        json!({"rows": 30, "columns": {"x": {"type": "bool"}}, "batch_rows": 10, "pause_ms": 5});
    let world = World::new().cancelled_after(2);
    let error =
        Home::<Generate>::open(&world, config).unwrap().read(&Query::table("t")).unwrap_err();
    assert_eq!(error.fault(), Fault::Cancelled);
}
