//! The columns that a user names: the key `schema`.

use hygge_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::kind::{Column, Field, Kind, Source};
use crate::json::Path;

/// The columns of the key `schema`: names, each with a type, or with keys of its own.
pub(crate) fn given(schema: &Map<String, Value>) -> Result<Vec<Column>> {
    if schema.is_empty() {
        return Err(Error::config("`schema` names no column: leave it out to have it inferred"));
    }
    schema.iter().map(|(name, value)| column(name, value)).collect()
}

fn column(name: &str, value: &Value) -> Result<Column> {
    let wrong = |reason: String| Error::config(format!("`schema.{name}`: {reason}"));
    let own = || Source::Record(vec![name.to_owned()]);
    let Value::Object(keys) = value else {
        let kind = kind(value).map_err(wrong)?;
        return Ok(Column { field: Field::new(name, kind), from: own() });
    };
    let known = ["type", "path", "required"];
    if let Some(other) = keys.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(format!("there is no key `{other}`; there are {}", known.join(", "))));
    }
    let kind = match keys.get("type") {
        Some(value) => kind(value).map_err(wrong)?,
        None => return Err(wrong("`type` is missing".to_owned())),
    };
    let required = match keys.get("required") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(required)) => *required,
        Some(_) => return Err(wrong("`required` is true or false".to_owned())),
    };
    let from = match keys.get("path") {
        None | Some(Value::Null) => own(),
        Some(Value::String(path)) => {
            let names = Path::parse(path).map_err(|error| wrong(error.to_string()))?.names();
            Source::Record(names.ok_or_else(|| {
                wrong(format!("`path: {path}` may lead through names alone, such as `a.b`"))
            })?)
        }
        Some(_) => return Err(wrong("`path` is text, such as `customer.id`".to_owned())),
    };
    Ok(Column { field: Field { name: name.to_owned(), kind, required }, from })
}

/// A type: its name, a list of one type, or names and types of a structure.
fn kind(value: &Value) -> std::result::Result<Kind, String> {
    match value {
        Value::String(name) => Kind::parse(name),
        Value::Array(items) => match items.as_slice() {
            [item] => Ok(Kind::List(Box::new(kind(item)?))),
            _ => Err("a list holds one type, such as `[string]`".to_owned()),
        },
        Value::Object(fields) if !fields.is_empty() => fields
            .iter()
            .map(|(name, value)| Ok(Field::new(name, kind(value)?)))
            .collect::<std::result::Result<_, _>>()
            .map(Kind::Struct),
        _ => {
            Err("a type is such as `int64`, `[string]` or `{lat: float64, lon: float64}`"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(schema: Value) -> Result<Vec<Column>> {
        given(schema.as_object().unwrap())
    }

    #[test]
    fn columns_are_named_with_types_and_places() {
        let columns = parse(json!({
            "id": {"type": "int64", "required": true},
            "city": {"type": "string", "path": "$.address.city"},
            "price": "decimal(10, 2)",
            "tags": ["string"],
            "lines": {"type": [{"sku": "string", "count": "int32"}]},
            "at": {"type": {"lat": "float64"}},
            "days": "list<list<date>>",
        }))
        .unwrap();
        let kinds: Vec<&Kind> = columns.iter().map(|column| &column.field.kind).collect();
        assert_eq!(*kinds[2], Kind::Decimal(10, 2));
        assert_eq!(*kinds[3], Kind::List(Box::new(Kind::String)));
        let line = vec![Field::new("sku", Kind::String), Field::new("count", Kind::Int32)];
        assert_eq!(*kinds[4], Kind::List(Box::new(Kind::Struct(line))));
        assert_eq!(*kinds[5], Kind::Struct(vec![Field::new("lat", Kind::Float64)]));
        assert_eq!(kinds[6].name(), "list<list<date>>");
        assert!(columns[0].field.required && !columns[1].field.required);
        assert_eq!(columns[1].from, Source::Record(vec!["address".into(), "city".into()]));
        let text = serde_json::to_string(&columns).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Column>>(&text).unwrap(), columns);
    }

    #[test]
    fn mistakes_are_told_with_their_column() {
        for (schema, told) in [
            (json!({}), "names no column"),
            (json!({"a": "integr"}), "`schema.a`: `integr` is no type"),
            (json!({"a": "decimal(39,2)"}), "`decimal(39,2)` is no decimal"),
            (json!({"a": {"path": "x"}}), "`type` is missing"),
            (json!({"a": {"type": "int8", "at": 1}}), "there is no key `at`"),
            (json!({"a": {"type": "int8", "path": "x[0]"}}), "names alone"),
            (json!({"a": ["int8", "int8"]}), "a list holds one type"),
            (json!({"a": 3}), "a type is such as"),
        ] {
            let error = parse(schema).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
