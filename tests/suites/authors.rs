//! What an author of a connector does: begin one, test it, build it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use hygge_tests::guest::target;
use hygge_tests::project::{Project, Said, repository};

/// Runs a command to its end.
fn said(command: &mut Command) -> Said {
    let output = command.output().expect("it starts");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `hygge connector build`.
fn build(project: &Project, folder: &str) -> Said {
    let mut command = project.command(&["connector", "build", folder]);
    said(command.env("CARGO_TARGET_DIR", target()).env("CARGO_NET_OFFLINE", "true"))
}

#[test]
fn a_connector_that_was_just_begun_passes_its_test_and_builds() {
    let project = Project::new();
    project.hygge(&["connector", "new", "connectors/shop", "--home", "--store"]).ok();
    let folder = project.path("connectors/shop");
    // The versions of this repository, all of which are here: nothing is fetched.
    std::fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();

    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--offline"]).current_dir(&folder);
    said(cargo.env("CARGO_TARGET_DIR", target().join("authors"))).ok().says(&["2 passed"]);

    // Inside of a project the component goes where the project finds it.
    build(&project, "connectors/shop")
        .ok()
        .says(&["built shop 0.1.0, home and store, contract 0.1.1", "connectors/shop.wasm"]);
    let component = std::fs::read(project.path("connectors/shop.wasm")).unwrap();
    assert_eq!(&component[..8], b"\0asm\x0d\0\x01\0");

    // Its author's mistakes are told by name.
    project.write("connectors/shop/connector.toml", "[config.home.page_size]\ntyp = 1\n");
    build(&project, "connectors/shop").fails_with(&["connector.toml", "config.home.page_size.typ"]);
    project.write("connectors/shop/connector.toml", "");
    project.write("connectors/shop/src/lib.rs", "fn main() { oh }\n");
    build(&project, "connectors/shop").fails_with(&["cargo could not build shop", "`oh`"]);
}

#[test]
fn what_cannot_be_built_says_why() {
    let project = Project::new();
    build(&project, "nowhere").fails_with(&["nowhere cannot become a connector", "no such folder"]);
    project.write("flows/notes.txt", "");
    build(&project, "flows").fails_with(&["no Cargo.toml", "connector new"]);
    project.hygge(&["connector", "new", "My Shop"]).fails_with(&["`My Shop`"]);
}
