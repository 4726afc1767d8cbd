//! How far an incremental load has come.
//!
//! A [`Watermark`] is the highest value of a column that has landed. The next load reads from it
//! on, *including* rows that have exactly this value, because some of them may have been
//! committed after the last load looked. The [`Tracker`] keeps out those that landed already: it
//! knows them by the hashes of their keys, a [`KeySet`].

mod column;
mod key;
mod time;
mod tracker;

use std::collections::HashSet;
use std::fmt;

pub use column::{equals_mask, max_of};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
pub use key::key_hashes;
pub use tracker::{MAX_BOUNDARY_KEYS, Snapshot, Tracked, Tracker};

use crate::fault::Fault;

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

/// A text that is not a watermark of the type it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatermarkError {
    /// Not a date.
    #[error("`{0}` is not a date and time such as 2026-01-31T23:59:59")]
    NotDateTime(String),
    /// Not a whole number of 64 bits.
    #[error("`{0}` is not a whole number")]
    NotInt(String),
    /// No such type.
    #[error("`{0}` is not a type of watermark: datetime, int and string are")]
    UnknownType(String),
}

impl From<WatermarkError> for Fault {
    fn from(error: WatermarkError) -> Self {
        Self::config(error.to_string())
    }
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

    /// Reads a watermark of the type that [`type_name`](Self::type_name) gives.
    ///
    /// A date and time may have up to nine digits of a second, may be a date alone, and may have
    /// an offset, which is then converted to UTC.
    pub fn parse(type_name: &str, text: &str) -> Result<Self, WatermarkError> {
        match type_name {
            "datetime" => parse_date_time(text)
                .map(Self::DateTime)
                .ok_or_else(|| WatermarkError::NotDateTime(text.to_owned())),
            "int" => text
                .trim()
                .parse()
                .map(Self::Int)
                .map_err(|_| WatermarkError::NotInt(text.to_owned())),
            "string" => Ok(Self::String(text.to_owned())),
            other => Err(WatermarkError::UnknownType(other.to_owned())),
        }
    }

    /// Reads what a person typed, where no earlier run tells the type: a whole number, else a
    /// date and time, else text.
    pub fn guess(text: &str) -> Self {
        ["int", "datetime"]
            .into_iter()
            .find_map(|type_name| Self::parse(type_name, text).ok())
            .unwrap_or_else(|| Self::String(text.to_owned()))
    }
}

fn parse_date_time(text: &str) -> Option<DateTime> {
    let text = text.trim();
    // An instant first: as a civil time, jiff would read past the offset without applying it.
    match text.parse::<Timestamp>() {
        Ok(instant) => Some(Offset::UTC.to_datetime(instant)),
        Err(_) => text.parse().ok(),
    }
}

/// As the journal writes it: a date and time in ISO 8601 without an offset, with no digits, six
/// or nine of a second.
impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DateTime(value) => match value.subsec_nanosecond() {
                0 => write!(f, "{value:.0}"),
                nanos if nanos % 1_000 == 0 => write!(f, "{value:.6}"),
                _ => write!(f, "{value:.9}"),
            },
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
        self.primary_key
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    }
}

/// A set of keys, each remembered by the first 16 bytes of a SHA-256 of its text form, so that a
/// key is the same whatever the width of its type on either side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// The hashes.
    pub hashes: HashSet<[u8; 16]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn date_time(text: &str) -> String {
        Watermark::parse("datetime", text).unwrap().to_string()
    }

    #[test]
    fn dates_are_read_in_every_form_the_journal_may_have() {
        assert_eq!(date_time("2026-01-01T00:41:39"), "2026-01-01T00:41:39");
        assert_eq!(date_time("2026-01-01 00:41:39"), "2026-01-01T00:41:39");
        assert_eq!(date_time("2026-01-01T00:41:39.5"), "2026-01-01T00:41:39.500000");
        assert_eq!(date_time("2026-01-01T00:41:39.123456"), "2026-01-01T00:41:39.123456");
        assert_eq!(date_time("2026-01-01T00:41:39.123456789"), "2026-01-01T00:41:39.123456789");
        assert_eq!(date_time("2026-01-01"), "2026-01-01T00:00:00");
        assert_eq!(date_time("9999-12-31T23:59:59"), "9999-12-31T23:59:59");
    }

    #[test]
    fn an_offset_is_converted_to_utc() {
        assert_eq!(date_time("2026-01-01T00:41:39+02:00"), "2025-12-31T22:41:39");
        assert_eq!(date_time("2026-01-01T00:41:39Z"), "2026-01-01T00:41:39");
        assert_eq!(date_time("2026-01-01 00:41:39.25-05:30"), "2026-01-01T06:11:39.250000");
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_shows_it() {
        let error = Watermark::parse("datetime", "yesterday").unwrap_err();
        assert!(error.to_string().contains("`yesterday`"));
        assert_eq!(Watermark::parse("int", "1.5"), Err(WatermarkError::NotInt("1.5".to_owned())));
        assert!(Watermark::parse("float", "1.5").is_err());
    }

    #[test]
    fn a_typed_value_is_taken_for_what_it_looks_like() {
        assert_eq!(Watermark::guess("-7"), Watermark::Int(-7));
        assert_eq!(Watermark::guess("2026-01-01").type_name(), "datetime");
        assert_eq!(Watermark::guess("abc"), Watermark::String("abc".to_owned()));
    }

    #[test]
    fn key_columns_are_separated_by_commas() {
        let spec = WatermarkSpec { primary_key: "a, b,".to_owned(), column: "t".to_owned() };
        assert_eq!(spec.key_columns(), ["a", "b"]);
    }
}
