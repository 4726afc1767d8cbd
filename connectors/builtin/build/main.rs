//! Builds the connectors that travel inside the binary, and lists the SDK's sources.
//!
//! A connector is built once for its sources, whatever is being built of hygge (a check, a test, a
//! release), and kept in `<target>/guests/built`.

mod sdk;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hygge_forge::build::{Options, build};
use hygge_forge::{Digest, toolchain};

/// The connectors, by their names and folders.
const CONNECTORS: [(&str, &str); 2] =
    [("generate", "connectors/generate"), ("rest", "connectors/rest")];

/// What a connector is made of besides its own folder.
const SHARED: [&str; 5] = ["Cargo.lock", "Cargo.toml", "host/forge/src", "sdk/rust", "wit"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nowhere is left to complain if stderr is gone.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let variable = |name: &str| {
        std::env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo did not set {name}"))
    };
    let (own, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let root = own
        .join("../..")
        .canonicalize()
        .map_err(|error| format!("the workspace is not there: {error}"))?;
    let guests = target_dir(&out)?.join("guests");

    let mut code = String::from(
        "/// The connectors that travel inside the binary: names and components.\n\
         pub const CONNECTORS: &[(&str, &[u8])] = &[\n",
    );
    for (name, folder) in CONNECTORS {
        let component = connector(&root, name, folder, &guests)?;
        code.push_str(&format!("    ({name:?}, include_bytes!({component:?})),\n"));
    }
    code.push_str("];\n\n/// The SDK's sources: paths within this repository, and texts.\n");
    code.push_str("pub const SDK: &[(&str, &str)] = &[\n");
    for part in sdk::PARTS {
        for path in files(&root.join(part))? {
            println!("cargo::rerun-if-changed={}", path.display());
            let name = relative(&root, &path);
            code.push_str(&format!("    ({name:?}, include_str!({path:?})),\n"));
        }
    }
    code.push_str(&format!("    ({:?}, {:?}),\n];\n", sdk::MANIFEST, sdk::manifest(&root)?));
    write(&out.join("builtin.rs"), code.as_bytes())
}

/// The file of a connector; built unless it was already, from the same sources.
fn connector(root: &Path, name: &str, folder: &str, guests: &Path) -> Result<PathBuf, String> {
    let folder = root.join(folder);
    let toolchain = toolchain::find(&folder).map_err(|error| {
        let help = error.help().unwrap_or_default();
        format!(
            "{error}, and connectors that travel inside hygge are built with one\n  \
             run connectors/toolchain.sh, or {help}"
        )
    })?;
    let mut sources = toolchain.to_string().into_bytes();
    for part in SHARED.iter().map(|part| root.join(part)).chain([folder.clone()]) {
        println!("cargo::rerun-if-changed={}", part.display());
        for path in files(&part)? {
            sources.extend_from_slice(relative(root, &path).as_bytes());
            sources.extend_from_slice(&read(&path)?);
        }
    }
    let path = guests.join("built").join(format!("{name}-{}.wasm", Digest::of(&sources).short()));
    if !path.is_file() {
        let options = Options {
            output: Some(path.clone()),
            target_dir: Some(guests.to_owned()),
            quiet: true,
            ..Options::default()
        };
        build(&folder, &toolchain, &options)
            .map_err(|error| format!("the connector `{name}` cannot be built: {error}"))?;
    }
    Ok(path)
}

/// `<target>` of `<target>/[<triple>/]<profile>/build/<crate>-<hash>/out`.
fn target_dir(out: &Path) -> Result<PathBuf, String> {
    let unknown = || format!("{} is not where cargo puts it", out.display());
    let folder = out.ancestors().nth(4).ok_or_else(unknown)?;
    let triple = std::env::var_os("TARGET");
    let within_triple = triple.is_some() && folder.file_name() == triple.as_deref();
    let folder = if within_triple { folder.parent().ok_or_else(unknown)? } else { folder };
    Ok(folder.to_owned())
}

/// A file, or all files of a folder, in order.
fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error: io::Error| format!("cannot read {}: {error}", path.display());
    let mut entries = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .map_err(failed)?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        found.extend(files(&entry)?);
    }
    Ok(found)
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
