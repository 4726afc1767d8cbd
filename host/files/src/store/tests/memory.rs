//! What is held in memory follows the budget, not the data.

use arrow_array::{Float64Array, LargeBinaryArray};
use parquet::file::metadata::ParquetMetaDataReader;

use super::*;

fn row_groups(path: &Path) -> Vec<i64> {
    let file = fs::File::open(path).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    metadata.row_groups().iter().map(|group| group.num_rows()).collect()
}

/// Values that no compression and no dictionary makes smaller.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
    .take(bytes)
    .collect()
}

#[tokio::test]
async fn row_groups_end_early_when_memory_is_short() {
    let project = Project::with_memory(16 << 20);
    let store = project.parquet();
    let batches: Vec<RecordBatch> = (0..12)
        .map(|seed| {
            let values: Vec<Vec<u8>> = (0..1024).map(|n| noise(seed * 1024 + n, 1024)).collect();
            let column = LargeBinaryArray::from_iter_values(values);
            RecordBatch::try_from_iter([("noise", Arc::new(column) as ArrayRef)]).unwrap()
        })
        .collect();
    let schema = batches[0].schema();
    let mut writer = project.begin(store.as_ref(), "r", Mode::Replace, schema).await.unwrap();
    let mut most = 0;
    for rows in &batches {
        let permit = project.share.acquire(1 << 20).await;
        writer.write(Batch { rows: rows.clone(), permit }).await.unwrap();
        most = most.max(project.budget.used());
    }
    // A row group of an eighth of the budget, with a batch more, while one is being appended.
    assert!(most <= 8 << 20, "{most} bytes held");
    let staged = writer.stage().await.unwrap();
    assert_eq!(staged.rows, 12 * 1024);
    store.publish(&staged.manifest).await.unwrap();
    let groups = row_groups(&project.table().join(number(1)));
    assert!(groups.len() >= 4, "{groups:?}");
    assert_eq!(project.budget.used(), 0);
}

#[tokio::test]
async fn a_table_of_very_many_columns_is_collected_first() {
    let project = Project::with_memory(32 << 20);
    let store = project.parquet();
    let columns = 2_000;
    let batch = |from: usize| {
        RecordBatch::try_from_iter((0..columns).map(|column| {
            let values = (0..100).map(|row| ((from + row) * column) as f64);
            let values: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
            (format!("c{column}"), values)
        }))
        .unwrap()
    };
    let batches: Vec<RecordBatch> = (0..12).map(|n| batch(n * 100)).collect();
    project.load(store.as_ref(), "r", Mode::Replace, &batches).await;
    let path = project.table().join(number(1));
    let groups = row_groups(&path);
    assert!(groups.len() > 1, "8 MiB of rows at a time: {groups:?}");
    let read = read_file(&path);
    let read = arrow_select::concat::concat_batches(&read[0].schema(), &read).unwrap();
    let all = arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert!(read.columns() == all.columns());
}
