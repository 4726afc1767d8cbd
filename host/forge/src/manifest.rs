//! What a connector says of itself, readable without running it.
//!
//! The manifest is JSON in the custom section `hygge:connector` of the component. Its author
//! writes it as `connector.toml` ([`crate::author`]); the build adds what follows from the code.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ForgeError;
use crate::section;

/// The custom section that holds the manifest.
pub const SECTION: &str = "hygge:connector";

/// The longest manifest that is read, in bytes.
pub const LONGEST: usize = 256 * 1024;

/// The longest name of a connector.
const LONGEST_NAME: usize = 64;
/// The longest version, description, or entry of a list.
const LONGEST_TEXT: usize = 4096;
/// The longest list.
const MOST_ENTRIES: usize = 256;

/// What a connector says of itself.
///
/// Fields that are not known are ignored, so that later connectors can be read too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the manifest's own form.
    pub manifest: u32,
    /// The connector's name: what `type:` in a flow calls it.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The version of the contract it was built for.
    #[serde(default)]
    pub contract: String,
    /// `home`, `store`, or both.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// The keys it takes, as JSON Schemas.
    #[serde(default)]
    pub config: Config,
    /// What it would like to be granted.
    #[serde(default)]
    pub asks: Asks,
}

/// The keys a connector takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Under `home:`. Any keys when this is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Value>,
    /// Under `store:`. Any keys when this is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Value>,
}

/// What a connector would like to be granted. Asking grants nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asks {
    /// The hosts it wants to talk to.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The names of the credentials it uses.
    #[serde(default)]
    pub credentials: Vec<String>,
    /// The limits it needs, where the defaults do not do: by the name of the limit.
    #[serde(default)]
    pub limits: Map<String, Value>,
}

impl Manifest {
    /// Reads the manifest of a component, without looking at anything else in it.
    pub fn read(component: &[u8]) -> Result<Option<Self>, ForgeError> {
        section::require_component(component)?;
        let Some(json) = section::custom(component, SECTION)? else { return Ok(None) };
        if json.len() > LONGEST {
            return Err(failed(format!("it is longer than {} KiB", LONGEST / 1024)));
        }
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| failed(error.to_string()))?;
        manifest.check()?;
        Ok(Some(manifest))
    }

    /// The JSON of the manifest.
    pub fn to_json(&self) -> Result<Vec<u8>, ForgeError> {
        self.check()?;
        let json = serde_json::to_vec(self).map_err(|error| failed(error.to_string()))?;
        if json.len() > LONGEST {
            return Err(failed(format!("it is longer than {} KiB", LONGEST / 1024)));
        }
        Ok(json)
    }

    /// The schema of the keys under `home:`, if there is one.
    pub fn home_config(&self) -> Option<&Value> {
        self.config.home.as_ref()
    }

    /// The schema of the keys under `store:`, if there is one.
    pub fn store_config(&self) -> Option<&Value> {
        self.config.store.as_ref()
    }

    fn check(&self) -> Result<(), ForgeError> {
        if self.manifest != 1 {
            return Err(failed(format!(
                "it is of form {}, and this hygge reads form 1: use a newer hygge",
                self.manifest
            )));
        }
        check_name(&self.name).map_err(failed)?;
        let lists = [&self.kinds, &self.asks.hosts, &self.asks.credentials];
        if lists.iter().any(|list| list.len() > MOST_ENTRIES) {
            return Err(failed(format!("one of its lists has more than {MOST_ENTRIES} entries")));
        }
        let texts = [&self.version, &self.description, &self.contract];
        for text in texts.into_iter().chain(lists.into_iter().flatten()) {
            if text.len() > LONGEST_TEXT || text.chars().any(char::is_control) {
                return Err(failed(
                    "it holds a text that is too long or has control characters".to_owned(),
                ));
            }
        }
        for (key, schema) in [("home", self.home_config()), ("store", self.store_config())] {
            if schema.is_some_and(|schema| !schema.is_object()) {
                return Err(failed(format!("config.{key} is not a JSON Schema object")));
            }
        }
        Ok(())
    }
}

/// The component with this manifest in place of the one it may have.
pub fn embed(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, ForgeError> {
    section::require_component(component)?;
    section::with_custom(component, SECTION, Some(&manifest.to_json()?))
}

/// Says what is wrong with a connector's name, if something is.
///
/// A name stands in YAML and names files: lower case letters, digits, `-` and `_`.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(format!("a name has between 1 and {LONGEST_NAME} characters"));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
        return Err(format!(
            "`{}` is no name for a connector: it begins with a lower case letter and holds lower \
             case letters, digits, `-` and `_`",
            name.escape_debug()
        ));
    }
    Ok(())
}

fn failed(reason: String) -> ForgeError {
    ForgeError::Manifest { reason }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn component() -> Vec<u8> {
        wat::parse_str("(component)").unwrap()
    }

    fn with_json(json: &Value) -> Vec<u8> {
        section::with_custom(&component(), SECTION, Some(json.to_string().as_bytes())).unwrap()
    }

    #[test]
    fn what_is_embedded_is_read_back_and_unknown_fields_do_no_harm() {
        let written = json!({
            "manifest": 1, "name": "shop", "version": "1.2.3", "contract": "0.1.0",
            "kinds": ["home"], "config": {"home": {"type": "object"}},
            "asks": {"hosts": ["api.example.com"], "limits": {"memory": "64 MB"}, "later": 1},
            "later": {"a": [1]},
        });
        let manifest = Manifest::read(&with_json(&written)).unwrap().unwrap();
        assert_eq!(manifest.asks.limits["memory"], "64 MB");
        assert_eq!(manifest.home_config(), Some(&json!({"type": "object"})));
        assert_eq!(manifest.store_config(), None);
        let again = embed(&with_json(&written), &manifest).unwrap();
        assert_eq!(Manifest::read(&again).unwrap(), Some(manifest));
        assert_eq!(Manifest::read(&component()).unwrap(), None);
    }

    #[test]
    fn a_manifest_that_cannot_be_used_says_why() {
        let told = |json: Value| Manifest::read(&with_json(&json)).unwrap_err().to_string();
        assert!(told(json!({"manifest": 2, "name": "a"})).contains("form 2"));
        assert!(told(json!({"manifest": 1})).contains("name"));
        assert!(told(json!({"manifest": 1, "name": "A b"})).contains("`A b`"));
        assert!(
            told(json!({"manifest": 1, "name": "a", "description": "\u{1b}[2J"}))
                .contains("control")
        );
        assert!(
            told(json!({"manifest": 1, "name": "a", "config": {"home": 3}}))
                .contains("config.home")
        );
        let many: Vec<_> = (0..300).map(|i| format!("h{i}")).collect();
        assert!(told(json!({"manifest": 1, "name": "a", "asks": {"hosts": many}})).contains("256"));
        let long = "x".repeat(LONGEST);
        assert!(told(json!({"manifest": 1, "name": "a", "long": long})).contains("longer"));
    }

    #[test]
    fn names_can_stand_in_yaml_and_in_files() {
        for good in ["a", "generate", "pass_through", "acme-crm2"] {
            assert_eq!(check_name(good), Ok(()));
        }
        for bad in ["", "2a", "A", "a b", "a/b", "a.b", "ä", "a\n"] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_name(&"a".repeat(65)).is_err());
    }
}
