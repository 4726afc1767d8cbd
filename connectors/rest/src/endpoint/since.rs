//! Where an incremental load goes on, as an API wants to be told.

use hygge_sdk::{Error, Result, Watermark};
use serde_json::Value;

use crate::table::time;

/// From where on rows are wanted: JSON, a text or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Since(pub(crate) String);

impl Since {
    /// What is said for a watermark, or, where there is none yet, for `start`. What is finer than
    /// the format can say is cut off: rows that come again are left out by the host.
    pub(crate) fn new(
        format: Option<&str>,
        start: Option<&Value>,
        lag: Option<&str>,
        watermark: Option<&Watermark>,
    ) -> Result<Option<Self>> {
        let lag = lag.map(|text| {
            time::parse_span(text).ok_or_else(|| {
                Error::config(format!("`incremental.lag: {text}` is no span such as `5m` or `1d`"))
            })
        });
        let lag = lag.transpose()?.unwrap_or_default();
        if let Some(format) = format.filter(|format| format.contains('%')) {
            time::format(0, format)
                .map_err(|why| Error::config(format!("`incremental.format: {format}`: {why}")))?;
        }
        let Some(watermark) = watermark else {
            // What the user wrote is what the API wants.
            return match start {
                None | Some(Value::Null) => Ok(None),
                Some(start @ (Value::String(_) | Value::Number(_))) => {
                    Ok(Some(Self(start.to_string())))
                }
                Some(_) => Err(Error::config("`incremental.start` is neither text nor a number")),
            };
        };
        if watermark.kind == "int" || watermark.kind == "decimal" {
            if lag != 0 || !matches!(format, None | Some("text" | "unix" | "unix_ms")) {
                return Err(Error::config(format!(
                    "`incremental.format` and `lag` are for dates and times, and `{}` holds \
                     numbers",
                    watermark.column
                )));
            }
            return Ok(Some(Self(watermark.value.clone())));
        }
        let verbatim = format == Some("text") || format.is_none() && watermark.kind == "string";
        if verbatim && lag == 0 {
            return Ok(Some(Self(Value::from(watermark.value.clone()).to_string())));
        }
        let Some(moment) = time::parse(&watermark.value) else {
            return Err(Error::config(format!(
                "`incremental` wants to write `{}` as a time, and its value `{}` is none; \
                 `format: text` hands it on as it is",
                watermark.column, watermark.value
            )));
        };
        let micros = moment.micros.saturating_sub(lag);
        let written = match format.unwrap_or("iso") {
            "iso" => time::format(micros, "%Y-%m-%dT%H:%M:%SZ"),
            "iso_ms" => time::format(micros, "%Y-%m-%dT%H:%M:%S.%LZ"),
            "iso_us" => time::format(micros, "%Y-%m-%dT%H:%M:%S.%fZ"),
            "date" => time::format(micros, "%Y-%m-%d"),
            "unix" => return Ok(Some(Self(micros.div_euclid(time::SECOND).to_string()))),
            "unix_ms" => return Ok(Some(Self(micros.div_euclid(1000).to_string()))),
            pattern if pattern.contains('%') => time::format(micros, pattern),
            other => Err(format!(
                "`{other}` is none; there are iso, iso_ms, iso_us, date, unix, unix_ms, text, and \
                 patterns such as `%d.%m.%Y`"
            )),
        };
        let written =
            written.map_err(|why| Error::config(format!("`incremental.format`: {why}")))?;
        Ok(Some(Self(Value::from(written).to_string())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn watermark(kind: &str, value: &str) -> Watermark {
        Watermark { column: "at".into(), value: value.into(), kind: kind.into() }
    }

    fn say(format: Option<&str>, lag: Option<&str>, kind: &str, value: &str) -> String {
        let since = Since::new(format, None, lag, Some(&watermark(kind, value)));
        since.map_or_else(|error| error.to_string(), |since| since.unwrap().0)
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
        assert_eq!(say(None, None, "string", "b\"ü"), "\"b\\\"ü\"");
        assert_eq!(say(Some("unix"), None, "string", "1970-01-01T00:00:09Z"), "9");
        assert!(say(Some("iso"), None, "int", "1").contains("holds numbers"));
        assert!(say(Some("iso"), None, "string", "abc").contains("`format: text`"));
        assert!(say(Some("iso8601"), None, "timestamp", at).contains("there are iso"));
        assert!(say(Some("%q"), None, "timestamp", at).contains("%q"));
        assert!(say(None, Some("1 week"), "timestamp", at).contains("no span"));
    }

    #[test]
    fn a_first_load_begins_where_the_user_says() {
        let start = |value: Value| Since::new(Some("iso"), Some(&value), None, None);
        assert_eq!(start(json!("2020-01-01")).unwrap().unwrap().0, "\"2020-01-01\"");
        assert_eq!(start(json!(0)).unwrap().unwrap().0, "0");
        assert_eq!(start(json!(null)).unwrap(), None);
        assert!(start(json!([])).is_err());
    }
}
