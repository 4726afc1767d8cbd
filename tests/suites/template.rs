//! The existing tool's own template project runs unmodified.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hygge_tests::independent::{assert_same_tables, script};
use hygge_tests::project::Project;
use hygge_tests::table;

/// What the existing tool's `init` writes.
fn template() -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: \"my_project\"\nflows_dir: \"flows\"\n\n# Project-level options\noptions:\n  \
         log_level: INFO\n  continue_on_error: false\n",
    );
    project.write(
        "flows/example_flow/flow.yml",
        "name: \"example_flow\"\nhome:\n  type: \"parquet\"\n  path: \"data/source\"\nstore:\n  \
         type: \"parquet\"\n  path: \"data/destination\"\n\n# Flow-level defaults\ndefaults:\n  \
         key_column: \"id\"\n  batch_size: 10000\n",
    );
    project.write(
        "flows/example_flow/entities/users.yml",
        "name: \"users\"\ncolumns:\n  - id\n  - name\n  - email\n  - created_at\n\n# Optional \
         source-specific configuration\nsource_config:\n  where: \"created_at > '2024-01-01'\"\n",
    );
    project
}

#[test]
fn it_gives_what_pyarrow_agrees_with() {
    let project = template();
    let source = project.path("data/source/users");
    std::fs::create_dir_all(&source).unwrap();
    script(
        r#"
import sys, datetime, decimal, pyarrow as pa, pyarrow.parquet as pq
for part in range(3):
    ids = list(range(part * 9000, (part + 1) * 9000))
    pq.write_table(pa.table({
        "id": ids,
        "name": [None if i % 7 == 0 else f"name {i}" for i in ids],
        "email": pa.array([f"u{i}@example.org" for i in ids]).dictionary_encode(),
        "balance": pa.array([decimal.Decimal(i).scaleb(-2) for i in ids], pa.decimal128(20, 2)),
        "tags": [[str(i)] * (i % 3) for i in ids],
        "created_at": [datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=i) for i in ids],
    }), f"{sys.argv[1]}/part-{part}.parquet")
"#,
        &[&source.display().to_string()],
    );

    project.hygge(&["go"]).ok().says(&["example_flow_users", "27,000"]);

    let destination = project.path("data/destination/users");
    assert_same_tables(&source, &destination);
    // `batch_size: 10000` is rows per file, exactly.
    let rows: Vec<usize> = table::files(&destination)
        .iter()
        .map(|file| table::read_file(file).iter().map(|batch| batch.num_rows()).sum())
        .collect();
    assert_eq!(rows, [10_000, 10_000, 7_000]);
    assert_eq!(
        project.files("data/destination/users"),
        [
            "00000000000000000001.parquet",
            "00000000000000000002.parquet",
            "00000000000000000003.parquet"
        ]
    );
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn a_second_full_drop_replaces_the_first() {
    let project = template();
    let source = project.path("data/source/users/a.parquet");
    table::write(&source, &table::rows(0..25_000, 1, 1));
    project.hygge(&["go"]).ok();
    table::write(&source, &table::rows(0..5_000, 2, 1));
    project.hygge(&["start"]).ok();
    let landed = table::read(&project.path("data/destination/users")).unwrap();
    assert_eq!(landed.num_rows(), 5_000);
    assert!(table::ints(&landed, "version").iter().all(|version| *version == 2));
}
