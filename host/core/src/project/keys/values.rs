//! The types that the values of keys have.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::json;

use super::{Json, Key, wrong_type};
use crate::project::problem::Problems;
use crate::project::yaml::{Node, Value};

impl<T: Key> Key for Option<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Value::Null => Some(None),
            _ => T::read(node, problems).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn to_json(&self) -> Json {
        self.as_ref().map_or(Json::Null, Key::to_json)
    }

    fn schema() -> Json {
        T::schema()
    }
}

impl Key for String {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            // A plain scalar that YAML takes for a number or a truth value is text where text is
            // wanted: `name: 2024` is the name "2024".
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some(
                node.span
                    .source
                    .text
                    .get(node.span.start..node.span.end)
                    .map_or_else(String::new, |text| text.trim().to_owned()),
            ),
            _ => {
                wrong_type(node, "text", problems);
                None
            }
        }
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

impl Key for bool {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            // `"Yes"` in quotes, and what a variable expanded to.
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => {
                    wrong_type(node, "true or false", problems);
                    None
                }
            },
            _ => {
                wrong_type(node, "true or false", problems);
                None
            }
        }
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn schema() -> Json {
        json!({ "type": ["boolean", "string"] })
    }
}

fn read_whole(node: &Node, min: i64, max: i64, problems: &mut Problems) -> Option<i64> {
    let value = match &node.value {
        Value::Int(value) => Some(*value),
        // What a variable expanded to.
        Value::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    match value {
        Some(value) if (min..=max).contains(&value) => Some(value),
        Some(value) => {
            // The largest that fits a type says nothing to a person.
            let expected = if value > max {
                format!("at most {max}")
            } else if max >= i64::from(u32::MAX) {
                format!("at least {min}")
            } else {
                format!("between {min} and {max}")
            };
            problems
                .add(&node.span, format!("{value} is out of range"))
                .label(format!("should be {expected}"));
            None
        }
        None => {
            wrong_type(node, "a whole number", problems);
            None
        }
    }
}

macro_rules! whole_number {
    ($ty:ty, $min:expr, $max:expr, $make:expr, $get:expr) => {
        impl Key for $ty {
            fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
                let value = read_whole(node, $min, $max, problems)?;
                #[allow(clippy::redundant_closure_call)]
                ($make)(value)
            }

            fn to_json(&self) -> Json {
                #[allow(clippy::redundant_closure_call)]
                ($get)(self)
            }

            fn schema() -> Json {
                let mut schema = json!({ "type": "integer", "minimum": $min });
                if $max != i64::MAX {
                    schema["maximum"] = json!($max);
                }
                schema
            }
        }
    };
}

whole_number!(u32, 0, i64::from(u32::MAX), |v| u32::try_from(v).ok(), |v: &u32| json!(v));
whole_number!(u64, 0, i64::MAX, |v| u64::try_from(v).ok(), |v: &u64| json!(v));
whole_number!(i64, i64::MIN, i64::MAX, Some, |v: &i64| json!(v));
whole_number!(
    NonZeroU64,
    1,
    i64::MAX,
    |v| u64::try_from(v).ok().and_then(NonZeroU64::new),
    |v: &NonZeroU64| json!(v.get())
);
whole_number!(
    NonZeroU32,
    1,
    i64::from(u32::MAX),
    |v| u32::try_from(v).ok().and_then(NonZeroU32::new),
    |v: &NonZeroU32| json!(v.get())
);

/// A size in bytes, written `256 MB`, `1GiB`, or a plain number of bytes.
///
/// `KB`, `MB`, `GB` are powers of 1000, `KiB`, `MiB`, `GiB` of 1024; the letter case is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// Parses `256 MB`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
            .unwrap_or(text.len());
        let number: f64 = text[..digits].replace('_', "").parse().ok()?;
        let unit: f64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            "kib" => 1024.0,
            "mib" => 1024.0 * 1024.0,
            "gib" => 1024.0 * 1024.0 * 1024.0,
            _ => return None,
        };
        let bytes = number * unit;
        (0.0..9e18).contains(&bytes).then_some(Self(bytes as u64))
    }
}

impl Key for ByteSize {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let size = match &node.value {
            Value::Int(bytes) => u64::try_from(*bytes).ok().map(Self),
            Value::String(text) => Self::parse(text),
            _ => None,
        };
        if size.is_none() {
            wrong_type(node, "a size such as `256 MB`", problems);
        }
        size
    }

    fn to_json(&self) -> Json {
        json!(self.0)
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "examples": ["256 MB", "1 GiB"] })
    }
}

/// A length of time: a number of seconds, or `500ms`, `30s`, `5m`, `2h`.
impl Key for Duration {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let duration = match &node.value {
            Value::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            Value::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Value::String(text) => parse_duration(text),
            _ => None,
        };
        if duration.is_none() {
            wrong_type(node, "a length of time such as `30` (seconds), `500ms` or `5m`", problems);
        }
        duration
    }

    fn to_json(&self) -> Json {
        json!(self.as_secs_f64())
    }

    fn schema() -> Json {
        json!({ "type": ["number", "string"], "examples": [30, "5m"] })
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * unit).ok()
}

impl<T: Key> Key for Vec<T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Value::Sequence(items) = &node.value else {
            wrong_type(node, "a list", problems);
            return None;
        };
        // Every item is read even when one is wrong, so that all mistakes are found.
        let read: Vec<Option<T>> = items.iter().map(|item| T::read(item, problems)).collect();
        read.into_iter().collect()
    }

    fn to_json(&self) -> Json {
        Json::Array(self.iter().map(Key::to_json).collect())
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl<T: Key> Key for IndexMap<String, T> {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Value::Mapping(mapping) = &node.value else {
            wrong_type(node, "a mapping", problems);
            return None;
        };
        let read: Vec<(String, Option<T>)> = mapping
            .entries
            .iter()
            .map(|(name, (_, value))| (name.clone(), T::read(value, problems)))
            .collect();
        read.into_iter().map(|(name, value)| value.map(|value| (name, value))).collect()
    }

    fn to_json(&self) -> Json {
        Json::Object(self.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

/// Any value, kept with its place: for keys whose meaning is known later.
impl Key for Node {
    fn read(node: &Node, _: &mut Problems) -> Option<Self> {
        Some(node.clone())
    }

    fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => json!(value),
            Value::Int(value) => json!(value),
            Value::Float(value) => json!(value),
            Value::String(value) => json!(value),
            Value::Sequence(items) => Json::Array(items.iter().map(Key::to_json).collect()),
            Value::Mapping(mapping) => Json::Object(
                mapping.entries.iter().map(|(k, (_, v))| (k.clone(), v.to_json())).collect(),
            ),
        }
    }

    fn schema() -> Json {
        json!({})
    }
}
