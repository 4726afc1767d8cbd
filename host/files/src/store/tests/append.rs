//! A table that is added to: numbers go on, and all new files appear at once.

use super::*;

fn one_row_files(project: &Project) -> Arc<dyn Store> {
    project.local(mapping([("path", text("out")), ("batch_size", Value::Int(1))]))
}

#[tokio::test]
async fn numbers_go_on_after_the_highest() {
    let project = Project::new();
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Append, &[rows(&[1])]).await;
    project.load(store.as_ref(), "b", Mode::Append, &[rows(&[2])]).await;
    // A gap, another width, another format and a name of another kind.
    let table = project.table();
    fs::rename(table.join(number(2)), table.join("7.parquet")).unwrap();
    fs::write(table.join("00000000000000000011.csv"), "id\n").unwrap();
    fs::write(table.join("part-99.parquet"), "foreign").unwrap();
    fs::write(table.join("99.txt"), "foreign").unwrap();
    let many = one_row_files(&project);
    project.load(many.as_ref(), "c", Mode::Append, &[rows(&[3, 4])]).await;
    assert_eq!(
        project.everything(),
        [
            number(1),
            "00000000000000000011.csv".to_owned(),
            number(12),
            number(13),
            "7.parquet".to_owned(),
            "99.txt".to_owned(),
            "part-99.parquet".to_owned(),
        ]
        .map(|name| format!("out/orders/{name}"))
    );
}

#[tokio::test]
async fn several_files_come_with_all_that_was_there() {
    let project = Project::new();
    let store = one_row_files(&project);
    project.load(store.as_ref(), "a", Mode::Append, &[rows(&[1, 2])]).await;
    fs::create_dir(project.table().join("sub")).unwrap();
    fs::write(project.table().join("sub/part.csv"), "part of the table").unwrap();
    fs::write(project.table().join(".note"), "foreign").unwrap();
    project.load(store.as_ref(), "b", Mode::Append, &[rows(&[3, 4, 5])]).await;
    let expected: Vec<(String, Vec<i64>)> = (1..=5).map(|n| (number(n), vec![n as i64])).collect();
    assert_eq!(ids(&project.table()), expected);
    let mut all: Vec<String> = (1..=5).map(|n| format!("out/orders/{}", number(n))).collect();
    all.extend(["out/orders/.note".to_owned(), "out/orders/sub/part.csv".to_owned()]);
    all.sort();
    assert_eq!(project.everything(), all);
}

#[tokio::test]
async fn nothing_new_changes_nothing() {
    let project = Project::new();
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Append, &[rows(&[1])]).await;
    project.load(store.as_ref(), "b", Mode::Append, &[rows(&[])]).await;
    assert_eq!(ids(&project.table()), [(number(1), vec![1])]);
    assert_eq!(project.everything().len(), 1);
}

#[tokio::test]
async fn a_name_that_is_taken_meanwhile_is_not_overwritten() {
    let project = Project::new();
    let store = one_row_files(&project);
    project.load(store.as_ref(), "a", Mode::Append, &[rows(&[1])]).await;
    for (run, new) in [("b", vec![10]), ("c", vec![20, 21])] {
        let manifest = project.manifest(store.as_ref(), run, Mode::Append, &new).await;
        // An earlier try decided on the next name, and somebody else took it since.
        let next = ids(&project.table()).len() as u64 + 1;
        let names: Vec<String> = (0..new.len() as u64).map(|n| number(next + n)).collect();
        let plan = serde_json::json!({ "names": names, "one_by_one": false, "removed": [] });
        let staging = PathBuf::from(&manifest.staging);
        fs::write(staging.join("plan.json"), plan.to_string()).unwrap();
        fs::copy(project.table().join(number(1)), project.table().join(number(next))).unwrap();
        let published = store.publish(&manifest).await.unwrap();
        assert_eq!(published.rows, new.len() as u64);
        store.sweep(None).await.unwrap();
    }
    let found: Vec<i64> = ids(&project.table()).into_iter().flat_map(|(_, ids)| ids).collect();
    assert_eq!(found, [1, 1, 10, 1, 20, 21]);
}

#[tokio::test]
async fn a_mode_may_change_from_run_to_run() {
    let project = Project::new();
    let store = project.parquet();
    project.load(store.as_ref(), "a", Mode::Append, &[rows(&[1])]).await;
    project.load(store.as_ref(), "b", Mode::Append, &[rows(&[2])]).await;
    project.load(store.as_ref(), "c", Mode::Replace, &[rows(&[3])]).await;
    project.load(store.as_ref(), "d", Mode::Append, &[rows(&[4])]).await;
    assert_eq!(ids(&project.table()), [(number(1), vec![3]), (number(2), vec![4])]);
}
