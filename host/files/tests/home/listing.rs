//! Which files a `path` means, and what is said when there are none.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use hygge_core::contract::Home;
use hygge_core::fault::FaultKind;
use serde_json::json;

use crate::support::{Project, plan, read, told};

fn one_row() -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    RecordBatch::try_from_iter([("id", id)]).unwrap()
}

async fn fault(home: &Arc<dyn Home>) -> (FaultKind, String) {
    let fault = read(home).await.unwrap_err();
    (fault.kind(), told(&fault))
}

#[tokio::test]
async fn hidden_and_unfinished_things_are_no_data() {
    let project = Project::new();
    for name in [
        "a.parquet",
        "deep/er/b.PARQUET",
        "c with spaces å.parquet",
        "d.parquet/part-0.parquet",
        "_archive/e.parquet",
        ".hidden.parquet",
        ".hygge_journal/journal.parquet",
        ".hygge_staging/x.parquet",
        "_temporary/0/x.parquet",
        "_delta_log/1.checkpoint.parquet",
        "f.parquet.tmp",
    ] {
        project.write_parquet(name, &one_row());
    }
    project.write("_SUCCESS", "");
    assert_eq!(plan(&project.parquet()).await.rows, Some(5));
}

#[tokio::test]
async fn names_that_are_no_unicode_are_read() {
    use std::os::unix::ffi::OsStrExt as _;
    let project = Project::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.parquet");
    let plain = project.write_parquet("a.parquet", &one_row());
    std::fs::copy(&plain, plain.with_file_name(name)).unwrap();
    assert_eq!(plan(&project.parquet()).await.rows, Some(2));
}

#[tokio::test]
async fn a_file_may_be_named_itself() {
    let project = Project::new();
    project.write_parquet("a.parquet", &one_row());
    project.write_parquet("b.parquet", &one_row());
    let home = project.home("parquet", json!({ "path": "in/a.parquet" }));
    assert_eq!(plan(&home).await.rows, Some(1));
    assert_eq!(home.location(), "in/a.parquet");
    assert_eq!(home.journal_folder(), Some(project.path("")).map(|p| p.components().collect()));
    let folder = project.parquet();
    assert_eq!(folder.journal_folder(), Some(project.folder.path().join("in")));
}

#[tokio::test]
async fn links_are_followed_and_loops_are_not() {
    let project = Project::new();
    project.write_parquet("real/a.parquet", &one_row());
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(project.path("real/a.parquet"), elsewhere.path().join("b.parquet")).unwrap();
    symlink(elsewhere.path(), project.path("elsewhere")).unwrap();
    symlink(project.path(""), project.path("real/up")).unwrap();
    symlink(project.path("real"), project.path("again")).unwrap();
    symlink(project.path("real/a.parquet"), project.path("c.parquet")).unwrap();
    // The folder `again` is `real`, which is read once; a linked file is a file of its own.
    assert_eq!(plan(&project.parquet()).await.rows, Some(3));

    symlink("nowhere", project.path("d.parquet")).unwrap();
    let (kind, said) = fault(&project.parquet()).await;
    assert_eq!(kind, FaultKind::Missing);
    assert!(said.starts_with("in/d.parquet is a link to a file that does not exist"), "{said}");
}

#[tokio::test]
async fn what_is_missing_is_told_with_the_nearest_name() {
    let project = Project::new();
    project.write_parquet("orders/a.parquet", &one_row());
    let home = |path: &str| project.home("parquet", json!({ "path": path }));
    let (kind, said) = fault(&home("in/ordrs")).await;
    assert_eq!(kind, FaultKind::Missing);
    assert_eq!(said, "`path`: in/ordrs does not exist | did you mean in/orders?");
    let (_, said) = fault(&home("in/xyz/deeper")).await;
    assert!(said.ends_with("in has: orders"), "{said}");
    let (kind, said) = fault(&home("in/orders/a.parquet/users")).await;
    assert_eq!(kind, FaultKind::Missing);
    assert!(said.contains("in/orders/a.parquet is a file"), "{said}");
}

#[tokio::test]
async fn an_empty_folder_says_what_is_there_instead() {
    let project = Project::new();
    assert_eq!(
        fault(&project.parquet()).await,
        (FaultKind::Missing, "no .parquet files in in | the folder is empty".to_owned())
    );
    project.write("notes.txt", "x");
    let (_, said) = fault(&project.parquet()).await;
    assert_eq!(said, "no .parquet files in in | there: 1 .txt file");
    for name in ["a.csv", "b.csv.gz", "c.csv"] {
        project.write(name, "x");
    }
    let (_, said) = fault(&project.parquet()).await;
    assert!(
        said.ends_with("there are 3 .csv files: `type: local` with `format: csv` would read them"),
        "{said}"
    );
}

#[tokio::test]
async fn what_may_not_be_read_is_a_matter_of_permission() {
    let project = Project::new();
    let path = project.write_parquet("a.parquet", &one_row());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser may read everything.
    if std::fs::File::open(&path).is_ok() {
        return;
    }
    assert_eq!(fault(&project.parquet()).await.0, FaultKind::Auth);
}

#[tokio::test]
async fn debug_says_what_is_there_or_what_is_wrong() {
    let project = Project::new();
    let finding = project.parquet().check().await.unwrap();
    assert_eq!(finding.subject, "source in");
    assert!(finding.fault.is_some());
    project.write_parquet("a.parquet", &one_row());
    let finding = project.parquet().check().await.unwrap();
    assert!(finding.fault.is_none());
    assert_eq!(finding.note, "1 file, 1 rows, 1 columns");
}

#[test]
fn mistakes_in_keys_are_told_with_suggestions() {
    let project = Project::new();
    let told = |kind: &str, keys| project.try_home(kind, keys).err().unwrap();
    assert_eq!(
        told("parquet", json!({ "pth": "in" })),
        ["unknown key `pth` (did you mean `path`?)", "the key `path` is missing (needs `path`)"]
    );
    assert_eq!(
        told("local", json!({ "path": "in", "format": "ndjsn" })),
        ["`ndjsn` is not one of: parquet, csv, ndjson (did you mean `ndjson`?)"]
    );
    assert_eq!(
        told(
            "local",
            json!({ "path": "in", "format": "csv", "format_options": { "seperator": ";" } })
        ),
        ["unknown key `seperator` (did you mean `separator`?)"]
    );
    assert_eq!(
        told(
            "local",
            json!({ "path": "in", "format": "ndjson", "format_options": { "separator": ";" } })
        ),
        ["`separator` means nothing for `format: ndjson` (known here: infer_schema_length, \
          schema_overrides, dtypes)"]
    );
    assert_eq!(
        told(
            "local",
            json!({ "path": "in", "format": "csv", "format_options": { "encoding": "latin1" } })
        ),
        ["`latin1` is not one of: utf8, utf8-lossy ()"]
    );
    assert_eq!(
        told("parquet", json!({ "path": " " })),
        ["`path` is empty (should be a file or a folder of files)"]
    );
    // What the earlier tool documented and ignored is accepted.
    assert!(project.try_home("parquet", json!({ "path": "in", "columns": 1 })).is_ok());
}
