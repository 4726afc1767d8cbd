//! Which value of which line is not what was announced.

use arrow_schema::{DataType, FieldRef, SchemaRef};
use serde_json::{Map, Value};

use super::{Line, alone, row};
use crate::refused::{Refused, shown};
use crate::schema::JSON;

/// Looks for the first line that cannot be read, and in it for the first value.
pub(super) fn find(schema: &SchemaRef, lines: &[Line<'_>]) -> Option<Refused> {
    let line = lines.iter().find(|line| row(schema, line.text).is_err())?;
    let number = line.number;
    let members: Map<String, Value> = match serde_json::from_str(line.text) {
        Ok(members) => members,
        Err(error) => {
            let error = error.to_string().replace("line 1 column", "byte");
            return Some(Refused::new(format!("line {number} cannot be read: {error}")));
        }
    };
    let said = schema
        .fields()
        .iter()
        .find_map(|field| within(field, members.get(field.name()), &shown(field.name())))?;
    Some(Refused::new(format!("line {number}, {said}")))
}

/// What is wrong with the value of `field`, if anything.
fn within(field: &FieldRef, value: Option<&Value>, path: &str) -> Option<String> {
    let found = match value {
        None if field.is_nullable() => return None,
        None => return Some(format!("column `{path}` is missing: it is announced as never null")),
        Some(Value::Null) if field.is_nullable() => return None,
        Some(Value::Null) => {
            return Some(format!("column `{path}` is null: it is announced as never null"));
        }
        Some(value) => value,
    };
    let text = Value::Object([(field.name().clone(), found.clone())].into_iter().collect());
    if row(&alone(field), &text.to_string()).is_ok() {
        return None;
    }
    let deeper = match (field.data_type(), found) {
        (DataType::Struct(fields), Value::Object(members)) => fields.iter().find_map(|field| {
            within(field, members.get(field.name()), &format!("{path}.{}", shown(field.name())))
        }),
        (
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _),
            Value::Array(items),
        ) => items.iter().find_map(|value| within(item, Some(value), &format!("{path}[]"))),
        _ => None,
    };
    Some(deeper.unwrap_or_else(|| {
        format!("column `{path}`: `{}` is not {}", shown(&found.to_string()), wanted(field))
    }))
}

fn wanted(field: &FieldRef) -> String {
    match field.data_type() {
        DataType::Boolean => "true or false".to_owned(),
        whole if whole.is_integer() => {
            format!("a whole number that fits {}", whole.to_string().to_lowercase())
        }
        DataType::Float32 | DataType::Float64 => "a number that fits its type".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            format!("a number that fits decimal({precision},{scale}) without rounding")
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            if field.extension_type_name() == Some(JSON) { "JSON" } else { "text" }.to_owned()
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            "text of hexadecimal digits".to_owned()
        }
        DataType::FixedSizeBinary(width) => {
            format!("text of {} hexadecimal digits", i64::from(*width) * 2)
        }
        DataType::Date32 | DataType::Date64 => "a date as text, as in \"2026-01-31\"".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => {
            "a time as text, as in \"13:30:00.25\"".to_owned()
        }
        DataType::Timestamp(_, _) => {
            "a date and time as text, as in \"2026-01-31T13:30:00.25Z\"".to_owned()
        }
        DataType::Struct(_) | DataType::Map(_, _) => "an object".to_owned(),
        list if list.is_list() => "a list".to_owned(),
        other => other.to_string(),
    }
}
