//! The journal as a whole, in the states that crashes and other tools leave it in.

mod checkpoints;
mod crash;
mod file;
mod locked;
mod watermarks;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::*;
use crate::contract::Mode;
use crate::project::plan::RunType;
use crate::watermark::{Watermark, WatermarkSpec};

fn name(entity: &str) -> EntityName {
    EntityName { flow: "sales".into(), entity: entity.into() }
}

fn spec() -> WatermarkSpec {
    WatermarkSpec { primary_key: "id".to_owned(), column: "changed".to_owned() }
}

/// A success of `entity` that ended in second `second` of the year, with the watermark `second`.
fn success(entity: &str, second: i64) -> EntityRun {
    let start = Timestamp::from_second(1_767_225_600 + second - 1).unwrap();
    let name = name(entity);
    let ids = run_ids(&name, start, start, start);
    let mut run = EntityRun::begin(name, ids, start, RunType::Incremental, Some(spec()));
    run.finish_at(Timestamp::from_second(1_767_225_600 + second).unwrap(), Status::Success);
    run.rows = second as u64;
    run.watermark = Some(Watermark::Int(second));
    run
}

fn pending(run: &EntityRun) -> Pending {
    Pending {
        journal: None,
        run: run.clone(),
        manifest: Manifest {
            entity_run_id: run.ids.entity.clone(),
            mode: Mode::Append,
            rows: run.rows,
            staging: "data/.staging".to_owned(),
            detail: serde_json::json!({ "files": ["a", "b"], "z": 1, "a": null }),
        },
        store: "data".to_owned(),
    }
}

fn keys(count: u8) -> KeySet {
    KeySet { hashes: (0..count).map(|byte| [byte; 16]).collect() }
}

fn open(root: &Path) -> Journal {
    Journal::open(root, "hygge go", Durability::Disk).unwrap()
}

async fn history(journal: &Journal, folders: &[PathBuf]) -> Vec<EntityRun> {
    journal.history(HistoryFilter::default(), folders.to_vec()).await.unwrap()
}

fn log(root: &Path) -> PathBuf {
    root.join(".hygge/log.ndjson")
}

/// The rows in a journal file.
fn rows(folder: &Path) -> Vec<EntityRun> {
    let mut runs = Vec::new();
    table::read(folder, |row| {
        runs.push(EntityRun::try_from(row)?);
        Ok(())
    })
    .unwrap();
    runs
}

#[tokio::test]
async fn runs_are_in_the_log_at_once_and_in_the_file_after_folding() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("data/.hygge_journal");
    let journal = open(root.path());
    let (users, orders) = (success("users", 10), success("orders", 11));
    journal.finished(users.clone(), Some(&folder), None).await.unwrap();
    journal.finished(orders.clone(), None, None).await.unwrap();
    assert_eq!(rows(&folder), []);
    assert_eq!(history(&journal, &[]).await, [users.clone(), orders.clone()]);
    journal.fold().await.unwrap();
    assert_eq!(rows(&folder), std::slice::from_ref(&users));
    assert_eq!(rows(&root.path().join(".hygge/journal")), std::slice::from_ref(&orders));
    assert_eq!(fs::read(log(root.path())).unwrap(), b"");
    assert_eq!(history(&journal, &[folder]).await, [users, orders.clone()]);
    // Nobody named the folder, and the log has nothing of it any more.
    assert_eq!(history(&journal, &[]).await, [orders]);
}

#[tokio::test]
async fn history_is_filtered_to_the_newest() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    for second in [5, 3, 9] {
        journal.finished(success("users", second), None, None).await.unwrap();
        journal.fold().await.unwrap();
    }
    journal.finished(success("orders", 4), None, None).await.unwrap();
    let filter = |entity: Option<&str>, last| HistoryFilter {
        flow: Some("sales".to_owned()),
        entity: entity.map(str::to_owned),
        last,
    };
    let of = |filter| async {
        let runs = journal.history(filter, Vec::new()).await.unwrap();
        runs.into_iter().map(|run| run.rows).collect::<Vec<_>>()
    };
    // The run of second 3 came after that of second 5: its end was moved behind it.
    assert_eq!(of(filter(None, None)).await, [4, 5, 3, 9]);
    assert_eq!(of(filter(Some("users"), Some(2))).await, [3, 9]);
    assert_eq!(of(filter(Some("orders"), Some(0))).await, [0_u64; 0]);
    let other = HistoryFilter { flow: Some("other".to_owned()), ..HistoryFilter::default() };
    assert_eq!(of(other).await, [0_u64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_that_end_together_are_all_recorded() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    let all: Vec<_> = (0..64)
        .map(|index| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let run = success(&format!("e{index}"), 100 + index);
                journal.staged(pending(&run), Some(keys(2))).await?;
                journal.finished(run, None, None).await?;
                if index % 16 == 0 { journal.fold().await } else { Ok(()) }
            })
        })
        .collect();
    for task in all {
        task.await.unwrap().unwrap();
    }
    assert_eq!(journal.pending().unwrap(), []);
    assert_eq!(history(&journal, &[]).await.len(), 64);
    drop(journal);
    let journal = open(root.path());
    assert_eq!(history(&journal, &[]).await.len(), 64);
    let last = journal.last_success(&name("e63"), None).await.unwrap().unwrap();
    assert_eq!(last.boundary, Some(keys(2)));
}

#[tokio::test]
async fn reading_creates_nothing_and_waits_for_nobody() {
    let root = tempfile::tempdir().unwrap();
    let reader = Journal::read_only(root.path()).unwrap();
    assert_eq!(history(&reader, &[root.path().join("nowhere")]).await, []);
    assert_eq!(reader.last_success(&name("users"), None).await.unwrap(), None);
    assert_eq!(reader.pending().unwrap(), []);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);

    let writer = open(root.path());
    writer.staged(pending(&success("orders", 2)), None).await.unwrap();
    writer.finished(success("users", 1), None, Some(keys(1))).await.unwrap();
    let reader = Journal::read_only(root.path()).unwrap();
    let last = reader.last_success(&name("users"), None).await.unwrap().unwrap();
    assert_eq!((last.run, last.boundary), (success("users", 1), Some(keys(1))));
    assert_eq!(reader.pending().unwrap().len(), 1);
    let before = fs::read(log(root.path())).unwrap();
    let error = reader.finished(success("users", 2), None, Some(keys(9))).await.unwrap_err();
    assert!(matches!(error, JournalError::ReadOnly));
    assert!(matches!(reader.fold().await, Err(JournalError::ReadOnly)));
    assert_eq!(fs::read(log(root.path())).unwrap(), before);
}

#[test]
fn a_place_that_cannot_be_written_is_named_with_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(".hygge"), "a file, not a folder").unwrap();
    let error = Journal::open(root.path(), "hygge go", Durability::Disk).unwrap_err();
    assert!(error.to_string().contains(".hygge"), "{error}");
    let fault = crate::fault::Fault::from(error);
    assert!(fault.help().unwrap().contains("the folder `.hygge` of the project"));
}

#[test]
fn a_full_disk_is_told_as_such() {
    let error = JournalError::io("write", Path::new("/p/.hygge/log.ndjson"))(
        std::io::ErrorKind::StorageFull.into(),
    );
    let fault = crate::fault::Fault::from(error);
    assert_eq!(fault.kind(), crate::fault::FaultKind::Resource);
    assert_eq!(fault.to_string(), "cannot write /p/.hygge/log.ndjson");
    assert!(fault.help().unwrap().starts_with("make room on the disk"));
    assert!(fault.chain().contains("no storage space"), "{}", fault.chain());
}
