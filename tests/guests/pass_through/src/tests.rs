use hygge_sdk::testing::{Home, Store, World};
use hygge_sdk::{Fault, Mode, Query};
use serde_json::json;

use crate::home::Source;
use crate::store::Sink;

#[test]
fn what_the_home_gives_the_store_counts() {
    for encode in [false, true] {
        let config = json!({"rows": 10, "columns": 3, "batches": 4, "splits": 2, "encode": encode});
        let home = Home::<Source>::open(&World::new(), config).unwrap();
        let query = Query::table("numbers");
        let read = home.read(&query).unwrap();
        assert_eq!((read.rows(), read.batches.len()), (80, 8));
        assert_eq!(home.check_resume(&query).unwrap(), 8);

        let store = Store::<Sink>::open(&World::new(), json!({"decode": true})).unwrap();
        store.load("numbers", Mode::Replace, &read.batches).unwrap();
        let (_, checkpoints) = store.load_resumed("numbers", Mode::Append, &read.batches).unwrap();
        assert_eq!(checkpoints, 8);
    }
}

#[test]
fn columns_are_given_in_the_order_they_are_asked_for() {
    let home = Home::<Source>::open(&World::new(), json!({"rows": 2, "batches": 1})).unwrap();
    let query = |name: &str| Query {
        columns: Some(vec![name.to_owned(), "c0".to_owned()]),
        ..Query::table("numbers")
    };
    let rows = home.read(&query("c2")).unwrap().to_json().unwrap();
    assert_eq!(rows, [json!({"c2": 2, "c0": 0}), json!({"c2": 3, "c0": 1})]);
    assert_eq!(home.read(&query("c9")).unwrap_err().fault(), Fault::Missing);
}
