//! The connectors of `tests/guests`, built from source by the `hygge` under test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::project::{Project, binary, repository};

/// Where everything is compiled to. It is kept from one run of the tests to the next.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}

/// The component of `tests/guests/NAME`.
pub fn component(name: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = built.get(name) {
        return path.clone();
    }
    let path = target().join("guests/tests").join(format!("{name}.wasm"));
    let output = Command::new(binary())
        .args(["connector", "build"])
        .arg(repository().join("tests/guests").join(name))
        .arg("--output")
        .arg(&path)
        .env("CARGO_TARGET_DIR", target())
        .output()
        .expect("hygge starts");
    assert!(
        output.status.success(),
        "{name} cannot be built:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    built.insert(name.to_owned(), path.clone());
    path
}

/// Puts the component of `tests/guests/NAME` where the project finds it.
pub fn add_to(project: &Project, name: &str) {
    let bytes = std::fs::read(component(name)).expect("the component");
    project.write(&format!("connectors/{name}.wasm"), bytes);
}
