//! Whether a column chunk is whole, as far as can be told without its values.

use parquet::basic::{Compression, Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;

use crate::home::parquet::header::{PageHeader, PageKind};
use crate::home::parquet::pages::range;

/// Bytes that can be read from anywhere.
pub(crate) trait ReadAt {
    /// Fills `buffer` from `offset`.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()>;
}

/// Walks the page headers of a chunk from its first to its last byte. They must fill it exactly
/// and hold as many values as the footer says; where there is an offset index, it must speak of
/// these very pages.
pub(crate) fn check(
    bytes: &dyn ReadAt,
    chunk: &ColumnChunkMetaData,
    rows: u64,
    offset_index: Option<&OffsetIndexMetaData>,
) -> Result<()> {
    let walked = walk(bytes, chunk)?;
    let expected = u64::try_from(chunk.num_values())?;
    if walked.values != expected {
        return Err(wrong(format!(
            "its pages hold {} values, but the footer says {expected}",
            walked.values
        )));
    }
    // The rows of nested values are told by the headers of newer pages alone.
    let flat = chunk.column_descr().max_rep_level() == 0;
    let found = if flat { Some(walked.values) } else { walked.rows };
    if found.is_some_and(|found| found != rows) {
        return Err(wrong(format!(
            "its pages hold {} rows, but the footer says {rows}",
            found.unwrap_or(0)
        )));
    }
    let data = u64::try_from(chunk.data_page_offset())?;
    if rows > 0 && !walked.starts.contains(&data) {
        return Err(wrong("its first data page is not where the footer says".to_owned()));
    }
    match offset_index {
        Some(index) => check_index(index, &walked, rows),
        None => Ok(()),
    }
}

fn check_index(index: &OffsetIndexMetaData, walked: &Walked, rows: u64) -> Result<()> {
    let indexed = index.page_locations();
    if indexed.len() != walked.data_pages.len() {
        return Err(wrong(format!(
            "its offset index has {} pages, but there are {}",
            indexed.len(),
            walked.data_pages.len()
        )));
    }
    let mut row = None;
    for (location, (start, size)) in indexed.iter().zip(&walked.data_pages) {
        let first = u64::try_from(location.first_row_index).ok();
        let follows = match (row, first) {
            (None, first) => first == Some(0),
            (Some(before), Some(first)) => first > before && first < rows,
            _ => false,
        };
        let same = u64::try_from(location.offset) == Ok(*start)
            && u64::try_from(location.compressed_page_size) == Ok(*size);
        if !same || !follows {
            return Err(wrong("its offset index speaks of other pages than it has".to_owned()));
        }
        row = first;
    }
    Ok(())
}

/// What the pages of a chunk say.
#[derive(Debug, Default)]
struct Walked {
    values: u64,
    /// `None` where not all of its pages tell.
    rows: Option<u64>,
    /// Where its pages begin.
    starts: Vec<u64>,
    /// Where data pages begin, and their sizes with their headers.
    data_pages: Vec<(u64, u64)>,
}

fn walk(bytes: &dyn ReadAt, chunk: &ColumnChunkMetaData) -> Result<Walked> {
    let (start, end) = range(chunk);
    let expected = u64::try_from(chunk.num_values())?;
    let mut walked = Walked { rows: Some(0), ..Walked::default() };
    let (mut at, mut uncompressed, mut has_dictionary) = (start, 0_u64, false);
    while at < end {
        let header = PageHeader::read(end - at, |buffer| bytes.read_exact_at(buffer, at))?
            .map_err(|_| wrong("a page header makes no sense".to_owned()))?;
        let size = header.len as u64 + header.compressed;
        if size > end - at {
            return Err(wrong("a page goes beyond the end of its column chunk".to_owned()));
        }
        if let Some(why) = header.implausible(chunk, expected - walked.values) {
            return Err(wrong(why));
        }
        if let Some(why) = lying(&header, chunk) {
            return Err(wrong(why));
        }
        if chunk.compression() == Compression::SNAPPY {
            check_snappy(bytes, at, &header)?;
        }
        walked.starts.push(at);
        uncompressed += header.len as u64 + header.uncompressed;
        match header.kind {
            PageKind::Dictionary if at != start => {
                return Err(wrong("it has a dictionary in the middle".to_owned()));
            }
            PageKind::Dictionary => has_dictionary = true,
            PageKind::Data => {
                if header.by_dictionary && !has_dictionary {
                    return Err(wrong("a page refers to a dictionary it does not have".to_owned()));
                }
                walked.values += header.values;
                walked.rows =
                    walked.rows.and_then(|rows| header.rows.map(|more| rows.saturating_add(more)));
                walked.data_pages.push((at, size));
            }
            PageKind::Other => {}
        }
        at += size;
    }
    if u64::try_from(chunk.uncompressed_size()).is_ok_and(|claimed| claimed < uncompressed / 2) {
        return Err(wrong(format!(
            "its pages hold {uncompressed} bytes, but the footer says {}",
            chunk.uncompressed_size()
        )));
    }
    Ok(walked)
}

/// What Snappy compressed begins with the size it has when it is decompressed (`format_description`
/// of Snappy, the preamble).
fn check_snappy(bytes: &dyn ReadAt, page: u64, header: &PageHeader) -> Result<()> {
    let stored = header.compressed.saturating_sub(header.levels);
    if header.plain || stored == 0 {
        return Ok(());
    }
    let mut preamble = [0; 5];
    let preamble = preamble.get_mut(..stored.min(5) as usize).unwrap_or_default();
    bytes.read_exact_at(preamble, page + header.len as u64 + header.levels)?;
    let ends = preamble.iter().position(|byte| byte & 0x80 == 0);
    let size = ends.and_then(|last| preamble.get(..=last)).map(|bytes| {
        bytes.iter().rev().fold(0, |size: u64, byte| size << 7 | u64::from(byte & 0x7f))
    });
    let claimed = header.uncompressed.saturating_sub(header.levels);
    match size {
        Some(size) if size == claimed => Ok(()),
        Some(size) => {
            Err(wrong(format!("a page that claims to hold {claimed} bytes of values has {size}")))
        }
        None => Err(wrong("a page is not compressed as the footer says".to_owned())),
    }
}

/// Why a dictionary cannot have as many values as it says, where that can be reckoned.
fn lying(header: &PageHeader, chunk: &ColumnChunkMetaData) -> Option<String> {
    let PageHeader { uncompressed, values, .. } = *header;
    if header.kind != PageKind::Dictionary {
        return None;
    }
    // The values of a dictionary stand one behind the other (`Encodings.md`, plain encoding).
    let column = chunk.column_descr();
    let fits = match column.physical_type() {
        Type::INT32 | Type::FLOAT => values.checked_mul(4) == Some(uncompressed),
        Type::INT64 | Type::DOUBLE => values.checked_mul(8) == Some(uncompressed),
        Type::INT96 => values.checked_mul(12) == Some(uncompressed),
        Type::FIXED_LEN_BYTE_ARRAY => {
            let length = u64::try_from(column.type_length()).ok();
            length.and_then(|length| values.checked_mul(length)) == Some(uncompressed)
        }
        Type::BYTE_ARRAY => values.checked_mul(4).is_some_and(|least| least <= uncompressed),
        Type::BOOLEAN => true,
    };
    (!fits).then(|| format!("a dictionary of {uncompressed} bytes claims {values} values"))
}

fn wrong(what: String) -> ParquetError {
    ParquetError::General(what)
}
