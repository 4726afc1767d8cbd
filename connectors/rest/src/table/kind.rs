//! The columns of a table, and the types they can have.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    #[serde(flatten)]
    pub(crate) field: Field,
    /// Where its values come from.
    pub(crate) from: Source,
}

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// From the record: the names that lead there, none for the record itself.
    Record(Vec<String>),
    /// From a record of a parent endpoint, under this name.
    Parent(String),
}

/// A name and a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) required: bool,
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float32,
    Float64,
    Decimal(u8, i8),
    String,
    /// Bytes, written in base64.
    Binary,
    Date,
    Time,
    /// A date and time without a time zone.
    Timestamp,
    /// A moment: RFC 3339 with an offset.
    TimestampUtc,
    /// A moment: seconds since 1970.
    Unix,
    /// A moment: milliseconds since 1970.
    UnixMs,
    /// Anything, as the text of JSON that it is.
    Json,
    List(Box<Kind>),
    Struct(Vec<Field>),
}

impl Kind {
    /// A type by its name. Lists of types have no name; `list<…>` has.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let inner = |name: &str, close: char| {
            text.strip_prefix(name)?.trim_start().strip_suffix(close).map(str::trim)
        };
        if let Some(inner) = inner("list<", '>') {
            return Ok(Self::List(Box::new(Self::parse(inner)?)));
        }
        if let Some(inner) = inner("decimal(", ')') {
            let (precision, scale) = inner.split_once(',').unwrap_or((inner, "0"));
            let precision =
                precision.trim().parse().ok().filter(|digits| (1..=38).contains(digits));
            let scale = scale.trim().parse().ok();
            return match (precision, scale) {
                (Some(precision), Some(scale)) if (0..=precision as i8).contains(&scale) => {
                    Ok(Self::Decimal(precision, scale))
                }
                _ => Err(format!(
                    "`{text}` is no decimal: the first number is how many digits there are, 1 to \
                     38, the second how many of them stand behind the point"
                )),
            };
        }
        Ok(match text.to_ascii_lowercase().as_str() {
            "bool" | "boolean" => Self::Bool,
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" | "int" | "integer" => Self::Int64,
            "uint8" => Self::Uint8,
            "uint16" => Self::Uint16,
            "uint32" => Self::Uint32,
            "uint64" => Self::Uint64,
            "float32" => Self::Float32,
            "float64" | "float" | "double" | "number" => Self::Float64,
            "string" | "text" => Self::String,
            "binary" => Self::Binary,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "timestamp_utc" => Self::TimestampUtc,
            "unix" => Self::Unix,
            "unix_ms" => Self::UnixMs,
            "json" => Self::Json,
            _ => {
                return Err(format!(
                    "`{text}` is no type; there are bool, int8 to int64, uint8 to uint64, \
                     float32, float64, decimal(precision,scale), string, binary, date, time, \
                     timestamp, timestamp_utc, unix, unix_ms, json and list<type>"
                ));
            }
        })
    }

    /// The type in Arrow.
    pub(crate) fn data_type(&self) -> DataType {
        let utc = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Uint8 => DataType::UInt8,
            Self::Uint16 => DataType::UInt16,
            Self::Uint32 => DataType::UInt32,
            Self::Uint64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::String | Self::Json => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampUtc | Self::Unix | Self::UnixMs => utc(),
            Self::List(item) => DataType::List(Arc::new(item_field(item))),
            Self::Struct(fields) => DataType::Struct(fields.iter().map(Field::arrow).collect()),
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
            Self::TimestampUtc => "timestamp_utc".to_owned(),
            Self::UnixMs => "unix_ms".to_owned(),
            Self::List(item) => format!("list<{}>", item.name()),
            Self::Struct(_) => "an object".to_owned(),
            plain => format!("{plain:?}").to_ascii_lowercase(),
        }
    }
}

/// The field of a list's items.
pub(super) fn item_field(item: &Kind) -> ArrowField {
    with_extension(ArrowField::new("item", item.data_type(), true), item)
}

fn with_extension(field: ArrowField, kind: &Kind) -> ArrowField {
    if *kind == Kind::Json {
        let name = ("ARROW:extension:name".to_owned(), "arrow.json".to_owned());
        return field.with_metadata(HashMap::from([name]));
    }
    field
}

impl Field {
    pub(crate) fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, required: false }
    }

    pub(super) fn arrow(&self) -> ArrowField {
        let field = ArrowField::new(&self.name, self.kind.data_type(), !self.required);
        with_extension(field, &self.kind)
    }
}

/// The schema of these columns.
pub(crate) fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|column| column.field.arrow()).collect::<Vec<_>>()))
}
