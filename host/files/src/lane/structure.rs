//! Whether a column chunk is whole, as far as can be told without its values.

use std::sync::Arc;

use parquet::column::page::PageReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::chunk::{ChunkBytes, guarded};

/// Walks the page headers of a chunk from its first to its last byte. They must fill it exactly
/// and hold as many values as the footer says; where there is an offset index, it must speak of
/// these very pages.
pub(crate) fn check(
    chunk: &ChunkBytes,
    meta: &ColumnChunkMetaData,
    rows: u64,
    offset_index: Option<&OffsetIndexMetaData>,
) -> Result<()> {
    guarded(|| {
        let pages = walk(chunk, meta, rows)?;
        if let Some(index) = offset_index {
            let indexed = index.page_locations();
            if indexed.len() != pages {
                return Err(ParquetError::General(format!(
                    "its offset index has {} pages, but there are {pages}",
                    indexed.len()
                )));
            }
            let end = chunk.start + chunk.bytes.len() as u64;
            let within = indexed.iter().all(|page| {
                u64::try_from(page.offset).is_ok_and(|offset| offset >= chunk.start && offset < end)
            });
            if !within {
                return Err(ParquetError::General(
                    "its offset index points outside of it".to_owned(),
                ));
            }
        }
        Ok(())
    })
}

/// Walks the pages; answers with the number of data pages.
fn walk(chunk: &ChunkBytes, meta: &ColumnChunkMetaData, rows: u64) -> Result<usize> {
    let reader = Arc::new(chunk.clone());
    let mut pages = SerializedPageReader::new(reader, meta, usize::try_from(rows)?, None)?;
    let (mut values, mut page_rows, mut data_pages) = (0_u64, 0_u64, 0);
    while let Some(page) = pages.peek_next_page()? {
        if !page.is_dict {
            data_pages += 1;
            values += page.num_levels.unwrap_or(0) as u64;
            page_rows += page.num_rows.unwrap_or(0) as u64;
        }
        pages.skip_next_page()?;
    }
    let expected = u64::try_from(meta.num_values())?;
    if values != expected {
        return Err(ParquetError::General(format!(
            "its pages hold {values} values, but the footer says {expected}"
        )));
    }
    let flat = meta.column_descr().max_rep_level() == 0;
    if (flat && values != rows) || (page_rows != 0 && page_rows != rows) {
        return Err(ParquetError::General(format!(
            "its pages hold {} rows, but the footer says {rows}",
            if flat { values } else { page_rows }
        )));
    }
    Ok(data_pages)
}
