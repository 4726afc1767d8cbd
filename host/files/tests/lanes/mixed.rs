//! Tables of many files and row groups, of which some are worth keeping.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use hygge_core::contract::{Delivery, Durability, LoadRequest, Mode, ReadRequest};
use hygge_core::fault::FaultKind;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::json;

use crate::load::{Way, assert_clean, files, foretold, load, metadata, store, table};
use crate::support::{Project, read};
use crate::tables::{WORTH_KEEPING, noise};

fn snappy(row_group: i64) -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(row_group as usize))
        .build()
}

fn all(parts: &[RecordBatch]) -> RecordBatch {
    concat_batches(&parts[0].schema(), parts).unwrap()
}

#[tokio::test]
async fn large_files_are_copied_and_small_ones_are_merged() {
    let project = Project::new();
    let large = [noise(0, 2 * WORTH_KEEPING + 7), noise(100_000, WORTH_KEEPING)];
    project.write_parquet_with("a.parquet", &large[0], snappy(WORTH_KEEPING));
    project.write_parquet_with("b.parquet", &large[1], snappy(WORTH_KEEPING));
    let small: Vec<RecordBatch> = (0..40).map(|at| noise(200_000 + at * 10, 10)).collect();
    for (at, rows) in small.iter().enumerate() {
        project.write_parquet_with(&format!("c{at:02}.parquet"), rows, snappy(1_000));
    }
    let (home, store) = (project.parquet(), store(&project, json!({})));
    let words = "copied 2 files as they are; decoded 400 rows: small row groups are merged";
    assert!(foretold(&home, &store).await.ends_with(words));
    for durability in [Durability::Process, Durability::Disk] {
        let loaded = load(&home, &store, &Way { durability, ..Way::default() }).await;
        assert_eq!(loaded.said, [words]);
        assert_eq!(loaded.parcels, 2);
        let files = files(&project);
        assert_eq!(files.len(), 3);
        // The remainder at the end of a file is not worth decoding the rest of it.
        assert_eq!(metadata(&files[0]).num_row_groups(), 3);
        assert_eq!(metadata(&files[2]).num_row_groups(), 1);
        assert_eq!(table(&project), all(&[&large[..], &small[..]].concat()));
    }
}

#[tokio::test]
async fn row_groups_and_rows_alternate_in_order() {
    let project = Project::new();
    let parts = [
        noise(0, 100),
        noise(1_000, 200),
        noise(10_000, WORTH_KEEPING),
        noise(50_000, 50),
        noise(60_000, 60),
        noise(100_000, WORTH_KEEPING),
    ];
    for (at, rows) in parts.iter().enumerate() {
        project.write_parquet_with(&format!("{at}.parquet"), rows, snappy(1_000_000));
    }
    // Another codec: no file can be copied whole.
    let (home, store) = (project.parquet(), store(&project, json!({ "compression": "zstd" })));
    let loaded = load(&home, &store, &Way::default()).await;
    assert_eq!(
        loaded.said,
        ["recompressed 2 of 2 columns, values untouched; decoded 410 rows: small row groups are \
          merged"]
    );
    let files = files(&project);
    assert_eq!(files.len(), 1, "all have the same columns");
    let groups: Vec<i64> =
        metadata(&files[0]).row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [300, WORTH_KEEPING, 110, WORTH_KEEPING]);
    assert_eq!(table(&project), all(&parts));
}

#[tokio::test]
async fn an_explicit_batch_size_is_rows_per_file() {
    let project = Project::new();
    let rows = noise(0, WORTH_KEEPING);
    project.write_parquet_with("a.parquet", &rows, snappy(WORTH_KEEPING));
    let (home, store) = (project.parquet(), store(&project, json!({ "batch_size": 12_000 })));
    assert_eq!(foretold(&home, &store).await, "1 file, decoded: `batch_size` is set");
    let loaded = load(&home, &store, &Way::default()).await;
    assert_eq!(
        (loaded.parcels, &loaded.said[..]),
        (0, &["decoded: `batch_size` is set".to_owned()][..])
    );
    let counts: Vec<i64> =
        files(&project).iter().map(|path| metadata(path).file_metadata().num_rows()).collect();
    assert_eq!(counts, [12_000, 12_000, 6_000]);
    assert_eq!(table(&project), rows);
}

#[tokio::test]
async fn a_target_size_divides_files_where_row_groups_end() {
    let project = Project::new();
    let rows = noise(0, 4 * WORTH_KEEPING);
    let source = project.write_parquet_with("a.parquet", &rows, snappy(WORTH_KEEPING));
    let size = std::fs::metadata(&source).unwrap().len();
    let keys = json!({ "target_file_size": size / 2 - 1_000 });
    let (home, store) = (project.parquet(), store(&project, keys));
    let loaded = load(&home, &store, &Way::default()).await;
    assert_eq!(loaded.said, ["copied 2 of 2 columns"]);
    assert_eq!(files(&project).len(), 2);
    assert_eq!(table(&project), rows);
}

#[tokio::test]
async fn a_row_group_size_is_kept_to() {
    let project = Project::new();
    let rows = noise(0, WORTH_KEEPING);
    project.write_parquet_with("a.parquet", &rows, snappy(WORTH_KEEPING));
    let options = json!({ "row_group_size": 20_000 });
    let (home, store) = (project.parquet(), store(&project, json!({ "format_options": options })));
    let loaded = load(&home, &store, &Way::default()).await;
    assert_eq!(loaded.said, ["decoded: `row_group_size` is smaller than their row groups"]);
    assert_eq!(metadata(&files(&project)[0]).num_row_groups(), 2);
}

#[tokio::test]
async fn a_compression_level_is_not_known_of_what_is_there() {
    let project = Project::new();
    let rows = noise(0, WORTH_KEEPING);
    let zstd = WriterProperties::builder().set_compression(Compression::ZSTD(Default::default()));
    project.write_parquet_with("a.parquet", &rows, zstd.build());
    let keys = json!({ "compression": "zstd", "format_options": { "compression_level": 9 } });
    let (home, store) = (project.parquet(), store(&project, keys));
    let loaded = load(&home, &store, &Way::default()).await;
    assert_eq!(loaded.said, ["recompressed 2 of 2 columns, values untouched"]);
    assert_eq!(table(&project), rows);
}

#[tokio::test]
async fn little_memory_is_enough_for_large_chunks() {
    let project = Project::new();
    let rows = noise(0, 4 * WORTH_KEEPING);
    project.write_parquet_with("a.parquet", &rows, snappy(4 * WORTH_KEEPING));
    // Less than a chunk: it is streamed, and recompressed by way of the disk.
    let way = Way { memory: 4 << 20, ..Way::default() };
    for keys in [json!({ "compression": "zstd" }), json!({ "target_file_size": 1_000_000 })] {
        let (home, store) = (project.parquet(), store(&project, keys));
        let loaded = load(&home, &store, &way).await;
        assert_eq!(loaded.parcels, 1);
        assert_eq!(table(&project), rows);
    }
}

#[tokio::test]
async fn values_are_verified_when_asked_for() {
    let project = Project::new();
    let rows = crate::tables::types(2_000);
    project.write_parquet_with("a.parquet", &rows, snappy(1_000_000));
    for compression in ["snappy", "zstd"] {
        let keys = json!({ "verify": "values", "compression": compression });
        let (home, store) = (project.parquet(), store(&project, keys));
        assert_eq!(load(&home, &store, &Way::default()).await.parcels, 1);
        assert_eq!(table(&project), rows);
    }
}

#[tokio::test]
async fn files_with_other_columns_are_completed() {
    let project = Project::new();
    let both = noise(0, WORTH_KEEPING);
    let id = noise(100_000, WORTH_KEEPING).project(&[0]).unwrap();
    project.write_parquet_with("a.parquet", &both, snappy(WORTH_KEEPING));
    project.write_parquet_with("b.parquet", &id, snappy(WORTH_KEEPING));
    let (home, store) = (project.parquet(), store(&project, json!({})));
    let loaded = load(&home, &store, &Way::default()).await;
    assert_eq!(loaded.said, ["copied 1 of 2 columns, encoded 1"]);
    let again = project.home("parquet", json!({ "path": "out" }));
    assert_eq!(read(&again).await.unwrap().all(), read(&home).await.unwrap().all());
}

#[tokio::test]
async fn giving_up_leaves_nothing() {
    let project = Project::new();
    project.write_parquet_with("a.parquet", &noise(0, WORTH_KEEPING), snappy(WORTH_KEEPING));
    let path =
        project.write_parquet_with("b.parquet", &noise(0, WORTH_KEEPING), snappy(WORTH_KEEPING));
    let (home, store) = (project.parquet(), store(&project, json!({})));
    // Another program changes a file between the plan and its turn.
    let request = ReadRequest { terms: store.terms(Mode::Replace), ..Default::default() };
    let run = crate::support::run(64 << 20);
    let mut reader = home.open(&request, Arc::clone(&run.context)).await.unwrap();
    let load = LoadRequest { schema: reader.schema(), mode: Mode::Replace, follows: None };
    let mut writer = store.begin(&load, Arc::clone(&run.context)).await.unwrap();
    std::fs::write(&path, b"PAR1").unwrap();
    let fault = loop {
        match reader.next().await {
            Ok(Some(Delivery::Parcel(parcel))) => match writer.take(parcel).await {
                Ok(()) => {}
                Err(fault) => {
                    writer.abort().await;
                    break fault;
                }
            },
            Ok(Some(Delivery::Rows(_))) => panic!("these files are worth copying"),
            // The copy goes on in the background.
            Ok(None) => break writer.stage().await.unwrap_err(),
            Err(fault) => {
                writer.abort().await;
                break fault;
            }
        }
    };
    assert_eq!(fault.kind(), FaultKind::Transient, "{fault}");
    assert!(fault.to_string().contains("in/b.parquet changed"), "{fault}");
    drop(reader);
    store.sweep(None).await.unwrap();
    assert_clean(&project);
    assert!(!project.folder.path().join("out").exists());
    assert_eq!(run.budget.used(), 0);
}
