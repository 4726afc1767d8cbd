//! From a crate to a connector.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use crate::author::Author;
use crate::cargo::{self, Package};
use crate::digest::Digest;
use crate::error::ForgeError;
use crate::manifest::{self, Manifest, check_name};
use crate::section;
use crate::toolchain::{TARGET, Toolchain};
use crate::world;
use crate::wrap::wrap;

/// How a connector is built.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file to write; `NAME.wasm` in `output_dir` when left out.
    pub output: Option<PathBuf>,
    /// The folder to write to; `<target>/connectors` when left out.
    pub output_dir: Option<PathBuf>,
    /// Where cargo keeps what it compiles. All connectors built with the same one share the
    /// compiled standard library and dependencies. `<target>/guests` when left out.
    pub target_dir: Option<PathBuf>,
    /// Keeps what cargo says for the error, if there is one, instead of showing it.
    pub quiet: bool,
}

/// A connector that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The component.
    pub component: Vec<u8>,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Where it was written.
    pub path: PathBuf,
    /// Which file it is.
    pub digest: Digest,
}

/// Builds the crate in `folder` into a connector, and writes it.
///
/// Authors need no profile and no crate type in their Cargo.toml: all of that is given here.
pub fn build(folder: &Path, toolchain: &Toolchain, options: &Options) -> Result<Built, ForgeError> {
    let package = cargo::package(toolchain, folder)?;
    let author = Author::read(folder)?;
    let name = match &author.name {
        Some(name) => name.clone(),
        None => package.name.strip_prefix("hygge-").unwrap_or(&package.name).to_owned(),
    };
    check_name(&name).map_err(|reason| ForgeError::NotACrate {
        folder: folder.to_owned(),
        reason: format!("{reason}; give one in connector.toml: name = \"…\""),
    })?;

    let module = compile(&package, toolchain, author.build.speed, options)?;
    let core = std::fs::read(&module).map_err(|error| ForgeError::io("read", module, error))?;
    let component = section::strip(&wrap(&core, None)?)?;
    let worlds = world::check(&component)?;
    let manifest = author.manifest(
        name,
        author.version.clone().unwrap_or_else(|| package.version.clone()),
        author.description.clone().unwrap_or_else(|| package.description.clone()),
        &worlds,
    )?;
    let component = manifest::embed(&component, &manifest)?;

    let path = match &options.output {
        Some(path) => path.clone(),
        None => options
            .output_dir
            .clone()
            .unwrap_or_else(|| package.target_dir.join("connectors"))
            .join(format!("{}.wasm", manifest.name)),
    };
    write(&path, &component)?;
    let digest = Digest::of(&component);
    Ok(Built { component, manifest, path, digest })
}

/// Compiles the crate; the answer is the core module.
fn compile(
    package: &Package,
    toolchain: &Toolchain,
    speed: bool,
    options: &Options,
) -> Result<PathBuf, ForgeError> {
    let folder = package.manifest.parent().unwrap_or(&package.manifest);
    let target_dir =
        options.target_dir.clone().unwrap_or_else(|| package.target_dir.join("guests"));
    let mut command = toolchain.cargo(folder);
    command
        .args(["rustc", "--lib", "--crate-type", "cdylib", "--release", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(&package.manifest)
        .arg("--target-dir")
        .arg(&target_dir)
        .args(toolchain.arguments())
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", if speed { "3" } else { "z" })
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(speed).join("\u{1f}"))
        .stdout(Stdio::piped())
        .stderr(if options.quiet { Stdio::piped() } else { Stdio::inherit() });
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|source| ForgeError::Start { program: "cargo".to_owned(), source })?;
    if !output.status.success() {
        let said = cargo::said(&output.stderr);
        return Err(ForgeError::Cargo {
            package: package.name.clone(),
            output: if said.is_empty() { said } else { format!(":\n{said}") },
        });
    }
    module(&output.stdout, &package.manifest).ok_or_else(|| ForgeError::Cargo {
        package: package.name.clone(),
        output: ": it names no WebAssembly module among what it built".to_owned(),
    })
}

/// What the compiler is told for every crate.
fn flags(speed: bool) -> Vec<String> {
    let mut flags = Vec::new();
    if speed {
        flags.push("-Ctarget-feature=+simd128".to_owned());
    }
    // Messages of panics name source files; those of dependencies by where they are in cargo's
    // home, not on this machine. The crate's own are relative already.
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    if let Some(home) = home.as_deref().and_then(Path::to_str) {
        flags.push(format!("--remap-path-prefix={home}=cargo"));
    }
    flags
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The module among cargo's messages, one JSON object a line.
fn module(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    messages
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter(|message| message.manifest_path.as_deref() == Some(manifest))
        .flat_map(|message| message.filenames)
        .find(|path| path.extension().is_some_and(|extension| extension == "wasm"))
}

/// Writes the file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), ForgeError> {
    let failed = |error| ForgeError::io("write", path, error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let part = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path)).map_err(|error| {
        // What is left of the attempt is of no use to anybody.
        let _ = std::fs::remove_file(&part);
        failed(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_the_one_of_this_crate() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/x/Cargo.toml","filenames":["/t/x.wasm"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/a/Cargo.toml","filenames":["/t/a.rlib","/t/a.wasm"]}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = module(messages.as_bytes(), Path::new("/a/Cargo.toml"));
        assert_eq!(found, Some(PathBuf::from("/t/a.wasm")));
        assert_eq!(module(messages.as_bytes(), Path::new("/b/Cargo.toml")), None);
    }

    #[test]
    fn a_file_is_written_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/x.wasm");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
    }
}
