//! States that a crash leaves on the disk.

use super::*;

#[tokio::test]
async fn a_log_torn_at_any_byte_keeps_every_whole_record() {
    let made = tempfile::tempdir().unwrap();
    let (first, second) = (success("users", 1), success("orders", 2));
    {
        let journal = open(made.path());
        journal.staged(pending(&first), None).await.unwrap();
        journal.finished(first.clone(), None, None).await.unwrap();
        journal.staged(pending(&second), None).await.unwrap();
    }
    let whole = fs::read(log(made.path())).unwrap();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|it| it.0).collect();
    assert_eq!(ends.len(), 3);
    for length in 0..=whole.len() {
        let records = ends.iter().filter(|end| **end < length).count();
        let live = log::Scan::parse(&whole[..length]).ok().unwrap().live;
        assert_eq!(live.pending.len(), records % 2, "at {length}");
        assert_eq!(live.finished.len(), usize::from(records >= 2), "at {length}");

        // Opening takes its time: around the ends of lines, and now and then between.
        if length % 101 != 0 && ends.iter().all(|end| end.abs_diff(length) > 2) {
            continue;
        }
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".hygge")).unwrap();
        fs::write(log(root.path()), &whole[..length]).unwrap();
        let expected_pending = match records {
            1 => vec![pending(&first)],
            3 => vec![pending(&second)],
            _ => vec![],
        };
        let expected_runs = if records >= 2 { vec![first.clone()] } else { vec![] };
        let open = || Journal::open(root.path(), "hygge go", Durability::Process).unwrap();
        let journal = open();
        assert_eq!(journal.warnings(), [] as [&str; 0], "at {length}");
        assert_eq!(journal.pending().unwrap(), expected_pending, "at {length}");
        assert_eq!(history(&journal, &[]).await, expected_runs, "at {length}");
        // What comes next is not glued to the torn end.
        journal.finished(success("next", 9), None, None).await.unwrap();
        drop(journal);
        let journal = open();
        assert_eq!(journal.pending().unwrap(), expected_pending, "at {length}");
        assert_eq!(history(&journal, &[]).await.len(), expected_runs.len() + 1, "at {length}");
    }
}

#[tokio::test]
async fn a_damaged_line_before_whole_ones_is_left_out_and_told() {
    let root = tempfile::tempdir().unwrap();
    {
        let journal = open(root.path());
        for second in 1..4 {
            journal.finished(success(&format!("e{second}"), second), None, None).await.unwrap();
        }
    }
    let mut bytes = fs::read(log(root.path())).unwrap();
    let second_line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 60;
    bytes[second_line] ^= 1;
    fs::write(log(root.path()), &bytes).unwrap();
    let journal = open(root.path());
    assert!(journal.warnings()[0].starts_with("1 of the lines of"), "{:?}", journal.warnings());
    assert_eq!(fs::read(root.path().join(".hygge/log.damaged.ndjson")).unwrap(), bytes);
    let rows: Vec<u64> = history(&journal, &[]).await.iter().map(|run| run.rows).collect();
    assert_eq!(rows, [1, 3]);
    drop(journal);
    assert_eq!(open(root.path()).warnings(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_log_of_a_later_version_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    drop(open(root.path()));
    let body = r#"{"kind":"something_new"}"#;
    let sum = record::hashed(&[body]);
    let line = format!("{{\"sum\":\"{}\",\"record\":{body}}}\n", &sum[..16]);
    fs::write(log(root.path()), &line).unwrap();
    let error = Journal::open(root.path(), "hygge go", Durability::Disk).unwrap_err();
    assert!(matches!(error, JournalError::Newer { .. }));
    assert!(Journal::read_only(root.path()).is_err());
    assert_eq!(fs::read_to_string(log(root.path())).unwrap(), line);
}

/// Runs `then` on every state that a crash during folding can leave.
async fn after_every_crash_of_a_fold(then: impl AsyncFn(&Path, &str)) {
    let journal_of = |root: &Path| root.join("out/.hygge_journal");
    for state in ["before", "temporary file", "file replaced", "temporary log", "log replaced"] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let folder = journal_of(root);
        {
            let journal = open(root);
            journal.finished(success("users", 1), Some(&folder), Some(keys(1))).await.unwrap();
            journal.fold().await.unwrap();
            journal.finished(success("users", 2), Some(&folder), Some(keys(2))).await.unwrap();
            journal.finished(success("orders", 3), None, None).await.unwrap();
            journal.staged(pending(&success("late", 4)), Some(keys(4))).await.unwrap();
        }
        let log_before = fs::read(log(root)).unwrap();
        let file_before = fs::read(folder.join("journal.parquet")).unwrap();
        let temporary = folder.join(".journal.parquet.tmp");
        match state {
            "before" => {}
            "temporary file" => fs::write(&temporary, &file_before[..100]).unwrap(),
            _ => {
                open(root).fold().await.unwrap();
                let log_after = fs::read(log(root)).unwrap();
                assert!(log_after.len() < log_before.len());
                match state {
                    "file replaced" => fs::write(log(root), &log_before).unwrap(),
                    "temporary log" => {
                        fs::write(log(root), &log_before).unwrap();
                        fs::write(root.join(".hygge/log.ndjson.tmp"), &log_after[..9]).unwrap();
                    }
                    _ => {}
                }
            }
        }
        then(root, state).await;
        let journal = open(root);
        journal.fold().await.unwrap();
        assert_eq!(rows(&folder), [success("users", 1), success("users", 2)], "{state}");
        assert!(!temporary.exists(), "{state}");
        assert_eq!(history(&journal, &[folder]).await.len(), 3, "{state}");
        assert_eq!(journal.pending().unwrap(), [pending(&success("late", 4))], "{state}");
        let journal_folder = journal_of(root);
        let last = journal.last_success(&name("users"), Some(&journal_folder)).await.unwrap();
        assert_eq!(last.unwrap().boundary, Some(keys(2)), "{state}");
        journal.finished(success("late", 4), None, None).await.unwrap();
        let last = journal.last_success(&name("late"), None).await.unwrap();
        assert_eq!(last.unwrap().boundary, Some(keys(4)), "{state}");
    }
}

#[tokio::test]
async fn a_fold_that_crashed_is_made_good() {
    after_every_crash_of_a_fold(async |_, _| {}).await;
}

#[tokio::test]
async fn a_reader_sees_every_run_once_whatever_a_fold_left() {
    after_every_crash_of_a_fold(async |root, state| {
        let reader = Journal::read_only(root).unwrap();
        let folder = root.join("out/.hygge_journal");
        assert_eq!(history(&reader, std::slice::from_ref(&folder)).await.len(), 3, "{state}");
        let last = reader.last_success(&name("users"), Some(&folder)).await.unwrap().unwrap();
        assert_eq!((last.run, last.boundary), (success("users", 2), Some(keys(2))), "{state}");
    })
    .await;
}

#[tokio::test]
async fn a_crash_between_boundary_and_record_leaves_the_last_boundary() {
    let root = tempfile::tempdir().unwrap();
    let (old, new) = (success("users", 1), success("users", 2));
    {
        let journal = open(root.path());
        journal.finished(old.clone(), None, Some(keys(1))).await.unwrap();
        journal.fold().await.unwrap();
        // As `finished` does before it appends its record.
        journal.keep_boundary(None, &new, Some(keys(2))).await.unwrap();
    }
    let journal = open(root.path());
    let last = journal.last_success(&name("users"), None).await.unwrap().unwrap();
    assert_eq!((last.run, last.boundary), (old, Some(keys(1))));
    // The next success takes all others away.
    journal.finished(success("users", 3), None, Some(keys(3))).await.unwrap();
    journal.fold().await.unwrap();
    assert_eq!(fs::read_dir(root.path().join(".hygge/boundary")).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_staged_waits_until_it_is_finished_or_discarded() {
    let root = tempfile::tempdir().unwrap();
    let [a, b, c] = [1, 2, 3].map(|second| success(&format!("e{second}"), second));
    {
        let journal = open(root.path());
        for run in [&a, &b, &c] {
            let mut load = pending(run);
            load.journal = Some(root.path().join("out"));
            journal.staged(load, None).await.unwrap();
        }
        journal.finished(a, Some(&root.path().join("out")), None).await.unwrap();
        journal.discarded(&b.ids.entity, "its staging is gone").await.unwrap();
    }
    let journal = open(root.path());
    let waiting = journal.pending().unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].run, c);
    assert_eq!(waiting[0].name(), &c.name);
    assert_eq!(waiting[0].manifest, pending(&c).manifest);
    assert_eq!(waiting[0].journal, Some(root.path().join("out")));
}

#[tokio::test]
async fn a_failed_publication_is_recorded_and_stays_pending() {
    let root = tempfile::tempdir().unwrap();
    let run = success("users", 1);
    {
        let journal = open(root.path());
        journal.staged(pending(&run), Some(keys(1))).await.unwrap();
        let mut failed = run.clone();
        failed.status = Status::Fail;
        journal.publish_failed(failed, None).await.unwrap();
        journal.fold().await.unwrap();
        assert_eq!(journal.last_success(&name("users"), None).await.unwrap(), None);
    }
    let journal = open(root.path());
    assert_eq!(journal.pending().unwrap(), [pending(&run)]);
    journal.finished(run.clone(), None, None).await.unwrap();
    journal.fold().await.unwrap();
    assert_eq!(journal.pending().unwrap(), []);
    let statuses: Vec<_> =
        rows(&root.path().join(".hygge/journal")).iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Fail, Status::Success]);
    let last = journal.last_success(&name("users"), None).await.unwrap().unwrap();
    assert_eq!(last.boundary, Some(keys(1)));
}

#[tokio::test]
async fn a_moved_project_finds_its_loads_and_boundaries() {
    let parent = tempfile::tempdir().unwrap();
    let (here, there) = (parent.path().join("here"), parent.path().join("there"));
    fs::create_dir(&here).unwrap();
    {
        let journal = open(&here);
        let mut load = pending(&success("users", 2));
        load.journal = Some(here.join("out"));
        journal.staged(load, None).await.unwrap();
        let run = success("orders", 1);
        journal.finished(run, Some(Path::new("out")), Some(keys(1))).await.unwrap();
    }
    fs::rename(&here, &there).unwrap();
    let journal = open(&there);
    assert_eq!(journal.pending().unwrap()[0].journal, Some(there.join("out")));
    let last = journal.last_success(&name("orders"), Some(&there.join("out"))).await.unwrap();
    assert_eq!(last.unwrap().boundary, Some(keys(1)));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_record_that_finds_no_room_is_an_error_and_stays_one() {
    let house = tempfile::tempdir().unwrap();
    // A file on which every write says that the disk is full, and that cannot be cut back.
    std::os::unix::fs::symlink("/dev/full", house.path().join("log.ndjson")).unwrap();
    let (log, _) = log::Log::open(house.path(), Scan::default(), Durability::Disk).unwrap();
    for _ in 0..2 {
        let reason = "no room".to_owned();
        let record = Record::Discarded { entity_run_id: "r".to_owned(), reason };
        let error = log.append(record).await.unwrap_err();
        let JournalError::Io { source, path, .. } = &error else { panic!("{error:?}") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        assert!(path.ends_with("log.ndjson"));
    }
}
