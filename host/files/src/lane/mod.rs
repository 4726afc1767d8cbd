//! Moving Parquet data without decoding its values.
//!
//! A table that only changes place needs no decoding; a table that only changes codec needs no
//! values. A whole file is copied by the system; of a row group, each column takes its own lane:
//!
//! - *copy*: its bytes are spliced into the new file as they are, offsets adjusted;
//! - *recompress*: its pages are decompressed and compressed again, values never decoded;
//! - *encode*: a column that is new or changed is encoded from values.
//!
//! What is not decoded is checked for structure, so that a broken source is a fault and not a
//! broken copy.
//!
//! The formats are those of Apache Parquet: file metadata and page headers (`parquet.thrift`),
//! page index (`PageIndex.md`), bloom filters (`BloomFilter.md`).

pub(crate) mod chunk;
pub(crate) mod encode;
pub(crate) mod group;
pub(crate) mod order;
pub(crate) mod recompress;
pub(crate) mod shape;
pub(crate) mod slabs;
pub(crate) mod spill;
pub(crate) mod structure;
pub(crate) mod verify;

use std::panic::AssertUnwindSafe;

use parquet::errors::{ParquetError, Result};

/// Runs code of the Parquet reader over bytes that may be damaged; a panic there is an error like
/// any other.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("its structure makes no sense".to_owned())))
}
