//! Moving Parquet column chunks without decoding their values.
//!
//! A table that only changes place needs no decoding; a table that only changes codec needs no
//! values. For each column chunk of a source:
//!
//! - *copy*: its bytes are spliced into the new file as they are, offsets adjusted;
//! - *recompress*: its pages are decompressed and compressed again, values never decoded;
//! - *encode*: a column that is new or changed is encoded from values.
//!
//! The formats are those of Apache Parquet: file metadata and page headers (`parquet.thrift`),
//! page index (`PageIndex.md`), bloom filters (`BloomFilter.md`).

pub(crate) mod chunk;
pub(crate) mod recompress;
pub(crate) mod structure;
#[cfg(test)]
mod tests;
