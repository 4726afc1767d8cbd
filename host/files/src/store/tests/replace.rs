//! A table that is replaced: all of it at once, and nothing of anybody else's.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[tokio::test]
async fn a_second_run_replaces_the_first_and_leaves_nothing_behind() {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("batch_size", Value::Int(2))]));
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1, 2, 3, 4, 5])]).await;
    project.load(store.as_ref(), "b", Mode::Replace, &[rows(&[6])]).await;
    assert_eq!(ids(&project.table()), [(number(1), vec![6])]);
    assert_eq!(project.everything(), [format!("out/orders/{}", number(1))]);
}

#[tokio::test]
async fn what_is_not_data_is_kept() {
    let project = Project::new();
    let table = project.table();
    fs::create_dir_all(table.join(".hygge_journal")).unwrap();
    fs::create_dir_all(table.join("sub")).unwrap();
    fs::create_dir_all(table.join("old")).unwrap();
    for name in
        [".hygge_journal/journal.parquet", "README.md", "sub/note.txt", "a.parquet", "b.csv.gz"]
    {
        fs::write(table.join(name), name).unwrap();
    }
    fs::write(table.join("sub/part.parquet"), "old").unwrap();
    fs::write(table.join("old/part.ndjson"), "old").unwrap();
    let inode = fs::metadata(table.join("README.md")).unwrap().ino();
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    assert_eq!(
        project.everything(),
        [
            "out/orders/.hygge_journal/journal.parquet".to_owned(),
            format!("out/orders/{}", number(1)),
            "out/orders/README.md".to_owned(),
            "out/orders/sub/note.txt".to_owned(),
        ]
    );
    assert_eq!(fs::metadata(table.join("README.md")).unwrap().ino(), inode, "the same file");
}

#[tokio::test]
async fn the_folder_keeps_its_permissions() {
    let project = Project::new();
    fs::create_dir_all(project.table()).unwrap();
    fs::set_permissions(project.table(), fs::Permissions::from_mode(0o2750)).unwrap();
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    assert_eq!(fs::metadata(project.table()).unwrap().mode() & 0o7777, 0o2750);
}

#[tokio::test]
async fn nothing_changes_before_publication() {
    let project = Project { durability: Durability::Disk, ..Project::new() };
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    let manifest = project.manifest(store.as_ref(), "b", Mode::Replace, &[2, 3]).await;
    assert_eq!(ids(&project.table()), [(number(1), vec![1])]);
    assert_eq!(manifest.rows, 2);
    let published = store.publish(&manifest).await.unwrap();
    assert_eq!((published.rows, published.parts), (2, 1));
    assert_eq!(ids(&project.table()), [(number(1), vec![2, 3])]);
}

#[tokio::test]
async fn an_aborted_load_leaves_nothing() {
    let project = Project::new();
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    let schema = rows(&[]).schema();
    let mut writer = project.begin(store.as_ref(), "b", Mode::Replace, schema).await.unwrap();
    let permit = project.share.acquire(1).await;
    writer.write(Batch { rows: rows(&[2]), permit }).await.unwrap();
    writer.abort().await;
    assert_eq!(project.everything(), [format!("out/orders/{}", number(1))]);
    assert_eq!(project.budget.used(), 0);
}

#[tokio::test]
async fn a_cancelled_load_says_so() {
    let project = Project::new();
    let context = project.context("a");
    let request = LoadRequest { schema: rows(&[]).schema(), mode: Mode::Replace, follows: None };
    let mut writer = project.parquet().begin(&request, Arc::clone(&context)).await.unwrap();
    context.cancel.cancel();
    let permit = project.share.acquire(1).await;
    let fault = writer.write(Batch { rows: rows(&[2]), permit }).await.unwrap_err();
    assert_eq!(fault.kind(), hygge_core::fault::FaultKind::Cancelled);
}

#[tokio::test]
async fn a_reader_never_sees_a_part() {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("batch_size", Value::Int(1))]));
    project.load(store.as_ref(), "0", Mode::Replace, &[rows(&[0, 0, 0])]).await;
    let table = project.table();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut seen = 0;
            while !stop.load(Ordering::Relaxed) {
                // One look at the folder, as any reader begins. When another folder has taken its
                // place meanwhile, what was seen is an old table that is being removed.
                let folder = || fs::metadata(&table).unwrap().ino();
                let before = folder();
                let files = fs::read_dir(&table)
                    .unwrap()
                    .flatten()
                    .filter(|entry| entry.file_name().to_string_lossy().ends_with(".parquet"));
                let count = files.count();
                if folder() == before {
                    assert!(count == 3 || count == 5, "{count} files");
                    seen += 1;
                }
            }
            seen
        }
    });
    for round in 0..15 {
        let ids = if round % 2 == 0 { vec![1; 5] } else { vec![2; 3] };
        let manifest =
            project.manifest(store.as_ref(), &round.to_string(), Mode::Replace, &ids).await;
        store.publish(&manifest).await.unwrap();
        // The old folder stays until a reader that has it open had time to finish.
        store.sweep(Some(&manifest)).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 0);
}
