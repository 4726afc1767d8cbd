//! A program that compiles connectors in a process of its own: itself.
//!
//! Without the usual harness, which would not know the argument that such a child is started with.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test, though without the harness")]

use std::process::ExitCode;

use hygge_forge::Digest;
use hygge_sandbox::cache::Cache;
use hygge_sandbox::compile::child_main;
use hygge_sandbox::engine::engine;
use wasmtime::Engine;

fn main() -> ExitCode {
    if let Some(code) = child_main(std::env::args_os(), engine) {
        return code;
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(Some(folder.path().join("cache")));
    let text = "(component (core module (func (export \"f\") (result i32) i32.const 7)))";
    let component = wat::parse_str(text).unwrap();
    let digest = Digest::of(&component);
    cache.component(&engine().unwrap(), &component, &digest, "x").unwrap();
    assert_eq!(cache.take_notes(), [""; 0]);

    // Code for the child's settings, not for those asked for: it was the child that compiled.
    let other = Engine::default();
    let Err(fault) = cache.component(&other, &component, &digest, "x") else {
        panic!("this process compiled it");
    };
    assert!(fault.to_string().contains("cannot be loaded"), "{fault}");

    let broken = [&component[..], &[0xff]].concat();
    let fault = cache.component(&engine().unwrap(), &broken, &Digest::of(&broken), "x");
    let Err(fault) = fault else { panic!("a broken component was compiled") };
    assert!(fault.to_string().starts_with("x: cannot be compiled: "), "{fault}");

    println!("a child compiles what its parent asks for: ok");
    ExitCode::SUCCESS
}
