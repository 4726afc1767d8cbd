//! A place that takes rows: once for each `Idempotency-Key`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::{Method, Response, StatusCode};
use serde_json::Value;

use super::{Asked, Body, json, text};

#[derive(Debug, Default)]
pub(super) struct Sink {
    tables: Mutex<HashMap<String, Table>>,
}

#[derive(Debug, Default)]
struct Table {
    rows: Vec<Value>,
    /// The bodies of the keys that were used.
    keys: HashMap<String, Bytes>,
}

impl Sink {
    pub(super) fn rows(&self, table: &str) -> Vec<Value> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.get(table).map(|table| table.rows.clone()).unwrap_or_default()
    }

    pub(super) fn answer(&self, table: &str, asked: &Asked) -> Response<Body> {
        if asked.method == Method::GET {
            return json(Value::Array(self.rows(table)).to_string());
        }
        let Ok(Value::Array(rows)) = serde_json::from_slice(&asked.body) else {
            return text(StatusCode::UNPROCESSABLE_ENTITY, "a list of rows is wanted");
        };
        if let Some(bad) = rows.iter().find(|row| row["id"] == -1) {
            let why = format!("the row {bad} is refused");
            return text(StatusCode::UNPROCESSABLE_ENTITY, &why);
        }
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = tables.entry(table.to_owned()).or_default();
        if let Some(key) = asked.header("idempotency-key") {
            match table.keys.get(key) {
                Some(body) if *body == asked.body => return json("{\"again\":true}"),
                Some(_) => return text(StatusCode::CONFLICT, "another body under the same key"),
                None => table.keys.insert(key.to_owned(), asked.body.clone()),
            };
        }
        table.rows.extend(rows);
        json("{\"again\":false}")
    }
}
