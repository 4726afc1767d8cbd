//! Destinations of every kind.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use hygge_core::contract::Territory;
use hygge_core::fault::FaultKind;

use super::*;

#[tokio::test]
async fn a_link_to_the_table_stays_a_link() {
    let project = Project::new();
    let root = project.root();
    fs::create_dir_all(root.join("disk/real")).unwrap();
    fs::create_dir(root.join("out")).unwrap();
    symlink(root.join("disk/real"), project.table()).unwrap();
    let store = project.local(mapping([("path", text("out")), ("batch_size", Value::Int(1))]));
    for (run, mode) in [("a", Mode::Replace), ("b", Mode::Append), ("c", Mode::Replace)] {
        let manifest = project.manifest(store.as_ref(), run, mode, &[1, 2]).await;
        assert!(manifest.staging.starts_with(root.join("disk/.hygge_staging").to_str().unwrap()));
        store.publish(&manifest).await.unwrap();
        store.sweep(None).await.unwrap();
    }
    assert!(project.table().is_symlink());
    assert_eq!(store.territory(), Territory::Folder(root.join("disk/real")));
    assert_eq!(
        project.everything(),
        [
            format!("disk/real/{}", number(1)),
            format!("disk/real/{}", number(2)),
            "out/orders".to_owned()
        ]
    );
}

#[tokio::test]
async fn spaces_and_letters_of_any_script_are_names_like_others() {
    let project = Project { subfolder: Some("Ærø & co/ordrer 🦀"), ..Project::new() };
    let keys = mapping([
        ("path", text("my data/ud")),
        ("file_pattern", text("fil {entity} {sequence:03d}.parquet")),
    ]);
    let store = project.try_store("parquet", keys).unwrap();
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    project.load(store.as_ref(), "b", Mode::Append, &[rows(&[2])]).await;
    let table = "my data/ud/Ærø & co/ordrer 🦀";
    assert_eq!(store.location(), table);
    assert_eq!(
        project.everything(),
        [format!("{table}/fil orders 001.parquet"), format!("{table}/fil orders 002.parquet")]
    );
}

#[tokio::test]
async fn a_flow_without_entities_writes_into_its_own_folder() {
    let project = Project { subfolder: None, ..Project::new() };
    let store = project.parquet();
    fs::create_dir_all(project.root().join("out/.hygge_journal")).unwrap();
    fs::write(project.root().join("out/.hygge_journal/journal.parquet"), "rows").unwrap();
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    assert_eq!(store.journal_folder(), Some(project.root().join("out")));
    assert_eq!(
        project.everything(),
        ["out/.hygge_journal/journal.parquet".to_owned(), format!("out/{}", number(1))]
    );
}

#[tokio::test]
async fn territories_are_told_by_where_they_really_are() {
    let project = Project::new();
    symlink(project.root(), project.root().join("again")).unwrap();
    let store = |path: &str| project.local(mapping([("path", text(path))]));
    let territory = store("out").territory();
    assert_eq!(territory, Territory::Folder(project.table()));
    assert_eq!(store("again/./out/x/..").territory(), territory);
}

#[tokio::test]
async fn where_nothing_can_be_written_that_is_said() {
    // The privileged user may write anywhere: what nobody can do then is write below a file.
    let project = Project::new();
    fs::write(project.root().join("out"), "a file").unwrap();
    let store = project.parquet();
    let schema = rows(&[]).schema();
    let fault =
        project.begin(store.as_ref(), "r", Mode::Replace, Arc::clone(&schema)).await.err().unwrap();
    assert!(fault.to_string().contains("out"), "{fault}");
    let found = store.check().await.unwrap();
    assert!(found.fault.unwrap().to_string().contains("is a file"));

    if !rustix::process::geteuid().is_root() {
        fs::remove_file(project.root().join("out")).unwrap();
        fs::create_dir(project.root().join("out")).unwrap();
        let closed = fs::Permissions::from_mode(0o555);
        fs::set_permissions(project.root().join("out"), closed).unwrap();
        let fault = project.begin(store.as_ref(), "r", Mode::Replace, schema).await.err().unwrap();
        assert_eq!(fault.kind(), FaultKind::Auth);
        let found = store.check().await.unwrap();
        assert_eq!(found.fault.unwrap().kind(), FaultKind::Auth);
    }
}

#[tokio::test]
async fn entities_side_by_side_leave_each_other_alone() {
    let project = Project::new();
    let other = Project { subfolder: Some("returns"), ..Project::new() };
    let other = Project { folder: tempfile::tempdir_in(project.root()).unwrap(), ..other };
    let stores = [project.parquet(), other.parquet()];
    for round in 0..20 {
        let run = round.to_string();
        let a = async { project.load(stores[0].as_ref(), &run, Mode::Append, &[rows(&[1])]).await };
        let b = async { other.load(stores[1].as_ref(), &run, Mode::Append, &[rows(&[2])]).await };
        futures::join!(a, b);
    }
    assert_eq!(ids(&project.table()).len(), 20);
    assert_eq!(ids(&other.root().join("out/returns")).len(), 20);
}
