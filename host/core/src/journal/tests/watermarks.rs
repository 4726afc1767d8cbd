//! Where incremental loads go on.

use super::*;

async fn resume(journal: &Journal) -> Resume {
    journal.resume_from(&name("users"), None, &spec()).await.unwrap()
}

#[track_caller]
fn why(resume: Resume) -> String {
    match resume {
        Resume::Full { why } => why,
        other => panic!("not a full load: {other:?}"),
    }
}

#[tokio::test]
async fn the_last_success_counts_and_no_failure_does() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    assert_eq!(resume(&journal).await, Resume::First);
    journal.finished(success("users", 5), None, Some(keys(5))).await.unwrap();
    let since_5 = Resume::Since(Watermark::Int(5), Some(keys(5)));
    assert_eq!(resume(&journal).await, since_5);
    journal.fold().await.unwrap();
    assert_eq!(resume(&journal).await, since_5);
    for status in [Status::Fail, Status::Skip] {
        let mut run = success("users", 7);
        run.status = status;
        run.watermark = None;
        journal.finished(run, None, None).await.unwrap();
    }
    journal.finished(success("orders", 9), None, None).await.unwrap();
    assert_eq!(resume(&journal).await, since_5);
    journal.fold().await.unwrap();
    assert_eq!(resume(&journal).await, since_5);
}

#[tokio::test]
async fn a_success_after_the_clock_was_set_back_is_still_the_last() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    journal.finished(success("users", 50), None, None).await.unwrap();
    journal.fold().await.unwrap();
    let mut run = success("users", 20);
    run.watermark = Some(Watermark::Int(60));
    journal.finished(run, None, None).await.unwrap();
    assert_eq!(resume(&journal).await, Resume::Since(Watermark::Int(60), None));
    journal.fold().await.unwrap();
    assert_eq!(resume(&journal).await, Resume::Since(Watermark::Int(60), None));
}

#[tokio::test]
async fn a_boundary_of_another_run_is_not_taken() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    let journal = open(root.path());
    journal.finished(success("users", 1), Some(&folder), Some(keys(1))).await.unwrap();
    journal.fold().await.unwrap();
    // Another tool writes the same journal and knows nothing of boundaries.
    let later = Row::from(&success("users", 2));
    table::append(&folder, &[&later], Durability::Process).unwrap();
    let last = journal.last_success(&name("users"), Some(&folder)).await.unwrap().unwrap();
    assert_eq!((last.watermark, last.boundary), (Some(Watermark::Int(2)), None));
}

#[tokio::test]
async fn another_key_or_column_loads_everything_and_says_why() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    journal.finished(success("users", 1), None, None).await.unwrap();
    let with = |primary_key: &str, column: &str| WatermarkSpec {
        primary_key: primary_key.to_owned(),
        column: column.to_owned(),
    };
    let resume = |spec| {
        let journal = journal.clone();
        async move { journal.resume_from(&name("users"), None, &spec).await.unwrap() }
    };
    let said = why(resume(with("id", "other")).await);
    assert!(said.contains("was `changed` and is `other` now"), "{said}");
    let said = why(resume(with("id,line", "changed")).await);
    assert!(said.contains("was `id` and is `id,line` now"), "{said}");
    // The same, written another way.
    let same = resume(with(" id", "changed")).await;
    assert_eq!(same, Resume::Since(Watermark::Int(1), None));
}

#[tokio::test]
async fn a_run_without_a_watermark_loads_everything_next() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    let mut run = success("users", 1);
    run.watermark = None;
    run.rows = 0;
    journal.finished(run, None, None).await.unwrap();
    assert_eq!(resume(&journal).await, Resume::First);
    let mut run = success("users", 2);
    run.watermark = None;
    journal.finished(run, None, None).await.unwrap();
    assert!(why(resume(&journal).await).contains("no value in `changed`"));
    let mut run = success("users", 3);
    run.spec = None;
    journal.finished(run, None, None).await.unwrap();
    assert!(why(resume(&journal).await).contains("recorded no watermark"));
}

#[tokio::test]
async fn a_watermark_set_by_hand_is_gone_on_from() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    let journal = open(root.path());
    // A row from the future does not outlive what a person says now.
    let mut run = success("users", 1);
    let future = Timestamp::now() + jiff::SignedDuration::from_hours(48);
    run.finish_at(future, Status::Success);
    journal.finished(run, Some(&folder), Some(keys(1))).await.unwrap();
    let users = name("users");
    let value = Watermark::guess("2026-01-02T03:04:05");
    journal.set_watermark(&users, Some(&folder), &spec(), value.clone()).await.unwrap();
    let resume = journal.resume_from(&users, Some(&folder), &spec()).await.unwrap();
    assert_eq!(resume, Resume::Since(value.clone(), None));
    let last = rows(&folder).pop().unwrap();
    assert_eq!((last.status, last.rows), (Status::Success, 0));
    assert_eq!(last.watermark, Some(value));
    assert_eq!(last.spec, Some(spec()));
    assert_eq!(last.message.as_deref(), Some("watermark set by hand"));

    journal.clear_watermark(&users, Some(&folder), &spec()).await.unwrap();
    let resume = journal.resume_from(&users, Some(&folder), &spec()).await.unwrap();
    assert!(why(resume).contains("cleared by hand"));
    assert_eq!(rows(&folder).len(), 3);
}
