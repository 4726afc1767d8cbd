//! `hygge connector check`: whether a connector fits, without running it.

use std::process::ExitCode;
use std::sync::Arc;

use hygge_core::fault::Fault;
use hygge_core::project::keys::{Json, KeySet};
use hygge_core::project::parse::parse;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Node, Source, Value};
use hygge_forge::manifest::Manifest;
use hygge_forge::world;
use hygge_sandbox::{Connector, PolicyKeys};
use serde_json::json;

use super::of_wasi;
use super::target::{Target, kinds};
use crate::args::Global;
use crate::args::connector::CheckArgs;
use crate::commands::checks::Checks;
use crate::failure::Failure;
use crate::report::format::bytes;

/// Checks it and tells what was found.
pub(super) fn check(args: &CheckArgs, global: &Global) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connector, global)?;
    look(&target).tell()
}

fn look(target: &Target) -> Checks {
    let mut checks = Checks::default();
    let connector = match target.read() {
        Ok(connector) => connector,
        Err(fault) => {
            checks.fault(target.origin(), &fault);
            return checks;
        }
    };
    let digest = connector.digest().short();
    let size = bytes(connector.size() as u64);
    checks.good(target.origin(), &format!("{size} · sha256 {digest}"));
    fits(&mut checks, &connector);
    match connector.manifest() {
        Some(manifest) => says(&mut checks, &connector, manifest),
        None => checks.remark(
            "manifest",
            "it says nothing of itself: it is named after its file, and any keys are accepted",
        ),
    }
    checks
}

/// Whether it has what the contract asks for.
fn fits(checks: &mut Checks, connector: &Connector) {
    match world::check(connector.component()) {
        Ok(worlds) => {
            let note = format!("{}, contract {}", worlds.world, worlds.contract);
            checks.good("world", &note);
        }
        Err(error) => {
            let fault = Fault::config(error.to_string());
            checks.fault(
                "world",
                &match error.help() {
                    Some(help) => fault.with_help(help),
                    None => fault,
                },
            );
        }
    }
    let wasi: Vec<&str> = connector.worlds().wasi().collect();
    if !wasi.is_empty() {
        let note = format!("{}: linked; {}", wasi.join(", "), of_wasi(connector.worlds()));
        checks.remark("WASI", &note);
    }
}

/// Whether what it says of itself goes together.
fn says(checks: &mut Checks, connector: &Connector, manifest: &Manifest) {
    let known = checks.faults;
    if manifest.name != connector.name() {
        let note = format!("it calls itself `{}`; its file's name is what counts", manifest.name);
        checks.remark("name", &note);
    }
    if !is_version(&manifest.version) {
        let note = format!("`{}` is no version such as 1.2.3", manifest.version);
        checks.remark("version", &note);
    }
    let contract = connector.worlds().contract.to_string();
    if manifest.contract != contract {
        let said = &manifest.contract;
        let message = format!("it says that it is of contract `{said}`, and is of {contract}");
        checks.fault("manifest", &Fault::config(message).with_help(BUILD_AGAIN));
    }
    let mut said = manifest.kinds.clone();
    said.sort();
    if said != kinds(connector) {
        let (said, is) = (said.join(" and "), kinds(connector).join(" and "));
        let message = format!("it says that it is a {said}, and exports a {is}");
        checks.fault("manifest", &Fault::config(message).with_help(BUILD_AGAIN));
    }
    for (kind, schema) in [("home", manifest.home_config()), ("store", manifest.store_config())] {
        let Some(schema) = schema else { continue };
        if !kinds(connector).contains(&kind) {
            checks.remark(kind, "it has keys, and nothing that takes them");
        }
        let mistakes = mistakes(schema);
        for mistake in &mistakes {
            let fault = Fault::config(mistake.clone()).with_help(CORRECT);
            checks.fault(&format!("keys of {kind}"), &fault);
        }
        if mistakes.is_empty() {
            let set = KeySet::from_json_schema(schema);
            let names: Vec<&str> = set.names().collect();
            checks.good(&format!("keys of {kind}"), &names.join(", "));
        }
    }
    for mistake in limits(manifest) {
        checks.fault("limits", &Fault::config(mistake).with_help(CORRECT));
    }
    if checks.faults == known {
        checks.good("manifest", format!("{} {}", manifest.name, manifest.version).trim_end());
    }
}

const BUILD_AGAIN: &str = "build it again with `hygge connector build`";
const CORRECT: &str = "correct `connector.toml` and build the connector again";

fn is_version(text: &str) -> bool {
    let plain = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = plain.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u64>().is_ok())
}

/// What is wrong with the schema of keys.
fn mistakes(schema: &Json) -> Vec<String> {
    const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "array", "object", "null"];
    let mut found = Vec::new();
    let set = KeySet::from_json_schema(schema);
    for key in &set.keys {
        let name = &key.name;
        let types = match key.schema.get("type") {
            Some(Json::Array(types)) => types.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        for kind in types {
            if !kind.as_str().is_some_and(|kind| TYPES.contains(&kind)) {
                found.push(format!("the key `{name}` is of type {kind}, which there is not"));
            }
        }
        if !key.schema.is_object() {
            found.push(format!("the key `{name}` is not described by an object"));
        }
        if let Some(default) = &key.default {
            let one = json!({ "properties": { name.as_ref(): key.schema } });
            let told = tried(&KeySet::from_json_schema(&one), &json!({ name.as_ref(): default }));
            let told = told.into_iter().map(|told| format!("the default of `{name}`: {told}"));
            found.extend(told);
        }
    }
    let required = schema.get("required").and_then(Json::as_array);
    for name in required.into_iter().flatten() {
        if !name.as_str().is_some_and(|name| set.has(name)) && !set.open {
            found.push(format!("the key {name} is required, and not described"));
        }
    }
    found
}

/// What the keys would say of these values.
fn tried(set: &KeySet, values: &Json) -> Vec<String> {
    let mut problems = Problems::default();
    if let Some((mapping, node)) = mapping(values, &mut problems) {
        set.read_json(&mapping, &node.span, &[], &mut problems);
    }
    problems.list.into_iter().map(|problem| problem.message).collect()
}

/// What is wrong with the limits it asks for.
fn limits(manifest: &Manifest) -> Vec<String> {
    let mut problems = Problems::default();
    let asked = Json::Object(manifest.asks.limits.clone());
    if let Some((mapping, node)) = mapping(&asked, &mut problems) {
        PolicyKeys::from_mapping(&mapping, &node.span, &[], &mut problems);
    }
    problems.list.into_iter().map(|problem| problem.message).collect()
}

/// An object of JSON as keys of a flow: JSON is YAML.
fn mapping(values: &Json, problems: &mut Problems) -> Option<(Mapping, Node)> {
    let text = values.to_string();
    let source = Source { name: "connector.toml".to_owned(), path: Default::default(), text };
    let node = parse(&Arc::new(source), problems)?;
    match &node.value {
        Value::Mapping(mapping) => Some((mapping.clone(), node)),
        _ => None,
    }
}
