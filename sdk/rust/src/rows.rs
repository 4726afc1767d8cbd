//! JSON rows on their way to the host.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::schema::{Field, Schema, Type};

/// Gathers rows of JSON (or of anything serde can write) until they are enough for a batch.
///
/// Fields that the schema does not name are left out, so that a source may grow; those it names
/// and a row lacks are null.
///
/// ```
/// use hygge_sdk::{Field, Rows, Schema, Type};
/// use serde_json::json;
///
/// # fn main() -> hygge_sdk::Result<()> {
/// let schema = Schema::new([Field::new("id", Type::Int64), Field::new("name", Type::String)]);
/// let mut rows = Rows::new(&schema)?;
/// rows.push(&json!({"id": 1, "name": "Ada", "internal": true}))?;
/// rows.push(&json!({"id": 2}))?;
/// assert_eq!(rows.len(), 2);
/// let batch = rows.take();
/// # assert!(rows.is_empty() && !batch.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rows {
    fields: Vec<Field>,
    rows: Vec<Map<String, Value>>,
    bytes: usize,
}

impl Rows {
    /// For rows of this schema, which must have been made of [`Field`]s.
    pub fn new(schema: &Schema) -> Result<Self> {
        let fields = schema.fields().ok_or_else(|| {
            Error::bug("`Rows` needs a schema of fields, and this is one of Arrow's")
        })?;
        Ok(Self { fields: fields.to_vec(), rows: Vec::new(), bytes: 0 })
    }

    /// Adds a row: something that becomes a JSON object.
    pub fn push(&mut self, row: &impl Serialize) -> Result<()> {
        self.push_value(serde_json::to_value(row)?)
    }

    /// Adds a row that is JSON already.
    pub fn push_value(&mut self, row: Value) -> Result<()> {
        let Value::Object(mut row) = row else {
            return Err(Error::data(format!(
                "a row is {}, where an object was expected",
                kind(&row)
            )));
        };
        let mut kept = Map::new();
        for field in &self.fields {
            if let Some(value) = row.remove(&field.name) {
                self.bytes += field.name.len() + 4 + weight(&value);
                kept.insert(field.name.clone(), value);
            }
        }
        self.rows.push(kept);
        Ok(())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// About how many bytes they are: compare with the `target_bytes` of a reader.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Hands the rows over as lines of JSON, which the host reads. No more than 70 KB of code.
    pub fn take(&mut self) -> Batch {
        let mut lines = Vec::with_capacity(self.bytes + self.rows.len() * 3);
        for row in std::mem::take(&mut self.rows) {
            // Writing a `Value` into memory does not fail.
            let _ = serde_json::to_writer(&mut lines, &row);
            lines.push(b'\n');
        }
        self.bytes = 0;
        Batch::ndjson(lines)
    }

    /// Hands the rows over as an Arrow record batch.
    #[cfg(feature = "json")]
    pub fn take_arrow(&mut self) -> Result<arrow_array::RecordBatch> {
        let schema = Schema::new(self.fields.clone()).to_arrow()?;
        let mut rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        for field in self.fields.iter().filter(|field| field.kind == Type::Json) {
            for row in &mut rows {
                if let Some(value) = row.get_mut(&field.name).filter(|value| !value.is_null()) {
                    *value = Value::String(value.to_string());
                }
            }
        }
        let mut decoder = arrow_json::ReaderBuilder::new(crate::utc::with_offset(&schema))
            .with_batch_size(rows.len().max(1))
            .build_decoder()?;
        decoder.serialize(&rows)?;
        match decoder.flush()? {
            Some(batch) => crate::utc::relabel(&batch, &schema),
            None => Ok(arrow_array::RecordBatch::new_empty(schema)),
        }
    }
}

impl Schema {
    /// The columns that these rows have, each of the narrowest type that holds all its values:
    /// `bool`, `int64`, `float64`, `string`; what is nested is `json`. A column that is always
    /// null is `string`. Look at enough rows: later ones must fit.
    pub fn infer<'a>(rows: impl IntoIterator<Item = &'a Value>) -> Result<Self> {
        let mut columns: Vec<(String, Option<Type>)> = Vec::new();
        for row in rows {
            let Value::Object(row) = row else {
                return Err(Error::data(format!(
                    "a row is {}, where an object was expected",
                    kind(row)
                )));
            };
            for (name, value) in row {
                let seen = infer(value);
                match columns.iter_mut().find(|(own, _)| own == name) {
                    Some((_, known)) => *known = wider(known.take(), seen),
                    None => columns.push((name.clone(), seen)),
                }
            }
        }
        Ok(Self::new(
            columns.into_iter().map(|(name, seen)| Field::new(name, seen.unwrap_or(Type::String))),
        ))
    }
}

fn infer(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => Type::Bool,
        Value::Number(number) if number.is_i64() => Type::Int64,
        Value::Number(_) => Type::Float64,
        Value::String(_) => Type::String,
        Value::Array(_) | Value::Object(_) => Type::Json,
    })
}

/// The type that holds both. What cannot be reconciled is JSON, which holds everything.
fn wider(one: Option<Type>, other: Option<Type>) -> Option<Type> {
    match (one, other) {
        (one, None) => one,
        (None, other) => other,
        (Some(one), Some(other)) if one == other => Some(one),
        (Some(Type::Int64), Some(Type::Float64)) | (Some(Type::Float64), Some(Type::Int64)) => {
            Some(Type::Float64)
        }
        _ => Some(Type::Json),
    }
}

/// About how many bytes a value takes as JSON.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Number(_) => 12,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.iter().map(|value| weight(value) + 1).sum::<usize>() + 2,
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() + 4 + weight(value)).sum::<usize>() + 2
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_inferred_from_all_rows() {
        let rows = [
            json!({"id": 1, "a": null, "b": 1, "c": true, "d": {"x": 1}}),
            json!({"id": 2, "a": null, "b": 1.5, "c": "no", "e": "late"}),
        ];
        let schema = Schema::infer(&rows).unwrap();
        let found: Vec<_> =
            schema.fields().unwrap().iter().map(|f| (f.name(), f.kind().clone())).collect();
        assert_eq!(
            found,
            [
                ("id", Type::Int64),
                ("a", Type::String),
                ("b", Type::Float64),
                ("c", Type::Json),
                ("d", Type::Json),
                ("e", Type::String),
            ]
        );
        assert!(Schema::infer(&[json!([1])]).unwrap_err().to_string().contains("a list"));
    }

    #[test]
    fn rows_become_lines_of_the_columns_that_are_known() {
        let schema = Schema::new([Field::new("b", Type::Int64), Field::new("a", Type::String)]);
        let mut rows = Rows::new(&schema).unwrap();
        rows.push(&json!({"a": "x", "b": 1, "c": [1, 2, 3]})).unwrap();
        rows.push(&json!({})).unwrap();
        assert!(rows.bytes() > 5);
        assert_eq!(rows.take(), Batch::ndjson(b"{\"b\":1,\"a\":\"x\"}\n{}\n".to_vec()));
        assert_eq!((rows.len(), rows.bytes()), (0, 0));
        assert!(rows.push(&3).is_err());
    }

    #[cfg(feature = "json")]
    #[test]
    fn rows_become_a_record_batch() {
        use arrow_array::cast::AsArray as _;
        let nested = Type::Struct(vec![Field::new("t", Type::TimestampUtc)]);
        let schema = Schema::new([
            Field::new("a", Type::Int64),
            Field::new("b", Type::Json),
            Field::new("c", Type::TimestampUtc),
            Field::new("d", nested),
        ]);
        let mut rows = Rows::new(&schema).unwrap();
        let at = "1970-01-01T00:00:01Z";
        rows.push(&json!({"a": 7, "b": {"x": [1]}, "c": at, "d": {"t": at}})).unwrap();
        rows.push(&json!({"a": null})).unwrap();
        let batch = rows.take_arrow().unwrap();
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.schema(), schema.to_arrow().unwrap());
        let moment = batch.column(2).as_primitive::<arrow_array::types::TimestampMicrosecondType>();
        assert_eq!(moment.value(0), 1_000_000);
        assert_eq!(batch.column(1).as_string::<i32>().value(0), r#"{"x":[1]}"#);
        assert_eq!(batch.column(0).null_count(), 1);
        assert_eq!(rows.take_arrow().unwrap().num_rows(), 0);

        rows.push(&json!({"a": "no number"})).unwrap();
        assert_eq!(rows.take_arrow().unwrap_err().fault(), crate::Fault::Data);
    }
}
