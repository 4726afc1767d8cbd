//! What no compiler would make of any language: pointers, tags and handles that are wrong.

use std::time::Duration;

use hygge_core::fault::{Fault, FaultKind};
use hygge_sandbox::Policy;

use crate::support::Guest;

/// Imports, and bytes at 12000 that are not UTF-8.
const FIELDS: &str = r#"
  (import "hygge:connector/host@0.1.1" "log"
    (func $log (param i32 i32 i32 i32 i32)))
  (import "[export]hygge:connector/home@0.1.1" "[resource-drop]session"
    (func $drop-session (param i32)))
  (data (i32.const 12000) "\ff\fe\fd")"#;

/// What is said of a guest whose `next` does this.
async fn said(next: &'static str) -> String {
    let guest = Guest { fields: FIELDS, next, ..Guest::default() };
    let (fault, help) = guest.run(Policy::default()).fails().await;
    assert!(help.contains("author"), "{fault}: {help}");
    let said = fault.to_string();
    assert!(said.contains("connector `shop`") && said.contains("`home.reader.next`"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_lie_outside_of_memory() {
    let out = said("(return (i32.const -8))").await;
    assert!(out.contains("larger than its memory"), "{out}");
    let odd = said("(return (i32.const 1025))").await;
    assert!(odd.contains("aligned"), "{odd}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_neither_one_thing_nor_the_other() {
    let said_of_result =
        said("(i32.store8 (i32.const 1024) (i32.const 7)) (return (i32.const 1024))");
    let said_of_result = said_of_result.await;
    assert!(said_of_result.contains("discriminant"), "{said_of_result}");
    let of_fault = said(
        "(i32.store8 (i32.const 1024) (i32.const 1))
         (i32.store8 (i32.const 1032) (i32.const 99))
         (return (i32.const 1024))",
    );
    let of_fault = of_fault.await;
    assert!(of_fault.contains("discriminant"), "{of_fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_whose_words_are_none() {
    let broken = said(
        "(i32.store8 (i32.const 1024) (i32.const 1))
         (i32.store (i32.const 1044) (i32.const 12000))
         (i32.store (i32.const 1048) (i32.const 3))
         (return (i32.const 1024))",
    );
    let broken = broken.await;
    assert!(broken.contains("utf-8"), "{broken}");
    let outside = said(
        "(i32.store8 (i32.const 1024) (i32.const 1))
         (i32.store (i32.const 1044) (i32.const 4096))
         (i32.store (i32.const 1048) (i32.const -1))
         (return (i32.const 1024))",
    );
    let outside = outside.await;
    assert!(outside.contains("larger than its memory"), "{outside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_to_the_host_with_pointers_into_nowhere() {
    for (call, word) in [
        ("(i32.const 2) (i32.const -16) (i32.const 64) (i32.const 0) (i32.const 0)", "larger than"),
        ("(i32.const 2) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0)", "larger than"),
        ("(i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)", "larger than"),
        ("(i32.const 2) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 1)", "aligned"),
        ("(i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)", "discriminant"),
        ("(i32.const 2) (i32.const 12000) (i32.const 3) (i32.const 0) (i32.const 0)", "utf-8"),
    ] {
        let text = said(Box::leak(format!("(call $log {call})").into_boxed_str())).await;
        assert!(text.contains(word), "{call}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_of_another_sort() {
    let text = said("(call $drop-session (call $reader (i32.const 1)))").await;
    assert!(text.contains("handle"), "{text}");
}

/// What becomes of a guest that has this among its fields, and 50 ms for each call.
async fn with(fields: &'static str) -> Fault {
    let guest = Guest { fields, ..Guest::default() };
    let policy = Policy { cpu: Duration::from_millis(50), ..Policy::default() };
    guest.run(policy).fails().await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_before_anything_is_asked() {
    let looped = with("(func $s (loop $l (br $l))) (start $s)").await;
    assert_eq!(looped.kind(), FaultKind::Resource);
    assert!(looped.to_string().contains("50ms in `start`"), "{looped}");
    let trapped = with("(func $s unreachable) (start $s)").await;
    assert!(trapped.to_string().contains("aborted (`unreachable`) in `start`"), "{trapped}");
    let tables = with("(table 900000 funcref) (table 900000 funcref)").await;
    assert!(tables.to_string().contains("larger tables"), "{tables}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_after_an_answer() {
    const POST: &str = "cabi_post_hygge:connector/home@0.1.1#[method]reader.next";
    let after = |what: &str| -> &'static str {
        Box::leak(format!("(func (export \"{POST}\") (param i32) {what})").into_boxed_str())
    };
    let trapped = with(after("unreachable")).await;
    assert!(trapped.to_string().contains("aborted"), "{trapped}");
    let looped = with(after("(loop $l (br $l))")).await;
    assert!(looped.to_string().contains("50ms in `home.reader.next`"), "{looped}");
}
