//! A schema in JSON, for languages without Arrow.

use std::sync::Arc;

use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use serde_json::{Map, Value};

use crate::refused::{Refused, shown};

/// The extension type of text that holds JSON.
pub(crate) const JSON: &str = "arrow.json";

/// The text of a schema may have this many bytes.
const LONGEST: usize = 4 << 20;

/// What a type may be, for messages.
const TYPES: &str = "`bool`, `int8` … `int64`, `uint8` … `uint64`, `float32`, `float64`, \
    `decimal(precision,scale)`, `string`, `binary`, `date`, `time`, `timestamp`, `timestamp_utc`, \
    `json`, `list<T>`, or a list of fields";

/// Reads `[{"name": "id", "type": "int64", "nullable": false}, …]`.
pub(super) fn schema(text: &str) -> Result<Schema, Refused> {
    if text.len() > LONGEST {
        return Err(Refused::new(format!(
            "the announced schema has {} bytes: at most {LONGEST} are taken",
            text.len()
        )));
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(list)) => Ok(Schema::new(fields(&list, "")?)),
        Ok(_) => Err(Refused::new("the announced schema is not a list of fields")),
        Err(error) => Err(Refused::new(format!("the announced schema is not JSON: {error}"))),
    }
}

fn fields(list: &[Value], within: &str) -> Result<Fields, Refused> {
    list.iter().enumerate().map(|(at, value)| field(value, at, within)).collect()
}

fn field(value: &Value, at: usize, within: &str) -> Result<Field, Refused> {
    let Value::Object(members) = value else {
        return Err(Refused::new(format!(
            "field {}{} of the announced schema is not an object with `name` and `type`",
            at + 1,
            if within.is_empty() { String::new() } else { format!(" of `{within}`") },
        )));
    };
    let Some(Value::String(name)) = members.get("name") else {
        return Err(Refused::new(format!(
            "field {} of the announced schema has no `name` that is text",
            at + 1
        )));
    };
    let path = if within.is_empty() { shown(name) } else { format!("{within}.{}", shown(name)) };
    if let Some(key) =
        members.keys().find(|key| !["name", "type", "nullable"].contains(&key.as_str()))
    {
        return Err(Refused::new(format!(
            "the announced column `{path}` has a key `{}`: it may have `name`, `type` and `nullable`",
            shown(key)
        )));
    }
    let nullable = match members.get("nullable") {
        None => true,
        Some(Value::Bool(nullable)) => *nullable,
        Some(_) => {
            return Err(Refused::new(format!(
                "`nullable` of the announced column `{path}` is neither true nor false"
            )));
        }
    };
    typed(name, members, nullable, &path)
}

fn typed(
    name: &str,
    members: &Map<String, Value>,
    nullable: bool,
    path: &str,
) -> Result<Field, Refused> {
    match members.get("type") {
        Some(Value::Array(list)) => {
            Ok(Field::new(name, DataType::Struct(fields(list, path)?), nullable))
        }
        Some(Value::String(word)) => named(name, word, nullable, 0).ok_or_else(|| {
            Refused::new(format!(
                "the announced column `{path}` has the type `{}`: it may be {TYPES}",
                shown(word)
            ))
        }),
        _ => Err(Refused::new(format!(
            "the announced column `{path}` has no `type`: it may be {TYPES}"
        ))),
    }
}

/// The field whose type is written `word`.
fn named(name: &str, word: &str, nullable: bool, depth: usize) -> Option<Field> {
    let word = word.trim();
    let data_type = match word {
        "bool" => DataType::Boolean,
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float32" => DataType::Float32,
        "float64" => DataType::Float64,
        "string" | "json" => DataType::Utf8,
        "binary" => DataType::Binary,
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamp_utc" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => match within(word, "list<", '>') {
            // Deeper than any schema may be; here only so that the recursion has an end.
            Some(_) if depth > 64 => return None,
            Some(item) => DataType::List(Arc::new(named("item", item, true, depth + 1)?)),
            None => decimal(within(word, "decimal(", ')')?)?,
        },
    };
    let field = Field::new(name, data_type, nullable);
    Some(if word == "json" {
        field.with_metadata([(EXTENSION_TYPE_NAME_KEY.to_owned(), JSON.to_owned())])
    } else {
        field
    })
}

fn within<'w>(word: &'w str, before: &str, after: char) -> Option<&'w str> {
    word.strip_prefix(before)?.strip_suffix(after)
}

fn decimal(sizes: &str) -> Option<DataType> {
    let (precision, scale) = sizes.split_once(',')?;
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    Some(match precision {
        0..=38 => DataType::Decimal128(precision, scale),
        _ => DataType::Decimal256(precision, scale),
    })
}
