//! Reading through a connector.

use hygge_core::fault::FaultKind;
use hygge_sandbox::Policy;

use crate::support::{Guest, ROWS, Run, next};

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_every_split_is_read_once() {
    let rows = Some(4 * ROWS as u64);
    let guest = Guest { splits: vec![("a", rows), ("b", rows), ("c", rows)], ..Guest::default() };
    let run = guest.run(Policy::default());
    let finding = run.home().check().await.unwrap();
    assert!(finding.fault.is_none(), "{finding:?}");
    assert_eq!(finding.note, "abc");
    let mut ids = run.read().await.unwrap();
    ids.sort_unstable();
    let expected: Vec<i64> = (0..ROWS).flat_map(|id| [id; 12]).collect();
    assert_eq!(ids, expected);
    let reader = run.open(&run.context(), None).await.unwrap();
    assert_eq!(reader.rows_expected(), Some(36));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_splits_has_no_rows() {
    let guest = Guest { splits: Vec::new(), ..Guest::default() };
    assert_eq!(guest.run(Policy::default()).read().await.unwrap(), [0_i64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_every_state_exactly_the_rest_is_read() {
    let guest = Guest { splits: vec![("a", Some(12)), ("b", None)], ..Guest::default() };
    let run = guest.run(Policy { instances: Some(1), ..Policy::default() });
    let whole = run.read().await.unwrap().len();
    for taken in 0..=whole / ROWS as usize {
        let mut reader = run.open(&run.context(), None).await.unwrap();
        let mut rows = 0;
        for _ in 0..taken {
            rows += next(reader.as_mut()).await.unwrap().unwrap().len();
        }
        let state = reader.resume().expect("every chunk has a state");
        drop(reader);
        let mut rest = run.open(&run.context(), Some(state)).await.unwrap();
        while let Some(batch) = next(rest.as_mut()).await.unwrap() {
            rows += batch.len();
        }
        assert_eq!(rows, whole, "after {taken} chunks");
        assert!(rest.resume().is_some(), "at its end there is a state, too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_states_there_is_none_to_go_on_from_within_a_split() {
    let guest = Guest { states: false, ..Guest::default() };
    let run = guest.run(Policy::default());
    let mut reader = run.open(&run.context(), None).await.unwrap();
    assert!(reader.resume().is_some(), "nothing has been given out yet");
    next(reader.as_mut()).await.unwrap();
    assert!(reader.resume().is_none());
    while next(reader.as_mut()).await.unwrap().is_some() {}
    assert!(reader.resume().is_some(), "all has been given out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_none_is_refused() {
    let run = Guest::default().run(Policy::default());
    let state = Some(serde_json::json!({"rows": 7}));
    let refused = run.open(&run.context(), state).await;
    assert_eq!(refused.err().map(|fault| fault.kind()), Some(FaultKind::Missing));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_lie_are_found_out() {
    for (claim, gave) in [(11, "more than that"), (13, "gave 12")] {
        let guest = Guest { splits: vec![("all", Some(claim))], ..Guest::default() };
        let (fault, help) = guest.run(Policy::default()).fails().await;
        assert_eq!(fault.kind(), FaultKind::Data);
        let said = fault.to_string();
        for part in ["`shop`", "`all`", "`things`", &format!("has {claim} rows"), gave] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(help.contains("author"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_more_rows_than_there_are_numbers_is_refused() {
    let guest = Guest { splits: vec![("a", Some(u64::MAX)), ("b", Some(1))], ..Guest::default() };
    let (fault, _) = guest.run(Policy::default()).fails().await;
    assert_eq!(fault.kind(), FaultKind::Data);
    assert!(fault.to_string().contains("more rows than can be counted"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_splits_of_one_name_are_refused() {
    let guest = Guest { splits: vec![("a", None), ("a", None)], ..Guest::default() };
    let (fault, _) = guest.run(Policy::default()).fails().await;
    assert!(fault.to_string().contains("two splits named `a`"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_rows_are_refused() {
    let guest = Guest { batch: Some(vec![7; 100]), ..Guest::default() };
    let (fault, _) = guest.run(Policy::default()).fails().await;
    assert_eq!(fault.kind(), FaultKind::Data);
    assert!(fault.to_string().contains("connector `shop`, `things`"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_memory_is_given_back() {
    let guest = Guest { splits: vec![("a", None), ("b", None)], ..Guest::default() };
    let run = guest.run(Policy::default());
    let context = run.context();
    let mut reader = run.open(&context, None).await.unwrap();
    next(reader.as_mut()).await.unwrap();
    assert!(run.budget.used() > 0, "instances and chunks are charged");
    context.cancel.cancel();
    assert_eq!(next(reader.as_mut()).await.unwrap_err().kind(), FaultKind::Cancelled);
    drop(reader);
    // Instances end on threads of their own.
    while run.budget.used() > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_component_that_is_no_connector_is_refused_with_what_is_missing() {
    let sandbox = hygge_sandbox::Sandbox::default();
    let load = |bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        std::fs::write(&path, bytes).unwrap();
        let source = hygge_sandbox::Source::File(path);
        let fault = hygge_sandbox::Connector::load(&sandbox, "x", source, Policy::default());
        fault.unwrap_err()
    };
    let other = load(&wat::parse_str("(component)").unwrap());
    assert_eq!(other.kind(), FaultKind::Config);
    assert!(other.to_string().contains("hygge:connector/home@0.1.1"), "{other}");
    let module = load(&wat::parse_str("(module)").unwrap());
    assert!(module.to_string().contains("connector `x`"), "{module}");
    assert_eq!(load(b"nothing of the kind").kind(), FaultKind::Config);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connector_serves_many_tables_side_by_side() {
    let guest = Guest { splits: vec![("a", None), ("b", None)], ..Guest::default() };
    let run: std::sync::Arc<Run> = guest.run(Policy::default()).into();
    let reading = (0..20).map(|_| {
        let run = std::sync::Arc::clone(&run);
        tokio::spawn(async move { run.read().await.map(|rows| rows.len()) })
    });
    for read in reading.collect::<Vec<_>>() {
        assert_eq!(read.await.unwrap().unwrap(), 24);
    }
}
