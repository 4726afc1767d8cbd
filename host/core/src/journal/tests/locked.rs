//! Two runs of one project.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

const CHILD: &str = "HYGGE_TEST_LOCK_ROOT";

/// Not a test of its own: the process that the next test starts, and kills.
#[test]
fn child_that_holds_the_lock() {
    let Some(root) = std::env::var_os(CHILD) else { return };
    let _journal =
        Journal::open(Path::new(&root), "hygge go --flow child", Durability::Disk).unwrap();
    println!("held");
    std::thread::sleep(std::time::Duration::from_secs(600));
}

#[test]
fn a_run_in_another_process_keeps_others_out_until_it_is_killed() {
    let root = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::tests::locked::child_that_holds_the_lock", "--nocapture"])
        .env(CHILD, root.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("held")));

    let error = Journal::open(root.path(), "hygge go", Durability::Disk).unwrap_err();
    let JournalError::Locked { holder: Some(holder), .. } = &error else {
        panic!("not locked: {error}")
    };
    assert_eq!(holder.pid, child.id());
    assert_eq!(holder.command, "hygge go --flow child");
    assert_eq!(Holder::of(root.path()).as_ref(), Some(holder.as_ref()));
    Journal::read_only(root.path()).unwrap();

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(Holder::of(root.path()), None);
    open(root.path());
}

#[test]
fn a_run_in_this_process_keeps_others_out_until_its_end() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    let also = journal.clone();
    drop(journal);
    let error = Journal::open(root.path(), "hygge go", Durability::Disk).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }));
    let fault = crate::fault::Fault::from(error);
    assert!(!fault.kind().is_retryable());
    assert!(fault.help().unwrap().contains("stop process"));
    drop(also);
    open(root.path());
}
