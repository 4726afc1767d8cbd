//! The columns of a table.

use serde_json::{Value, json};

use crate::bindings::types;
use crate::error::{Error, Result};

/// The columns of a table, in order.
///
/// ```
/// use hygge_sdk::{Field, Schema, Type};
///
/// let schema = Schema::new([
///     Field::new("id", Type::Int64).required(),
///     Field::new("name", Type::String),
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schema(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Fields(Vec<Field>),
    /// An Arrow IPC stream that holds a schema and no batch.
    #[cfg(feature = "arrow")]
    Arrow(Vec<u8>),
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) nullable: bool,
}

impl Field {
    /// A column that may hold nulls.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Self { name: name.into(), kind, nullable: true }
    }

    /// A column without nulls.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn kind(&self) -> &Type {
        &self.kind
    }
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number.
    Int8,
    /// A whole number.
    Int16,
    /// A whole number.
    Int32,
    /// A whole number.
    Int64,
    /// A whole number that is not negative.
    UInt8,
    /// A whole number that is not negative.
    UInt16,
    /// A whole number that is not negative.
    UInt32,
    /// A whole number that is not negative.
    UInt64,
    /// A number.
    Float32,
    /// A number.
    Float64,
    /// A decimal number: how many digits, and how many of them behind the point.
    Decimal(u8, i8),
    /// Text.
    String,
    /// Bytes.
    Binary,
    /// A day.
    Date,
    /// A time of day, in microseconds.
    Time,
    /// A date and time without time zone, in microseconds.
    Timestamp,
    /// A moment, in microseconds.
    TimestampUtc,
    /// Text that holds JSON.
    Json,
    /// Several values. Of structs only in Arrow's own form.
    List(Box<Type>),
    /// Named values.
    Struct(Vec<Field>),
}

impl Type {
    fn to_json(&self) -> Result<Value> {
        Ok(match self {
            Self::Struct(fields) => fields_to_json(fields)?,
            other => Value::String(other.name()?),
        })
    }

    fn name(&self) -> Result<String> {
        Ok(match self {
            Self::Bool => "bool".to_owned(),
            Self::Int8 => "int8".to_owned(),
            Self::Int16 => "int16".to_owned(),
            Self::Int32 => "int32".to_owned(),
            Self::Int64 => "int64".to_owned(),
            Self::UInt8 => "uint8".to_owned(),
            Self::UInt16 => "uint16".to_owned(),
            Self::UInt32 => "uint32".to_owned(),
            Self::UInt64 => "uint64".to_owned(),
            Self::Float32 => "float32".to_owned(),
            Self::Float64 => "float64".to_owned(),
            Self::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
            Self::String => "string".to_owned(),
            Self::Binary => "binary".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Time => "time".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
            Self::TimestampUtc => "timestamp_utc".to_owned(),
            Self::Json => "json".to_owned(),
            Self::List(item) => format!("list<{}>", item.name()?),
            Self::Struct(_) => {
                return Err(Error::bug(
                    "a list of structs needs an Arrow schema: use `Schema::arrow`",
                ));
            }
        })
    }
}

fn fields_to_json(fields: &[Field]) -> Result<Value> {
    fields
        .iter()
        .map(|field| {
            let kind = field.kind.to_json()?;
            Ok(json!({"name": field.name, "type": kind, "nullable": field.nullable}))
        })
        .collect()
}

impl Schema {
    /// These columns.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        Self(Form::Fields(fields.into_iter().collect()))
    }

    /// The columns of an Arrow schema.
    #[cfg(feature = "arrow")]
    pub fn arrow(schema: &arrow_schema::Schema) -> Result<Self> {
        Ok(Self(Form::Arrow(crate::batch::write_ipc(schema, None)?)))
    }

    /// The columns, where they were given as such.
    pub fn fields(&self) -> Option<&[Field]> {
        match &self.0 {
            Form::Fields(fields) => Some(fields),
            #[cfg(feature = "arrow")]
            Form::Arrow(_) => None,
        }
    }

    /// Only these columns, in this order; a `missing` error names one that is not there.
    pub fn select(&self, columns: &[String]) -> Result<Self> {
        match &self.0 {
            Form::Fields(fields) => {
                let have = || fields.iter().map(Field::name);
                let selected: Result<Vec<Field>> = columns
                    .iter()
                    .map(|name| Ok(fields[position(have(), name)?].clone()))
                    .collect();
                Ok(Self::new(selected?))
            }
            #[cfg(feature = "arrow")]
            Form::Arrow(_) => {
                let whole = self.to_arrow()?;
                let have = || whole.fields().iter().map(|field| field.name().as_str());
                let selected: Result<Vec<usize>> =
                    columns.iter().map(|name| position(have(), name)).collect();
                Self::arrow(&whole.project(&selected?)?)
            }
        }
    }

    pub(crate) fn into_contract(self) -> Result<types::Schema> {
        Ok(match self.0 {
            Form::Fields(fields) => types::Schema::Json(fields_to_json(&fields)?.to_string()),
            #[cfg(feature = "arrow")]
            Form::Arrow(stream) => types::Schema::Arrow(stream),
        })
    }
}

/// Where a column stands among those there are.
fn position<'a>(have: impl Iterator<Item = &'a str> + Clone, name: &str) -> Result<usize> {
    have.clone().position(|own| own == name).ok_or_else(|| {
        let have: Vec<&str> = have.collect();
        Error::missing(format!("there is no column `{name}`; there are {}", have.join(", ")))
    })
}

#[cfg(feature = "arrow")]
mod arrow {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow_schema::{DataType, Field as ArrowField, Fields, SchemaRef, TimeUnit};

    use super::{Field, Form, Schema, Type};
    use crate::batch::Received;
    use crate::error::Result;

    impl Schema {
        /// As Arrow has it, and as the host will.
        pub fn to_arrow(&self) -> Result<SchemaRef> {
            match &self.0 {
                Form::Fields(own) => Ok(Arc::new(arrow_schema::Schema::new(fields(own)))),
                Form::Arrow(stream) => Received::new(stream.clone()).schema(),
            }
        }
    }

    fn fields(own: &[Field]) -> Fields {
        own.iter().map(field).collect()
    }

    fn field(own: &Field) -> ArrowField {
        let field = ArrowField::new(&own.name, data_type(&own.kind), own.nullable);
        if own.kind == Type::Json {
            let name = ("ARROW:extension:name".to_owned(), "arrow.json".to_owned());
            return field.with_metadata(HashMap::from([name]));
        }
        field
    }

    fn data_type(kind: &Type) -> DataType {
        match kind {
            Type::Bool => DataType::Boolean,
            Type::Int8 => DataType::Int8,
            Type::Int16 => DataType::Int16,
            Type::Int32 => DataType::Int32,
            Type::Int64 => DataType::Int64,
            Type::UInt8 => DataType::UInt8,
            Type::UInt16 => DataType::UInt16,
            Type::UInt32 => DataType::UInt32,
            Type::UInt64 => DataType::UInt64,
            Type::Float32 => DataType::Float32,
            Type::Float64 => DataType::Float64,
            Type::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Type::String | Type::Json => DataType::Utf8,
            Type::Binary => DataType::Binary,
            Type::Date => DataType::Date32,
            Type::Time => DataType::Time64(TimeUnit::Microsecond),
            Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Type::TimestampUtc => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Type::List(item) => {
                DataType::List(Arc::new(ArrowField::new("item", data_type(item), true)))
            }
            Type::Struct(own) => DataType::Struct(fields(own)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_contract_has_them() {
        let schema = Schema::new([
            Field::new("id", Type::Int64).required(),
            Field::new("price", Type::Decimal(10, 2)),
            Field::new("tags", Type::List(Box::new(Type::String))),
            Field::new("at", Type::Struct(vec![Field::new("x", Type::Float64)])),
        ]);
        let types::Schema::Json(text) = schema.into_contract().unwrap() else { panic!("not JSON") };
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!([
                {"name": "id", "type": "int64", "nullable": false},
                {"name": "price", "type": "decimal(10,2)", "nullable": true},
                {"name": "tags", "type": "list<string>", "nullable": true},
                {"name": "at", "type": [{"name": "x", "type": "float64", "nullable": true}],
                 "nullable": true},
            ])
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let schema = Schema::new([Field::new("a", Type::Bool), Field::new("b", Type::Bool)]);
        let told = schema.select(&["c".to_owned()]).unwrap_err().to_string();
        assert_eq!(told, "there is no column `c`; there are a, b");
        let selected = schema.select(&["b".to_owned()]).unwrap();
        assert_eq!(selected.fields().unwrap()[0].name(), "b");

        #[cfg(feature = "arrow")]
        {
            let arrow = Schema::arrow(&schema.to_arrow().unwrap()).unwrap();
            assert_eq!(arrow.select(&["c".to_owned()]).unwrap_err().to_string(), told);
            let selected = arrow.select(&["b".to_owned()]).unwrap();
            assert_eq!(selected.to_arrow().unwrap().field(0).name(), "b");
        }
    }
}
