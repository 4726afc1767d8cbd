//! `hygge connector new`: begins a connector in Rust.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hygge_core::fault::Fault;
use hygge_forge::manifest::check_name;

use crate::args::connector::NewArgs;
use crate::failure::{Failure, print};
use crate::report::style::{GOOD, HEADING, paint};

/// Where the SDK's sources go, beside the crate that is made.
const SDK: &str = ".hygge-sdk";

const HOME_RS: &str = include_str!("template/home.rs");
const STORE_RS: &str = include_str!("template/store.rs");

/// Writes a crate that builds, and says what to do next.
pub(super) fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    let folder = &args.path;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(name).map_err(|reason| {
        Fault::config(reason).with_help("the last part of the path is the connector's name")
    })?;
    refuse_if_taken(folder)?;

    let (home, store) = (args.home || !args.store, args.store);
    let mut told = String::new();
    for (path, text) in crate_files(name, home, store) {
        write(&folder.join(&path), &text)?;
        told.push_str(&format!("{} {}\n", paint(GOOD, "wrote"), folder.join(path).display()));
    }
    for (path, text) in hygge_builtin::SDK {
        write(&folder.join(SDK).join(path), text)?;
    }
    told.push_str(&format!(
        "{} {} (the SDK)\n\n{}\n  \
         1. cd {}\n  \
         2. cargo test               tries it with a made-up host\n  \
         3. hygge connector build    makes {name}.wasm of it\n",
        paint(GOOD, "wrote"),
        folder.join(SDK).display(),
        paint(HEADING, "Next"),
        folder.display(),
    ));
    print(&told)?;
    Ok(ExitCode::SUCCESS)
}

/// The files of the crate.
fn crate_files(name: &str, home: bool, store: bool) -> Vec<(PathBuf, String)> {
    let mut files = vec![
        (PathBuf::from("Cargo.toml"), cargo_toml(name, store)),
        (PathBuf::from("connector.toml"), connector_toml(home)),
        (PathBuf::from(".gitignore"), "/target\n".to_owned()),
    ];
    let lib = match (home, store) {
        (true, true) => {
            files.push((PathBuf::from("src/home.rs"), HOME_RS.to_owned()));
            files.push((PathBuf::from("src/store.rs"), STORE_RS.to_owned()));
            format!(
                "//! The connector `{name}`: a Home and a Store.\n\nmod home;\nmod store;\n\n\
                 hygge_sdk::export!(home: home::Source, store: store::Shelf);\n"
            )
        }
        (_, true) => exported(STORE_RS, "store: Shelf"),
        _ => exported(HOME_RS, "home: Source"),
    };
    files.push((PathBuf::from("src/lib.rs"), lib));
    files
}

/// A template as the only file of a crate.
fn exported(template: &str, what: &str) -> String {
    template.replacen("#[cfg(test)]", &format!("hygge_sdk::export!({what});\n\n#[cfg(test)]"), 1)
}

fn cargo_toml(name: &str, store: bool) -> String {
    let features = if store { ", features = [\"arrow\"]" } else { "" };
    let sdk = format!("{SDK}/sdk/rust");
    format!(
        "\
[package]
name = \"{name}\"
version = \"0.1.0\"
edition = \"2024\"
description = \"What it is for, in a sentence\"
publish = false

[dependencies]
hygge-sdk = {{ path = \"{sdk}\", default-features = false{features} }}
serde = {{ version = \"1\", features = [\"derive\"] }}
serde_json = \"1\"

[dev-dependencies]
hygge-sdk = {{ path = \"{sdk}\", features = [\"testing\"] }}

# A workspace of its own, wherever it stands.
[workspace]
"
    )
}

fn connector_toml(home: bool) -> String {
    let keys = if home {
        "\
# The keys of a flow's `home:`; hygge checks them and names the user's line.
[config.home.page_size]
type = \"integer\"
description = \"Rows in one answer\"
default = 100
minimum = 1

"
    } else {
        "# The keys of a flow's `store:` would stand here: [config.store.KEY]\n\n"
    };
    format!(
        "\
# What the connector says of itself, readable without running it.

{keys}# What it would like its user to grant.
[asks]
hosts = [\"api.example.com\"]
credentials = [\"token\"]
"
    )
}

fn refuse_if_taken(folder: &Path) -> Result<(), Fault> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Fault::config(format!("{} already holds something", folder.display()))
                .with_help("choose another name")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::io("make a connector in", folder, error)),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let fault = |error| Fault::io("write", path, error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fault)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(path: PathBuf, home: bool, store: bool) -> NewArgs {
        NewArgs { path, home, store }
    }

    #[test]
    fn a_crate_is_written_with_the_sdk_beside_it_and_never_over_something() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("shop");
        new(&args(folder.clone(), false, false)).unwrap();
        let lib = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        assert!(lib.contains("hygge_sdk::export!(home: Source);"));
        assert!(folder.join(".hygge-sdk/sdk/rust/Cargo.toml").is_file());
        assert!(folder.join(".hygge-sdk/wit/home.wit").is_file());
        assert!(new(&args(folder, false, false)).is_err());
    }

    #[test]
    fn each_kind_has_its_template() {
        let lib = |home, store| {
            let files = crate_files("shop", home, store);
            files.into_iter().find(|(path, _)| path.ends_with("lib.rs")).unwrap().1
        };
        assert!(lib(false, true).contains("export!(store: Shelf);"));
        let both = lib(true, true);
        assert!(both.contains("mod home;") && both.contains("store: store::Shelf"), "{both}");
        assert!(!lib(true, false).contains("Shelf"));
    }

    #[test]
    fn a_name_must_be_one() {
        let root = tempfile::tempdir().unwrap();
        for bad in ["My Shop", ".."] {
            assert!(new(&args(root.path().join(bad), true, false)).is_err(), "{bad}");
        }
    }
}
