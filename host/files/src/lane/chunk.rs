//! One column chunk of a Parquet file as stored, and what is stored beside it.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::bloom_filter::Sbbf;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::index_reader::{decode_column_index, decode_offset_index};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescPtr;

use super::slabs::Stack;
use super::structure::ReadAt;
use super::{guarded, order};
use crate::home::parquet::pages::{PageBytes, range};
use crate::home::source::{OpenFile, Sequential};

/// The longest index of a chunk's pages that is believed.
const LONGEST_INDEX: u64 = 256 << 20;

/// Bytes read at a time from a chunk that is not held in memory.
const READ_AHEAD: usize = 1 << 20;

/// The stored bytes of a column chunk, addressed by their offsets in the file.
#[derive(Clone, Debug)]
pub(crate) struct ChunkBytes {
    /// Offset of the first byte in the file.
    pub(crate) start: u64,
    /// Dictionary page (if any) and data pages, headers included.
    pub(crate) bytes: Bytes,
}

/// The bytes of a column chunk, wherever they are.
#[derive(Debug)]
pub(crate) enum Content {
    /// In memory, in one piece.
    Held(ChunkBytes),
    /// In memory, in slabs.
    Stacked(Arc<Stack>),
    /// In its source, where they stay until they are written.
    Source(Arc<OpenFile>),
    /// In a file of its own.
    Spilled(File),
}

impl ChunkBytes {
    /// Reads a chunk. That it lies within its file was checked with the footer.
    pub(crate) fn read(file: &OpenFile, chunk: &ColumnChunkMetaData) -> Result<Self> {
        let (start, end) = range(chunk);
        let mut bytes = vec![0; usize::try_from(end - start)?];
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

impl ReadAt for ChunkBytes {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let bytes = self
            .range(offset, buffer.len())
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
        buffer.copy_from_slice(&bytes);
        Ok(())
    }
}

impl ReadAt for OpenFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        Self::read_exact_at(self, buffer, offset)
    }
}

impl Length for Content {
    fn len(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len(),
            Self::Stacked(stack) => stack.len(),
            Self::Source(file) => file.source().len(),
            Self::Spilled(file) => Length::len(file),
        }
    }
}

impl ChunkReader for Content {
    type T = Box<dyn std::io::Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(match self {
            Self::Held(bytes) => Box::new(bytes.get_read(start)?),
            Self::Stacked(stack) => Box::new(stack.reader(start)),
            Self::Source(file) => Box::new(BufReader::with_capacity(
                READ_AHEAD,
                Sequential::new(Arc::clone(file), start),
            )),
            Self::Spilled(file) => Box::new(file.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::Held(bytes) => bytes.get_bytes(start, length),
            Self::Stacked(stack) => {
                let mut bytes = vec![0; length];
                stack.reader(start).read_exact(&mut bytes)?;
                Ok(bytes.into())
            }
            Self::Source(file) => PageBytes(Arc::clone(file)).get_bytes(start, length),
            Self::Spilled(file) => file.get_bytes(start, length),
        }
    }
}

/// What a footer says of one chunk, and the page index that goes with it.
#[derive(Debug)]
pub(crate) struct Described<'a> {
    file: &'a Arc<OpenFile>,
    metadata: &'a ParquetMetaData,
    leaf: usize,
    /// The footer's entry.
    pub(crate) chunk: &'a ColumnChunkMetaData,
    /// Rows of its row group.
    pub(crate) rows: u64,
    /// Where its pages are.
    pub(crate) offset_index: Option<OffsetIndexMetaData>,
    column_index: Option<ColumnIndexMetaData>,
}

impl<'a> Described<'a> {
    /// Reads the page index of a chunk.
    pub(crate) fn read(
        file: &'a Arc<OpenFile>,
        metadata: &'a ParquetMetaData,
        group: usize,
        leaf: usize,
    ) -> Result<Self> {
        let lacks = || ParquetError::General("the footer lacks this column".to_owned());
        let group = metadata.row_groups().get(group).ok_or_else(lacks)?;
        let chunk = group.columns().get(leaf).ok_or_else(lacks)?;
        let offsets = (chunk.offset_index_offset(), chunk.offset_index_length());
        let offset_index = match index_bytes(file, offsets)? {
            Some(bytes) => Some(guarded(|| decode_offset_index(&bytes))?),
            None => None,
        };
        let columns = (chunk.column_index_offset(), chunk.column_index_length());
        let column_index = match index_bytes(file, columns)? {
            Some(bytes) => Some(guarded(|| decode_column_index(&bytes, chunk.column_type()))?),
            None => None,
        };
        if let (Some(offsets), Some(columns)) = (&offset_index, &column_index)
            && guarded(|| Ok(columns.num_pages()))? != offsets.page_locations().len() as u64
        {
            return Err(ParquetError::General(
                "its column index and its offset index have different pages".to_owned(),
            ));
        }
        let rows = u64::try_from(group.num_rows())?;
        Ok(Self { file, metadata, leaf, chunk, rows, offset_index, column_index })
    }

    /// Reads its bloom filter, if it has one.
    pub(crate) fn bloom_filter(&self) -> Result<Option<Sbbf>> {
        if self.chunk.bloom_filter_length().is_some_and(|length| length < 0) {
            return Err(ParquetError::General("its bloom filter has a negative size".to_owned()));
        }
        let bytes = PageBytes(Arc::clone(self.file));
        guarded(|| Sbbf::read_from_column_chunk(self.chunk, &bytes))
    }

    /// What is written beside the chunk when it becomes the column `to` of another file.
    pub(crate) fn close(self, to: &ColumnDescPtr) -> Result<ColumnCloseResult> {
        let bloom_filter = self.bloom_filter()?;
        let (start, end) = range(self.chunk);
        let mut closed = ColumnCloseResult {
            bytes_written: end - start,
            rows_written: self.rows,
            metadata: retargeted(self.chunk, to)?,
            bloom_filter,
            // A column index is of use only to those who can find the pages it speaks of.
            column_index: self.offset_index.as_ref().and(self.column_index),
            offset_index: self.offset_index,
        };
        order::fit(&mut closed, self.metadata.file_metadata(), self.leaf)?;
        Ok(closed)
    }
}

fn index_bytes(file: &OpenFile, place: (Option<i64>, Option<i32>)) -> Result<Option<Vec<u8>>> {
    let (Some(offset), Some(length)) = place else { return Ok(None) };
    let within = |offset: u64, length: u64| {
        length <= LONGEST_INDEX
            && offset.checked_add(length).is_some_and(|end| end <= file.source().len())
    };
    match (u64::try_from(offset), u64::try_from(length)) {
        (Ok(offset), Ok(length)) if within(offset, length) => {
            let mut bytes = vec![0; usize::try_from(length)?];
            file.read_exact_at(&mut bytes, offset)?;
            Ok(Some(bytes))
        }
        _ => Err(ParquetError::General(format!(
            "its page index of {length} bytes at {offset} lies outside of the file"
        ))),
    }
}

/// A footer's entry under another column's name and place.
fn retargeted(chunk: &ColumnChunkMetaData, to: &ColumnDescPtr) -> Result<ColumnChunkMetaData> {
    let data = chunk.data_page_offset();
    // Some writers say 0 where there is no dictionary.
    let dictionary = chunk.dictionary_page_offset().filter(|at| *at > 0 && *at < data);
    let mut builder = ColumnChunkMetaData::builder(Arc::clone(to))
        .set_compression_codec(chunk.compression_codec())
        .set_encodings_mask(*chunk.encodings_mask())
        .set_total_compressed_size(chunk.compressed_size())
        .set_total_uncompressed_size(chunk.uncompressed_size())
        .set_num_values(chunk.num_values())
        .set_data_page_offset(data)
        .set_dictionary_page_offset(dictionary)
        .set_unencoded_byte_array_data_bytes(chunk.unencoded_byte_array_data_bytes())
        .set_repetition_level_histogram(chunk.repetition_level_histogram().cloned())
        .set_definition_level_histogram(chunk.definition_level_histogram().cloned());
    if let Some(statistics) = chunk.statistics() {
        builder = builder.set_statistics(statistics.clone());
    }
    if let Some(statistics) = chunk.geo_statistics() {
        builder = builder.set_geo_statistics(Box::new(statistics.clone()));
    }
    if let Some(statistics) = chunk.page_encoding_stats() {
        builder = builder.set_page_encoding_stats(statistics.clone());
    }
    builder.build()
}
