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

mod conform;
mod json_schema;
mod macros;
mod values;

use std::borrow::Cow;

use serde_json::json;
#[doc(hidden)]
pub use serde_json::{Map as JsonMap, Value as Json};

#[doc(hidden)]
pub use self::macros::{join_docs, word_schema};
pub use self::values::ByteSize;
use super::problem::Problems;
use super::yaml::{Mapping, Node, Span};

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
    /// Whether any other key is accepted, too.
    pub open: bool,
}

/// One key of a [`KeySet`].
#[derive(Debug)]
pub struct KeyInfo {
    /// As written in YAML.
    pub name: Cow<'static, str>,
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
    /// The names of the keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.name.as_ref())
    }

    /// Whether it says what this key means.
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|key| key == name)
    }

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
            properties.insert(key.name.to_string(), schema);
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
            "additionalProperties": self.open,
        });
        if !required.is_empty() {
            object["required"] = Json::Array(required);
        }
        object
    }
}

/// Reports every key of `mapping` that is neither in `set` nor in `extra`, with the nearest name.
pub fn check_unknown(mapping: &Mapping, set: &KeySet, extra: &[&str], problems: &mut Problems) {
    if set.open {
        return;
    }
    let known = || set.names().chain(extra.iter().copied());
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
