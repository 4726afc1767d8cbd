//! The pages of a column chunk under another codec, their values untouched.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, PageType};
use parquet::column::page::{CompressedPage, Page, PageReader, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::compression::{Codec, CodecOptions, create_codec};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

use super::guarded;

/// Compresses the pages of `chunk` again with `codec`, into `sink`. `close` is what was to be
/// written beside the chunk had it been copied; answers with the sink (offsets from 0) and what is
/// to be written beside what is in it.
///
/// Page checksums are verified on the way. `goes_on` is asked before each page, and ends it with an
/// error.
pub(crate) fn recompress<R: ChunkReader + 'static, W: Write + Send>(
    chunk: R,
    close: ColumnCloseResult,
    codec: Compression,
    sink: W,
    mut goes_on: impl FnMut() -> Result<()>,
) -> Result<(W, ColumnCloseResult)> {
    guarded(|| {
        let mut pages = pages(chunk, &close.metadata, close.rows_written)?;
        let mut encoder = create_codec(codec, &CodecOptions::default())?;
        let mut sink = TrackedWrite::new(sink);
        let mut written = Written::default();
        {
            let mut writer = SerializedPageWriter::new(&mut sink);
            while let Some(page) = pages.get_next_page()? {
                goes_on()?;
                let spec = writer.write_page(compress(page, encoder.as_deref_mut())?)?;
                written.add(&spec)?;
            }
        }
        let length = sink.bytes_written();
        let close = written.close(close, codec, length)?;
        Ok((sink.into_inner()?, close))
    })
}

fn pages<R: ChunkReader + 'static>(
    chunk: R,
    meta: &ColumnChunkMetaData,
    rows: u64,
) -> Result<SerializedPageReader<R>> {
    // Without this, statistics in page headers would be lost.
    let properties = ReaderProperties::builder().set_read_page_statistics(true).build();
    SerializedPageReader::new_with_properties(
        Arc::new(chunk),
        meta,
        usize::try_from(rows)?,
        None,
        Arc::new(properties),
    )
}

/// A page as it is to be stored. In a page of version 2 the levels stand uncompressed before the
/// values (`parquet.thrift`, `DataPageHeaderV2`); in the others all of it is compressed.
fn compress(page: Page, codec: Option<&mut (dyn Codec + '_)>) -> Result<CompressedPage> {
    let plain = page.buffer().clone();
    let size = plain.len();
    let levels = match &page {
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            (*def_levels_byte_len as usize) + (*rep_levels_byte_len as usize)
        }
        _ => 0,
    };
    let is_compressed = codec.is_some();
    let stored = match codec {
        None => plain,
        Some(codec) => {
            let (levels, values) = plain.split_at_checked(levels).ok_or_else(|| {
                ParquetError::General("the levels of a page are longer than the page".to_owned())
            })?;
            let mut stored = Vec::with_capacity(plain.len() / 2);
            stored.extend_from_slice(levels);
            if !values.is_empty() {
                codec.compress(values, &mut stored)?;
            }
            Bytes::from(stored)
        }
    };
    Ok(CompressedPage::new(with_buffer(page, stored, is_compressed), size))
}

fn with_buffer(page: Page, stored: Bytes, is_compressed: bool) -> Page {
    match page {
        Page::DataPage {
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics,
            ..
        } => Page::DataPage {
            buf: stored,
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics,
        },
        Page::DataPageV2 {
            num_values,
            encoding,
            num_nulls,
            num_rows,
            def_levels_byte_len,
            rep_levels_byte_len,
            statistics,
            ..
        } => Page::DataPageV2 {
            buf: stored,
            num_values,
            encoding,
            num_nulls,
            num_rows,
            def_levels_byte_len,
            rep_levels_byte_len,
            is_compressed,
            statistics,
        },
        Page::DictionaryPage { num_values, encoding, is_sorted, .. } => {
            Page::DictionaryPage { buf: stored, num_values, encoding, is_sorted }
        }
    }
}

/// What was written, page by page.
#[derive(Default)]
struct Written {
    dictionary: Option<i64>,
    uncompressed: i64,
    data_pages: Vec<DataPage>,
}

/// Where a data page was written, and its stored size with its header.
struct DataPage {
    offset: i64,
    size: i32,
}

impl Written {
    fn add(&mut self, spec: &PageWriteSpec) -> Result<()> {
        let offset = i64::try_from(spec.offset)?;
        self.uncompressed += i64::try_from(spec.uncompressed_size)?;
        if spec.page_type == PageType::DICTIONARY_PAGE {
            self.dictionary = Some(offset);
        } else {
            let size = i32::try_from(spec.compressed_size)?;
            self.data_pages.push(DataPage { offset, size });
        }
        Ok(())
    }

    fn close(
        self,
        close: ColumnCloseResult,
        codec: Compression,
        length: usize,
    ) -> Result<ColumnCloseResult> {
        let offset_index = self.offset_index(close.offset_index.as_ref());
        let first_data = self.data_pages.first().map_or(0, |page| page.offset);
        let metadata = close
            .metadata
            .into_builder()
            .set_compression(codec)
            .set_total_compressed_size(i64::try_from(length)?)
            .set_total_uncompressed_size(self.uncompressed)
            .set_data_page_offset(first_data)
            .set_dictionary_page_offset(self.dictionary)
            .build()?;
        Ok(ColumnCloseResult {
            bytes_written: length as u64,
            metadata,
            column_index: offset_index.is_some().then_some(close.column_index).flatten(),
            offset_index,
            ..close
        })
    }

    /// The old offset index, pointing at the new pages; rows are where they were. `None` when
    /// there was none, or when it spoke of other pages.
    fn offset_index(&self, old: Option<&OffsetIndexMetaData>) -> Option<OffsetIndexMetaData> {
        let old = old.filter(|old| old.page_locations().len() == self.data_pages.len())?;
        let mut index = old.clone();
        for (location, page) in index.page_locations.iter_mut().zip(&self.data_pages) {
            location.offset = page.offset;
            location.compressed_page_size = page.size;
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::ParquetMetaDataReader;
    use parquet::file::properties::WriterProperties;

    use super::*;

    #[test]
    fn it_ends_between_two_pages_when_it_is_not_to_go_on() {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_000));
        let rows = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_data_page_row_count_limit(100)
            .set_write_batch_size(100)
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        let bytes = Bytes::from(bytes);
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
        let close = ColumnCloseResult {
            bytes_written: 0,
            rows_written: 1_000,
            metadata: metadata.row_group(0).column(0).clone(),
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        let zstd = Compression::ZSTD(Default::default());
        let mut asked = 0;
        let whole = recompress(bytes.clone(), close.clone(), zstd, Vec::new(), || {
            asked += 1;
            Ok(())
        });
        assert_eq!((whole.unwrap().1.metadata.num_values(), asked), (1_000, 10));
        let mut left = 3;
        let ended = recompress(bytes, close, zstd, Vec::new(), || {
            left -= 1;
            if left > 0 { Ok(()) } else { Err(ParquetError::General("enough".to_owned())) }
        });
        assert_eq!((ended.unwrap_err().to_string(), left), ("Parquet error: enough".to_owned(), 0));
    }
}
