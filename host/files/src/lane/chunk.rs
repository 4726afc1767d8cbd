//! One column chunk of a Parquet file, in memory, as stored.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::AssertUnwindSafe;

use bytes::{Buf, Bytes};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{ChunkReader, Length};

/// The stored bytes of a column chunk, addressed by their offsets in the file.
#[derive(Clone, Debug)]
pub(crate) struct ChunkBytes {
    /// Offset of the first byte in the file.
    pub start: u64,
    /// Dictionary page (if any) and data pages, headers included.
    pub bytes: Bytes,
}

impl ChunkBytes {
    /// Reads a chunk. The range is checked against the file before any memory is taken for it:
    /// damaged metadata may claim anything.
    pub fn read(file: &File, length: u64, meta: &ColumnChunkMetaData) -> Result<Self> {
        let (start, size) = claimed_range(meta)?;
        if start.checked_add(size).is_none_or(|end| end > length) {
            return Err(ParquetError::EOF(format!(
                "the footer says bytes {start} to {}, but the file has {length}",
                start.saturating_add(size)
            )));
        }
        let mut bytes = vec![0; usize::try_from(size)?];
        file.read_exact_at(&mut bytes, start)?;
        Ok(Self { start, bytes: bytes.into() })
    }

    fn range(&self, start: u64, length: usize) -> Result<Bytes> {
        let from = start.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| Some(from..from.checked_add(length)?))
            .filter(|range| range.end <= self.bytes.len())
            .map(|range| self.bytes.slice(range))
            .ok_or_else(|| ParquetError::EOF("a page lies outside of its column chunk".to_owned()))
    }
}

impl Length for ChunkBytes {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for ChunkBytes {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let end = self.len().checked_sub(start).and_then(|length| usize::try_from(length).ok());
        let length =
            end.ok_or_else(|| ParquetError::EOF("a page lies outside of its chunk".to_owned()))?;
        Ok(self.range(start, length)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.range(start, length)
    }
}

/// Where the footer says that a chunk is. `ColumnChunkMetaData::byte_range` panics on negative
/// numbers, which damaged metadata may have.
pub(crate) fn claimed_range(meta: &ColumnChunkMetaData) -> Result<(u64, u64)> {
    let start = meta.dictionary_page_offset().unwrap_or_else(|| meta.data_page_offset());
    let size = meta.compressed_size();
    match (u64::try_from(start), u64::try_from(size)) {
        (Ok(start), Ok(size)) => Ok((start, size)),
        _ => Err(ParquetError::General(format!(
            "the footer says that a column chunk of {size} bytes starts at {start}"
        ))),
    }
}

/// What is written beside a copied chunk: its metadata, bloom filter and page index.
pub(crate) fn close_result(
    file: &File,
    metadata: &ParquetMetaData,
    group: usize,
    column: usize,
) -> Result<ColumnCloseResult> {
    let row_group = metadata.row_group(group);
    let meta = row_group.column(column).clone();
    let bloom_filter = Sbbf::read_from_column_chunk(&meta, file)?;
    let index = metadata.page_index();
    let offset_index = index.and_then(|index| index.offset_index(group, column)).cloned();
    // A column index is of use only to those who can find the pages it speaks of.
    let column_index = offset_index
        .as_ref()
        .and_then(|_| index.and_then(|index| index.column_index(group, column)))
        .cloned();
    Ok(ColumnCloseResult {
        bytes_written: u64::try_from(meta.compressed_size())?,
        rows_written: u64::try_from(row_group.num_rows())?,
        metadata: meta,
        bloom_filter,
        column_index,
        offset_index,
    })
}

/// Runs code of the Parquet reader over bytes that may be damaged; a panic there is an error like
/// any other.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("its structure makes no sense".to_owned())))
}
