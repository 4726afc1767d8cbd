//! The keys of `home:`, and what they ask for.

use hygge_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::column::{Column, How, Kind};
use crate::random;
use crate::time;

/// The keys of `home:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) rows: u64,
    pub(crate) columns: Map<String, Value>,
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default = "one")]
    pub(crate) splits: u64,
    #[serde(default = "batch_rows")]
    pub(crate) batch_rows: usize,
    #[serde(default)]
    pub(crate) pause_ms: u64,
}

fn one() -> u64 {
    1
}

fn batch_rows() -> usize {
    8192
}

/// The most rows in a batch and the most splits.
const MOST_BATCH_ROWS: usize = 1_000_000;
const MOST_SPLITS: u64 = 10_000;

/// The keys of a column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(rename = "type")]
    kind: String,
    sequence: Option<i64>,
    step: Option<Value>,
    min: Option<Value>,
    max: Option<Value>,
    from: Option<String>,
    to: Option<String>,
    choices: Option<Vec<Value>>,
    pattern: Option<String>,
    length: Option<usize>,
    nulls: Option<f64>,
}

impl Config {
    /// The columns of a table; all of them, or those that are asked for.
    pub(crate) fn columns(&self, table: &str, wanted: Option<&[String]>) -> Result<Vec<Column>> {
        if self.columns.is_empty() {
            return Err(Error::config("`columns` names no column"));
        }
        if !(1..=MOST_BATCH_ROWS).contains(&self.batch_rows) {
            return Err(Error::config(format!("`batch_rows` is not from 1 to {MOST_BATCH_ROWS}")));
        }
        if !(1..=MOST_SPLITS).contains(&self.splits) {
            return Err(Error::config(format!("`splits` is not from 1 to {MOST_SPLITS}")));
        }
        let all = self
            .columns
            .iter()
            .map(|(name, keys)| column(name, keys, random::key(self.seed, table, name)))
            .collect::<Result<Vec<_>>>()?;
        let Some(wanted) = wanted else { return Ok(all) };
        wanted
            .iter()
            .map(|name| {
                all.iter()
                    .find(|column| column.name == *name)
                    .cloned()
                    .ok_or_else(|| Error::missing(format!("`columns` has no column `{name}`")))
            })
            .collect()
    }
}

fn column(name: &str, keys: &Value, key: u64) -> Result<Column> {
    let wrong = |reason: String| Error::config(format!("`columns.{name}`: {reason}"));
    let keys: Keys =
        serde_json::from_value(keys.clone()).map_err(|error| wrong(error.to_string()))?;
    let nulls = keys.nulls.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&nulls) {
        return Err(wrong("`nulls` is a share, from 0 to 1".to_owned()));
    }
    let kind = Kind::parse(&keys.kind).map_err(wrong)?;
    let how = how(kind, &keys).map_err(wrong)?;
    Ok(Column { name: name.to_owned(), kind, how, nulls, key })
}

/// What a column's values are made of.
fn how(kind: Kind, keys: &Keys) -> Result<How, String> {
    let given = given(keys);
    let allowed = kind.ways();
    if let Some(other) = given.iter().find(|key| !allowed.contains(key)) {
        return Err(format!(
            "`{other}` does not go with `type: {}`{}",
            keys.kind,
            if allowed.is_empty() { String::new() } else { format!("; {} do", allowed.join(", ")) }
        ));
    }
    let alone = ["choices", "sequence", "pattern", "length"];
    let takes_step = |key: &str| key == "sequence";
    for key in alone.into_iter().filter(|key| given.contains(key)) {
        if let Some(other) =
            given.iter().find(|other| **other != key && !(takes_step(key) && **other == "step"))
        {
            return Err(format!("`{key}` and `{other}` do not go together"));
        }
    }
    if let Some(choices) = &keys.choices {
        if choices.is_empty() {
            return Err("`choices` is empty".to_owned());
        }
        return Ok(How::Choices(
            choices
                .iter()
                .map(|choice| kind.value(choice).map_err(|reason| format!("`choices`: {reason}")))
                .collect::<Result<_, _>>()?,
        ));
    }
    if let Some(pattern) = &keys.pattern {
        return Ok(How::Pattern(pattern.clone()));
    }
    if let Some(length) = keys.length {
        if length > 65_536 {
            return Err("`length` is at most 65536".to_owned());
        }
        return Ok(How::Letters(length));
    }
    if let Some(first) = keys.sequence {
        let step = match &keys.step {
            None => 1,
            Some(step) => step.as_i64().ok_or("`step` of a sequence is a whole number")?,
        };
        let one = 10_i128.pow(kind.scale());
        return Ok(How::Steps { first: i128::from(first) * one, step: i128::from(step) * one });
    }
    match kind {
        Kind::Bool => Ok(How::Range { low: 0, high: 1 }),
        Kind::Float64 => {
            let (low, high) = (float(&keys.min, "min", 0.0)?, float(&keys.max, "max", 1.0)?);
            if low > high {
                return Err("`min` is larger than `max`".to_owned());
            }
            Ok(How::Floats { low, high })
        }
        Kind::String => Ok(How::Letters(12)),
        Kind::Uuid => Ok(How::Uuid),
        Kind::Date | Kind::Timestamp { .. } => times(kind, keys),
        Kind::Int { .. } | Kind::Decimal { .. } => {
            let bound = |value: &Option<Value>, key: &str, other: i128| match value {
                None => Ok(other),
                Some(value) => kind.number(value).map_err(|reason| format!("`{key}`: {reason}")),
            };
            let high = bound(&keys.max, "max", kind.largest())?;
            let low = bound(&keys.min, "min", 0.min(high))?;
            if low > high {
                return Err("`min` is larger than `max`".to_owned());
            }
            Ok(How::Range { low, high })
        }
    }
}

fn times(kind: Kind, keys: &Keys) -> Result<How, String> {
    let unit = if kind == Kind::Date { time::DAY } else { 1 };
    let at = |text: &str, key: &str| {
        time::parse(text).map(|time| i128::from(time.div_euclid(unit))).ok_or_else(|| {
            format!(
                "`{key}`: `{text}` is no date or time such as 2026-01-31 or 2026-01-31T12:00:00"
            )
        })
    };
    let first = at(keys.from.as_deref().unwrap_or("2020-01-01"), "from")?;
    if let Some(step) = &keys.step {
        if keys.to.is_some() {
            return Err("`step` and `to` do not go together: `rows` says where it ends".to_owned());
        }
        let step =
            step.as_str().and_then(time::parse_step).filter(|step| step % unit == 0).ok_or_else(
                || {
                    let such = if unit == 1 { "`10s`, `5m`, `1h` or `1d`" } else { "`1d`" };
                    format!("`step` of a {} is such as {such}", keys.kind)
                },
            )?;
        return Ok(How::Steps { first, step: i128::from(step / unit) });
    }
    let last = at(keys.to.as_deref().unwrap_or("2029-12-31"), "to")?;
    if first > last {
        return Err("`from` is later than `to`".to_owned());
    }
    Ok(How::Range { low: first, high: last })
}

/// The keys that say how values are made.
fn given(keys: &Keys) -> Vec<&'static str> {
    [
        ("sequence", keys.sequence.is_some()),
        ("step", keys.step.is_some()),
        ("min", keys.min.is_some()),
        ("max", keys.max.is_some()),
        ("from", keys.from.is_some()),
        ("to", keys.to.is_some()),
        ("choices", keys.choices.is_some()),
        ("pattern", keys.pattern.is_some()),
        ("length", keys.length.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect()
}

fn float(value: &Option<Value>, key: &str, other: f64) -> Result<f64, String> {
    match value {
        None => Ok(other),
        Some(value) => value
            .as_f64()
            .or_else(|| value.as_str()?.parse().ok())
            .filter(|number| number.is_finite())
            .ok_or_else(|| format!("`{key}`: {value} is no number")),
    }
}
