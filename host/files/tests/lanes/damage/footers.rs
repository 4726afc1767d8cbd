//! Footers that lie about what is in the file.

use parquet::file::metadata::{
    ColumnChunkMetaDataBuilder, FileMetaData, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter,
};
use parquet::file::properties::WriterVersion;
use parquet::file::writer::TrackedWrite;

use super::{Does, ROWS, VERSIONS, lanes, properties, written};

/// The file with another footer.
pub(super) fn with_footer(bytes: &[u8], metadata: &ParquetMetaData) -> Vec<u8> {
    let length = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap());
    let mut out = bytes[..bytes.len() - 8 - length as usize].to_vec();
    let start = out.len();
    // Page indexes stay where they are.
    let bare = metadata.clone().into_builder().set_page_index(None).build();
    ParquetMetaDataWriter::new_with_tracked(TrackedWrite::new(&mut out), &bare).finish().unwrap();
    assert!(out.len() > start);
    assert!(
        ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::from(out.clone())).is_ok()
    );
    out
}

/// The file with another entry for one column.
pub(super) fn with_chunk(
    bytes: &[u8],
    metadata: &ParquetMetaData,
    column: usize,
    change: impl Fn(ColumnChunkMetaDataBuilder) -> ColumnChunkMetaDataBuilder,
) -> Vec<u8> {
    let mut group = metadata.row_group(0).clone();
    let chunk = &mut group.columns_mut()[column];
    *chunk = change(chunk.clone().into_builder()).build().unwrap();
    let metadata = metadata.clone().into_builder().set_row_groups(vec![group]).build();
    with_footer(bytes, &metadata)
}

/// The column of text in the damaged file.
const NAME: usize = 3;

#[tokio::test]
async fn a_file_with_its_own_footer_again_is_well() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    for lane in lanes() {
        lane.takes(&with_footer(&bytes, &metadata)).await;
    }
}

#[tokio::test]
async fn an_offset_into_the_middle_of_a_page() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    let own = metadata.row_group(0).column(NAME);
    let start = own.dictionary_page_offset().unwrap();
    for (off, shorter) in [(7, 0), (0, 5), (-3, 0), (3, 3)] {
        let lying = with_chunk(&bytes, &metadata, NAME, |chunk| {
            chunk
                .set_dictionary_page_offset(Some(start + off))
                .set_total_compressed_size(own.compressed_size() - off - shorter)
        });
        for lane in lanes() {
            // A chunk that begins before its own first page also lies over the one before it.
            lane.refuses(&lying, "name").await;
        }
    }
}

#[tokio::test]
async fn an_offset_of_another_column() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    let other = metadata.row_group(0).column(NAME + 4).clone();
    let lying = with_chunk(&bytes, &metadata, NAME, |chunk| {
        chunk
            .set_dictionary_page_offset(other.dictionary_page_offset())
            .set_data_page_offset(other.data_page_offset())
            .set_total_compressed_size(other.compressed_size())
    });
    for lane in lanes() {
        let fault = lane.load(&lying).await.unwrap_err();
        assert!(fault.contains("row group 0, column `"), "{}: {fault}", lane.name);
    }
}

#[tokio::test]
async fn an_offset_of_a_data_page_that_is_none() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    let own = metadata.row_group(0).column(NAME);
    let lying = with_chunk(&bytes, &metadata, NAME, |chunk| {
        chunk.set_data_page_offset(own.data_page_offset() + 3)
    });
    // Whoever reads a chunk from its first byte on needs no such offset.
    for lane in lanes() {
        match lane.does {
            Does::Copy | Does::Recompress => drop(lane.refuses(&lying, "name").await),
            Does::Decode => lane.takes(&lying).await,
        }
    }
}

#[tokio::test]
async fn offsets_and_sizes_outside_of_the_file() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    for (offset, size) in [(i64::MAX, 10), (1 << 40, 10), (-4, 10), (4, i64::MAX / 2), (4, -1)] {
        let lying = with_chunk(&bytes, &metadata, NAME, |chunk| {
            chunk
                .set_dictionary_page_offset(None)
                .set_data_page_offset(offset)
                .set_total_compressed_size(size)
        });
        for lane in lanes() {
            lane.refuses(&lying, "name").await;
        }
    }
}

#[tokio::test]
async fn a_wrong_number_of_rows() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        for wrong in [ROWS - 1, ROWS + 1] {
            let group = metadata.row_group(0).clone();
            let columns = group.columns().iter().map(|chunk| {
                let flat = chunk.column_descr().max_rep_level() == 0;
                let values = if flat { wrong } else { chunk.num_values() };
                chunk.clone().into_builder().set_num_values(values).build().unwrap()
            });
            let columns = columns.collect();
            let group = group.into_builder().set_num_rows(wrong).set_column_metadata(columns);
            let lying = with_rows(&bytes, &metadata, wrong, group.build().unwrap());
            for lane in lanes() {
                lane.refuses(&lying, "id").await;
            }
        }
    }
}

#[tokio::test]
async fn a_row_group_of_other_length_than_its_columns() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    for wrong in [ROWS - 1, ROWS + 1] {
        let group = metadata.row_group(0).clone().into_builder().set_num_rows(wrong);
        let lying = with_rows(&bytes, &metadata, wrong, group.build().unwrap());
        for lane in lanes() {
            lane.refuses(&lying, "id").await;
        }
    }
}

fn with_rows(
    bytes: &[u8],
    metadata: &ParquetMetaData,
    rows: i64,
    group: parquet::file::metadata::RowGroupMetaData,
) -> Vec<u8> {
    let old = metadata.file_metadata();
    let file = FileMetaData::new(
        old.version(),
        rows,
        old.created_by().map(str::to_owned),
        old.key_value_metadata().cloned(),
        old.schema_descr_ptr(),
        old.column_orders().cloned(),
    );
    with_footer(bytes, &ParquetMetaData::new(file, vec![group]))
}

#[tokio::test]
async fn a_column_of_fewer_or_more_values() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        for off in [-1, 1, 100_000] {
            let lying =
                with_chunk(&bytes, &metadata, NAME, |chunk| chunk.set_num_values(ROWS + off));
            for lane in lanes() {
                lane.refuses(&lying, "name").await;
            }
        }
    }
}

#[tokio::test]
async fn another_codec_than_its_pages_have() {
    for version in VERSIONS {
        let (bytes, metadata) = written(properties(version));
        let lying = with_chunk(&bytes, &metadata, NAME, |chunk| {
            chunk.set_compression(parquet::basic::Compression::GZIP(Default::default()))
        });
        // A copy that is not decompressed has no way to know, unless it is told to look.
        for lane in lanes() {
            let lane = if lane.does == Does::Copy { lane.verified() } else { lane };
            lane.refuses(&lying, "name").await;
        }
    }
}

#[tokio::test]
async fn an_index_of_other_pages() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    let other = metadata.row_group(0).column(1).clone();
    let outside: [(Option<i64>, Option<i32>); 3] =
        [(Some(i64::MAX), Some(10)), (Some(4), Some(-1)), (Some(-1), Some(10))];
    let lies = [(other.offset_index_offset(), other.offset_index_length())];
    for (offset, length) in lies.into_iter().chain(outside) {
        let lying = with_chunk(&bytes, &metadata, 0, |chunk| {
            chunk.set_offset_index_offset(offset).set_offset_index_length(length)
        });
        for lane in lanes() {
            match lane.does {
                Does::Copy | Does::Recompress => drop(lane.refuses(&lying, "id").await),
                // Rows are read without it, and another is made.
                Does::Decode => lane.takes(&lying).await,
            }
        }
    }
}

#[tokio::test]
async fn a_bloom_filter_that_is_not_there() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    for (offset, length) in [(1 << 40, 64), (4, 64), (4, -1), (-1, 64)] {
        let lying = with_chunk(&bytes, &metadata, 0, |chunk| {
            chunk.set_bloom_filter_offset(Some(offset)).set_bloom_filter_length(Some(length))
        });
        for lane in lanes() {
            match lane.does {
                Does::Copy | Does::Recompress => drop(lane.refuses(&lying, "id").await),
                Does::Decode => lane.takes(&lying).await,
            }
        }
    }
}
