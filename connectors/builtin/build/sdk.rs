//! The SDK's sources, as an author gets them: without the workspace around them.

use std::fmt::Write as _;
use std::path::Path;

use toml::{Table, Value};

/// What authors get besides the SDK's Cargo.toml. Of the contract only what is current.
pub(crate) const PARTS: [&str; 8] = [
    "sdk/rust/README.md",
    "sdk/rust/src",
    "wit/home.wit",
    "wit/host.wit",
    "wit/http.wit",
    "wit/store.wit",
    "wit/types.wit",
    "wit/worlds.wit",
];

/// Where the SDK's Cargo.toml stands.
pub(crate) const MANIFEST: &str = "sdk/rust/Cargo.toml";

/// The SDK's Cargo.toml, with what it takes from the workspace written out.
pub(crate) fn manifest(root: &Path) -> Result<String, String> {
    let (own, workspace) = (read(&root.join(MANIFEST))?, read(&root.join("Cargo.toml"))?);
    let inherited = table(&workspace, "workspace")?;
    let mut text = String::from("# Part of hygge; written by `hygge connector new`.\n[package]\n");
    let package = table(inherited, "package")?;
    for (key, value) in table(&own, "package")? {
        match value {
            Value::Table(inner) if inner.contains_key("workspace") => {
                line(&mut text, key, &find(package, key)?);
            }
            // Of use to those who publish the crate only.
            Value::Table(_) => {}
            value => line(&mut text, key, value),
        }
    }
    text.push_str("\n[features]\n");
    for (key, value) in table(&own, "features")? {
        line(&mut text, key, value);
    }
    text.push_str("\n[dependencies]\n");
    let dependencies = table(inherited, "dependencies")?;
    for (key, value) in table(&own, "dependencies")? {
        line(&mut text, key, &dependency(key, value, dependencies)?);
    }
    Ok(text)
}

/// A dependency that says `workspace = true`, and what the workspace says of it.
fn dependency(name: &str, own: &Value, inherited: &Table) -> Result<Value, String> {
    let mut whole = match find(inherited, name)? {
        Value::Table(table) => table,
        version => Table::from_iter([("version".to_owned(), version)]),
    };
    let own = own.as_table().ok_or_else(|| format!("{MANIFEST}: {name} is not inherited"))?;
    for (key, value) in own.iter().filter(|(key, _)| *key != "workspace") {
        whole.insert(key.clone(), value.clone());
    }
    Ok(Value::Table(whole))
}

fn read(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn table<'a>(within: &'a Table, key: &str) -> Result<&'a Table, String> {
    within.get(key).and_then(Value::as_table).ok_or_else(|| format!("no table `{key}`"))
}

fn find(within: &Table, key: &str) -> Result<Value, String> {
    within.get(key).cloned().ok_or_else(|| format!("the workspace does not say `{key}`"))
}

fn line(text: &mut String, key: &str, value: &Value) {
    // Writing into a string does not fail.
    let _ = writeln!(text, "{key} = {}", inline(value));
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.as_bool().map_or_else(|| format!("{other:?}"), |flag| flag.to_string()),
    }
}
