//! The types of CSV columns, from the text in them.

use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_cast::parse::Parser;
use arrow_schema::{DataType, TimeUnit};

/// What the values of a column have looked like so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looks {
    bool: bool,
    int: bool,
    float: bool,
    date: bool,
    datetime: bool,
    text: bool,
}

impl Looks {
    /// Looks at another value. `dates` is whether text may be taken for a date.
    pub(super) fn see(&mut self, value: &[u8], dates: bool) {
        // Once text, always text.
        if self.text {
            return;
        }
        let Ok(value) = std::str::from_utf8(value) else {
            self.text = true;
            return;
        };
        let kind = if is_int(value) {
            // A number too large for an integer is more likely a name than a quantity.
            match Int64Type::parse(value) {
                Some(_) => &mut self.int,
                None => &mut self.text,
            }
        } else if is_float(value) && Float64Type::parse(value).is_some() {
            &mut self.float
        } else if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") {
            &mut self.bool
        } else if dates && value.len() == 10 && Date32Type::parse(value).is_some() {
            &mut self.date
        } else if dates && is_datetime(value) && TimestampMicrosecondType::parse(value).is_some() {
            &mut self.datetime
        } else {
            &mut self.text
        };
        *kind = true;
    }

    /// What both have looked like.
    pub(super) fn merge(&mut self, other: Self) {
        self.bool |= other.bool;
        self.int |= other.int;
        self.float |= other.float;
        self.date |= other.date;
        self.datetime |= other.datetime;
        self.text |= other.text;
    }

    /// The type that holds all of it. Nothing but nulls is text, and so is what goes together in
    /// no other way.
    pub(super) fn data_type(self) -> DataType {
        let number = self.int || self.float;
        let time = self.date || self.datetime;
        match (self.text, self.bool, number, time) {
            (false, true, false, false) => DataType::Boolean,
            (false, false, true, false) if self.float => DataType::Float64,
            (false, false, true, false) => DataType::Int64,
            (false, false, false, true) if self.datetime => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            (false, false, false, true) => DataType::Date32,
            _ => DataType::Utf8,
        }
    }
}

fn is_int(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_float(value: &str) -> bool {
    let plain = value.strip_prefix(['-', '+']).unwrap_or(value);
    matches!(plain, "inf" | "NaN")
        || (plain.bytes().any(|byte| byte.is_ascii_digit())
            && plain.bytes().all(|byte| {
                byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+')
            }))
}

/// A date and a time of day without a zone.
fn is_datetime(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() >= 16
        && bytes.get(4) == Some(&b'-')
        && matches!(bytes.get(10), Some(b' ' | b'T'))
        && bytes.get(11..).is_some_and(|time| {
            time.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(values: &[&str], dates: bool) -> DataType {
        let mut looks = Looks::default();
        for value in values {
            looks.see(value.as_bytes(), dates);
        }
        looks.data_type()
    }

    #[test]
    fn types_follow_from_values() {
        assert_eq!(type_of(&["1", "-2"], false), DataType::Int64);
        assert_eq!(type_of(&["1", "2.5", "1e9"], false), DataType::Float64);
        assert_eq!(type_of(&["true", "False"], false), DataType::Boolean);
        assert_eq!(type_of(&[], false), DataType::Utf8);
        assert_eq!(type_of(&["1", "x"], false), DataType::Utf8);
        assert_eq!(type_of(&["1", "true"], false), DataType::Utf8);
        assert_eq!(type_of(&["99999999999999999999"], false), DataType::Utf8);
        assert_eq!(type_of(&["1.2.3"], false), DataType::Utf8);
        assert_eq!(type_of(&["-", "e"], false), DataType::Utf8);
    }

    #[test]
    fn dates_are_text_unless_asked_for() {
        assert_eq!(type_of(&["2026-01-31"], false), DataType::Utf8);
        assert_eq!(type_of(&["2026-01-31"], true), DataType::Date32);
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        assert_eq!(type_of(&["2026-01-31 10:00:00", "2026-01-31"], true), micros);
        assert_eq!(type_of(&["2026-01-31T10:00:00Z"], true), DataType::Utf8);
    }
}
