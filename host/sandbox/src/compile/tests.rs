use std::process::Command;
use std::time::Duration;

use wasmtime::Engine;

use super::child::run;
use super::{Failed, LARGEST, compile};

fn refused(bytes: &[u8]) -> String {
    let fault = compile(&Engine::default(), bytes, "connector `shop`").unwrap_err();
    assert!(fault.help().is_some());
    fault.to_string()
}

#[test]
fn what_is_no_component_is_called_what_it_is() {
    let module = wat::parse_str("(module)").unwrap();
    let component = wat::parse_str("(component)").unwrap();
    for (bytes, said) in [
        (&b""[..], "is an empty file"),
        (b"#!/bin/sh", "is not WebAssembly"),
        (b"  (component)", "is the text form of WebAssembly"),
        (&module, "is a core module, not a component: `hygge connector build` wraps it into one"),
        (b"\0asm\x0e\0\x01\0", "of a version that is not known here"),
        (&component[..6], "cut short"),
        (&[&component[..], &[0xff]].concat(), "cannot be compiled"),
    ] {
        let message = refused(bytes);
        assert!(message.starts_with("connector `shop`: "), "{message}");
        assert!(message.contains(said), "{message}");
    }
    let large = [&component[..], &vec![0; LARGEST]].concat();
    assert!(refused(&large).contains("has 65 MiB: at most 64 MiB are taken"));
    assert!(compile(&Engine::default(), &component, "x").is_ok());
}

#[test]
fn a_component_that_is_cut_short_anywhere_is_refused() {
    let text = "(component (core module (func (export \"f\") (result i32) i32.const 7)))";
    let component = wat::parse_str(text).unwrap();
    let whole = compile(&Engine::default(), &component, "x");
    assert!(whole.is_ok());
    // After its head it is a component, if an empty one.
    for length in (0..8).chain(9..component.len()) {
        refused(&component[..length]);
    }
}

fn shell(script: &str, longest: Duration) -> Result<Vec<u8>, Failed> {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    // More than a pipe holds: nobody waits for the other.
    run(command, &vec![b'x'; 1 << 20], longest)
}

const AN_HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_child_is_heard_however_it_ends() {
    assert_eq!(shell("cat", AN_HOUR).unwrap().len(), 1 << 20);
    assert_eq!(shell("printf code", AN_HOUR).unwrap(), b"code");
    let said = |script| format!("{:?}", shell(script, AN_HOUR).unwrap_err());
    assert_eq!(said("printf 'it is\nbad' >&2; exit 3"), "Unfit(\"it is bad\")");
    assert!(said("cat > /dev/null; kill -XCPU $$").contains("CPU time"));
    assert!(said("echo memory allocation of 9 bytes failed >&2; kill -ABRT $$").contains("4 GiB"));
    assert!(said("kill -KILL $$").contains("signal: 9"));
    assert!(said("yes | head -c 100000 >&2; exit 1").contains("could not be compiled: y y"));
}

#[test]
fn a_child_that_does_not_end_is_ended() {
    let failed = shell("exec sleep 100000", Duration::from_millis(50)).unwrap_err();
    assert!(matches!(failed, Failed::Bounds(why) if why.contains("takes longer than")));
    let missing = run(Command::new("/no/such/program"), &[], AN_HOUR).unwrap_err();
    assert!(matches!(missing, Failed::Machine("start", _)));
}
