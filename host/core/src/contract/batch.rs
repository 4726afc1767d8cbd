//! Rows on their way, with the memory they are charged for.

use arrow_array::RecordBatch;

use crate::budget::Permit;

/// Rows on their way from a Reader to a Writer.
#[derive(Debug)]
pub struct Batch {
    /// The rows, in the reader's schema.
    pub rows: RecordBatch,
    /// The bytes these rows hold of the run's budget; given back when dropped.
    pub permit: Permit,
}
