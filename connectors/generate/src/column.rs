//! A column: its type, and how its values are made.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_schema::{DataType, Field, TimeUnit};
use hygge_sdk::{Error, Result};
use serde_json::Value;

use crate::random::Random;
use crate::time;

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) how: How,
    /// The share of nulls.
    pub(crate) nulls: f64,
    /// What its random numbers follow from.
    pub(crate) key: u64,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int { bits: u32 },
    Float64,
    Decimal { precision: u8, scale: u8 },
    String,
    Uuid,
    Date,
    Timestamp { utc: bool },
}

/// How values are made. Numbers, days and microseconds are whole numbers here; a decimal is its
/// digits.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// One after the other.
    Steps { first: i128, step: i128 },
    /// Any from `low` to `high`.
    Range { low: i128, high: i128 },
    /// Any from `low` to `high`.
    Floats { low: f64, high: f64 },
    /// One of these.
    Choices(Vec<One>),
    /// Digits, letters and row numbers in text.
    Pattern(String),
    /// So many letters.
    Letters(usize),
    /// A UUID of version 4.
    Uuid,
}

/// A value that a user wrote.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum One {
    Number(i128),
    Float(f64),
    Text(String),
}

impl Kind {
    /// As it is written in the configuration.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let plain = match text {
            "bool" => Self::Bool,
            "int8" => Self::Int { bits: 8 },
            "int16" => Self::Int { bits: 16 },
            "int32" => Self::Int { bits: 32 },
            "int64" => Self::Int { bits: 64 },
            "float64" => Self::Float64,
            "string" => Self::String,
            "uuid" => Self::Uuid,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp { utc: false },
            "timestamp_utc" => Self::Timestamp { utc: true },
            _ => return decimal(text),
        };
        Ok(plain)
    }

    /// The keys that say how values of this type are made.
    pub(crate) fn ways(self) -> &'static [&'static str] {
        match self {
            Self::Bool => &["choices"],
            Self::Int { .. } | Self::Decimal { .. } => {
                &["sequence", "step", "min", "max", "choices"]
            }
            Self::Float64 => &["min", "max", "choices"],
            Self::String => &["choices", "pattern", "length"],
            Self::Uuid => &[],
            Self::Date | Self::Timestamp { .. } => &["from", "to", "step", "choices"],
        }
    }

    /// Digits behind the point.
    pub(crate) fn scale(self) -> u32 {
        if let Self::Decimal { scale, .. } = self { u32::from(scale) } else { 0 }
    }

    /// The largest number it holds.
    pub(crate) fn largest(self) -> i128 {
        match self {
            Self::Int { bits } => (1_i128 << (bits - 1)) - 1,
            Self::Decimal { precision, .. } => 10_i128.pow(u32::from(precision)) - 1,
            Self::Bool => 1,
            Self::Date => i128::from(i32::MAX),
            _ => i128::from(i64::MAX),
        }
    }

    /// The smallest number it holds.
    pub(crate) fn smallest(self) -> i128 {
        match self {
            Self::Bool => 0,
            Self::Decimal { .. } => -self.largest(),
            _ => -self.largest() - 1,
        }
    }

    /// A number that a user wrote, such as 7, 7.50 or "7.50".
    pub(crate) fn number(self, value: &Value) -> Result<i128, String> {
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            other => return Err(format!("{other} is no number")),
        };
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let scale = self.scale() as usize;
        let kept = fraction.trim_end_matches('0');
        if whole.is_empty() || kept.len() > scale {
            return Err(format!(
                "{text} is no number with at most {scale} digits behind the point"
            ));
        }
        let padded = format!("{whole}{kept:0<scale$}");
        let number: i128 = Some(padded)
            .filter(|padded| padded.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|padded| padded.parse().ok())
            .ok_or_else(|| format!("{text} is no number"))?;
        let number = if negative { -number } else { number };
        if number < self.smallest() || number > self.largest() {
            return Err(format!("{text} does not fit into the type"));
        }
        Ok(number)
    }

    /// A value that a user wrote among `choices`.
    pub(crate) fn value(self, value: &Value) -> Result<One, String> {
        let text = |what: &str| value.as_str().ok_or_else(|| format!("{value} is no {what}"));
        Ok(match self {
            Self::Bool => One::Number(i128::from(
                value.as_bool().ok_or_else(|| format!("{value} is neither true nor false"))?,
            )),
            Self::Int { .. } | Self::Decimal { .. } => One::Number(self.number(value)?),
            Self::Float64 => {
                One::Float(value.as_f64().ok_or_else(|| format!("{value} is no number"))?)
            }
            Self::String | Self::Uuid => One::Text(match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                other => return Err(format!("{other} is no text")),
            }),
            Self::Date | Self::Timestamp { .. } => {
                let time = time::parse(text("date or time")?)
                    .ok_or_else(|| format!("{value} is no date or time"))?;
                let unit = if self == Self::Date { time::DAY } else { 1 };
                One::Number(i128::from(time.div_euclid(unit)))
            }
        })
    }
}

/// `decimal(10,2)`.
fn decimal(text: &str) -> Result<Kind, String> {
    let unknown = || {
        format!(
            "`type: {text}` is not known; the types are bool, int8, int16, int32, int64, float64, \
             decimal(precision,scale), string, uuid, date, timestamp, timestamp_utc"
        )
    };
    let inner = text
        .strip_prefix("decimal(")
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(unknown)?;
    let (precision, scale) = inner.split_once(',').ok_or_else(unknown)?;
    let precision: u8 = precision.trim().parse().map_err(|_| unknown())?;
    let scale: u8 = scale.trim().parse().map_err(|_| unknown())?;
    if !(1..=38).contains(&precision) || scale > precision {
        return Err(format!("`{text}`: a precision is from 1 to 38, and a scale at most as large"));
    }
    Ok(Kind::Decimal { precision, scale })
}

impl Column {
    /// As Arrow has it.
    pub(crate) fn field(&self) -> Field {
        let data_type = match self.kind {
            Kind::Bool => DataType::Boolean,
            Kind::Int { bits: 8 } => DataType::Int8,
            Kind::Int { bits: 16 } => DataType::Int16,
            Kind::Int { bits: 32 } => DataType::Int32,
            Kind::Int { .. } => DataType::Int64,
            Kind::Float64 => DataType::Float64,
            Kind::Decimal { precision, scale } => {
                DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(i8::MAX))
            }
            Kind::String | Kind::Uuid => DataType::Utf8,
            Kind::Date => DataType::Date32,
            Kind::Timestamp { utc } => {
                DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into()))
            }
        };
        Field::new(&self.name, data_type, self.nulls > 0.0)
    }

    /// The values of these rows.
    pub(crate) fn values(&self, rows: std::ops::Range<u64>) -> Result<ArrayRef> {
        Ok(match self.kind {
            Kind::Bool => Arc::new(
                rows.map(|row| Ok(self.number(row)?.map(|number| number != 0)))
                    .collect::<Result<BooleanArray>>()?,
            ),
            Kind::Int { bits: 8 } => self.primitive::<Int8Type>(rows, |number| number as i8)?,
            Kind::Int { bits: 16 } => self.primitive::<Int16Type>(rows, |number| number as i16)?,
            Kind::Int { bits: 32 } => self.primitive::<Int32Type>(rows, |number| number as i32)?,
            Kind::Int { .. } => self.primitive::<Int64Type>(rows, |number| number as i64)?,
            Kind::Date => self.primitive::<Date32Type>(rows, |number| number as i32)?,
            Kind::Timestamp { .. } => {
                self.primitive::<TimestampMicrosecondType>(rows, |number| number as i64)?
            }
            Kind::Decimal { .. } => self.primitive::<Decimal128Type>(rows, |number| number)?,
            Kind::Float64 => {
                Arc::new(rows.map(|row| self.float(row)).collect::<PrimitiveArray<Float64Type>>())
            }
            Kind::String | Kind::Uuid => Arc::new(self.texts(rows)),
        })
    }

    /// `narrow` may cut: [`Column::number`] only gives what fits.
    fn primitive<T: ArrowPrimitiveType>(
        &self,
        rows: std::ops::Range<u64>,
        narrow: impl Fn(i128) -> T::Native,
    ) -> Result<ArrayRef> {
        let values = rows
            .map(|row| Ok(self.number(row)?.map(&narrow)))
            .collect::<Result<PrimitiveArray<T>>>()?;
        Ok(Arc::new(values.with_data_type(self.field().data_type().clone())))
    }

    /// The random numbers of a row, unless its value is null.
    fn random(&self, row: u64) -> Option<Random> {
        let mut random = Random::of(self.key, row);
        let is_null = self.nulls > 0.0 && random.share() < self.nulls;
        (!is_null).then_some(random)
    }

    fn number(&self, row: u64) -> Result<Option<i128>> {
        let Some(mut random) = self.random(row) else { return Ok(None) };
        let number = match &self.how {
            How::Steps { first, step } => first + step * i128::from(row),
            How::Range { low, high } => random.between(*low, *high),
            How::Choices(choices) => match pick(choices, &mut random) {
                Some(One::Number(number)) => *number,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        if number < self.kind.smallest() || number > self.kind.largest() {
            return Err(Error::config(format!(
                "`columns.{}`: row {row} would be {number}, which does not fit into the type: \
                 start lower, or take smaller steps",
                self.name
            )));
        }
        Ok(Some(number))
    }

    fn float(&self, row: u64) -> Option<f64> {
        let mut random = self.random(row)?;
        match &self.how {
            How::Floats { low, high } => Some(low + (high - low) * random.share()),
            How::Choices(choices) => match pick(choices, &mut random) {
                Some(One::Float(number)) => Some(*number),
                _ => None,
            },
            _ => None,
        }
    }

    fn texts(&self, rows: std::ops::Range<u64>) -> arrow_array::StringArray {
        let mut builder = StringBuilder::new();
        let mut text = String::new();
        for row in rows {
            match self.random(row) {
                Some(mut random) => {
                    text.clear();
                    self.text(row, &mut random, &mut text);
                    builder.append_value(&text);
                }
                None => builder.append_null(),
            }
        }
        builder.finish()
    }

    fn text(&self, row: u64, random: &mut Random, out: &mut String) {
        match &self.how {
            How::Choices(choices) => {
                if let Some(One::Text(text)) = pick(choices, random) {
                    out.push_str(text);
                }
            }
            How::Pattern(pattern) => {
                let mut rest = pattern.as_str();
                while let Some(c) = rest.chars().next() {
                    if let Some(after) = rest.strip_prefix("{row}") {
                        out.push_str(&row.to_string());
                        rest = after;
                        continue;
                    }
                    match c {
                        '#' => out.push(digit(random, 10)),
                        '?' => out.push(letter(random)),
                        other => out.push(other),
                    }
                    rest = &rest[c.len_utf8()..];
                }
            }
            How::Uuid => {
                for c in "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx".chars() {
                    out.push(match c {
                        'x' => digit(random, 16),
                        // The two highest bits of a variant are 10.
                        'v' => ['8', '9', 'a', 'b'][(random.next() >> 62) as usize],
                        other => other,
                    });
                }
            }
            How::Letters(length) => out.extend((0..*length).map(|_| letter(random))),
            How::Steps { .. } | How::Range { .. } | How::Floats { .. } => {}
        }
    }
}

fn pick<'a>(choices: &'a [One], random: &mut Random) -> Option<&'a One> {
    choices.get(random.below(choices.len() as u64) as usize)
}

fn digit(random: &mut Random, base: u32) -> char {
    char::from_digit(random.below(u64::from(base)) as u32, base).unwrap_or('0')
}

fn letter(random: &mut Random) -> char {
    char::from(b'a' + random.below(26) as u8)
}
