//! Finds what compiles Rust to WebAssembly on this machine.
//!
//! Two kinds of toolchains do:
//!
//! 1. One that has the target `wasm32-unknown-unknown` (`rustup target add …`).
//! 2. One that has the sources of the standard library and a linker for WebAssembly: the library
//!    is then compiled with the first connector. Debian's packages are of this kind.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::error::ForgeError;

/// What connectors are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The oldest compiler that knows the edition of the SDK.
const OLDEST: (u64, u64) = (1, 85);

/// Something that compiles to WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    version: String,
    std: Std,
}

/// Where the standard library comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Std {
    /// It is there, compiled.
    Installed,
    /// It is compiled from its sources, and linked with this.
    Sources { linker: Option<PathBuf> },
}

impl Toolchain {
    /// Cargo, in a folder.
    pub(crate) fn cargo(&self, folder: &Path) -> Command {
        let mut command = cargo::command(&self.cargo, folder);
        if let Std::Sources { linker } = &self.std {
            // Compiling the standard library is a feature that cargo still calls unstable; the
            // second variable keeps out others that a user's configuration may have turned on.
            command.env("RUSTC_BOOTSTRAP", "1");
            command.env("CARGO_UNSTABLE_FEATURE_UNIFICATION", "false");
            command.env("RUSTC", &self.rustc);
            if let Some(linker) = linker {
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            }
        }
        command
    }

    /// What `cargo build` must be told besides the target.
    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        match self.std {
            Std::Installed => &[],
            Std::Sources { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }

    /// The compiler's own words for its version.
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, rustc) = (&self.version, self.rustc.display());
        match &self.std {
            Std::Installed => write!(f, "{version} ({rustc}) with target {TARGET}"),
            Std::Sources { .. } => {
                write!(f, "{version} ({rustc}), compiling the standard library from its sources")
            }
        }
    }
}

/// Finds a toolchain for a crate in `folder`, whose `rust-toolchain.toml` counts.
pub fn find(folder: &Path) -> Result<Toolchain, ForgeError> {
    if !folder.is_dir() {
        return Err(ForgeError::NotACrate {
            folder: folder.to_owned(),
            reason: "there is no such folder".to_owned(),
        });
    }
    let candidates = [("cargo", "rustc"), ("/usr/bin/cargo", "/usr/bin/rustc")];
    let mut reasons = Vec::new();
    let mut from_sources = None;
    for (cargo, rustc) in candidates {
        match look(Path::new(cargo), Path::new(rustc), folder) {
            Ok(toolchain) if toolchain.std == Std::Installed => return Ok(toolchain),
            Ok(toolchain) => {
                from_sources.get_or_insert(toolchain);
            }
            Err(Some(reason)) => reasons.push(reason),
            Err(None) => {}
        }
    }
    from_sources.ok_or_else(|| ForgeError::NoToolchain { help: help(&reasons) })
}

/// Looks whether a compiler will do; the error says what it lacks, if it is there at all.
fn look(cargo: &Path, rustc: &Path, folder: &Path) -> Result<Toolchain, Option<String>> {
    let ask = |what: &[&str]| {
        let mut command = cargo::command(rustc, folder);
        command.args(what);
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let sysroot = PathBuf::from(ask(&["--print", "sysroot"]).ok_or(None)?);
    let version = ask(&["--version"]).ok_or(None)?;
    let name = rustc.display();
    if number(&version).is_none_or(|found| found < OLDEST) {
        let (major, minor) = OLDEST;
        return Err(Some(format!("{name} is {version}, older than {major}.{minor}")));
    }
    if cargo.is_absolute() && !cargo.is_file() {
        return Err(Some(format!("{name} ({version}) comes without {}", cargo.display())));
    }
    let toolchain = |std| Toolchain {
        cargo: cargo.to_owned(),
        rustc: rustc.to_owned(),
        version: version.clone(),
        std,
    };
    let rustlib = sysroot.join("lib/rustlib");
    if rustlib.join(TARGET).join("lib").is_dir() {
        return Ok(toolchain(Std::Installed));
    }
    if !rustlib.join("src/rust/library/Cargo.toml").is_file() {
        return Err(Some(format!(
            "{name} ({version}) has neither the target {TARGET} nor the library's sources"
        )));
    }
    // A toolchain of rustup finds the linker it ships by itself.
    if own_linker(&rustlib).is_some() {
        return Ok(toolchain(Std::Sources { linker: None }));
    }
    match linker() {
        Some(linker) => Ok(toolchain(Std::Sources { linker: Some(linker) })),
        None => Err(Some(format!("{name} ({version}) has no linker for WebAssembly"))),
    }
}

/// `rustc 1.96.0 (…)` → (1, 96).
fn number(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split_whitespace().nth(1)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The linker that a toolchain ships: `lib/rustlib/<host>/bin/rust-lld`.
fn own_linker(rustlib: &Path) -> Option<PathBuf> {
    entries(rustlib)
        .into_iter()
        .map(|host| host.join("bin").join(format!("rust-lld{}", std::env::consts::EXE_SUFFIX)))
        .find(|path| path.is_file())
}

/// Any linker for WebAssembly: one shipped with a toolchain of rustup, or LLVM's.
fn linker() -> Option<PathBuf> {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let rustup = home("RUSTUP_HOME").or_else(|| Some(home("HOME")?.join(".rustup")));
    let shipped = rustup.into_iter().flat_map(|rustup| {
        let mut toolchains = entries(&rustup.join("toolchains"));
        // Released compilers before the day's.
        toolchains.sort_by_key(|path| path.to_string_lossy().contains("nightly"));
        toolchains.into_iter().filter_map(|path| own_linker(&path.join("lib/rustlib")))
    });
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&on_path)
        .flat_map(|folder| ["rust-lld", "wasm-ld"].map(|name| folder.join(name)))
        .filter(|path| path.is_file());
    let mut of_llvm = entries(Path::new("/usr/lib"));
    of_llvm.retain(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("llvm-"))
    });
    let newest = of_llvm.into_iter().rev().map(|path| path.join("bin/wasm-ld"));
    shipped.chain(installed).chain(newest.filter(|path| path.is_file())).next()
}

/// What a folder holds, sorted; nothing if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// What would provide a toolchain on this machine.
fn help(reasons: &[String]) -> String {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let has = |program: &str| {
        std::env::split_paths(&on_path).any(|folder| folder.join(program).is_file())
    };
    let mut ways = Vec::new();
    if has("rustup") {
        ways.push(format!("`rustup target add {TARGET}`"));
    }
    if has("apt-get") {
        let lld = if linker().is_none() { " lld" } else { "" };
        ways.push(format!("`sudo apt-get install rustc-web cargo-web rust-web-src{lld}`"));
    }
    if ways.is_empty() {
        ways.push(format!("Rust from https://rustup.rs and `rustup target add {TARGET}`"));
    }
    let mut help = format!("install one with {}", ways.join(", or with "));
    if !reasons.is_empty() {
        help.push_str(&format!(" (found: {})", reasons.join("; ")));
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(number("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some((1, 96)));
        assert_eq!(number("rustc 1.100.0-nightly (x)"), Some((1, 100)));
        assert!(number("rustc 1.9.0").unwrap() < OLDEST);
        assert_eq!(number("what"), None);
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_a_toolchain_that_is_not_there() {
        let told = find(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(told.contains("there is no such folder"), "{told}");
    }

    #[test]
    fn the_help_names_a_way_and_what_was_found() {
        let help = help(&["rustc (1.63) is old".to_owned()]);
        assert!(help.contains("install one with") && help.contains("is old"), "{help}");
    }

    #[cfg(unix)]
    #[test]
    fn a_compiler_that_lacks_something_is_told_what() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let fake = |version: &str| {
            let rustc = folder.path().join("rustc");
            let sysroot = folder.path().display();
            let script = format!(
                "#!/bin/sh\nif [ \"$1\" = --print ]; then echo {sysroot}; else echo {version}; fi\n"
            );
            std::fs::write(&rustc, script).unwrap();
            std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
            look(Path::new("cargo"), &rustc, folder.path())
        };
        let old = fake("rustc 1.63.0").unwrap_err().unwrap();
        assert!(old.contains("older than 1.85"), "{old}");
        let bare = fake("rustc 1.96.0").unwrap_err().unwrap();
        assert!(bare.contains("neither the target"), "{bare}");

        std::fs::create_dir_all(folder.path().join("lib/rustlib").join(TARGET).join("lib"))
            .unwrap();
        let found = fake("rustc 1.96.0").unwrap();
        assert_eq!(found.std, Std::Installed);
        assert!(found.to_string().contains("with target wasm32-unknown-unknown"));
        assert_eq!(look(Path::new("cargo"), Path::new("/nowhere/rustc"), folder.path()), Err(None));
    }
}
