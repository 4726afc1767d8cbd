//! Sets of keys that are described by a JSON Schema rather than declared in the code: those of
//! connectors.

use std::borrow::Cow;

use super::conform::conform;
use super::{Json, JsonMap, KeyInfo, KeySet, check_unknown};
use crate::project::problem::Problems;
use crate::project::yaml::{Mapping, Span, Value};

impl KeySet {
    /// The keys that a JSON Schema of an object describes: its `properties`, `required`, and
    /// whether `additionalProperties` are welcome. A schema that describes no object accepts any
    /// key.
    pub fn from_json_schema(schema: &Json) -> Self {
        let text = |schema: &Json, key: &str| {
            schema.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Json::as_array)
            .map(|names| names.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        let properties = schema.get("properties").and_then(Json::as_object);
        let keys = properties.into_iter().flatten().map(|(name, schema)| {
            let default = schema.get("default").filter(|default| !default.is_null()).cloned();
            KeyInfo {
                name: Cow::Owned(name.clone()),
                about: text(schema, "description"),
                required: default.is_none() && required.contains(&name.as_str()),
                default,
                schema: schema.clone(),
            }
        });
        let open = match schema.get("additionalProperties") {
            Some(more) => more != &Json::Bool(false),
            None => properties.is_none(),
        };
        Self { about: text(schema, "description"), keys: keys.collect(), ignored: &[], open }
    }

    /// Reads these keys from a mapping as JSON, reporting everything that is wrong in it: unknown
    /// and missing keys, and values that are not what their schema says. Defaults are filled in.
    /// `whole` is where the mapping stands; `extra` are keys that the caller reads itself.
    pub fn read_json(
        &self,
        mapping: &Mapping,
        whole: &Span,
        extra: &[&str],
        problems: &mut Problems,
    ) -> Option<JsonMap<String, Json>> {
        let before = problems.list.len();
        check_unknown(mapping, self, extra, problems);
        let mut object = JsonMap::new();
        for key in &self.keys {
            let name = key.name.as_ref();
            // A key with nothing behind it is as good as left out.
            let given = mapping.get(name).filter(|node| {
                key.required || accepts_null(&key.schema) || !matches!(node.value, Value::Null)
            });
            let value = match (given, &key.default) {
                (Some(node), _) => conform(node, &key.schema, problems),
                (None, Some(default)) => Some(default.clone()),
                (None, None) => {
                    if key.required {
                        problems
                            .add(whole, format!("the key `{name}` is missing"))
                            .label(format!("needs `{name}`"));
                    }
                    None
                }
            };
            object.extend(value.map(|value| (name.to_owned(), value)));
        }
        if self.open {
            for (name, (_, node)) in &mapping.entries {
                if !self.has(name) && !extra.contains(&name.as_str()) {
                    let value = conform(node, &Json::Bool(true), problems);
                    object.extend(value.map(|value| (name.clone(), value)));
                }
            }
        }
        (problems.list.len() == before).then_some(object)
    }
}

fn accepts_null(schema: &Json) -> bool {
    match schema.get("type") {
        Some(Json::String(name)) => name == "null",
        Some(Json::Array(names)) => names.iter().any(|name| name == "null"),
        _ => false,
    }
}
