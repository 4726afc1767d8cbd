//! Where loads that were cut short may go on.

use serde_json::json;

use super::*;

fn checkpoint(entity: &str, rows: u64) -> Checkpoint {
    let run = success(entity, 1);
    Checkpoint {
        flow: "sales".to_owned(),
        entity: entity.to_owned(),
        coordinator_run_id: run.ids.coordinator.clone(),
        fingerprint: "f".to_owned(),
        columns: "c".to_owned(),
        rows,
        manifest: Manifest { rows, ..pending(&run).manifest },
        reader: json!({ "splits": [{ "id": "a", "state": null, "rows": rows }] }),
        tracker: Some(crate::watermark::Snapshot::default()),
    }
}

#[tokio::test]
async fn the_last_checkpoint_of_each_entity_survives_its_process() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    for (entity, rows) in [("users", 10), ("orders", 5), ("users", 20)] {
        journal.checkpoint(checkpoint(entity, rows)).await.unwrap();
    }
    assert_eq!(journal.checkpoint_of(&name("users")), Some(checkpoint("users", 20)));
    // Folding leaves them where they are, and nothing of the one that was superseded.
    journal.finished(success("late", 3), None, None).await.unwrap();
    journal.fold().await.unwrap();
    drop(journal);
    assert_eq!(fs::read_to_string(log(root.path())).unwrap().lines().count(), 2);
    let journal = open(root.path());
    assert_eq!(journal.checkpoint_of(&name("users")), Some(checkpoint("users", 20)));
    assert_eq!(journal.checkpoint_of(&name("orders")), Some(checkpoint("orders", 5)));
    assert_eq!(journal.checkpoint_of(&name("late")), None);
    let reader = Journal::read_only(root.path()).unwrap();
    assert_eq!(reader.checkpoint_of(&name("orders")), Some(checkpoint("orders", 5)));
    assert!(matches!(
        reader.drop_checkpoint(&name("orders"), "no").await,
        Err(JournalError::ReadOnly)
    ));
}

#[tokio::test]
async fn a_load_that_comes_to_its_end_needs_none() {
    let root = tempfile::tempdir().unwrap();
    let of = |entity: &str| open(root.path()).checkpoint_of(&name(entity));
    {
        let journal = open(root.path());
        for entity in ["staged", "succeeded", "failed", "dropped"] {
            journal.checkpoint(checkpoint(entity, 7)).await.unwrap();
        }
        journal.staged(pending(&success("staged", 1)), None).await.unwrap();
        journal.finished(success("succeeded", 2), None, None).await.unwrap();
        let failed = EntityRun { status: Status::Fail, ..success("failed", 3) };
        journal.finished(failed, None, None).await.unwrap();
        journal.drop_checkpoint(&name("dropped"), "it was doubted").await.unwrap();
        journal.drop_checkpoint(&name("nobody"), "there is none").await.unwrap();
    }
    assert_eq!(of("staged"), None);
    assert_eq!(of("succeeded"), None);
    assert_eq!(of("failed"), Some(checkpoint("failed", 7)));
    assert_eq!(of("dropped"), None);
    // Another load of an entity may begin after a success that is still in the log.
    open(root.path()).checkpoint(checkpoint("succeeded", 9)).await.unwrap();
    assert_eq!(of("succeeded"), Some(checkpoint("succeeded", 9)));
}

#[tokio::test]
async fn a_torn_checkpoint_leaves_the_one_before() {
    let root = tempfile::tempdir().unwrap();
    {
        let journal = open(root.path());
        journal.checkpoint(checkpoint("users", 10)).await.unwrap();
        journal.checkpoint(checkpoint("users", 20)).await.unwrap();
    }
    let whole = fs::read(log(root.path())).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in first..whole.len() {
        let live = log::Scan::parse(&whole[..length]).ok().unwrap().live;
        assert_eq!(live.checkpoint("sales", "users"), Some(&checkpoint("users", 10)), "{length}");
    }
    fs::write(log(root.path()), &whole[..whole.len() - 5]).unwrap();
    let journal = open(root.path());
    assert_eq!(journal.checkpoint_of(&name("users")), Some(checkpoint("users", 10)));
    journal.checkpoint(checkpoint("users", 30)).await.unwrap();
    drop(journal);
    let journal = open(root.path());
    assert_eq!(journal.checkpoint_of(&name("users")), Some(checkpoint("users", 30)));
}

#[tokio::test]
async fn a_log_of_many_checkpoints_stays_short() {
    let root = tempfile::tempdir().unwrap();
    let journal = Journal::open(root.path(), "hygge go", Durability::Process).unwrap();
    journal.staged(pending(&success("other", 1)), None).await.unwrap();
    let mut large = checkpoint("users", 0);
    large.reader = json!("x".repeat(100_000));
    for rows in 1..=200 {
        large.rows = rows;
        journal.checkpoint(large.clone()).await.unwrap();
    }
    let length = fs::metadata(log(root.path())).unwrap().len();
    assert!(length < 5_000_000, "{length} bytes after 20 MB of checkpoints");
    drop(journal);
    let journal = open(root.path());
    assert_eq!(journal.checkpoint_of(&name("users")), Some(large));
    assert_eq!(journal.pending().unwrap(), [pending(&success("other", 1))]);
}

#[test]
fn a_log_from_before_there_were_checkpoints_is_read() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(".hygge")).unwrap();
    let body = r#"{"kind":"discarded","entity_run_id":"r","reason":"gone"}"#;
    let sum = record::hashed(&[body]);
    let line = format!("{{\"sum\":\"{}\",\"record\":{body}}}\n", &sum[..16]);
    fs::write(log(root.path()), &line).unwrap();
    let journal = open(root.path());
    assert_eq!(journal.warnings(), [] as [&str; 0]);
    assert_eq!(journal.checkpoint_of(&name("users")), None);
}
