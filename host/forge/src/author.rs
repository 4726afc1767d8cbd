//! `connector.toml`: what an author writes beside the crate, and the manifest made of it.
//!
//! ```toml
//! description = "Orders and customers of a shop"
//!
//! [config.home.site]            # one table for each key of the flow's `home:`
//! type = "string"
//! description = "The shop's address"
//! required = true
//!
//! [asks]
//! hosts = ["api.example.com"]
//! credentials = ["token"]
//! limits.memory = "64 MB"
//!
//! [build]
//! speed = true                  # fast code rather than small code
//! ```
//!
//! A key's table is a JSON Schema in which `required` is true or false, as it is easier to write
//! there; the manifest holds it as JSON Schema has it. Without `[config.home]` a Home takes any
//! keys.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::ForgeError;
use crate::manifest::{Asks, Config, Manifest, check_name};
use crate::world::Worlds;

/// The file beside the crate.
pub const FILE: &str = "connector.toml";

/// How deep the schema of a key may go.
const DEPTH: usize = 16;

/// What stands in `connector.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// The connector's name; the crate's when left out.
    pub name: Option<String>,
    /// Its version; the crate's when left out.
    pub version: Option<String>,
    /// What it is for; the crate's description when left out.
    pub description: Option<String>,
    /// The keys it takes.
    #[serde(default)]
    config: Keys,
    /// What it would like to be granted.
    #[serde(default)]
    asks: Wishes,
    /// How it is built.
    #[serde(default)]
    pub build: Build,
}

/// How a connector is built.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Fast code (optimised for speed, with 128-bit SIMD) rather than small code.
    #[serde(default)]
    pub speed: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    home: Option<Map<String, Value>>,
    store: Option<Map<String, Value>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    credentials: Vec<String>,
    #[serde(default)]
    limits: Map<String, Value>,
}

impl Author {
    /// Reads `connector.toml` in the folder of a crate; everything has a default, the file too.
    pub fn read(folder: &Path) -> Result<Self, ForgeError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(ForgeError::io("read", path, error)),
        };
        let failed = |reason: String| ForgeError::Author { path: path.clone(), reason };
        let author: Self =
            toml::from_str(&text).map_err(|error| failed(error.to_string().trim().to_owned()))?;
        if let Some(name) = &author.name {
            check_name(name).map_err(failed)?;
        }
        // Mistakes in schemas are told before minutes are spent on compiling.
        author.schemas().map_err(failed)?;
        Ok(author)
    }

    /// The manifest of a component that was built with this.
    pub(crate) fn manifest(
        &self,
        name: String,
        version: String,
        description: String,
        worlds: &Worlds,
    ) -> Result<Manifest, ForgeError> {
        let mut kinds = Vec::new();
        if worlds.home() {
            kinds.push("home".to_owned());
        }
        if worlds.store() {
            kinds.push("store".to_owned());
        }
        let config = self.schemas().map_err(|reason| ForgeError::Manifest { reason })?;
        for (kind, has_keys) in [("home", config.home.is_some()), ("store", config.store.is_some())]
        {
            if has_keys && !kinds.iter().any(|own| own == kind) {
                return Err(ForgeError::Manifest {
                    reason: format!(
                        "{FILE} has [config.{kind}], but the connector exports no {kind}"
                    ),
                });
            }
        }
        Ok(Manifest {
            manifest: 1,
            name,
            version,
            description,
            contract: worlds.contract.to_string(),
            kinds,
            config,
            asks: Asks {
                hosts: self.asks.hosts.clone(),
                credentials: self.asks.credentials.clone(),
                limits: self.asks.limits.clone(),
            },
        })
    }

    fn schemas(&self) -> Result<Config, String> {
        let schema = |keys: &Option<Map<String, Value>>, at: &str| {
            keys.as_ref().map(|keys| object(keys, at, DEPTH)).transpose()
        };
        Ok(Config {
            home: schema(&self.config.home, "config.home")?,
            store: schema(&self.config.store, "config.store")?,
        })
    }
}

/// The JSON Schema of a mapping with these keys.
fn object(keys: &Map<String, Value>, at: &str, depth: usize) -> Result<Value, String> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (key, value) in keys {
        let at = format!("{at}.{key}");
        let (schema, is_required) = property(value, &at, depth)?;
        if is_required {
            required.push(Value::String(key.clone()));
        }
        properties.insert(key.clone(), schema);
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    schema["additionalProperties"] = Value::Bool(false);
    Ok(schema)
}

/// The JSON Schema of one key, and whether it must be given.
fn property(value: &Value, at: &str, depth: usize) -> Result<(Value, bool), String> {
    let depth = depth.checked_sub(1).ok_or_else(|| format!("{at} stands too deep"))?;
    let Value::Object(words) = value else {
        return Err(format!("{at} is not a table; write [{at}] and below it type = \"string\""));
    };
    let mut schema = Map::new();
    let mut required = false;
    for (word, value) in words {
        match word.as_str() {
            "required" => {
                required = value
                    .as_bool()
                    .ok_or_else(|| format!("{at}.required is neither true nor false"))?;
            }
            "type" => {
                check_type(value).map_err(|reason| format!("{at}.type {reason}"))?;
                schema.insert(word.clone(), value.clone());
            }
            "properties" => {
                let Value::Object(keys) = value else {
                    return Err(format!("{at}.properties is not a table"));
                };
                if let Value::Object(inner) = object(keys, &format!("{at}.properties"), depth)? {
                    for (word, value) in inner {
                        // What the author says of further keys wins.
                        schema.entry(word).or_insert(value);
                    }
                }
            }
            "items" => {
                let (items, _) = property(value, &format!("{at}.items"), depth)?;
                schema.insert(word.clone(), items);
            }
            "additionalProperties" => {
                let inner = match value {
                    Value::Bool(_) => value.clone(),
                    _ => property(value, &format!("{at}.additionalProperties"), depth)?.0,
                };
                schema.insert(word.clone(), inner);
            }
            "default" | "description" | "enum" | "examples" | "exclusiveMaximum"
            | "exclusiveMinimum" | "format" | "maxItems" | "maxLength" | "maxProperties"
            | "maximum" | "minItems" | "minLength" | "minProperties" | "minimum" | "pattern"
            | "title" => {
                schema.insert(word.clone(), value.clone());
            }
            _ => return Err(format!("{at}.{word} is not a word of a key's schema")),
        }
    }
    Ok((Value::Object(schema), required))
}

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

fn check_type(value: &Value) -> Result<(), String> {
    let one = |value: &Value| {
        value
            .as_str()
            .filter(|name| TYPES.contains(name))
            .map(|_| ())
            .ok_or_else(|| format!("is {value}; the types are {}", TYPES.join(", ")))
    };
    match value {
        Value::Array(several) if !several.is_empty() => several.iter().try_for_each(one),
        _ => one(value),
    }
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;
    use crate::world::World;

    fn author(text: &str) -> Result<Author, ForgeError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Author::read(folder.path())
    }

    fn worlds(world: World) -> Worlds {
        Worlds { world, contract: Version::new(0, 1, 0), exports: vec![], imports: vec![] }
    }

    fn manifest(author: &Author, world: World) -> Result<Manifest, ForgeError> {
        author.manifest("shop".into(), "1.0.0".into(), "A shop".into(), &worlds(world))
    }

    #[test]
    fn keys_become_a_json_schema() {
        let author = author(
            r#"
            [config.home.site]
            type = "string"
            required = true
            [config.home.columns]
            type = "object"
            additionalProperties = {type = "object", properties = {type = {type = "string", required = true, enum = ["a"]}}}
            [config.home.pages]
            type = ["integer", "string"]
            default = 3
            [asks]
            hosts = ["api.example.com"]
            limits.memory = "64 MB"
            "#,
        )
        .unwrap();
        let manifest = manifest(&author, World::Home).unwrap();
        assert_eq!(
            manifest.config.home,
            Some(json!({
                "type": "object",
                "properties": {
                    "site": {"type": "string"},
                    "columns": {"type": "object", "additionalProperties": {
                        "type": "object",
                        "properties": {"type": {"type": "string", "enum": ["a"]}},
                        "required": ["type"],
                        "additionalProperties": false,
                    }},
                    "pages": {"type": ["integer", "string"], "default": 3},
                },
                "required": ["site"],
                "additionalProperties": false,
            }))
        );
        assert_eq!((manifest.config.store, &manifest.kinds[..]), (None, &["home".to_owned()][..]));
        assert_eq!(manifest.asks.limits["memory"], "64 MB");
    }

    #[test]
    fn an_author_who_writes_nothing_takes_any_keys() {
        let folder = tempfile::tempdir().unwrap();
        let author = Author::read(folder.path()).unwrap();
        assert_eq!(manifest(&author, World::Both).unwrap().config, Config::default());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let told = |text: &str| author(text).unwrap_err().to_string();
        assert!(told("nmae = \"x\"").contains("nmae"));
        assert!(told("name = \"My Shop\"").contains("`My Shop`"));
        assert!(told("[config.home]\nsite = 3").contains("config.home.site is not a table"));
        assert!(told("[config.home.site]\ntyp = \"string\"").contains("config.home.site.typ"));
        assert!(told("[config.home.site]\ntype = \"text\"").contains("boolean, integer"));
        assert!(told("[config.home.a.items]\ntype = 3").contains("config.home.a.items.type"));
    }

    #[test]
    fn keys_for_a_kind_that_is_not_exported_are_a_mistake() {
        let author = author("[config.store.path]\ntype = \"string\"").unwrap();
        let error = manifest(&author, World::Home).unwrap_err();
        assert!(error.to_string().contains("[config.store]"));
    }
}
