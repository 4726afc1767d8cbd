//! The JSON Schema of a project's files, so that editors complete, explain and check them.

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::connectors::PATH_KEY;
use super::entity::DEFAULT_KIND;
use super::keys::{Json, Key, KeySet};
use super::settings::{
    EntityKeys, FlowKeys, JournalSetting, LEGACY, ProjectKeys, STORE_KEYS, WatermarkKeys,
};
use crate::contract::Kinds;

/// One schema (draft 2020-12) for all files of a project, made from the keys that reading them
/// uses. `$defs/hygge`, `$defs/flow` and `$defs/entity` describe one kind of file each.
pub fn schema(kinds: &Kinds) -> Json {
    let homes: Kind<'_> = kinds.homes.iter().map(|kind| (kind.name(), kind.keys())).collect();
    let stores: Kind<'_> = kinds.stores.iter().map(|kind| (kind.name(), kind.keys())).collect();
    let mut defs = Map::new();
    defs.insert("hygge".to_owned(), project(kinds));
    defs.insert("flow".to_owned(), flow(kinds));
    defs.insert("entity".to_owned(), entity(&stores));
    for (side, list) in [("home", &homes), ("store", &stores)] {
        defs.insert(side.to_owned(), choice(side, list, true));
        defs.insert(format!("{side}_of_entity"), choice(side, list, false));
        for (name, keys) in list {
            defs.insert(format!("{side}_{name}"), kind(side, name, keys));
        }
    }
    defs.insert("journal".to_owned(), JournalSetting::schema());
    let mut watermark = WatermarkKeys::schema();
    // Flow and entity may each give a part of it.
    remove(&mut watermark, "required");
    defs.insert("watermark".to_owned(), json!({ "anyOf": [watermark, { "const": false }] }));
    defs.values_mut().for_each(accept_variables);
    defs.insert(
        "variable".to_owned(),
        json!({
            "description": "A value from the environment: `${NAME}` or `${NAME:-default}`.",
            "type": "string",
            "pattern": "\\$\\{.+\\}",
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hygge",
        "description": "The files of a hygge project: `hygge.yml`, `flow.yml`, `entities/*.yml`.",
        "anyOf": [reference("hygge"), reference("flow"), reference("entity")],
        "$defs": defs,
    })
}

type Kind<'a> = Vec<(&'a str, &'a KeySet)>;

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Replaces what a set of keys says of one property, keeping its description.
fn describe(schema: &mut Json, key: &str, with: Json) {
    if let Some(property) = schema.pointer_mut(&format!("/properties/{key}")) {
        let description = property.get("description").cloned();
        *property = with;
        if let (Some(description), Json::Object(object)) = (description, property) {
            object.insert("description".to_owned(), description);
        }
    }
}

fn remove(schema: &mut Json, key: &str) {
    if let Json::Object(object) = schema {
        object.remove(key);
    }
}

fn project(kinds: &Kinds) -> Json {
    let mut schema = ProjectKeys::schema();
    let connection = json!({ "type": "object", "properties": { "type": { "type": "string" } } });
    let connections = json!({ "type": "object", "additionalProperties": connection });
    describe(&mut schema, "connections", connections);
    let path = json!({
        "type": "string",
        "description": "The connector's `.wasm` file, from the project's folder on.",
    });
    describe(&mut schema, "connectors", connectors(kinds, &[(PATH_KEY, path)]));
    describe(&mut schema, "journal", reference("journal"));
    schema
}

/// Connectors by name. What each of them takes is the same, so that names alone are told.
fn connectors(kinds: &Kinds, extra: &[(&str, Json)]) -> Json {
    let keys = match kinds.connector_keys {
        Some(set) => set.schema(extra),
        None => json!({ "type": "object" }),
    };
    let keys = json!({ "anyOf": [keys, { "type": "null" }] });
    let known: Map<String, Json> =
        kinds.connectors.iter().map(|name| (name.clone(), keys.clone())).collect();
    json!({ "type": "object", "properties": known, "additionalProperties": keys })
}

fn flow(kinds: &Kinds) -> Json {
    let mut schema = FlowKeys::schema();
    describe(&mut schema, "home", reference("home"));
    describe(&mut schema, "store", reference("store"));
    let named = json!({ "allOf": [reference("entity")], "required": ["name"] });
    let entities = json!({
        "type": "array",
        "items": { "if": { "type": "object" }, "then": named, "else": { "type": "string" } },
    });
    describe(&mut schema, "entities", entities);
    describe(&mut schema, "connectors", connectors(kinds, &[]));
    describe(&mut schema, "defaults", reference("entity"));
    describe(&mut schema, "watermark", reference("watermark"));
    describe(&mut schema, "journal", reference("journal"));
    describe(&mut schema, "options", json!({ "type": "object", "maxProperties": 0 }));
    schema
}

fn entity(stores: &Kind<'_>) -> Json {
    let mut schema = EntityKeys::schema();
    describe(&mut schema, "home", reference("home_of_entity"));
    describe(&mut schema, "store", reference("store_of_entity"));
    describe(&mut schema, "watermark", reference("watermark"));
    describe(&mut schema, "journal", reference("journal"));
    for name in STORE_KEYS {
        let mut keys = stores.iter().flat_map(|(_, set)| &set.keys);
        if let Some(key) = keys.find(|key| key.name == name) {
            describe(&mut schema, name, key.schema.clone());
        }
    }
    schema
}

/// A home or a store: a path, or a mapping whose `type` says which keys it takes. Where `type` is
/// left out, a flow means the default kind, and an entity that of its flow.
fn choice(side: &str, kinds: &Kind<'_>, of_flow: bool) -> Json {
    let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
    let mut cases: Vec<Json> = names
        .iter()
        .map(|name| {
            json!({
                "if": {
                    "type": "object",
                    "properties": { "type": { "const": name } },
                    "required": ["type"],
                },
                "then": reference(&format!("{side}_{name}")),
            })
        })
        .collect();
    let untyped = if of_flow && names.contains(&DEFAULT_KIND) {
        reference(&format!("{side}_{DEFAULT_KIND}"))
    } else if kinds.iter().any(|(_, set)| set.open) {
        Json::Bool(true)
    } else {
        let mut known: BTreeSet<&str> = LEGACY.into_iter().chain(["incremental"]).collect();
        known.extend(kinds.iter().flat_map(|(_, set)| set.names()));
        known.extend(kinds.iter().flat_map(|(_, set)| set.ignored.iter().copied()));
        json!({ "propertyNames": { "enum": known } })
    };
    cases.push(json!({
        "if": { "type": "object", "not": { "required": ["type"] } },
        "then": untyped,
    }));
    json!({
        "type": ["string", "object"],
        "properties": { "type": { "enum": names, "default": DEFAULT_KIND } },
        "allOf": cases,
    })
}

fn kind(side: &str, name: &str, keys: &KeySet) -> Json {
    let mut extra = vec![("type", json!({ "const": name, "description": "The kind." }))];
    if side == "store" {
        let incremental = json!({
            "type": ["boolean", "string"],
            "description": "Add to what is there (`true`) or replace it; wins over `run_type`.",
        });
        extra.push(("incremental", incremental));
    }
    let deprecated = json!({ "description": "Accepted without effect.", "deprecated": true });
    extra.extend(LEGACY.into_iter().map(|name| (name, deprecated.clone())));
    let mut schema = keys.schema(&extra);
    if let Some(Json::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(offer_choice);
    }
    // A flow may leave to its entities what is required, and the other way round.
    let required = schema.get("required").and_then(Json::as_array).cloned().unwrap_or_default();
    for key in required.iter().filter_map(Json::as_str) {
        if let Some(Json::String(about)) =
            schema.pointer_mut(&format!("/properties/{key}/description"))
        {
            about.push_str(" (Required, here or in the entity.)");
        }
    }
    remove(&mut schema, "required");
    schema
}

/// A choice of words in a form to which another choice can be added.
fn offer_choice(schema: &mut Json) {
    if let Json::Object(object) = schema
        && !object.contains_key("anyOf")
        && let Some(words) = object.remove("enum")
    {
        object.remove("type");
        object.insert("anyOf".to_owned(), json!([{ "enum": words }]));
    }
}

/// Wherever a number or one of some words is wanted, a variable may stand for it.
fn accept_variables(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(accept_variables),
        Json::Object(object) => {
            for (key, inner) in object.iter_mut() {
                // What follows these is not a schema, or one that tells cases apart.
                if !matches!(key.as_str(), "if" | "default" | "examples" | "enum" | "const") {
                    accept_variables(inner);
                }
            }
            let narrow = object
                .get("type")
                .and_then(Json::as_str)
                .is_some_and(|name| matches!(name, "integer" | "number" | "boolean"));
            if narrow {
                let mut value = Map::new();
                for key in ["type", "minimum", "maximum"] {
                    if let Some(bound) = object.remove(key) {
                        value.insert(key.to_owned(), bound);
                    }
                }
                object.insert("anyOf".to_owned(), json!([value, reference("variable")]));
            } else if let Some(Json::Array(options)) = object.get_mut("anyOf")
                && options.iter().any(|option| option.get("enum").is_some())
            {
                options.push(reference("variable"));
            }
        }
        _ => {}
    }
}
