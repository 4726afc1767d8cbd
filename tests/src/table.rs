//! Tables to move, and what is found at a destination.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Microseconds of 2026-01-01T00:00:00.
pub const NEW_YEAR: i64 = 1_767_225_600_000_000;

/// Rows `ids` of a small table: `id`, `version` (the same in every row), `name`, `updated_at`
/// (one second later every `ties` rows, so that rows share a watermark).
pub fn rows(ids: std::ops::Range<i64>, version: i64, ties: i64) -> RecordBatch {
    let id = Int64Array::from_iter_values(ids.clone());
    let versions = Int64Array::from_iter_values(ids.clone().map(|_| version));
    let name = StringArray::from_iter_values(ids.clone().map(|id| format!("name {id}")));
    let updated = TimestampMicrosecondArray::from_iter_values(
        ids.map(|id| NEW_YEAR + id / ties.max(1) * 1_000_000),
    );
    RecordBatch::try_from_iter([
        ("id", Arc::new(id) as ArrayRef),
        ("version", Arc::new(versions)),
        ("name", Arc::new(name)),
        ("updated_at", Arc::new(updated)),
    ])
    .expect("a batch")
}

/// Writes one Parquet file, and the folders it needs.
pub fn write(path: &Path, batch: &RecordBatch) {
    write_all(path, &batch.schema(), std::slice::from_ref(batch));
}

/// Writes batches to one Parquet file, each as a row group.
pub fn write_all(path: &Path, schema: &SchemaRef, batches: &[RecordBatch]) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), None).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("written");
        writer.flush().expect("flushed");
    }
    writer.close().expect("closed");
}

/// The Parquet files directly in a folder, sorted; what a reader takes for the table.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"))
        .collect();
    files.sort();
    files
}

/// Every batch of one Parquet file.
pub fn read_file(path: &Path) -> Vec<RecordBatch> {
    let file = File::open(path).expect("a file");
    ParquetRecordBatchReaderBuilder::try_new(file)
        .expect("a Parquet file")
        .build()
        .expect("a reader")
        .map(|batch| batch.expect("a batch"))
        .collect()
}

/// Every row of the table in a folder as one batch; `None` when there are no files.
pub fn read(folder: &Path) -> Option<RecordBatch> {
    let batches: Vec<RecordBatch> = files(folder)
        .iter()
        .flat_map(|path| {
            let schema =
                ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("a file"))
                    .expect("a Parquet file")
                    .schema()
                    .clone();
            let mut batches = read_file(path);
            if batches.is_empty() {
                batches.push(RecordBatch::new_empty(schema));
            }
            batches
        })
        .collect();
    let schema = batches.first()?.schema();
    Some(arrow_select::concat::concat_batches(&schema, &batches).expect("one schema"))
}

/// How many rows the table in a folder has.
pub fn count(folder: &Path) -> usize {
    read(folder).map_or(0, |batch| batch.num_rows())
}

/// The values of a whole-number column.
pub fn ints(batch: &RecordBatch, column: &str) -> Vec<i64> {
    let column = batch.column_by_name(column).expect("the column");
    let column = arrow_cast::cast(column, &arrow_schema::DataType::Int64).expect("whole numbers");
    let column = column.as_any().downcast_ref::<Int64Array>().expect("whole numbers");
    column.values().to_vec()
}
