//! How far an incremental load has come.

use std::collections::HashSet;
use std::fmt;

use jiff::civil::DateTime;

/// The highest value of a watermark column that has landed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watermark {
    /// A date and time. A column with a time zone is compared in UTC; a date is its midnight.
    DateTime(DateTime),
    /// A whole number.
    Int(i64),
    /// Text, compared byte by byte.
    String(String),
}

impl Watermark {
    /// The journal's word for the type: `datetime`, `int` or `string`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::DateTime(_) => "datetime",
            Self::Int(_) => "int",
            Self::String(_) => "string",
        }
    }
}

/// As the journal writes it: a date and time in ISO 8601 without an offset.
impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DateTime(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::String(value) => f.write_str(value),
        }
    }
}

/// What to track: the journal's `primary_key` and `watermark_column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatermarkSpec {
    /// As configured; more than one column is separated by commas.
    pub primary_key: String,
    /// The column.
    pub column: String,
}

impl WatermarkSpec {
    /// The columns of the key.
    pub fn key_columns(&self) -> Vec<String> {
        self.primary_key.split(',').map(|name| name.trim().to_owned()).collect()
    }
}

/// A set of keys, each remembered by the first 16 bytes of a SHA-256 of its text form, so that a
/// key is the same whatever the width of its type on either side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// The hashes.
    pub hashes: HashSet<[u8; 16]>,
}
