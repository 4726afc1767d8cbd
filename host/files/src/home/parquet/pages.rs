//! The pages of a column chunk, one at a time, judged before they are decoded.

use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Type;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::super::source::{OpenFile, Sequential};
use super::header::{PageHeader, PageKind};

/// What a wide batch is refused with: [`Guard`].
pub(super) const TOO_WIDE: &str = "the rows are wider than was expected";

/// Keeps the bytes of one batch in bounds while it is being decoded.
///
/// How wide rows are is known for certain only from their pages. When what is being decoded
/// passes the ceiling, the decoder is stopped and starts again with fewer rows.
#[derive(Debug)]
pub(super) struct Guard {
    ceiling: u64,
    rows: u64,
    spent: AtomicU64,
}

impl Guard {
    /// For batches of `rows` rows, each of which should stay under `ceiling` bytes.
    pub(super) fn new(rows: usize, ceiling: usize) -> Arc<Self> {
        let ceiling = if rows > 1 { ceiling as u64 } else { u64::MAX };
        Arc::new(Self { ceiling, rows: rows as u64, spent: AtomicU64::new(0) })
    }

    /// A new batch begins.
    pub(super) fn reset(&self) {
        self.spent.store(0, Ordering::Relaxed);
    }

    /// Whether the batch passed the ceiling.
    pub(super) fn is_tripped(&self) -> bool {
        self.spent.load(Ordering::Relaxed) > self.ceiling
    }

    /// A page of `values` values and `bytes` bytes is about to be decoded.
    fn spend(&self, bytes: u64, values: u64, flat: bool) -> Result<()> {
        // Of a flat column's page a batch takes only as many values as it has rows.
        let part = if flat && values > self.rows {
            (u128::from(bytes) * u128::from(self.rows) / u128::from(values.max(1))) as u64
        } else {
            bytes
        };
        self.spent.fetch_add(part, Ordering::Relaxed);
        if self.is_tripped() { Err(ParquetError::General(TOO_WIDE.to_owned())) } else { Ok(()) }
    }
}

/// Some row groups of a file.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    /// The file.
    pub(super) file: Arc<OpenFile>,
    /// Its footer.
    pub(super) metadata: Arc<ParquetMetaData>,
    /// Which row groups.
    pub(super) groups: Arc<[usize]>,
    /// Keeps batches in bounds.
    pub(super) guard: Arc<Guard>,
}

impl RowGroups for Groups {
    fn num_rows(&self) -> usize {
        self.row_groups().map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(Chunks { groups: self.clone(), column, next: 0 }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.groups.iter().filter_map(|group| self.metadata.row_groups().get(*group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

struct Chunks {
    groups: Groups,
    column: usize,
    next: usize,
}

impl Iterator for Chunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = *self.groups.groups.get(self.next)?;
        self.next += 1;
        Some(
            Pages::new(&self.groups, group, self.column)
                .map(|pages| Box::new(pages) as Box<dyn PageReader>),
        )
    }
}

impl PageIterator for Chunks {}

/// The pages of one column chunk.
struct Pages {
    bytes: Arc<PageBytes>,
    metadata: Arc<ParquetMetaData>,
    group: usize,
    column: usize,
    guard: Arc<Guard>,
    /// Where the next page begins, and where the chunk ends.
    offset: u64,
    end: u64,
    /// Values that are still to come, as the footer says.
    values_left: u64,
    /// The next page's header, once looked at.
    header: Option<PageHeader>,
    /// Bytes of a value of the dictionary, on average.
    entry: u64,
    flat: bool,
}

impl Pages {
    fn new(groups: &Groups, group: usize, column: usize) -> Result<Self> {
        let bytes = Arc::new(PageBytes(Arc::clone(&groups.file)));
        let mut pages = Self {
            bytes,
            metadata: Arc::clone(&groups.metadata),
            group,
            column,
            guard: Arc::clone(&groups.guard),
            offset: 0,
            end: 0,
            values_left: 0,
            header: None,
            entry: 0,
            flat: false,
        };
        let chunk = pages.chunk()?;
        let (start, end) = range(chunk);
        let values = u64::try_from(chunk.num_values())?;
        let flat = chunk.column_descr().max_rep_level() == 0;
        (pages.offset, pages.end) = (start, end);
        (pages.values_left, pages.flat) = (values, flat);
        Ok(pages)
    }

    fn chunk(&self) -> Result<&ColumnChunkMetaData> {
        self.metadata
            .row_groups()
            .get(self.group)
            .and_then(|group| group.columns().get(self.column))
            .ok_or_else(|| damaged("the footer lacks this column"))
    }

    /// The header of the next page with rows or a dictionary; `None` at the end of the chunk.
    fn peek(&mut self) -> Result<Option<PageHeader>> {
        loop {
            if self.header.is_some() {
                return Ok(self.header);
            }
            if self.offset >= self.end {
                if self.values_left > 0 {
                    return Err(damaged(format!(
                        "{} values fewer than the footer says",
                        self.values_left
                    )));
                }
                return Ok(None);
            }
            let header = self.read_header()?;
            let len = header.len as u64 + header.compressed;
            if len > self.end - self.offset {
                return Err(damaged("a page goes beyond the end of its column chunk"));
            }
            if header.kind == PageKind::Other {
                self.offset += len;
                continue;
            }
            self.judge(&header)?;
            self.header = Some(header);
        }
    }

    fn read_header(&self) -> Result<PageHeader> {
        PageHeader::read(self.end - self.offset, |buffer| {
            self.bytes.0.read_exact_at(buffer, self.offset)
        })?
        .map_err(|_| damaged("a page header makes no sense"))
    }

    /// Refuses what no writer would have written, before memory is reserved for it.
    fn judge(&self, header: &PageHeader) -> Result<()> {
        match header.implausible(self.chunk()?, self.values_left) {
            Some(why) => Err(damaged(why)),
            None => Ok(()),
        }
    }

    fn advance(&mut self, header: &PageHeader) {
        self.header = None;
        self.offset += header.len as u64 + header.compressed;
        if header.kind == PageKind::Data {
            self.values_left = self.values_left.saturating_sub(header.values);
        }
    }

    fn read(&self, header: &PageHeader) -> Result<Page> {
        let chunk = self.chunk()?;
        let location = PageLocation {
            offset: i64::try_from(self.offset)?,
            compressed_page_size: i32::try_from(header.len as u64 + header.compressed)?,
            first_row_index: 0,
        };
        // A reader for this page alone: one for the whole chunk would keep its decompressor as
        // long as the chunk is read, and with thousands of columns those are most of the memory.
        let properties = ReaderProperties::builder().set_read_page_statistics(false).build();
        let mut reader = SerializedPageReader::new_with_properties(
            Arc::clone(&self.bytes),
            chunk,
            0,
            Some(vec![location]),
            Arc::new(properties),
        )?;
        // What lies between the chunk's start and the page is taken for a dictionary.
        if self.offset != chunk.byte_range().0 {
            reader.skip_next_page()?;
        }
        reader.get_next_page()?.ok_or_else(|| damaged("a page is missing"))
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(header) = self.peek()? else {
            return Ok(None);
        };
        let text = self.chunk()?.column_type() == Type::BYTE_ARRAY;
        if header.kind == PageKind::Dictionary {
            self.entry = header.uncompressed / header.values.max(1);
        } else {
            let bytes = match header.by_dictionary && text {
                true => header.values.saturating_mul(self.entry),
                false => header.uncompressed,
            };
            self.guard.spend(bytes, header.values, self.flat)?;
        }
        let page = self.read(&header)?;
        self.advance(&header);
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Ok(self.peek()?.map(|header| {
            let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            let is_dict = header.kind == PageKind::Dictionary;
            PageMetadata {
                num_rows: header.rows.map(count),
                num_levels: (!is_dict).then(|| count(header.values)),
                is_dict,
            }
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if let Some(header) = self.peek()? {
            self.advance(&header);
        }
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// Where a column chunk begins and ends in its file. The footer's check made sure that it can be.
pub(crate) fn range(chunk: &ColumnChunkMetaData) -> (u64, u64) {
    let data = chunk.data_page_offset();
    // Some writers say 0 where there is no dictionary.
    let start = chunk.dictionary_page_offset().filter(|at| *at > 0).unwrap_or(data).min(data);
    let start = u64::try_from(start).unwrap_or(0);
    (start, start.saturating_add(u64::try_from(chunk.compressed_size()).unwrap_or(0)))
}

fn damaged(what: impl Into<String>) -> ParquetError {
    ParquetError::General(what.into())
}

/// A file as the decoder reads it.
#[derive(Debug)]
pub(crate) struct PageBytes(pub(crate) Arc<OpenFile>);

impl Length for PageBytes {
    fn len(&self) -> u64 {
        self.0.source().len()
    }
}

impl ChunkReader for PageBytes {
    type T = BufReader<Sequential>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::with_capacity(1024, Sequential::new(Arc::clone(&self.0), start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.saturating_add(length as u64) > self.len() {
            return Err(ParquetError::EOF("goes beyond the end of the file".to_owned()));
        }
        let mut buffer = vec![0; length];
        self.0.read_exact_at(&mut buffer, start)?;
        Ok(buffer.into())
    }
}
