//! What is broken is a fault in every lane, and never a broken copy.

mod footers;
mod pages;

use hygge_core::fault::FaultKind;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{WriterProperties, WriterVersion};
use serde_json::{Value as Json, json};

use crate::load::{Way, assert_clean, files, metadata, rows_of, store, try_load};
use crate::support::{Project, told};
use crate::tables::types;

/// Rows of the file that is damaged.
const ROWS: i64 = 400;

/// A file, and what its footer says.
fn written(properties: WriterProperties) -> (Vec<u8>, ParquetMetaData) {
    let project = Project::new();
    let path = project.write_parquet_with("a.parquet", &types(ROWS), properties);
    let bytes = std::fs::read(&path).unwrap();
    (bytes, ParquetMetaData::clone(&metadata(&path)))
}

fn properties(version: WriterVersion) -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_writer_version(version)
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .set_bloom_filter_enabled(true)
        .build()
}

const VERSIONS: [WriterVersion; 2] = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];

/// A way in which a file may be taken over.
#[derive(Clone, Debug)]
struct Lane {
    name: &'static str,
    keys: Json,
    /// What it does with what the damage is in.
    does: Does,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// The bytes are looked at for structure, and go on as they are.
    Copy,
    /// Pages are decompressed.
    Recompress,
    /// Values are decoded.
    Decode,
}

fn lanes() -> Vec<Lane> {
    use Does::{Copy, Decode, Recompress};

    let lane = |name, keys, does| Lane { name, keys, does };
    vec![
        lane("file copied", json!({}), Copy),
        lane("columns renamed", json!({ "polish": { "columns": { "case": "pascal" } } }), Copy),
        lane(
            "constant added",
            json!({ "polish": { "constants": [{ "name": "c", "value": 1 }] } }),
            Copy,
        ),
        lane(
            "hash of another column added",
            json!({ "polish": { "hash_ids": [{ "name": "h", "from_columns": ["flag"] }] } }),
            Copy,
        ),
        lane("recompressed", json!({ "compression": "zstd" }), Recompress),
        lane("merged", json!({}), Decode),
        lane("encoded anew", json!({ "batch_size": 150 }), Decode),
    ]
}

impl Lane {
    /// The same lane with all values verified.
    fn verified(mut self) -> Self {
        self.keys.as_object_mut().unwrap().insert("verify".to_owned(), json!("values"));
        self
    }

    /// What becomes of a file of these bytes: the rows of each file that landed, or the fault, with
    /// nothing left of the load.
    async fn load(&self, bytes: &[u8]) -> Result<Vec<arrow_array::RecordBatch>, String> {
        let project = Project::new();
        project.write("a.parquet", bytes);
        if self.name == "merged" {
            project.write_parquet("b.parquet", &types(10));
        }
        let store = store(&project, self.keys.clone());
        match try_load(&project.parquet(), &store, &Way::default()).await {
            Ok(_) => Ok(files(&project).iter().map(|path| rows_of(path)).collect()),
            Err(fault) => {
                assert_eq!(fault.kind(), FaultKind::Data, "{}: {fault:?}", self.name);
                assert!(
                    fault.to_string().starts_with("in/a.parquet is damaged"),
                    "{}: {}",
                    self.name,
                    told(&fault)
                );
                assert!(fault.help().is_some());
                assert_clean(&project);
                assert!(!project.folder.path().join("out").exists(), "nothing was published");
                Err(told(&fault))
            }
        }
    }

    /// The fault for these bytes, which tells row group and column.
    async fn refuses(&self, bytes: &[u8], column: &str) -> String {
        let fault = self.load(bytes).await.err();
        let fault = fault.unwrap_or_else(|| panic!("{}: nothing is noticed", self.name));
        let place = format!("row group 0, column `{column}`");
        assert!(fault.contains(&place), "{}: {fault}", self.name);
        fault
    }

    /// All rows land.
    async fn takes(&self, bytes: &[u8]) {
        let landed =
            self.load(bytes).await.unwrap_or_else(|fault| panic!("{}: {fault}", self.name));
        let rows: usize = landed.iter().map(arrow_array::RecordBatch::num_rows).sum();
        let more = if self.name == "merged" { 10 } else { 0 };
        assert_eq!(rows as i64, ROWS + more, "{}", self.name);
    }
}

#[tokio::test]
async fn what_is_not_damaged_lands_in_every_lane() {
    for version in VERSIONS {
        let (bytes, _) = written(properties(version));
        for lane in lanes() {
            lane.takes(&bytes).await;
            lane.verified().takes(&bytes).await;
        }
    }
}
