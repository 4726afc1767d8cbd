//! Windows of time, each with a first moment and the one behind its last.

use hygge_sdk::{Error, Result, Watermark};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint::{Clock, Given, Place, SINCE, Since, UNTIL, no_moment};
use crate::table::Stride;

/// How time is cut, and how an API is told.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    since: Since,
    clock: Clock,
    /// One window for all of it where there is none.
    step: Option<Stride>,
    /// Up to where, rather than to now.
    end: Option<i64>,
    /// Whether rows of the upper end's own moment are given.
    inclusive: bool,
    since_place: Option<Place>,
    until_place: Option<Place>,
}

/// The time to be read: from the first moment to the one behind the last, in microseconds. Fixed
/// when a run is planned, so that one that goes on keeps to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// What the keys of `incremental` say of windows.
#[derive(Debug, Default)]
pub(crate) struct WindowKeys<'k> {
    pub(crate) step: Option<&'k str>,
    pub(crate) end: Option<&'k Value>,
    pub(crate) inclusive: bool,
}

impl Windows {
    pub(crate) fn new(
        since: Since,
        keys: &WindowKeys<'_>,
        since_place: Option<Place>,
        until_place: Option<Place>,
    ) -> Result<Self> {
        let clock = since.written()?;
        let unit = clock.unit();
        let step = keys.step.map(|text| {
            let step = Stride::parse(text).ok_or_else(|| {
                Error::config(format!(
                    "`incremental.step: {text}` is no span such as `12h`, `7d` or `1mo`"
                ))
            })?;
            if !step.holds(unit) {
                return Err(Error::config(format!(
                    "`incremental.step: {text}` is shorter than what `format` can tell apart: take \
                     a longer step, or a finer format"
                )));
            }
            Ok(step)
        });
        let end = match keys.end {
            None | Some(Value::Null) => None,
            Some(end) => Some(clock.read(end).ok_or_else(|| no_moment("end", end))?),
        };
        let inclusive = keys.inclusive;
        Ok(Self { since, clock, step: step.transpose()?, end, inclusive, since_place, until_place })
    }

    /// The time to be read. Its ends can be said in the format: they lie a little further out than
    /// what is wanted where they have to.
    pub(super) fn span(&self, watermark: Option<&Watermark>, now: i64) -> Result<Span> {
        let unit = self.clock.unit();
        let from = unit.floor(self.since.begin(watermark)?);
        let to = match self.end {
            Some(end) => unit.ceiling(end),
            // Rows of this very moment are among those that are wanted.
            None => unit.after(unit.floor(now), 1),
        };
        if from >= to && watermark.is_none() {
            let end = if self.end.is_some() { "`end`" } else { "now" };
            return Err(Error::config(format!(
                "`incremental.start`, {}, is not before {end}: there is no time to be read",
                self.told(from)
            )));
        }
        Ok(Span { from, to })
    }

    /// How many windows that makes.
    pub(super) fn count(&self, span: Span) -> u64 {
        let count = match self.step {
            _ if span.from >= span.to => 0,
            None => 1,
            Some(step) => step.count(span.from, span.to),
        };
        u64::try_from(count).unwrap_or_default()
    }

    /// What is said of a window, by its number, and how it is called.
    pub(super) fn window(&self, span: Span, number: u64) -> (Vec<Given>, String) {
        let (from, to) = (self.border(span, number), self.border(span, number.saturating_add(1)));
        let unit = self.clock.unit();
        let last = if self.inclusive { unit.after(to, -1) } else { to };
        let given = vec![
            Given::new(SINCE, self.clock.write(from), self.since_place.clone()),
            Given::new(UNTIL, self.clock.write(last), self.until_place.clone()),
        ];
        (given, format!("{} to {}", self.told(from), self.told(to)))
    }

    /// The first moment of a window.
    fn border(&self, span: Span, number: u64) -> i64 {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        match (self.step, number) {
            (_, 0) => span.from,
            (None, _) => span.to,
            (Some(step), _) => self.clock.unit().floor(step.after(span.from, number)).min(span.to),
        }
    }

    fn told(&self, micros: i64) -> String {
        self.clock.write(micros).trim_matches('"').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::table::time;

    fn at(text: &str) -> i64 {
        time::parse(text).unwrap().micros
    }

    fn windows(format: &str, start: &str, keys: &WindowKeys<'_>) -> Result<Windows> {
        let since = Since::new(Some(format), Some(&json!(start)), None)?;
        Windows::new(since, keys, None, Some(Place::Param("to".to_owned())))
    }

    /// What is said of every window.
    fn said(format: &str, start: &str, keys: &WindowKeys<'_>, now: &str) -> Vec<(String, String)> {
        let windows = windows(format, start, keys).unwrap();
        let span = windows.span(None, at(now)).unwrap();
        (0..windows.count(span))
            .map(|number| {
                let (given, _) = windows.window(span, number);
                let plain = |at: usize| given[at].value.trim_matches('"').to_owned();
                assert_eq!((given[0].name.as_str(), given[1].name.as_str()), ("since", "until"));
                (plain(0), plain(1))
            })
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
    }

    #[test]
    fn windows_follow_one_another_without_a_gap() {
        let keys = WindowKeys { step: Some("7d"), ..WindowKeys::default() };
        assert_eq!(
            said("date", "2026-01-01", &keys, "2026-01-20T13:00:00Z"),
            pairs(&[
                ("2026-01-01", "2026-01-08"),
                ("2026-01-08", "2026-01-15"),
                ("2026-01-15", "2026-01-21"),
            ])
        );
        let keys = WindowKeys { inclusive: true, ..keys };
        assert_eq!(
            said("date", "2026-01-01", &keys, "2026-01-15T00:00:00Z"),
            pairs(&[
                ("2026-01-01", "2026-01-07"),
                ("2026-01-08", "2026-01-14"),
                ("2026-01-15", "2026-01-15"),
            ])
        );
        let keys = WindowKeys { step: Some("1mo"), inclusive: true, ..WindowKeys::default() };
        assert_eq!(
            said("iso_ms", "2024-01-31", &keys, "2024-03-30T12:00:00.5Z"),
            pairs(&[
                ("2024-01-31T00:00:00.000Z", "2024-02-28T23:59:59.999Z"),
                ("2024-02-29T00:00:00.000Z", "2024-03-30T12:00:00.500Z"),
            ])
        );
        assert_eq!(
            said("%Y-%m", "2023-11-15", &keys, "2024-01-01"),
            pairs(&[("2023-11", "2023-11"), ("2023-12", "2023-12"), ("2024-01", "2024-01")])
        );
        // A step that the format cannot say exactly.
        let keys = WindowKeys { step: Some("36h"), ..WindowKeys::default() };
        assert_eq!(
            said("date", "2026-01-01", &keys, "2026-01-04T13:00:00Z"),
            pairs(&[
                ("2026-01-01", "2026-01-02"),
                ("2026-01-02", "2026-01-04"),
                ("2026-01-04", "2026-01-05"),
            ])
        );
    }

    #[test]
    fn every_format_says_what_lies_before_the_next_window() {
        let end = json!("1970-01-01T00:00:10Z");
        let say = |format: &str, inclusive: bool| {
            let keys = WindowKeys { end: Some(&end), inclusive, ..WindowKeys::default() };
            said(format, "1970-01-01", &keys, "2026-01-01")[0].1.clone()
        };
        for (format, exclusive, inclusive) in [
            ("iso", "1970-01-01T00:00:10Z", "1970-01-01T00:00:09Z"),
            ("iso_ms", "1970-01-01T00:00:10.000Z", "1970-01-01T00:00:09.999Z"),
            ("iso_us", "1970-01-01T00:00:10.000000Z", "1970-01-01T00:00:09.999999Z"),
            ("unix", "10", "9"),
            ("unix_ms", "10000", "9999"),
            ("date", "1970-01-02", "1970-01-01"),
            ("%H:%M", "00:01", "00:00"),
        ] {
            assert_eq!(
                (say(format, false), say(format, true)),
                (exclusive.into(), inclusive.into())
            );
        }
    }

    #[test]
    fn a_watermark_goes_before_the_start() {
        let keys = WindowKeys::default();
        let windows = windows("iso", "2020-01-01", &keys).unwrap();
        let watermark = |value: &str| {
            let (column, kind) = ("at".to_owned(), "timestamp".to_owned());
            Watermark { column, value: value.to_owned(), kind }
        };
        let (seen, now) = (watermark("2026-01-01T00:00:00.750000Z"), at("2026-01-01T00:00:00.9Z"));
        let span = windows.span(Some(&seen), now).unwrap();
        assert_eq!(span, Span { from: at("2026-01-01"), to: at("2026-01-01T00:00:01Z") });
        assert_eq!(windows.count(span), 1);
        assert_eq!(windows.window(span, 0).1, "2026-01-01T00:00:00Z to 2026-01-01T00:00:01Z");
        // A row from the future: nothing is left to be read.
        let ahead = windows.span(Some(&watermark("2027-01-01T00:00:00Z")), now).unwrap();
        assert_eq!(windows.count(ahead), 0);
        assert!(
            windows.span(None, at("2019-01-01")).unwrap_err().to_string().contains("not before")
        );
    }

    #[test]
    fn mistakes_are_told() {
        let told = |format: &str, keys: &WindowKeys<'_>| {
            windows(format, "2020-01-01", keys).unwrap_err().to_string()
        };
        let step = |step| WindowKeys { step: Some(step), ..WindowKeys::default() };
        assert!(told("iso", &step("weekly")).contains("`incremental.step: weekly` is no span"));
        assert!(told("date", &step("6h")).contains("is shorter than what `format`"));
        assert!(told("%Y-%m", &step("30d")).contains("is shorter than what `format`"));
        assert!(told("text", &step("1d")).contains("name a format"));
        let end = json!("tomorrow");
        let keys = WindowKeys { end: Some(&end), ..WindowKeys::default() };
        assert!(told("iso", &keys).contains("`incremental.end: tomorrow` is no date"));
    }
}
