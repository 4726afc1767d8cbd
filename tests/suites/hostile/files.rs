//! Files that are no connectors, or those of another contract: nothing is run.

use hygge_tests::project::Project;
use hygge_tests::{guest, table};

/// A project with a flow of files, and one whose Home is the file `connectors/odd.wasm`.
fn project(component: &[u8]) -> Project {
    let project = Project::new();
    project.write("connectors/odd.wasm", component);
    project.write("flows/odd/flow.yml", "home: { type: odd }\nstore: lake\nentities: [t]\n");
    table::write(&project.path("source/a/x.parquet"), &table::rows(0..10, 1, 1));
    project.write("flows/files/flow.yml", "home: source\nstore: lake\nentities: [a]\n");
    project
}

/// Whoever uses it is told why not, for whichever command; whoever does not is not in its way.
#[track_caller]
fn refused(component: &[u8], words: &[&str]) {
    let project = project(component);
    project.hygge(&["go"]).fails_with(words).says(&["odd"]);
    project.hygge(&["go", "--dry-run"]).fails_with(&["odd"]);
    project.hygge(&["connector", "check", "odd"]).fails_with(&["odd"]);
    std::fs::remove_dir_all(project.path("flows/odd")).unwrap();
    project.hygge(&["go"]).ok();
    assert_eq!(table::count(&project.path("lake/a")), 10);
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A length as WebAssembly writes it, in as many digits as any needs.
fn five_digits(length: u32) -> [u8; 5] {
    std::array::from_fn(|at| (length >> (7 * at)) as u8 & 0x7f | if at < 4 { 0x80 } else { 0 })
}

/// A component that exports an empty interface of this name.
fn exporting(interface: &str) -> Vec<u8> {
    wat(&format!(
        r#"(component (component $c) (instance $i (instantiate $c))
           (export "{interface}" (instance $i)))"#
    ))
}

#[test]
fn what_is_not_webassembly() {
    refused(b"", &["connectors/odd.wasm"]);
    refused(b"#!/bin/sh\nrm -rf /\n", &["connectors/odd.wasm"]);
    refused(&[0; 100_000], &["connectors/odd.wasm"]);
}

#[test]
fn a_core_module() {
    refused(&wat("(module (func (export \"run\")))"), &["core module"]);
}

#[test]
fn a_component_of_another_world() {
    refused(&wat("(component)"), &["exports nothing", "hygge:connector/home@0.1.1"]);
    refused(&exporting("wasi:cli/run@0.2.0"), &["wasi:cli/run@0.2.0"]);
}

#[test]
fn a_component_of_another_contract() {
    refused(&exporting("hygge:connector/home@0.2.0"), &["contract 0.2.0", "speaks 0.1.1"]);
}

#[test]
fn one_that_is_a_home_by_name_alone() {
    let project = project(&exporting("hygge:connector/home@0.1.0"));
    project.hygge(&["go"]).fails_with(&["`odd`", "session.plan"]);
    assert_eq!(table::count(&project.path("lake/a")), 10, "the other flow goes on");
}

#[test]
fn one_that_imports_what_nobody_gives() {
    let home = exporting("hygge:connector/home@0.1.0");
    assert!(hygge_forge::world::exports(&home).is_ok(), "without the import it would be one");
    for import in ["env", "acme:keys/vault@1.0.0", "hygge:connector/root@0.1.0"] {
        let component = wat(&format!(
            r#"(component (import "{import}" (instance)) (component $c)
               (instance $i (instantiate $c))
               (export "hygge:connector/home@0.1.0" (instance $i)))"#
        ));
        refused(&component, &[import]);
    }
}

#[test]
fn one_that_imports_of_wasi_what_is_not_there() {
    let component =
        wat(r#"(component (import "wasi:http/outgoing-handler@0.3.0" (instance)) (component $c)
           (instance $i (instantiate $c)) (export "hygge:connector/home@0.1.0" (instance $i)))"#);
    let project = project(&component);
    project.hygge(&["go"]).fails_with(&["`odd`"]);
    assert_eq!(table::count(&project.path("lake/a")), 10, "the other flow goes on");
}

#[test]
fn a_connector_that_is_cut_short() {
    let whole = std::fs::read(guest::component("intruder")).unwrap();
    for part in [7, 8, 9, 100, whole.len() / 2, whole.len() - 1] {
        let project = project(&whole[..part]);
        project.hygge(&["go"]).fails_with(&["odd"]);
    }
}

#[test]
fn a_connector_that_is_too_large() {
    let mut large = std::fs::read(guest::component("intruder")).unwrap();
    // A section that nobody reads: `0`, its length in five digits, a name of no letters.
    let room = 65 << 20;
    large.push(0);
    large.extend(five_digits(room));
    large.resize(large.len() + room as usize, 0);
    refused(&large, &["odd", "larger than 64 MiB"]);
}

#[test]
fn components_within_components() {
    let mut nested = wat("(component)");
    for _ in 0..2_000 {
        let head = b"\0asm\x0d\0\x01\0\x04";
        nested = [&head[..], &five_digits(nested.len() as u32), &nested].concat();
    }
    refused(&nested, &["odd", "exports nothing"]);
}

#[test]
fn one_that_wants_threads() {
    let component = wat(r#"(component (core module (memory 1 1 shared)) (component $c)
           (instance $i (instantiate $c)) (export "hygge:connector/home@0.1.0" (instance $i)))"#);
    let project = project(&component);
    project.hygge(&["go"]).fails_with(&["`odd`", "threads"]);
    assert_eq!(table::count(&project.path("lake/a")), 10, "the other flow goes on");
}
