//! Writing through a connector.

use std::sync::Arc;

use hygge_core::contract::{Batch, Context, LoadRequest, Mode, Territory, Writer};
use hygge_core::fault::FaultKind;
use hygge_forge::world::World;
use hygge_forge::wrap::wrap;
use hygge_sandbox::Policy;

use crate::support::{ROWS, Run, rows};

/// A Store that counts the streams it is given, three rows to each. Its checkpoint and its token
/// are that count; a sweep fails unless it is told to keep one of them.
///
/// Memory: results at 1024, the count at 2048, a message at 4096.
fn vault(write: &str) -> Vec<u8> {
    let text = r#"(module
  (import "[export]STORE" "[resource-new]session" (func $session (param i32) (result i32)))
  (import "[export]STORE" "[resource-new]writer" (func $writer (param i32) (result i32)))
  (memory (export "memory") 20)
  (data (i32.const 4096) "nothing is kept")
  (global $n (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get 3))))
  (func $ok (i32.store8 (i32.const 1024) (i32.const 0)))
  (func $count (result i64) (i64.extend_i32_u (i32.mul (global.get $n) (i32.const 3))))
  (func (export "STORE#[dtor]session") (param i32))
  (func (export "STORE#[dtor]writer") (param i32))
  (func (export "STORE#[static]session.open") (param i32 i32 i32 i32) (result i32)
    (call $ok)
    (i32.store (i32.const 1032) (call $session (i32.const 1)))
    (i32.const 1024))
  (func (export "STORE#[method]session.check") (param i32) (result i32)
    (call $ok)
    (i32.store (i32.const 1032) (i32.const 4096))
    (i32.store (i32.const 1036) (i32.const 7))
    (i32.const 1024))
  (func (export "STORE#[method]session.begin")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $ok)
    (i32.store (i32.const 1032) (call $writer (i32.const 1)))
    (i32.const 1024))
  (func (export "STORE#[method]session.resume")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (global.set $n (i32.load8_u (local.get 13)))
    (call $ok)
    (i32.store (i32.const 1032) (call $writer (i32.const 1)))
    (i32.const 1024))
  (func (export "STORE#[method]session.commit") (param i32 i32 i32) (result i32)
    (global.set $n (i32.load8_u (local.get 1)))
    (call $ok)
    (i64.store (i32.const 1032) (call $count))
    (i32.store8 (i32.const 1040) (i32.const 0))
    (i32.store8 (i32.const 1056) (i32.const 1))
    (i64.store (i32.const 1064) (i64.const 1))
    (i32.const 1024))
  (func (export "STORE#[method]session.sweep") (param i32 i32 i32 i32 i32) (result i32)
    (call $ok)
    (if (i32.eqz (local.get 4))
      (then
        (i32.store8 (i32.const 1024) (i32.const 1))
        (i32.store8 (i32.const 1032) (i32.const 2))
        (i32.store (i32.const 1040) (i32.const 0))
        (i32.store (i32.const 1044) (i32.const 4096))
        (i32.store (i32.const 1048) (i32.const 15))
        (i32.store8 (i32.const 1056) (i32.const 0))))
    (i32.const 1024))
  (func (export "STORE#[method]writer.write") (param i32 i32 i32) (result i32)
    WRITE
    (global.set $free (i32.const 65536))
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store8 (i32.const 2048) (global.get $n))
    (call $ok)
    (i32.const 1024))
  (func (export "STORE#[method]writer.checkpoint") (param i32) (result i32)
    (call $ok)
    (i32.store8 (i32.const 1032) (i32.const 1))
    (i32.store (i32.const 1036) (i32.const 2048))
    (i32.store (i32.const 1040) (i32.const 1))
    (i32.const 1024))
  (func (export "STORE#[method]writer.prepare") (param i32) (result i32)
    (call $ok)
    (i32.store (i32.const 1032) (i32.const 2048))
    (i32.store (i32.const 1036) (i32.const 1))
    (i64.store (i32.const 1040) (call $count))
    (i32.store8 (i32.const 1048) (i32.const 0))
    (i32.const 1024))
  (func (export "STORE#[method]writer.abort") (param i32)))"#
        .replace("STORE", "hygge:connector/store@0.1.1")
        .replace("WRITE", write);
    wrap(&wat::parse_str(&text).unwrap(), Some(World::Store)).unwrap()
}

fn load() -> LoadRequest {
    LoadRequest { schema: rows().schema(), mode: Mode::Append, follows: None }
}

async fn write(writer: &mut dyn Writer, context: &Context, times: usize) {
    for _ in 0..times {
        let permit = context.memory.acquire(24).await;
        writer.write(Batch { rows: rows(), permit }).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_stages_another_publishes() {
    let run = Run::of(&vault(""), Policy::default());
    let (store, context) = (run.store(), run.context());
    assert_eq!(store.check().await.unwrap().note, "nothing");
    let mut writer = store.begin(&load(), Arc::clone(&context)).await.unwrap();
    write(writer.as_mut(), &context, 4).await;
    let staged = writer.stage().await.unwrap();
    assert_eq!((staged.rows, staged.manifest.rows), (4 * ROWS as u64, 4 * ROWS as u64));
    for _ in 0..2 {
        let published = run.store().publish(&staged.manifest).await.unwrap();
        assert_eq!((published.rows, published.parts), (12, 1));
    }
    store.sweep(Some(&staged.manifest)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_goes_on_behind_its_checkpoint() {
    let run = Run::of(&vault(""), Policy::default());
    let (store, context) = (run.store(), run.context());
    let mut writer = store.begin(&load(), Arc::clone(&context)).await.unwrap();
    write(writer.as_mut(), &context, 2).await;
    let checkpoint = writer.checkpoint().await.unwrap().unwrap();
    assert_eq!(checkpoint.rows, 6);
    write(writer.as_mut(), &context, 5).await;
    drop(writer);
    run.store().sweep(Some(&checkpoint)).await.unwrap();
    let mut writer = run.store().resume(&load(), &checkpoint, Arc::clone(&context)).await.unwrap();
    write(writer.as_mut(), &context, 1).await;
    assert_eq!(writer.checkpoint().await.unwrap().unwrap().rows, 9);
    assert_eq!(writer.stage().await.unwrap().rows, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_connector_says_reaches_the_user() {
    let run = Run::of(&vault(""), Policy::default());
    let fault = run.store().sweep(None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Missing);
    assert_eq!(fault.to_string(), "connector `shop`: nothing is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_trap_nothing_is_asked_any_more() {
    let run = Run::of(&vault("unreachable"), Policy::default());
    let context = run.context();
    let mut writer = run.store().begin(&load(), Arc::clone(&context)).await.unwrap();
    let permit = context.memory.acquire(24).await;
    let fault = writer.write(Batch { rows: rows(), permit }).await.unwrap_err();
    assert!(fault.to_string().contains("`store.writer.write`"), "{fault}");
    let fault = writer.checkpoint().await.unwrap_err();
    assert!(fault.to_string().contains("after its end"), "{fault}");
    writer.abort().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_dropped_within_a_call_ends_its_instance() {
    let run = Run::of(&vault("(loop $l (br $l))"), Policy::default());
    let context = run.context();
    let mut writer = run.store().begin(&load(), Arc::clone(&context)).await.unwrap();
    let permit = context.memory.acquire(24).await;
    let writing = tokio::spawn(async move {
        let _ = writer.write(Batch { rows: rows(), permit }).await;
    });
    tokio::task::yield_now().await;
    writing.abort();
    while run.budget.used() > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn two_tables_in_one_place_are_two_territories() {
    let run = Run::of(&vault(""), Policy::default());
    let territory = run.store().territory();
    assert_eq!(territory, run.store().territory());
    assert!(matches!(territory, Territory::Name(name) if name.contains(":things:")));
}
