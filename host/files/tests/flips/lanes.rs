//! Whatever lane a file with a byte changed takes: it is refused, or what lands reads as its source
//! reads.

use arrow_array::RecordBatch;
use hygge_core::fault::FaultKind;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use serde_json::{Value as Json, json};

use crate::allocations::largest;
use crate::load::{Way, assert_clean, store, try_load};
use crate::support::{Project, read};
use crate::table;

/// Lanes, each with the place of the source's first column in what lands.
fn lanes() -> [(Json, usize); 7] {
    let hash = json!([{ "name": "h", "from_columns": ["flag"] }]);
    [
        (json!({}), 0),
        (json!({ "compression": "zstd" }), 0),
        (json!({ "compression": "uncompressed" }), 0),
        (json!({ "polish": { "columns": { "case": "pascal" } } }), 0),
        (json!({ "polish": { "constants": [{ "name": "c", "value": 1 }] } }), 0),
        (json!({ "polish": { "hash_ids": hash } }), 1),
        (json!({ "batch_size": 25 }), 0),
    ]
}

async fn flip_all(properties: WriterPropertiesBuilder, seed: u8) {
    let project = Project::new();
    let path = project.write_parquet_with("a.parquet", &table(), properties.build());
    let whole = std::fs::read(&path).unwrap();
    let (home, landed) = (project.parquet(), project.home("parquet", json!({ "path": "out" })));
    let lanes = lanes().map(|(keys, first)| (store(&project, keys), first));
    let (mut faults, mut equal, mut unreadable) = (0, 0, 0);
    for (turn, at) in (usize::from(seed) % 3..whole.len()).step_by(3).enumerate() {
        let change = match (at as u8).wrapping_mul(41).wrapping_add(seed) {
            0 => 0xff,
            change => change,
        };
        let mut flipped = whole.clone();
        flipped[at] ^= change;
        std::fs::write(&path, &flipped).unwrap();
        let (store, first) = &lanes[turn % lanes.len()];
        let what = format!("byte {at} ^ {change}, lane {}", turn % lanes.len());
        let source = read(&home).await;
        match (try_load(&home, store, &Way::default()).await, source) {
            (Err(fault), _) => {
                faults += 1;
                assert_eq!(fault.kind(), FaultKind::Data, "{what}: {fault:?}");
                assert!(fault.to_string().contains("in/a.parquet"), "{what}: {fault}");
                assert!(!project.folder.path().join("out").exists(), "{what}");
            }
            (Ok(_), Ok(source)) => {
                equal += 1;
                let landed = read(&landed).await.unwrap().all();
                same(&source.all(), &landed, *first, &what);
            }
            // Values were not looked at, as nobody asked for it.
            (Ok(_), Err(_)) => {
                unreadable += 1;
                assert!(read(&landed).await.is_err(), "{what}: it has become another table");
            }
        }
        assert_clean(&project);
        let _ = std::fs::remove_dir_all(project.folder.path().join("out"));
        assert!(largest() < 64 << 20, "{what}: {} bytes asked for at once", largest());
    }
    let all = faults + equal + unreadable;
    assert!(faults > all / 8 && equal > all / 8, "{faults}, {equal}, {unreadable}");
}

/// The columns of `source` are in `landed`, from the column `first` on.
fn same(source: &RecordBatch, landed: &RecordBatch, first: usize, what: &str) {
    assert_eq!(landed.num_rows(), source.num_rows(), "{what}");
    for (at, column) in source.columns().iter().enumerate() {
        assert_eq!(landed.column(first + at), column, "{what}: {}", source.schema().field(at));
    }
}

fn small_pages() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_data_page_row_count_limit(20).set_write_batch_size(10)
}

#[tokio::test]
async fn through_lanes_snappy_and_dictionaries() {
    let snappy = small_pages().set_compression(Compression::SNAPPY);
    flip_all(snappy.set_bloom_filter_enabled(true).set_bloom_filter_max_ndv(60), 1).await;
}

#[tokio::test]
async fn through_lanes_pages_of_version_two() {
    let zstd = small_pages().set_compression(Compression::ZSTD(ZstdLevel::default()));
    flip_all(zstd.set_writer_version(WriterVersion::PARQUET_2_0), 2).await;
}

#[tokio::test]
async fn through_lanes_plain() {
    flip_all(small_pages().set_dictionary_enabled(false).set_offset_index_disabled(true), 3).await;
}
