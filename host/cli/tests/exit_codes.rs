//! The least that can be asked of the binary: its version, its help, its exit codes.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn hygge(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hygge")).args(arguments).output().unwrap()
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = hygge(&["--version"]);
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        concat!("hygge ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn help_names_every_command() {
    let output = hygge(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8_lossy(&output.stdout);
    for command in ["init", "go", "debug", "schema", "runs", "state", "completions"] {
        assert!(help.contains(command), "{command} is not in:\n{help}");
    }
}

#[test]
fn bad_usage_ends_with_2_and_says_so_on_stderr() {
    for arguments in [&["gone"][..], &["go", "-i", "-d"], &["go", "--concurrency", "many"]] {
        let output = hygge(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}
