//! `hygge connector inspect`: what a connector says of itself.

use std::fmt::Write as _;
use std::process::ExitCode;

use hygge_core::contract::Rights;
use hygge_core::project::keys::{Json, KeySet};
use hygge_sandbox::{Connector, asks};
use serde_json::{Value, json};

use super::of_wasi;
use super::target::{Target, kinds};
use crate::args::Global;
use crate::args::connector::InspectArgs;
use crate::commands::guests::rights_words;
use crate::commands::table::{Column, Table};
use crate::failure::{Failure, print};
use crate::report::format::bytes;
use crate::report::style::{FAINT, HEADING, paint};

/// Shows it.
pub(super) fn inspect(args: &InspectArgs, global: &Global) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connector, global)?;
    let connector = target.read()?;
    let text = match args.json {
        true => format!("{:#}\n", object(&target, &connector)),
        false => describe(&target, &connector),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The JSON Schema of the keys under `home:` or `store:`.
fn schema<'a>(connector: &'a Connector, kind: &str) -> Option<&'a Json> {
    let manifest = connector.manifest()?;
    match kind {
        "home" => manifest.home_config(),
        _ => manifest.store_config(),
    }
}

fn describe(target: &Target, connector: &Connector) -> String {
    let manifest = connector.manifest();
    let mut text = match manifest {
        Some(manifest) => format!("{}\n", paint(HEADING, title(manifest))),
        None => format!("{}\n", paint(HEADING, &target.found.name)),
    };
    if let Some(manifest) = manifest.filter(|manifest| !manifest.description.is_empty()) {
        let _ = writeln!(text, "{}", manifest.description);
    }
    let worlds = connector.worlds();
    let (wasi, other): (Vec<&str>, Vec<&str>) =
        worlds.imports.iter().map(String::as_str).partition(|name| name.starts_with("wasi:"));
    let wasi = match wasi.as_slice() {
        [] => "nothing".to_owned(),
        names => format!("{} ({})", names.join(", "), of_wasi(worlds)),
    };
    let asked = asks(connector);
    for (title, value) in [
        ("from", target.origin().to_owned()),
        ("sha256", connector.digest().to_string()),
        ("size", bytes(connector.size() as u64)),
        ("kinds", kinds(connector).join(", ")),
        ("contract", worlds.contract.to_string()),
        ("imports", if other.is_empty() { "nothing".to_owned() } else { other.join(", ") }),
        ("of WASI", wasi),
        ("asks for", rights_words(&asked)),
    ] {
        let _ = writeln!(text, "  {}  {value}", paint(FAINT, format!("{title:8}")));
    }
    for kind in kinds(connector) {
        let _ = writeln!(text, "\n{}", paint(HEADING, format!("Keys under `{kind}:`")));
        match schema(connector, kind) {
            Some(schema) => text.push_str(&keys(&KeySet::from_json_schema(schema))),
            None => text.push_str("any: it does not say which it takes\n"),
        }
    }
    text
}

fn title(manifest: &hygge_forge::manifest::Manifest) -> String {
    format!("{} {}", manifest.name, manifest.version).trim_end().to_owned()
}

fn keys(set: &KeySet) -> String {
    if set.keys.is_empty() {
        return if set.open { "any\n".to_owned() } else { "none\n".to_owned() };
    }
    let headings = ["KEY", "TYPE", "DEFAULT", "ABOUT"];
    let mut table = Table::new(headings.map(Column::text).into());
    for key in &set.keys {
        let default = match (&key.default, key.required) {
            (Some(default), _) => default.to_string(),
            (None, true) => "(required)".to_owned(),
            (None, false) => String::new(),
        };
        table.push(vec![
            key.name.as_ref().into(),
            type_words(&key.schema).into(),
            default.into(),
            key.about.as_str().into(),
        ]);
    }
    let mut text = table.render();
    if set.open {
        text.push_str("and any other\n");
    }
    text
}

/// The type of a value as a schema has it: `string`, `asc | desc`, `list of integer`.
fn type_words(schema: &Json) -> String {
    if let Some(Json::Array(values)) = schema.get("enum") {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return values.iter().map(word).collect::<Vec<_>>().join(" | ");
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Json::Array(options)) = schema.get(key) {
            return options.iter().map(type_words).collect::<Vec<_>>().join(" | ");
        }
    }
    match (schema.get("type"), schema.get("items")) {
        (Some(Json::String(name)), Some(items)) if name == "array" => {
            format!("list of {}", type_words(items))
        }
        (Some(Json::String(name)), _) => name.clone(),
        (Some(Json::Array(names)), _) => {
            names.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" | ")
        }
        _ => "any".to_owned(),
    }
}

fn object(target: &Target, connector: &Connector) -> Value {
    let manifest = connector.manifest();
    let worlds = connector.worlds();
    let Rights { hosts, credentials, limits } = asks(connector);
    let limits: serde_json::Map<String, Value> =
        limits.into_iter().map(|(key, value)| (key, json!(value))).collect();
    json!({
        "name": manifest.map_or(&target.found.name, |manifest| &manifest.name),
        "version": manifest.map(|manifest| &manifest.version),
        "description": manifest.map(|manifest| &manifest.description),
        "source": target.origin(),
        "digest": connector.digest().to_string(),
        "size": connector.size(),
        "kinds": kinds(connector),
        "contract": worlds.contract.to_string(),
        "exports": worlds.exports,
        "imports": worlds.imports,
        "wasi": worlds.wasi().collect::<Vec<_>>(),
        "asks": { "hosts": hosts, "credentials": credentials, "limits": limits },
        "config": {
            "home": schema(connector, "home"),
            "store": schema(connector, "store"),
        },
    })
}
