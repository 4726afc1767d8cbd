//! Every type, codec, data page version, with and without a page index: what pyarrow writes
//! arrives as pyarrow, DuckDB and Polars read it at the source.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hygge_tests::independent::script;
use hygge_tests::project::Project;

/// Moves every type from files written so to a Store with these keys, and compares.
#[track_caller]
fn moves(codec: &str, version: &str, indexed: &str, store: &str) {
    let project = Project::new();
    project.write(
        "flows/f/flow.yml",
        format!("home: source\nstore:\n  path: lake\n{store}entities: [t]\n"),
    );
    let (source, lake) = (project.path("source/t"), project.path("lake/t"));
    std::fs::create_dir_all(&source).unwrap();
    let (source, lake) = (source.display().to_string(), lake.display().to_string());
    script(include_str!("../python/all_types.py"), &[&source, codec, version, indexed]);
    project.hygge(&["go"]).ok();
    script(include_str!("../python/same_types.py"), &[&source, &lake]);
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn from_every_codec() {
    for codec in ["none", "snappy", "gzip", "lz4", "brotli", "zstd"] {
        moves(codec, "1.0", "no", "");
    }
}

#[test]
fn to_every_codec() {
    for codec in ["uncompressed", "snappy", "gzip", "lz4", "brotli", "zstd"] {
        moves("snappy", "2.0", "yes", &format!("  compression: {codec}\n"));
    }
}

#[test]
fn both_data_page_versions_with_and_without_an_index() {
    for version in ["1.0", "2.0"] {
        for indexed in ["no", "yes"] {
            moves("snappy", version, indexed, "");
            moves("zstd", version, indexed, "");
        }
    }
}

#[test]
fn in_files_of_so_many_rows() {
    moves("snappy", "1.0", "no", "  batch_size: 700\n");
}
