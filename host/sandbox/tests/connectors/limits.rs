//! What happens to a connector that wants more than it may have.

use std::time::Duration;

use hygge_core::fault::FaultKind;
use hygge_sandbox::Policy;

use crate::support::{Guest, next};

/// A guest whose `next` begins with this.
fn nasty(next: &'static str) -> Guest {
    Guest { next, ..Guest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_ends_with_its_cpu_time() {
    let policy = Policy { cpu: Duration::from_millis(50), ..Policy::default() };
    let (fault, help) = nasty("(loop $l (br $l))").run(policy).fails().await;
    assert_eq!(fault.kind(), FaultKind::Resource);
    let said = fault.to_string();
    assert!(said.contains("`shop`") && said.contains("`home.reader.next`"), "{said}");
    assert!(said.contains("50ms"), "{said}");
    assert!(help.contains("`cpu` of `shop`"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_is_cancelled_and_holds_up_nobody() {
    let run = nasty("(loop $l (br $l))").run(Policy::default());
    let context = run.context();
    let mut reader = run.open(&context, None).await.unwrap();
    let looping = tokio::spawn(async move { next(reader.as_mut()).await });
    // Twice as many loops as there are threads, and another guest still gets its turn.
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut loops = Vec::new();
    for _ in 0..2 * cores {
        loops.push(run.open(&context, None).await.unwrap());
    }
    assert_eq!(Guest::default().run(Policy::default()).read().await.unwrap().len(), 12);
    context.cancel.cancel();
    let ended = looping.await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), FaultKind::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_ends_where_the_policy_says() {
    let grow = "(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))";
    let policy = Policy { memory: 8_000_000, ..Policy::default() };
    let run = nasty(grow).run(policy);
    let (fault, help) = run.fails().await;
    assert_eq!(fault.kind(), FaultKind::Resource);
    assert!(fault.to_string().contains("asked for more than its 8 MB of memory"), "{fault}");
    assert!(help.contains("`memory` of `shop`"), "{help}");
    while run.budget.used() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_starts_with_too_much_does_not_start() {
    let policy = Policy { memory: 100_000, ..Policy::default() };
    let (fault, _) = Guest::default().run(policy).fails().await;
    assert_eq!(fault.kind(), FaultKind::Resource);
    assert!(fault.to_string().contains("`start`"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_end_somewhere() {
    let guest = Guest {
        fields: "(table $t 1 funcref)",
        next: "(if (i32.eq (table.grow $t (ref.null func) (i32.const 100000000)) (i32.const -1))
                 (then unreachable))",
        ..Guest::default()
    };
    let (fault, _) = guest.run(Policy::default()).fails().await;
    assert!(fault.to_string().contains("tables"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_recursion_is_a_fault() {
    let guest = Guest {
        fields: "(func $deep (param i64) (result i64)
                   (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))",
        next: "(drop (call $deep (i64.const 0)))",
        ..Guest::default()
    };
    let (fault, _) = guest.run(Policy::default()).fails().await;
    assert_eq!(fault.kind(), FaultKind::Bug);
    assert!(fault.to_string().contains("stack overflow"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_names_where_it_happened() {
    let (fault, help) = nasty("unreachable").run(Policy::default()).fails().await;
    assert_eq!(fault.kind(), FaultKind::Bug);
    assert_eq!(fault.to_string(), "connector `shop` aborted (`unreachable`) in `home.reader.next`");
    assert!(help.contains("author"), "{help}");
    let guest = Guest { open: "unreachable", ..Guest::default() };
    let run = guest.run(Policy::default());
    assert!(run.fails().await.0.to_string().contains("`home.session.open`"));
    let finding = run.home().check().await.unwrap();
    assert!(finding.fault.is_some_and(|fault| fault.to_string().contains("`shop`")));
}

/// Answers with a chunk at `at` of `len` bytes.
macro_rules! chunk {
    ($at:literal, $len:literal) => {
        concat!(
            "(i32.store8 (i32.const 1032) (i32.const 1))
             (i32.store8 (i32.const 1036) (i32.const 0))
             (i32.store (i32.const 1040) (i32.const ",
            $at,
            "))
             (i32.store (i32.const 1044) (i32.const ",
            $len,
            "))
             (return (i32.const 1024))"
        )
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_larger_than_memory_is_refused() {
    let (fault, _) = nasty(chunk!("0", "-1")).run(Policy::default()).fails().await;
    assert!(fault.to_string().contains("larger than its memory"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_larger_than_the_boundary_lets_through_is_refused() {
    let large = concat!("(drop (memory.grow (i32.const 2000)))", chunk!("0", "100000000"));
    let (fault, _) = nasty(large).run(Policy::default()).fails().await;
    assert_eq!(fault.kind(), FaultKind::Data);
    assert!(fault.to_string().contains("more than 64 MiB at once"), "{fault}");
}

const HOST: &str = r#"
  (import "hygge:connector/host@0.1.1" "log"
    (func $log (param i32 i32 i32 i32 i32)))
  (import "hygge:connector/host@0.1.1" "sleep" (func $sleep (param i64 i32)))"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_waits_for_ever_is_given_up() {
    let guest = Guest {
        fields: HOST,
        next: "(call $sleep (i64.const -1) (i32.const 1100))",
        ..Guest::default()
    };
    let policy = Policy { idle: Duration::from_millis(50), ..Policy::default() };
    let (fault, help) = guest.run(policy).fails().await;
    assert_eq!(fault.kind(), FaultKind::Resource);
    assert!(fault.to_string().contains("no progress"), "{fault}");
    assert!(help.contains("`idle` of `shop`"), "{help}");

    let policy = Policy { timeout: Some(Duration::from_millis(50)), ..Policy::default() };
    let (fault, help) = guest.run(policy).fails().await;
    assert!(fault.to_string().contains("50ms"), "{fault}");
    assert!(help.contains("`timeout` of `shop`"), "{help}");

    let run = guest.run(Policy::default());
    let context = run.context();
    let mut reader = run.open(&context, None).await.unwrap();
    let waiting = tokio::spawn(async move { next(reader.as_mut()).await });
    context.cancel.cancel();
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), FaultKind::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_beyond_the_share_are_counted() {
    let guest = Guest {
        fields: HOST,
        next: "(local $i i32)
               (loop $l
                 (call $log (i32.const 2) (i32.const 8192) (i32.const 3) (i32.const 0) (i32.const 0))
                 (local.set $i (i32.add (local.get $i) (i32.const 1)))
                 (br_if $l (i32.lt_u (local.get $i) (i32.const 100000))))",
        splits: vec![("abc", None)],
        chunks: 1,
        ..Guest::default()
    };
    let run = guest.run(Policy { log: 3500, ..Policy::default() });
    assert_eq!(run.read().await.unwrap().len(), 3);
    // The last word comes with the end of the instances, on threads of their own.
    while !run.told().iter().any(|line| line.contains("not kept")) {
        tokio::task::yield_now().await;
    }
    let told = run.told();
    assert_eq!(told.iter().filter(|line| *line == "shop: abc").count(), 100);
    assert!(told.iter().any(|line| line.contains("199900 more log lines")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_are_counted() {
    let guest = Guest {
        next: "(loop $l (drop (call $session (i32.const 1))) (br $l))",
        ..Guest::default()
    };
    let (fault, help) = guest.run(Policy { handles: 20, ..Policy::default() }).fails().await;
    assert_eq!(fault.kind(), FaultKind::Resource);
    assert!(fault.to_string().contains("more than 20 handles"), "{fault}");
    assert!(help.contains("`handles` of `shop`"), "{help}");
}
