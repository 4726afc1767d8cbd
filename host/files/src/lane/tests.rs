//! Every codec to every codec, copied and recompressed, reads back equal.

use std::fs::File;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Decimal128Array, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;

use super::chunk::{ChunkBytes, close_result};
use super::recompress::recompress;
use super::structure;

fn codecs() -> [Compression; 6] {
    [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
    ]
}

fn rows() -> RecordBatch {
    let id = Int64Array::from_iter_values(0..5_000);
    let name = StringArray::from_iter((0..5_000).map(|i| (i % 11 != 0).then(|| format!("n{i}"))));
    let kind: DictionaryArray<Int32Type> = (0..5_000).map(|i| ["a", "b", "c"][i % 3]).collect();
    let ratio = Float64Array::from_iter((0..5_000).map(|i| (i % 5 != 0).then_some(f64::from(i))));
    let price = Decimal128Array::from_iter_values((0..5_000).map(|i| i * 31))
        .with_precision_and_scale(20, 2)
        .unwrap();
    let tags = ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..5_000).map(|i| (i % 7 != 0).then(|| (0..i % 4).map(Some).collect::<Vec<_>>())),
    );
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(id) as ArrayRef, false),
        ("name", Arc::new(name), true),
        ("kind", Arc::new(kind), true),
        ("ratio", Arc::new(ratio), true),
        ("price", Arc::new(price), true),
        ("tags", Arc::new(tags), true),
        ("nothing", Arc::new(StringArray::from(vec![None::<&str>; 5_000])), true),
    ])
    .unwrap()
}

fn source(codec: Compression, version: WriterVersion, indexed: bool) -> (File, RecordBatch) {
    let rows = rows();
    let statistics = if indexed { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_writer_version(version)
        .set_data_page_row_count_limit(700)
        .set_write_batch_size(100)
        .set_max_row_group_row_count(Some(3_000))
        .set_statistics_enabled(statistics)
        .set_offset_index_disabled(!indexed)
        .set_bloom_filter_enabled(indexed)
        .build();
    let file = tempfile::tempfile().unwrap();
    let handle = file.try_clone().unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    (handle, rows)
}

/// Moves every chunk, recompressed to `codec` if given, and answers with the new file.
fn moved(file: &File, codec: Option<Compression>) -> Bytes {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = ArrowReaderMetadata::load(file, options).unwrap().metadata().clone();
    let length = file.metadata().unwrap().len();
    let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(metadata.file_metadata().key_value_metadata().cloned())
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for group in 0..metadata.num_row_groups() {
        let mut row_group = writer.next_row_group().unwrap();
        for column in 0..metadata.row_group(group).num_columns() {
            let close = close_result(file, &metadata, group, column).unwrap();
            let chunk = ChunkBytes::read(file, length, &close.metadata).unwrap();
            structure::check(
                &chunk,
                &close.metadata,
                close.rows_written,
                close.offset_index.as_ref(),
            )
            .unwrap();
            match codec {
                None => row_group.append_column(&chunk, close).unwrap(),
                Some(codec) => {
                    let (bytes, close) = recompress(&chunk, close, codec).unwrap();
                    row_group.append_column(&bytes, close).unwrap();
                }
            }
        }
        row_group.close().unwrap();
    }
    writer.into_inner().unwrap().into()
}

fn check_equal(moved: Bytes, rows: &RecordBatch, indexed: bool, codec: Compression) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(moved, options).unwrap();
    let metadata = Arc::clone(builder.metadata());
    for (index, group) in metadata.row_groups().iter().enumerate() {
        for (column, chunk) in group.columns().iter().enumerate() {
            assert_eq!(
                std::mem::discriminant(&chunk.compression()),
                std::mem::discriminant(&codec)
            );
            let pages = metadata.page_index().and_then(|pages| pages.offset_index(index, column));
            assert_eq!(pages.is_some(), indexed);
            assert_eq!(chunk.bloom_filter_offset().is_some(), indexed);
            assert!(chunk.statistics().is_some());
        }
    }
    let batches: Vec<_> = builder.with_batch_size(10_000).build().unwrap().flatten().collect();
    let read = arrow_select::concat::concat_batches(&rows.schema(), &batches).unwrap();
    assert_eq!(&read, rows);
}

#[test]
fn copied_chunks_read_back_equal() {
    for codec in codecs() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for indexed in [false, true] {
                let (file, rows) = source(codec, version, indexed);
                check_equal(moved(&file, None), &rows, indexed, codec);
            }
        }
    }
}

#[test]
fn recompressed_chunks_read_back_equal() {
    for from in codecs() {
        for to in codecs() {
            for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
                let indexed = to != Compression::SNAPPY;
                let (file, rows) = source(from, version, indexed);
                check_equal(moved(&file, Some(to)), &rows, indexed, to);
            }
        }
    }
}

#[test]
fn a_damaged_chunk_is_an_error_or_reads_as_it_was() {
    let (file, _) = source(Compression::SNAPPY, WriterVersion::PARQUET_1_0, true);
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).unwrap();
    let metadata = metadata.metadata();
    let length = file.metadata().unwrap().len();
    let close = close_result(&file, metadata, 0, 0).unwrap();
    let whole = ChunkBytes::read(&file, length, &close.metadata).unwrap();
    let mut refused = 0;
    for at in 0..whole.bytes.len().min(3_000) {
        let mut bytes = whole.bytes.to_vec();
        bytes[at] ^= 0xFF;
        let damaged = ChunkBytes { start: whole.start, bytes: bytes.into() };
        let checked = structure::check(&damaged, &close.metadata, close.rows_written, None);
        refused += usize::from(checked.is_err());
    }
    assert!(refused > 10, "only {refused} damaged headers were noticed");
}

#[test]
fn a_footer_that_claims_more_than_the_file_is_refused() {
    let (file, _) = source(Compression::SNAPPY, WriterVersion::PARQUET_1_0, false);
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).unwrap();
    let chunk = metadata.metadata().row_group(0).column(0).clone();
    for (size, start) in [(i64::MAX, 4), (-1, 4), (100, -5), (1 << 40, 1 << 40)] {
        let lying = chunk
            .clone()
            .into_builder()
            .set_total_compressed_size(size)
            .set_data_page_offset(start)
            .set_dictionary_page_offset(None)
            .build()
            .unwrap();
        assert!(ChunkBytes::read(&file, file.metadata().unwrap().len(), &lying).is_err());
    }
}
