//! What goes from a Reader to a Writer, with the memory it is charged for.

use std::any::Any;

use arrow_array::RecordBatch;

use crate::budget::Permit;
use crate::fault::Fault;

/// What a Reader gives out.
#[derive(Debug)]
pub enum Delivery {
    /// Rows.
    Rows(Batch),
    /// Something better than rows, on the Store's [`Terms`](super::Terms).
    Parcel(Parcel),
}

/// Rows on their way from a Reader to a Writer.
#[derive(Debug)]
pub struct Batch {
    /// The rows, in the reader's schema.
    pub rows: RecordBatch,
    /// The bytes these rows hold of the run's budget; given back when dropped.
    pub permit: Permit,
}

/// Many rows at once, in a form that only the two ends understand.
///
/// A Home gives parcels only to a Store whose [`Terms`](super::Terms) it knows. Rows and parcels
/// may alternate; their order is that of the rows. All rows of a parcel land: a parcel never
/// holds one that an incremental load should leave out. Its Writer tells
/// [`Context::progress`](super::Context::progress) how far it is with it.
pub struct Parcel {
    /// How many rows it holds.
    pub rows: u64,
    /// How many bytes it takes at its source: for progress.
    pub bytes: u64,
    /// What the Writer takes; the Store's terms say what that is.
    pub content: Box<dyn Any + Send>,
    /// The rows again, of their columns only the watermark and the key, for the engine to follow.
    /// Decoded as they are asked for. Empty where the request names no watermark column.
    pub tracked: Tracking,
    /// The bytes the parcel itself holds of the run's budget; given back when dropped.
    pub permit: Permit,
}

/// The watermark and key columns of a [`Parcel`]'s rows, batch by batch.
pub type Tracking = Box<dyn Iterator<Item = Result<RecordBatch, Fault>> + Send>;

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parcel")
            .field("rows", &self.rows)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
