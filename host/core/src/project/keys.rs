//! One definition per key: it makes the typed value, the error messages with their suggestions,
//! the JSON Schema for editors and the documentation.
//!
//! A kind of Home or Store declares its keys with [`keys!`](crate::keys):
//!
//! ```
//! hygge_core::keys! {
//!     /// Reads files of fixed-width records.
//!     pub struct FixedHome {
//!         /// The file, or a folder of files.
//!         path: String,
//!         /// Rows in one batch.
//!         batch_size: std::num::NonZeroU32 = std::num::NonZeroU32::MIN,
//!         /// Text that stands for null.
//!         null_value: Option<String>,
//!     }
//!     ignores ["version"]
//! }
//! ```
//!
//! A key without a default is required; one of type `Option`, or of a set of keys that all have
//! defaults, may be left out. Keys under `ignores` are accepted without effect.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::json;
#[doc(hidden)]
pub use serde_json::{Map as JsonMap, Value as Json};

use super::problem::Problems;
use super::yaml::{Mapping, Node, Span, Value};

/// A type that the value of a key can have.
pub trait Key: Sized {
    /// Reads the value. `None` means that a mistake was recorded in `problems`.
    fn read(node: &Node, problems: &mut Problems) -> Option<Self>;

    /// The value when the key is left out; `None` makes the key required.
    fn absent() -> Option<Self> {
        None
    }

    /// The value as JSON, for showing defaults.
    fn to_json(&self) -> Json;

    /// The JSON Schema of this type.
    fn schema() -> Json;
}

/// What a set of keys accepts: for suggestions and for the JSON Schema.
#[derive(Debug)]
pub struct KeySet {
    /// What the keys configure, from the documentation comment.
    pub about: String,
    /// The keys.
    pub keys: Vec<KeyInfo>,
    /// Keys accepted without effect.
    pub ignored: &'static [&'static str],
}

/// One key of a [`KeySet`].
#[derive(Debug)]
pub struct KeyInfo {
    /// As written in YAML.
    pub name: &'static str,
    /// From the documentation comment.
    pub about: String,
    /// Whether it must be given.
    pub required: bool,
    /// Its value when left out.
    pub default: Option<Json>,
    /// Its JSON Schema.
    pub schema: Json,
}

impl KeySet {
    /// The JSON Schema object for these keys. `extra` are keys known to the caller only.
    pub fn schema(&self, extra: &[(&str, Json)]) -> Json {
        let mut properties = serde_json::Map::new();
        let mut required = Vec::new();
        for (name, schema) in extra {
            properties.insert((*name).to_owned(), schema.clone());
        }
        for key in &self.keys {
            let mut schema = key.schema.clone();
            if let Json::Object(object) = &mut schema {
                object.insert("description".to_owned(), json!(key.about));
                if let Some(default) = &key.default
                    && !default.is_null()
                {
                    object.insert("default".to_owned(), default.clone());
                }
            }
            properties.insert(key.name.to_owned(), schema);
            if key.required {
                required.push(json!(key.name));
            }
        }
        for name in self.ignored {
            properties.entry((*name).to_owned()).or_insert_with(
                || json!({ "description": "Accepted without effect.", "deprecated": true }),
            );
        }
        let mut object = json!({
            "type": "object",
            "description": self.about,
            "properties": properties,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            object["required"] = Json::Array(required);
        }
        object
    }
}

/// Reports every key of `mapping` that is neither in `set` nor in `extra`, with the nearest name.
pub fn check_unknown(mapping: &Mapping, set: &KeySet, extra: &[&str], problems: &mut Problems) {
    let known = || set.keys.iter().map(|key| key.name).chain(extra.iter().copied());
    for (name, (span, _)) in &mapping.entries {
        if known().any(|key| key == name) || set.ignored.contains(&name.as_str()) {
            continue;
        }
        unknown_name(span, "key", name, known(), problems);
    }
}

/// Reports a name that is not one of `known`, with the nearest of them as the suggestion.
pub fn unknown_name<'a>(
    span: &Span,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    problems: &mut Problems,
) {
    let known: Vec<&str> = known.collect();
    let problem = problems.add(span, format!("unknown {what} `{name}`"));
    match nearest(name, known.iter().copied()) {
        Some(near) => {
            problem.label(format!("did you mean `{near}`?"));
        }
        None => {
            problem.help(format!("known here: {}", known.join(", ")));
        }
    }
}

/// The name in `known` that `name` is most likely a misspelling of.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Reports that `node` is not what was expected.
pub fn wrong_type(node: &Node, expected: &str, problems: &mut Problems) {
    problems.add(&node.span, format!("expected {expected}, found {}", node.describe()));
}

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

/// The documentation lines of a key as one text.
#[doc(hidden)]
pub fn join_docs(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Declares a set of keys as a struct. See the [module](crate::project::keys).
#[macro_export]
macro_rules! keys {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $key:ident : $ty:ty $(= $default:expr)?
            ),* $(,)?
        }
        $(ignores [$($ignored:literal),* $(,)?])?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])* pub $key: $ty,)*
        }

        impl $name {
            /// What these keys accept.
            $vis fn key_set() -> &'static $crate::project::keys::KeySet {
                static SET: ::std::sync::OnceLock<$crate::project::keys::KeySet> =
                    ::std::sync::OnceLock::new();
                SET.get_or_init(|| $crate::project::keys::KeySet {
                    about: $crate::project::keys::join_docs(&[$($about),*]),
                    keys: vec![$({
                        #[allow(unused_mut, unused_assignments)]
                        let mut default: ::std::option::Option<$ty> =
                            <$ty as $crate::project::keys::Key>::absent();
                        $(default = ::std::option::Option::Some($default);)?
                        $crate::project::keys::KeyInfo {
                            name: $crate::__key_name!($key),
                            about: $crate::project::keys::join_docs(&[$($doc),*]),
                            required: default.is_none(),
                            default: default
                                .as_ref()
                                .map($crate::project::keys::Key::to_json),
                            schema: <$ty as $crate::project::keys::Key>::schema(),
                        }
                    }),*],
                    ignored: &[$($($ignored),*)?],
                })
            }

            /// Reads the keys from a mapping, reporting everything that is wrong in it. `whole`
            /// is where the mapping stands, for keys that are missing; `extra` are keys that the
            /// caller reads itself.
            $vis fn from_mapping(
                mapping: &$crate::project::yaml::Mapping,
                whole: &$crate::project::yaml::Span,
                extra: &[&str],
                problems: &mut $crate::project::problem::Problems,
            ) -> ::std::option::Option<Self> {
                $crate::project::keys::check_unknown(mapping, Self::key_set(), extra, problems);
                // Every key is read before any missing one ends it: all mistakes at once.
                $(
                    #[allow(unused_mut, unused_assignments)]
                    let mut default: ::std::option::Option<$ty> =
                        <$ty as $crate::project::keys::Key>::absent();
                    $(default = ::std::option::Option::Some($default);)?
                    let $key: ::std::option::Option<$ty> =
                        match mapping.get($crate::__key_name!($key)) {
                            ::std::option::Option::Some(node) => {
                                <$ty as $crate::project::keys::Key>::read(node, problems)
                            }
                            ::std::option::Option::None if default.is_some() => default,
                            ::std::option::Option::None => {
                                problems.add(whole, format!(
                                    "the key `{}` is missing",
                                    $crate::__key_name!($key)
                                )).label(format!("needs `{}`", $crate::__key_name!($key)));
                                ::std::option::Option::None
                            }
                        };
                )*
                ::std::option::Option::Some(Self { $($key: $key?),* })
            }
        }

        impl $crate::project::keys::Key for $name {
            fn read(
                node: &$crate::project::yaml::Node,
                problems: &mut $crate::project::problem::Problems,
            ) -> ::std::option::Option<Self> {
                match &node.value {
                    $crate::project::yaml::Value::Mapping(mapping) => {
                        Self::from_mapping(mapping, &node.span, &[], problems)
                    }
                    // A key with all that was below it commented out.
                    $crate::project::yaml::Value::Null => Self::from_mapping(
                        &::std::default::Default::default(),
                        &node.span,
                        &[],
                        problems,
                    ),
                    _ => {
                        $crate::project::keys::wrong_type(node, "a mapping", problems);
                        ::std::option::Option::None
                    }
                }
            }

            // Keys that all have a default may be left out together.
            fn absent() -> ::std::option::Option<Self> {
                $(
                    #[allow(unused_mut, unused_assignments)]
                    let mut $key: ::std::option::Option<$ty> =
                        <$ty as $crate::project::keys::Key>::absent();
                    $($key = ::std::option::Option::Some($default);)?
                )*
                ::std::option::Option::Some(Self { $($key: $key?),* })
            }

            fn to_json(&self) -> $crate::project::keys::Json {
                let mut object = $crate::project::keys::JsonMap::new();
                $(object.insert(
                    $crate::__key_name!($key).to_owned(),
                    $crate::project::keys::Key::to_json(&self.$key),
                );)*
                $crate::project::keys::Json::Object(object)
            }

            fn schema() -> $crate::project::keys::Json {
                Self::key_set().schema(&[])
            }
        }
    };
}

/// The YAML name of a key: `r#type` is `type`.
#[doc(hidden)]
#[macro_export]
macro_rules! __key_name {
    ($key:ident) => {{
        const NAME: &str = stringify!($key);
        const PLAIN: &str = match NAME.as_bytes() {
            [b'r', b'#', ..] => NAME.split_at(2).1,
            _ => NAME,
        };
        PLAIN
    }};
}

/// Declares an enum whose values are written as fixed words; letter case is free.
///
/// ```
/// hygge_core::choices! {
///     /// How text is compressed.
///     pub enum TextCompression {
///         /// Not at all.
///         None = "uncompressed" | "none",
///         /// RFC 1952.
///         Gzip = "gzip",
///     }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[doc = $about:literal])*
        $vis:vis enum $name:ident {
            $($(#[doc = $doc:literal])* $variant:ident = $word:literal $(| $alias:literal)*),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[doc = $doc])* $variant),*
        }

        impl $name {
            /// The word for this value.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl $crate::project::keys::Key for $name {
            fn read(
                node: &$crate::project::yaml::Node,
                problems: &mut $crate::project::problem::Problems,
            ) -> ::std::option::Option<Self> {
                let text = <String as $crate::project::keys::Key>::read(node, problems)?;
                match text.to_ascii_lowercase().as_str() {
                    $($word $(| $alias)* => ::std::option::Option::Some(Self::$variant),)*
                    _ => {
                        let known = [$($word),*];
                        let problem = problems.add(
                            &node.span,
                            format!("`{text}` is not one of: {}", known.join(", ")),
                        );
                        if let ::std::option::Option::Some(near) =
                            $crate::project::keys::nearest(&text, known.into_iter())
                        {
                            problem.label(format!("did you mean `{near}`?"));
                        }
                        ::std::option::Option::None
                    }
                }
            }

            fn to_json(&self) -> $crate::project::keys::Json {
                $crate::project::keys::Json::String(self.as_str().to_owned())
            }

            fn schema() -> $crate::project::keys::Json {
                $crate::project::keys::word_schema(&[$($word),*], &[$($($alias,)*)*])
            }
        }
    };
}

/// The JSON Schema of a value that is one of `words`, or of `aliases`, which are not suggested, in
/// any letter case.
#[doc(hidden)]
pub fn word_schema(words: &[&str], aliases: &[&str]) -> Json {
    // The patterns of JSON Schema have no way to ignore the letter case.
    let pattern = words
        .iter()
        .chain(aliases)
        .map(|word| {
            word.chars()
                .map(|c| match c {
                    c if c.is_ascii_alphabetic() => {
                        format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
                    }
                    c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c.to_string(),
                    c => format!("\\{c}"),
                })
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("|");
    json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": format!("^({pattern})$") }] })
}
