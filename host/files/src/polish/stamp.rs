//! Columns with the time of the run.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::config::{Clock, StampType, TimestampKeys};

/// The one value of a timestamp column, in an array of one.
pub(super) fn value(rule: &TimestampKeys, now: &Zoned) -> Result<ArrayRef, jiff::Error> {
    let utc = now.with_time_zone(TimeZone::UTC);
    Ok(match (rule.r#type, rule.source) {
        (StampType::DateTime, Clock::Utc) => Arc::new(
            TimestampMicrosecondArray::from(vec![now.timestamp().as_microsecond()])
                .with_timezone("UTC"),
        ),
        // The wall clock of this machine, which names no zone.
        (StampType::DateTime, Clock::Local) => {
            let wall = now.datetime().to_zoned(TimeZone::UTC)?;
            Arc::new(TimestampMicrosecondArray::from(vec![wall.timestamp().as_microsecond()]))
        }
        (StampType::Text, clock) => {
            let text = match (&rule.format, clock) {
                (Some(format), Clock::Utc) => text(&utc, format)?,
                (Some(format), Clock::Local) => text(now, format)?,
                (None, Clock::Utc) => text(&utc, "%Y-%m-%dT%H:%M:%S.%f%:z")?,
                (None, Clock::Local) => text(now, "%Y-%m-%dT%H:%M:%S.%f")?,
            };
            Arc::new(StringArray::from(vec![text]))
        }
    })
}

/// Writes a time in the terms of `strftime`, where `%f` are six digits.
pub(super) fn text(time: &Zoned, format: &str) -> Result<String, jiff::Error> {
    let mut six = String::with_capacity(format.len() + 2);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        six.push(letter);
        if letter == '%'
            && let Some(next) = letters.next()
        {
            six.push_str(if next == 'f' { "6f" } else { "" });
            if next != 'f' {
                six.push(next);
            }
        }
    }
    jiff::fmt::strtime::format(&six, time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_have_six_digits() {
        let time: Zoned = "2024-01-02T03:04:05.000006+02:00[+02:00]".parse().unwrap();
        assert_eq!(text(&time, "%H%M%S_%f %% %z").unwrap(), "030405_000006 % +0200");
        assert!(text(&time, "%!").is_err());
    }
}
