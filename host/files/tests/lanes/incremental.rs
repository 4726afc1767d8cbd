//! Incremental loads: what is surely new is handed over, what may have landed is filtered.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use hygge_core::contract::Mode;
use hygge_core::watermark::{Watermark, WatermarkSpec};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::json;

use crate::load::{Way, load, store, table};
use crate::support::{Project, age};
use crate::tables::{WORTH_KEEPING, noise};

/// Noise with a version: `version_of(id)`.
fn versioned(from: i64, rows: i64, version_of: impl Fn(i64) -> i64) -> RecordBatch {
    let noise = noise(from, rows);
    let versions = Int64Array::from_iter_values((from..from + rows).map(version_of));
    RecordBatch::try_from_iter([
        ("id", Arc::clone(noise.column(0))),
        ("version", Arc::new(versions) as ArrayRef),
        ("noise", Arc::clone(noise.column(1))),
    ])
    .unwrap()
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(WORTH_KEEPING as usize))
        .build()
}

fn ids(table: &RecordBatch) -> Vec<i64> {
    let mut ids = table.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn ties_land_once_through_all_lanes() {
    let spec = WatermarkSpec { primary_key: "id".to_owned(), column: "version".to_owned() };
    for compression in ["snappy", "zstd"] {
        let project = Project::new();
        let (home, store) =
            (project.parquet(), store(&project, json!({ "compression": compression })));
        // The last 100 rows tie.
        let first = versioned(0, WORTH_KEEPING, |id| id.min(WORTH_KEEPING - 100));
        age(&project.write_parquet_with("a.parquet", &first, properties()));
        let way = Way { watermark: Some(spec.clone()), mode: Mode::Append, ..Way::default() };
        let loaded = load(&home, &store, &way).await;
        assert_eq!((loaded.parcels, loaded.batches), (1, 0));
        let tracked = loaded.tracked.unwrap();
        assert_eq!(tracked.watermark, Some(Watermark::Int(WORTH_KEEPING - 100)));
        assert_eq!(tracked.boundary.as_ref().unwrap().hashes.len(), 100);

        // More rows tie with them; then come rows that are surely new.
        let late = versioned(100_000, 5, |_| WORTH_KEEPING - 100);
        let new = versioned(200_000, 2 * WORTH_KEEPING, |id| id);
        project.write_parquet_with("b.parquet", &late, properties());
        project.write_parquet_with("c.parquet", &new, properties());
        let loaded = load(&home, &store, &Way { last: Some(tracked), ..way.clone() }).await;
        assert_eq!(loaded.rows, 5 + 2 * WORTH_KEEPING as u64, "{:?}", loaded.said);
        assert!(loaded.parcels > 0 && loaded.batches > 0);
        assert!(loaded.said[0].contains("rows of the last load may be among them"));
        let tracked = loaded.tracked.unwrap();
        assert_eq!(tracked.watermark, Some(Watermark::Int(200_000 + 2 * WORTH_KEEPING - 1)));
        let expected: Vec<i64> = (0..WORTH_KEEPING)
            .chain(100_000..100_005)
            .chain(200_000..200_000 + 2 * WORTH_KEEPING)
            .collect();
        assert_eq!(ids(&table(&project)), expected);

        // Nothing is new.
        let loaded = load(&home, &store, &Way { last: Some(tracked), ..way }).await;
        assert_eq!(loaded.rows, 0);
        assert_eq!(ids(&table(&project)), expected);
    }
}

#[tokio::test]
async fn a_watermark_of_text_and_rows_without_one() {
    let spec = WatermarkSpec { primary_key: "noise".to_owned(), column: "mark".to_owned() };
    let marked = |from: i64, rows: i64, mark: &dyn Fn(i64) -> Option<String>| {
        let noise = noise(from, rows);
        RecordBatch::try_from_iter_with_nullable([
            ("id", Arc::clone(noise.column(0)), false),
            ("noise", Arc::clone(noise.column(1)), false),
            ("mark", Arc::new(StringArray::from_iter((0..rows).map(mark))) as ArrayRef, true),
        ])
        .unwrap()
    };
    let project = Project::new();
    let (home, store) = (project.parquet(), store(&project, json!({})));
    let first = marked(0, 10, &|at| (at != 3).then(|| format!("m{at}")));
    project.write_parquet_with("a.parquet", &first, properties());
    let way = Way { watermark: Some(spec), mode: Mode::Append, ..Way::default() };
    let loaded = load(&home, &store, &way).await;
    assert_eq!((loaded.rows, loaded.parcels), (10, 1), "a first load takes rows without a mark");
    let last = loaded.tracked;

    // A row without a mark cannot be told from an old one: its row group is filtered.
    let with_null = marked(100_000, WORTH_KEEPING, &|at| (at != 3).then(|| format!("n{at}")));
    let without = marked(200_000, WORTH_KEEPING, &|at| Some(format!("o{at}")));
    project.write_parquet_with("b.parquet", &with_null, properties());
    project.write_parquet_with("c.parquet", &without, properties());
    let loaded = load(&home, &store, &Way { last, ..way }).await;
    assert_eq!(loaded.rows as i64, 2 * WORTH_KEEPING - 1);
    assert_eq!(loaded.parcels, 1);
    // The one of the first load was seen again, as rows at the last mark were.
    assert_eq!(loaded.tracked.unwrap().nulls, 2);
}
