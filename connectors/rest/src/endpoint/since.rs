//! From where on rows are wanted, as an API wants to be told.

use hygge_sdk::{Error, Result, Watermark};
use serde_json::Value;

use super::clock::Clock;
use crate::table::time;

/// From where on rows are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Since {
    writing: Writing,
    start: Option<Value>,
    lag: i64,
}

/// How watermarks are written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Writing {
    /// Nothing is said: texts as they are, times in one of the usual ways.
    Unsaid,
    /// As they are.
    Text,
    Clock(Clock),
}

impl Since {
    /// What the keys say.
    pub(crate) fn new(
        format: Option<&str>,
        start: Option<&Value>,
        lag: Option<&str>,
    ) -> Result<Self> {
        let writing = match format {
            None => Writing::Unsaid,
            Some("text") => Writing::Text,
            Some(format) => Writing::Clock(Clock::parse(format)?),
        };
        let lag = lag.map(|text| {
            time::parse_span(text).ok_or_else(|| {
                Error::config(format!("`incremental.lag: {text}` is no span such as `5m` or `1d`"))
            })
        });
        let lag = lag.transpose()?.unwrap_or_default();
        if writing == Writing::Text && lag != 0 {
            return Err(Error::config(
                "`incremental.lag` reckons with times, and `format: text` hands the watermark on as \
                 it is: leave one of them out",
            ));
        }
        let start = match start {
            None | Some(Value::Null) => None,
            Some(start @ (Value::String(_) | Value::Number(_))) => Some(start.clone()),
            Some(_) => {
                return Err(Error::config("`incremental.start` is neither text nor a number"));
            }
        };
        Ok(Self { writing, start, lag })
    }

    /// What is said for a watermark, or, where there is none yet, for `start`: JSON. What is finer
    /// than the format can say is cut off: rows that come again are left out by the host.
    pub(crate) fn said(&self, watermark: Option<&Watermark>) -> Result<Option<String>> {
        let Some(watermark) = watermark else {
            // What the user wrote is what the API wants.
            return Ok(self.start.as_ref().map(Value::to_string));
        };
        if holds_numbers(watermark) {
            let as_it_is = match &self.writing {
                Writing::Unsaid | Writing::Text => true,
                Writing::Clock(clock) => clock.reads_numbers(),
            };
            if self.lag == 0 && as_it_is {
                return Ok(Some(watermark.value.clone()));
            }
        }
        let verbatim = match self.writing {
            Writing::Unsaid => watermark.kind == "string" && self.lag == 0,
            Writing::Text => true,
            Writing::Clock(_) => false,
        };
        if verbatim {
            return Ok(Some(Value::from(watermark.value.clone()).to_string()));
        }
        Ok(Some(self.written()?.write(self.moment(watermark)?)))
    }

    /// How moments are written.
    pub(crate) fn written(&self) -> Result<Clock> {
        match &self.writing {
            Writing::Unsaid => Clock::parse("iso"),
            Writing::Clock(clock) => Ok(clock.clone()),
            Writing::Text => Err(Error::config(
                "`incremental.format: text` hands values on as they are, and `until` and `step` \
                 reckon with times: name a format for them",
            )),
        }
    }

    /// The moment from which on rows are wanted.
    pub(crate) fn begin(&self, watermark: Option<&Watermark>) -> Result<i64> {
        if let Some(watermark) = watermark {
            return self.moment(watermark);
        }
        let Some(start) = &self.start else {
            return Err(Error::config(
                "`incremental.start` is missing: `until` and `step` need to know where time begins \
                 while nothing has been loaded yet",
            ));
        };
        self.written()?.read(start).ok_or_else(|| no_moment("start", start))
    }

    /// The moment of a watermark, less the lag.
    fn moment(&self, watermark: &Watermark) -> Result<i64> {
        let Watermark { column, value, .. } = watermark;
        let moment = if holds_numbers(watermark) {
            let number = value.parse::<i64>().ok().map(Value::from);
            let clock = match &self.writing {
                Writing::Clock(clock) if clock.reads_numbers() => clock,
                _ => {
                    return Err(Error::config(format!(
                        "`incremental.format`, `lag`, `until` and `step` are for dates and times, \
                         and `{column}` holds numbers; `format: unix` or `unix_ms` says that they \
                         are moments"
                    )));
                }
            };
            number.and_then(|number| clock.read(&number))
        } else {
            time::parse(value).map(|moment| moment.micros)
        };
        let moment = moment.ok_or_else(|| {
            Error::config(format!(
                "`incremental` wants to write `{column}` as a time, and its value `{value}` is \
                 none; `format: text` hands it on as it is"
            ))
        })?;
        Ok(moment.saturating_sub(self.lag))
    }
}

/// Of a key that should hold a moment.
pub(crate) fn no_moment(key: &str, value: &Value) -> Error {
    Error::config(format!(
        "`incremental.{key}: {}` is no date or time such as `2020-01-31` or `2020-01-31T12:00:00Z`; \
         `until` and `step` reckon with it, and `format` says how it is sent",
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    ))
}

fn holds_numbers(watermark: &Watermark) -> bool {
    watermark.kind == "int" || watermark.kind == "decimal"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn watermark(kind: &str, value: &str) -> Watermark {
        Watermark { column: "at".into(), value: value.into(), kind: kind.into() }
    }

    fn say(format: Option<&str>, lag: Option<&str>, kind: &str, value: &str) -> String {
        let since = Since::new(format, None, lag);
        let said = since.and_then(|since| since.said(Some(&watermark(kind, value))));
        said.map_or_else(|error| error.to_string(), Option::unwrap)
    }

    #[test]
    fn watermarks_are_written_as_apis_want_them() {
        let at = "2026-01-31T23:59:59.250000Z";
        assert_eq!(say(None, None, "timestamp", at), "\"2026-01-31T23:59:59Z\"");
        assert_eq!(say(Some("iso_ms"), None, "timestamp", at), "\"2026-01-31T23:59:59.250Z\"");
        assert_eq!(say(Some("date"), Some("1d"), "timestamp", at), "\"2026-01-30\"");
        assert_eq!(say(Some("unix"), None, "timestamp", at), "1769903999");
        assert_eq!(say(Some("unix_ms"), None, "timestamp", at), "1769903999250");
        assert_eq!(say(Some("%d.%m.%Y %H:%M"), None, "timestamp", at), "\"31.01.2026 23:59\"");
        assert_eq!(say(None, None, "int", "17"), "17");
        assert_eq!(say(Some("unix"), None, "int", "17"), "17");
        assert_eq!(say(Some("unix"), Some("1m"), "int", "90"), "30");
        assert_eq!(say(None, None, "string", "b\"ü"), "\"b\\\"ü\"");
        assert_eq!(say(Some("unix"), None, "string", "1970-01-01T00:00:09Z"), "9");
        assert!(say(Some("iso"), None, "int", "1").contains("holds numbers"));
        assert!(say(None, Some("1d"), "int", "1").contains("holds numbers"));
        assert!(say(Some("iso"), None, "string", "abc").contains("`format: text`"));
        assert!(say(Some("text"), Some("1d"), "string", "abc").contains("leave one of them out"));
        assert!(say(Some("iso8601"), None, "timestamp", at).contains("there are iso"));
        assert!(say(Some("%q"), None, "timestamp", at).contains("%q"));
        assert!(say(None, Some("1 fortnight"), "timestamp", at).contains("no span"));
    }

    #[test]
    fn a_first_load_begins_where_the_user_says() {
        let start = |value: Value| Since::new(Some("iso"), Some(&value), None)?.said(None);
        assert_eq!(start(json!("2020-01-01")).unwrap().unwrap(), "\"2020-01-01\"");
        assert_eq!(start(json!(0)).unwrap().unwrap(), "0");
        assert_eq!(start(json!(null)).unwrap(), None);
        assert!(start(json!([])).is_err());
    }

    #[test]
    fn moments_to_reckon_with_are_read() {
        let begin = |format: Option<&str>, start: Value| {
            Since::new(format, Some(&start), Some("1m")).and_then(|since| since.begin(None))
        };
        assert_eq!(begin(None, json!("1970-01-02")).unwrap(), time::DAY);
        assert_eq!(begin(Some("unix"), json!(7)).unwrap(), 7 * time::SECOND);
        assert_eq!(begin(Some("unix_ms"), json!("1970-01-02")).unwrap(), time::DAY);
        let told = begin(Some("%d.%m.%Y"), json!("31.01.2020")).unwrap_err().to_string();
        assert!(told.contains("`incremental.start: 31.01.2020` is no date"), "{told}");
        assert!(begin(None, json!(7)).is_err());
        assert!(begin(None, json!(null)).unwrap_err().to_string().contains("is missing"));
        let since = Since::new(Some("unix"), None, Some("1m")).unwrap();
        assert_eq!(since.begin(Some(&watermark("int", "60"))).unwrap(), 0);
        assert_eq!(
            since.begin(Some(&watermark("date", "1970-01-02"))).unwrap(),
            time::DAY - 60 * time::SECOND
        );
        let text = Since::new(Some("text"), None, None).unwrap();
        assert!(text.written().unwrap_err().to_string().contains("name a format"));
    }
}
