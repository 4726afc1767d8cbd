//! Rows to write.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

/// The columns of [`sample`]: types that every Store takes.
pub fn sample_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("amount", DataType::Float64, true),
        Field::new("paid", DataType::Boolean, true),
    ]))
}

/// The rows from `start` on, each with values of its own; some are null. A slice of a larger
/// batch, as those of readers often are.
pub fn sample(start: u64, length: u64) -> RecordBatch {
    const BEFORE: u64 = 3;
    let first = start.saturating_sub(BEFORE);
    let rows = || first..start + length;
    let columns: [ArrayRef; 4] = [
        Arc::new(rows().map(|row| i64::try_from(row).ok()).collect::<Int64Array>()),
        Arc::new(
            rows()
                .map(|row| (row % 7 != 3).then(|| format!("näme, \"{row}\"")))
                .collect::<StringArray>(),
        ),
        Arc::new(
            rows().map(|row| (row % 5 != 4).then_some(row as f64 + 0.25)).collect::<Float64Array>(),
        ),
        Arc::new(
            rows().map(|row| (row % 11 != 5).then_some(row % 2 == 0)).collect::<BooleanArray>(),
        ),
    ];
    let whole = RecordBatch::try_new(sample_schema(), columns.to_vec());
    match whole {
        Ok(whole) => whole.slice((start - first) as usize, length as usize),
        Err(_) => RecordBatch::new_empty(sample_schema()),
    }
}
