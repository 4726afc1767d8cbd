//! Moments, as an API writes them.

use hygge_sdk::{Error, Result};
use serde_json::Value;

use crate::table::{Stride, time};

/// How moments are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// As `strftime` would.
    Pattern(String),
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

impl Clock {
    /// By its name, or as a pattern.
    pub(crate) fn parse(format: &str) -> Result<Self> {
        let pattern = match format {
            "unix" => return Ok(Self::Unix),
            "unix_ms" => return Ok(Self::UnixMs),
            "iso" => "%Y-%m-%dT%H:%M:%SZ",
            "iso_ms" => "%Y-%m-%dT%H:%M:%S.%LZ",
            "iso_us" => "%Y-%m-%dT%H:%M:%S.%fZ",
            "date" => "%Y-%m-%d",
            pattern if pattern.contains('%') => pattern,
            other => {
                return Err(Error::config(format!(
                    "`incremental.format: {other}` is none; there are iso, iso_ms, iso_us, date, \
                     unix, unix_ms, text, and patterns such as `%d.%m.%Y`"
                )));
            }
        };
        time::format(0, pattern)
            .map_err(|why| Error::config(format!("`incremental.format: {format}`: {why}")))?;
        Ok(Self::Pattern(pattern.to_owned()))
    }

    /// A moment, as JSON. What is finer than this can say is cut off.
    pub(crate) fn write(&self, micros: i64) -> String {
        match self {
            Self::Unix => micros.div_euclid(time::SECOND).to_string(),
            Self::UnixMs => micros.div_euclid(1000).to_string(),
            // Whether the pattern can be followed does not depend on the moment.
            Self::Pattern(pattern) => {
                Value::from(time::format(micros, pattern).unwrap_or_default()).to_string()
            }
        }
    }

    /// Whether numbers are moments.
    pub(crate) fn reads_numbers(&self) -> bool {
        matches!(self, Self::Unix | Self::UnixMs)
    }

    /// The moment that a date or a time says, or a number where those are moments.
    pub(crate) fn read(&self, value: &Value) -> Option<i64> {
        match (value, self) {
            (Value::String(text), _) => time::parse(text).map(|moment| moment.micros),
            (Value::Number(number), Self::Unix) => number.as_i64()?.checked_mul(time::SECOND),
            (Value::Number(number), Self::UnixMs) => number.as_i64()?.checked_mul(1000),
            _ => None,
        }
    }

    /// The smallest difference that can be said.
    pub(crate) fn unit(&self) -> Stride {
        let finest = |pattern: &str| {
            let fields = [
                ("%f", Stride::Micros(1)),
                ("%L", Stride::Micros(1000)),
                ("%S", Stride::SECOND),
                ("%s", Stride::SECOND),
                ("%M", Stride::Micros(60 * time::SECOND)),
                ("%H", Stride::Micros(3600 * time::SECOND)),
                ("%d", Stride::DAY),
                ("%m", Stride::Months(1)),
            ];
            let pattern = pattern.replace("%%", "");
            let found = fields.into_iter().find(|(field, _)| pattern.contains(field));
            found.map_or(Stride::Months(12), |(_, unit)| unit)
        };
        match self {
            Self::Unix => Stride::SECOND,
            Self::UnixMs => Stride::Micros(1000),
            Self::Pattern(pattern) => finest(pattern),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_difference_is_that_of_the_finest_field() {
        for (format, unit) in [
            ("iso", Stride::SECOND),
            ("iso_ms", Stride::Micros(1000)),
            ("iso_us", Stride::Micros(1)),
            ("unix", Stride::SECOND),
            ("unix_ms", Stride::Micros(1000)),
            ("date", Stride::DAY),
            ("%d.%m.%Y %H:%M", Stride::Micros(60 * time::SECOND)),
            ("%Y%m%d%H", Stride::Micros(3600 * time::SECOND)),
            ("%Y-%m 100%%d", Stride::Months(1)),
            ("%Y", Stride::Months(12)),
        ] {
            assert_eq!(Clock::parse(format).unwrap().unit(), unit, "{format}");
        }
    }
}
