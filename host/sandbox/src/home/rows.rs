//! Rows as they crossed the boundary, made into batches.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hygge_core::fault::Fault;

use crate::guest::Rows;
use crate::{ipc, ndjson};

/// The batches of a chunk that have rows, and the memory they take together.
pub(super) struct Decoded {
    pub batches: Vec<RecordBatch>,
    pub bytes: usize,
}

pub(super) fn decode(rows: Rows, schema: &SchemaRef, who: &str) -> Result<Decoded, Fault> {
    let size = rows.size();
    let (mut batches, bytes) = match rows {
        // The columns point into what crossed the boundary.
        Rows::Arrow(bytes) => (ipc::decode(bytes, schema, who)?, size),
        Rows::Ndjson(bytes) => {
            let batches = ndjson::decode(bytes, schema, who)?;
            let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
            (batches, bytes)
        }
    };
    batches.retain(|batch| batch.num_rows() > 0);
    Ok(Decoded { batches, bytes })
}
