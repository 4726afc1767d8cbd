//! `format_options:` of text files.

use arrow_schema::{DataType, TimeUnit};
use hygge_core::project::keys::{Json, Key, wrong_type};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Node, Value};
use indexmap::IndexMap;
use serde_json::json;

use crate::format::Format;

hygge_core::keys! {
    /// How text files are written.
    pub struct FormatOptions {
        /// CSV: the character between two values.
        separator: Option<Character>,
        /// CSV: another name of `separator`.
        delimiter: Option<Character>,
        /// CSV: whether the first line holds the names of the columns. Without them they are
        /// `column_1`, `column_2` and so on.
        has_header: bool = true,
        /// CSV: the character around values that contain separators or line ends; null for none.
        quote_char: Quote = Quote(Some(b'"')),
        /// CSV: the character that makes a quote within quotes an ordinary one. A doubled quote
        /// always is.
        escape_char: Option<Character>,
        /// CSV: lines that begin with this character are passed over.
        comment_prefix: Option<Character>,
        /// CSV: text that stands for null, besides no text at all.
        null_values: Words = Words(Vec::new()),
        /// How many rows are looked at to find the types of the columns; null for all of them.
        /// In CSV, 0 makes every column text.
        infer_schema_length: Sample = Sample::Rows(10_000),
        /// Types of columns: what is given here is not inferred.
        schema_overrides: IndexMap<String, ColumnType> = IndexMap::new(),
        /// Another name of `schema_overrides`.
        dtypes: IndexMap<String, ColumnType> = IndexMap::new(),
        /// CSV: whether text that looks like a date, or a date and time, is taken for one.
        try_parse_dates: bool = false,
        /// CSV: lines to pass over at the beginning of each file, before the header.
        skip_rows: u64 = 0,
        /// CSV: how characters are written. With `utf8-lossy`, what is not UTF-8 becomes `�`.
        encoding: Encoding = Encoding::Utf8,
        /// CSV: whether values beyond the last column are dropped instead of being a fault.
        truncate_ragged_lines: bool = false,
    }
}

hygge_core::choices! {
    /// How the characters of a text file are written.
    pub enum Encoding {
        /// UTF-8; anything else is a fault.
        Utf8 = "utf8" | "utf-8",
        /// UTF-8; anything else becomes `�`.
        Utf8Lossy = "utf8-lossy" | "utf-8-lossy",
    }
}

impl FormatOptions {
    /// The keys that mean something for a format.
    pub(crate) fn meant_for(format: Format) -> Vec<&'static str> {
        match format {
            Format::Parquet => Vec::new(),
            Format::Csv => Self::key_set().names().collect(),
            Format::Ndjson => vec!["infer_schema_length", "schema_overrides", "dtypes"],
        }
    }

    /// The separator.
    pub(crate) fn separator(&self) -> u8 {
        self.separator.or(self.delimiter).map_or(b',', |character| character.0)
    }

    /// The type the user gave a column, if any.
    pub(crate) fn type_of(&self, column: &str) -> Option<&DataType> {
        self.schema_overrides.get(column).or_else(|| self.dtypes.get(column)).map(|given| &given.0)
    }

    /// The columns whose type the user gave.
    pub(crate) fn typed_columns(&self) -> impl Iterator<Item = &str> {
        self.schema_overrides.keys().chain(self.dtypes.keys()).map(String::as_str)
    }
}

/// One ASCII character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Character(pub u8);

impl Key for Character {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        let text = match text.as_str() {
            "\\t" | "tab" => "\t",
            other => other,
        };
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Some(Self(*byte)),
            _ => {
                wrong_type(node, "one ASCII character such as `;` or `\\t`", problems);
                None
            }
        }
    }

    fn to_json(&self) -> Json {
        json!(char::from(self.0).to_string())
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "maxLength": 3 })
    }
}

/// The quote, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote(pub Option<u8>);

impl Key for Quote {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Null => Some(Self(None)),
            Value::String(text) if text.is_empty() => Some(Self(None)),
            _ => Character::read(node, problems).map(|quote| Self(Some(quote.0))),
        }
    }

    fn to_json(&self) -> Json {
        self.0.map_or(Json::Null, |quote| Character(quote).to_json())
    }

    fn schema() -> Json {
        json!({ "type": ["string", "null"], "maxLength": 3 })
    }
}

/// A text, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl Key for Words {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Null => Some(Self(Vec::new())),
            Value::Sequence(_) => Vec::read(node, problems).map(Self),
            Value::Mapping(_) => {
                wrong_type(node, "text or a list of texts", problems);
                None
            }
            _ => String::read(node, problems).map(|word| Self(vec![word])),
        }
    }

    fn to_json(&self) -> Json {
        json!(self.0)
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}

/// How many rows to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// This many.
    Rows(u64),
    /// All of them.
    All,
}

impl Key for Sample {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Null => Some(Self::All),
            Value::String(text) if text.eq_ignore_ascii_case("all") => Some(Self::All),
            _ => u64::read(node, problems).map(Self::Rows),
        }
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Rows(rows) => json!(rows),
            Self::All => Json::Null,
        }
    }

    fn schema() -> Json {
        json!({ "type": ["integer", "null"], "minimum": 0 })
    }
}

/// The type of a column, written as a word: `int64`, `decimal(18,2)`, `datetime(us, UTC)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType(pub DataType);

impl ColumnType {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (word, arguments) = match text.split_once('(') {
            Some((word, rest)) => (word, rest.strip_suffix(')')?),
            None => (text, ""),
        };
        let arguments: Vec<&str> =
            arguments.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        let word = word.trim().to_ascii_lowercase();
        let data_type = match (word.as_str(), arguments.as_slice()) {
            ("int8" | "i8" | "tinyint", []) => DataType::Int8,
            ("int16" | "i16" | "smallint", []) => DataType::Int16,
            ("int32" | "i32" | "int" | "integer", []) => DataType::Int32,
            ("int64" | "i64" | "bigint" | "long", []) => DataType::Int64,
            ("uint8" | "u8", []) => DataType::UInt8,
            ("uint16" | "u16", []) => DataType::UInt16,
            ("uint32" | "u32", []) => DataType::UInt32,
            ("uint64" | "u64", []) => DataType::UInt64,
            ("float32" | "f32" | "real", []) => DataType::Float32,
            ("float64" | "f64" | "float" | "double", []) => DataType::Float64,
            ("boolean" | "bool", []) => DataType::Boolean,
            ("string" | "str" | "utf8" | "text", []) => DataType::Utf8,
            ("date" | "date32", []) => DataType::Date32,
            ("time", []) => DataType::Time64(TimeUnit::Microsecond),
            ("datetime" | "timestamp", arguments) => {
                let (unit, zone) = match arguments {
                    [] => (TimeUnit::Microsecond, None),
                    [one] => match unit(one) {
                        Some(unit) => (unit, None),
                        None => (TimeUnit::Microsecond, Some(*one)),
                    },
                    [one, zone] => (unit(one)?, Some(*zone)),
                    _ => return None,
                };
                let zone = match zone {
                    Some(name) => Some(self::zone(name.trim_matches(['"', '\'']))?.into()),
                    None => None,
                };
                DataType::Timestamp(unit, zone)
            }
            ("decimal" | "numeric", [precision, scale]) => {
                let (precision, scale): (u8, i8) = (precision.parse().ok()?, scale.parse().ok()?);
                if scale < 0 || scale.unsigned_abs() > precision {
                    return None;
                }
                match precision {
                    1..=38 => DataType::Decimal128(precision, scale),
                    39..=76 => DataType::Decimal256(precision, scale),
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(Self(data_type))
    }
}

fn unit(word: &str) -> Option<TimeUnit> {
    Some(match word {
        "s" => TimeUnit::Second,
        "ms" => TimeUnit::Millisecond,
        "us" | "μs" => TimeUnit::Microsecond,
        "ns" => TimeUnit::Nanosecond,
        _ => return None,
    })
}

/// UTC, or a fixed distance from it: what text says without a zone could not be told otherwise.
fn zone(name: &str) -> Option<&str> {
    let is_offset = match name.as_bytes() {
        [b'+' | b'-', hours @ .., b':', _, _] => {
            hours.len() == 2 && name.bytes().filter(u8::is_ascii_digit).count() == 4
        }
        _ => false,
    };
    match name {
        "UTC" | "utc" | "Z" => Some("UTC"),
        _ if is_offset => Some(name),
        _ => None,
    }
}

impl Key for ColumnType {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        let parsed = Self::parse(&text);
        if parsed.is_none() {
            problems.add(&node.span, format!("`{text}` is not a type of a column")).help(
                "known: int8 … int64, uint8 … uint64, float32, float64, string, boolean, date, \
                 time, datetime, datetime(ms|us|ns), datetime(us, UTC), datetime(us, +02:00), \
                 decimal(precision, scale)",
            );
        }
        parsed
    }

    fn to_json(&self) -> Json {
        json!(self.0.to_string())
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["int64", "string", "datetime", "decimal(18,2)"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_words() {
        let parse = |text| ColumnType::parse(text).map(|given| given.0);
        assert_eq!(parse("Int64"), Some(DataType::Int64));
        assert_eq!(parse("decimal(18, 2)"), Some(DataType::Decimal128(18, 2)));
        assert_eq!(parse("decimal(50,2)"), Some(DataType::Decimal256(50, 2)));
        assert_eq!(
            parse("datetime(ms, +02:00)"),
            Some(DataType::Timestamp(TimeUnit::Millisecond, Some("+02:00".into())))
        );
        assert_eq!(parse("datetime"), Some(DataType::Timestamp(TimeUnit::Microsecond, None)));
        for wrong in [
            "decimal",
            "decimal(2,3)",
            "decimal(18,2",
            "int65",
            "int64(3)",
            "",
            "datetime(us, Mars)",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
