//! What polish changes is encoded; the rest is moved. Both are what decoding would have made.

use std::path::Path;

use arrow_array::RecordBatch;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::{Value as Json, json};

use crate::load::{Loaded, Way, files, load, metadata, store, table};
use crate::support::Project;
use crate::tables::{WORTH_KEEPING, noise, types};

/// Loads with lanes and without, and compares; answers with what the lanes said and left.
async fn both(rows: &[RecordBatch], properties: WriterProperties, keys: Json) -> (Loaded, Project) {
    let project = Project::new();
    for (at, rows) in rows.iter().enumerate() {
        project.write_parquet_with(&format!("{at}.parquet"), rows, properties.clone());
    }
    let (home, store) = (project.parquet(), store(&project, keys));
    let decoded = load(&home, &store, &Way { lanes: false, ..Way::default() }).await;
    assert_eq!((decoded.parcels, decoded.said.len()), (0, 0));
    let slow = table(&project);
    let moved = load(&home, &store, &Way::default()).await;
    assert!(moved.parcels > 0, "{:?}", moved.said);
    let fast = table(&project);
    let columns = |rows: &RecordBatch| {
        let fields = rows.schema();
        let told = fields
            .fields()
            .iter()
            .map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(columns(&fast), columns(&slow));
    for (at, (fast, slow)) in fast.columns().iter().zip(slow.columns()).enumerate() {
        assert_eq!(fast.to_data(), slow.to_data(), "column {at}");
    }
    (moved, project)
}

fn plain(codec: Compression) -> WriterProperties {
    WriterProperties::builder().set_compression(codec).build()
}

#[tokio::test]
async fn constants_are_added_to_what_is_copied() {
    let polish = json!({
        "constants": [
            { "name": "origin", "value": "crm" },
            { "name": "version", "value": 3 },
            { "name": "none", "value": null },
        ],
        "add_row_marker": { "enabled": true },
    });
    let rows = [noise(0, WORTH_KEEPING), noise(50_000, WORTH_KEEPING), noise(100_000, 20_001)];
    let (moved, project) =
        both(&rows, plain(Compression::SNAPPY), json!({ "polish": polish })).await;
    assert_eq!(moved.said, ["copied 2 of 6 columns, encoded 4"]);
    assert_eq!(files(&project).len(), 1);
}

#[tokio::test]
async fn names_change_on_the_way() {
    let polish = json!({ "columns": { "case": "pascal" } });
    for (compression, words) in [
        ("snappy", "copied 14 of 14 columns"),
        ("zstd", "recompressed 14 of 14 columns, values untouched"),
    ] {
        let keys = json!({ "polish": polish, "compression": compression });
        let (moved, _) = both(&[types(3_000)], plain(Compression::SNAPPY), keys).await;
        assert_eq!(moved.said, [words]);
    }
}

#[tokio::test]
async fn a_hash_decodes_only_what_it_is_made_of() {
    let polish = json!({
        "hash_ids": [
            { "name": "key", "from_columns": ["id", "name"] },
            { "name": "raw", "from_columns": ["key", "day"], "algo": "md5", "hex": false },
        ],
        "columns": { "case": "snake" },
    });
    let keys = json!({ "polish": polish });
    let (moved, _) = both(&[types(3_000)], plain(Compression::SNAPPY), keys.clone()).await;
    assert_eq!(moved.said, ["copied 14 of 16 columns, encoded 2"]);
    // A page that is damaged in a column that is not needed is not looked into.
    let (moved, _) = both(&[types(10)], plain(Compression::ZSTD(Default::default())), keys).await;
    assert_eq!(moved.said, ["recompressed 14 of 16 columns, encoded 2"]);
}

#[tokio::test]
async fn what_describes_columns_by_name_goes_when_they_change() {
    let said = |key: &str| KeyValue::new(key.to_owned(), Some("said".to_owned()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_key_value_metadata(Some(vec![
            said("org.apache.spark.sql.parquet.row.metadata"),
            said("owner"),
        ]))
        .build();
    let keys = |path: &Path| -> Vec<String> {
        let metadata = metadata(path);
        let all = metadata.file_metadata().key_value_metadata().unwrap();
        let mut keys: Vec<String> = all.iter().map(|entry| entry.key.clone()).collect();
        keys.sort();
        keys
    };
    let polish = json!({ "constants": [{ "name": "c", "value": 1 }] });
    let (_, project) = both(&[types(100)], properties.clone(), json!({ "polish": polish })).await;
    assert_eq!(keys(&files(&project)[0]), ["ARROW:schema", "owner"]);
    let (_, project) = both(&[types(100)], properties, json!({ "compression": "zstd" })).await;
    assert_eq!(
        keys(&files(&project)[0]),
        ["ARROW:schema", "org.apache.spark.sql.parquet.row.metadata", "owner"]
    );
}

#[tokio::test]
async fn a_type_that_is_stored_otherwise_is_encoded() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, TimestampSecondArray};

    let rows = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(0..100)) as ArrayRef),
        ("at", Arc::new(TimestampSecondArray::from_iter_values(0..100))),
    ])
    .unwrap();
    let (moved, _) = both(&[rows], plain(Compression::SNAPPY), json!({})).await;
    assert_eq!(moved.said, ["copied 1 of 2 columns, encoded 1"]);
}

#[tokio::test]
async fn columns_too_large_for_memory_are_made_by_way_of_the_disk() {
    let project = Project::new();
    project.write_parquet_with(
        "a.parquet",
        &noise(0, 4 * WORTH_KEEPING),
        plain(Compression::SNAPPY),
    );
    let polish = json!({ "hash_ids": [{ "name": "key", "from_columns": ["id"] }] });
    let (home, store) = (project.parquet(), store(&project, json!({ "polish": polish })));
    load(&home, &store, &Way { lanes: false, ..Way::default() }).await;
    let slow = table(&project);
    let loaded = load(&home, &store, &Way { memory: 4 << 20, ..Way::default() }).await;
    assert_eq!(loaded.said, ["copied 2 of 3 columns, encoded 1"]);
    assert!(table(&project) == slow);
}
