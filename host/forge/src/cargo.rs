//! Calls of cargo and rustc that know nothing of the calls around them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::error::ForgeError;
use crate::toolchain::Toolchain;

/// A command with the environment of the user and not that of a cargo which may have started us:
/// its flags, its target and its wrappers are for another target.
pub(crate) fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_another_build) {
            command.env_remove(&name);
        }
    }
    if std::env::var_os("OUT_DIR").is_some() {
        // A build script is given the libraries of its own compiler.
        command.env_remove("LD_LIBRARY_PATH").env_remove("DYLD_FALLBACK_LIBRARY_PATH");
    }
    command
}

/// Whether a variable tells cargo or rustc how to build, rather than where its things are.
fn of_another_build(name: &str) -> bool {
    let kept = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_MAKEFLAGS",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_TARGET_DIR",
    ];
    let told = ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "__CARGO"];
    told.iter().any(|prefix| name.starts_with(prefix))
        && !kept.iter().any(|prefix| name.starts_with(prefix))
}

/// What cargo knows of a crate.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) manifest: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target_dir: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    version: String,
    description: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<MetadataTarget>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    kind: Vec<String>,
}

/// Asks cargo what crate stands in a folder.
pub(crate) fn package(toolchain: &Toolchain, folder: &Path) -> Result<Package, ForgeError> {
    let not = |reason: String| ForgeError::NotACrate { folder: folder.to_owned(), reason };
    let manifest = folder.join("Cargo.toml");
    let manifest = match manifest.canonicalize() {
        Ok(manifest) => manifest,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(not("it has no Cargo.toml".to_owned()));
        }
        Err(error) => return Err(ForgeError::io("read", manifest, error)),
    };
    let mut command = toolchain.cargo(folder);
    command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]);
    command.arg(&manifest);
    let output = run(command)?;
    if !output.status.success() {
        return Err(not(said(&output.stderr)));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| not(format!("cargo's answer is not understood: {error}")))?;
    let package = metadata
        .packages
        .into_iter()
        .find(|package| package.manifest_path.canonicalize().is_ok_and(|path| path == manifest))
        .ok_or_else(|| not("its Cargo.toml names no package".to_owned()))?;
    let is_lib = |kind: &String| ["lib", "rlib", "cdylib"].contains(&kind.as_str());
    if !package.targets.iter().any(|target| target.kind.iter().any(is_lib)) {
        return Err(not("the crate has no library: a connector lives in src/lib.rs".to_owned()));
    }
    Ok(Package {
        name: package.name,
        version: package.version,
        description: package.description.unwrap_or_default(),
        manifest,
        target_dir: metadata.target_directory,
    })
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Result<std::process::Output, ForgeError> {
    command.output().map_err(|source| ForgeError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

/// The end of what a program said.
pub(crate) fn said(stderr: &[u8]) -> String {
    const LONGEST: usize = 8 * 1024;
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    let from = text.len().saturating_sub(LONGEST);
    let from = (from..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(from);
    text[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_build_said_is_forgotten_and_where_things_are_is_not() {
        for gone in ["CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER"]
        {
            assert!(of_another_build(gone), "{gone}");
        }
        for kept in ["CARGO_HOME", "CARGO_TARGET_DIR", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "PATH"] {
            assert!(!of_another_build(kept), "{kept}");
        }
    }

    #[test]
    fn the_end_of_a_long_output_is_kept() {
        let long = format!("{}end", "ä".repeat(10_000));
        let kept = said(long.as_bytes());
        assert!(kept.ends_with("end") && kept.len() <= 8 * 1024);
        assert_eq!(said(b"  short\n"), "short");
    }
}
