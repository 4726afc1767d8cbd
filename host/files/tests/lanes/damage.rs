//! What is broken is a fault in every lane, and never a broken copy.

use hygge_core::fault::FaultKind;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::TrackedWrite;
use serde_json::json;

use crate::load::{Way, assert_clean, files, metadata, rows_of, store, try_load};
use crate::support::{Project, told};
use crate::tables::types;

/// A file, and what its bytes become.
fn written(properties: WriterProperties) -> (Vec<u8>, ParquetMetaData) {
    let project = Project::new();
    let path = project.write_parquet_with("a.parquet", &types(400), properties);
    let bytes = std::fs::read(&path).unwrap();
    (bytes, ParquetMetaData::clone(&metadata(&path)))
}

fn properties(version: WriterVersion) -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_writer_version(version)
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .set_bloom_filter_enabled(true)
        .build()
}

/// The ways in which a file may be taken over.
fn lanes() -> [serde_json::Value; 3] {
    [
        json!({}),
        json!({ "compression": "zstd" }),
        json!({ "polish": { "constants": [{ "name": "c", "value": 1 }] } }),
    ]
}

/// The fault of each lane for these bytes.
async fn faults(bytes: &[u8]) -> Vec<String> {
    let mut faults = Vec::new();
    for keys in lanes() {
        let project = Project::new();
        project.write("a.parquet", bytes);
        let fault = try_load(&project.parquet(), &store(&project, keys), &Way::default())
            .await
            .unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Data, "{fault:?}");
        assert!(fault.to_string().starts_with("in/a.parquet is damaged"), "{}", told(&fault));
        assert_clean(&project);
        assert!(!project.folder.path().join("out").exists(), "nothing was published");
        faults.push(told(&fault));
    }
    faults
}

/// The file with another footer.
fn with_footer(bytes: &[u8], metadata: &ParquetMetaData) -> Vec<u8> {
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
fn with_chunk(
    bytes: &[u8],
    metadata: &ParquetMetaData,
    column: usize,
    change: impl Fn(
        parquet::file::metadata::ColumnChunkMetaDataBuilder,
    ) -> parquet::file::metadata::ColumnChunkMetaDataBuilder,
) -> Vec<u8> {
    let mut group = metadata.row_group(0).clone();
    let chunk = &mut group.columns_mut()[column];
    *chunk = change(chunk.clone().into_builder()).build().unwrap();
    let metadata = metadata.clone().into_builder().set_row_groups(vec![group]).build();
    with_footer(bytes, &metadata)
}

#[tokio::test]
async fn a_file_with_its_own_footer_again_is_well() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    let project = Project::new();
    project.write("a.parquet", with_footer(&bytes, &metadata));
    try_load(&project.parquet(), &store(&project, json!({})), &Way::default()).await.unwrap();
    assert_eq!(rows_of(&files(&project)[0]), types(400));
}

#[tokio::test]
async fn a_lying_offset_is_told_with_its_column() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    let name = 3;
    let other = metadata.row_group(0).column(2).clone();
    for change in [
        // Into the middle of a page; at another column; a little off.
        (7, 0),
        (0, 5),
        (-3, 0),
    ] {
        let lying = with_chunk(&bytes, &metadata, name, |chunk| {
            let own = metadata.row_group(0).column(name);
            let start = own.dictionary_page_offset().unwrap();
            chunk
                .set_dictionary_page_offset(Some(start + change.0))
                .set_total_compressed_size(own.compressed_size() - change.0 - change.1)
        });
        for fault in faults(&lying).await {
            assert!(fault.contains("row group 0, column `"), "{fault}");
        }
    }
    let lying = with_chunk(&bytes, &metadata, name, |chunk| {
        chunk
            .set_dictionary_page_offset(other.dictionary_page_offset())
            .set_data_page_offset(other.data_page_offset())
            .set_total_compressed_size(other.compressed_size())
    });
    for fault in &faults(&lying).await[..1] {
        assert!(fault.contains("it lies over another column"), "{fault}");
    }
}

#[tokio::test]
async fn a_wrong_number_of_rows_is_noticed() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let (bytes, metadata) = written(properties(version));
        let group = metadata.row_group(0).clone();
        let columns: Vec<_> = group
            .columns()
            .iter()
            .map(|chunk| {
                let flat = chunk.column_descr().max_rep_level() == 0;
                let values = if flat { 399 } else { chunk.num_values() };
                chunk.clone().into_builder().set_num_values(values).build().unwrap()
            })
            .collect();
        let group = group.into_builder().set_num_rows(399).set_column_metadata(columns).build();
        let old = metadata.file_metadata();
        let file = parquet::file::metadata::FileMetaData::new(
            old.version(),
            399,
            old.created_by().map(str::to_owned),
            old.key_value_metadata().cloned(),
            old.schema_descr_ptr(),
            old.column_orders().cloned(),
        );
        let lying = ParquetMetaData::new(file, vec![group.unwrap()]);
        for fault in faults(&with_footer(&bytes, &lying)).await {
            assert!(fault.contains("row group 0, column `id`"), "{fault}");
        }
    }
}

#[tokio::test]
async fn a_truncated_page_is_noticed() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_2_0));
    let shorter = with_chunk(&bytes, &metadata, 5, |chunk| {
        let own = metadata.row_group(0).column(5);
        chunk.set_total_compressed_size(own.compressed_size() - 1)
    });
    for fault in faults(&shorter).await {
        assert!(fault.contains("a page goes beyond the end of its column chunk"), "{fault}");
    }
}

#[tokio::test]
async fn an_index_of_other_pages_is_noticed() {
    let (bytes, metadata) = written(properties(WriterVersion::PARQUET_1_0));
    let other = metadata.row_group(0).column(1).clone();
    let lying = with_chunk(&bytes, &metadata, 0, |chunk| {
        chunk
            .set_offset_index_offset(other.offset_index_offset())
            .set_offset_index_length(other.offset_index_length())
    });
    for fault in faults(&lying).await {
        assert!(fault.contains("row group 0, column `id`: its offset index"), "{fault}");
    }
    let outside = with_chunk(&bytes, &metadata, 0, |chunk| {
        chunk.set_offset_index_offset(Some(i64::MAX)).set_offset_index_length(Some(10))
    });
    for fault in faults(&outside).await {
        assert!(fault.contains("lies outside of the file"), "{fault}");
    }
    let outside = with_chunk(&bytes, &metadata, 0, |chunk| {
        chunk.set_bloom_filter_offset(Some(1 << 40)).set_bloom_filter_length(Some(64))
    });
    faults(&outside).await;
}

/// Every byte of page headers changed in turn: the copy is refused, or holds the same rows and is
/// as readable as its source.
#[tokio::test]
async fn flipped_header_bytes_are_refused_or_harmless() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let (bytes, metadata) = written(properties(version));
        let (mut refused, mut flips) = (0, 0);
        for column in [0, 3, 12] {
            let index = metadata.page_index().unwrap().offset_index(0, column).unwrap();
            for page in &index.page_locations()[..2] {
                for at in page.offset as usize..page.offset as usize + 16 {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 0xff;
                    flips += 1;
                    let keys = lanes()[flips % 3].clone();
                    let project = Project::new();
                    project.write("a.parquet", &flipped);
                    let (home, store) = (project.parquet(), store(&project, keys));
                    match try_load(&home, &store, &Way::default()).await {
                        Ok(loaded) => assert_eq!(loaded.rows, 400),
                        Err(fault) => {
                            refused += 1;
                            assert_eq!(fault.kind(), FaultKind::Data, "byte {at}: {fault:?}");
                        }
                    }
                }
            }
        }
        assert!(refused > flips / 2, "{refused} of {flips}");
    }
}

#[tokio::test]
async fn broken_values_are_found_when_they_are_verified() {
    let (bytes, metadata) = written(
        WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .build(),
    );
    // Within the compressed values of the second half of a column of text.
    let chunk = metadata.row_group(0).column(3);
    let middle = (chunk.data_page_offset() + chunk.compressed_size() * 2 / 3) as usize;
    let mut flipped = bytes;
    for byte in &mut flipped[middle..middle + 8] {
        *byte ^= 0xff;
    }
    for mut keys in lanes() {
        keys.as_object_mut().unwrap().insert("verify".to_owned(), json!("values"));
        let project = Project::new();
        project.write("a.parquet", &flipped);
        let fault = try_load(&project.parquet(), &store(&project, keys), &Way::default())
            .await
            .unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Data);
        assert!(told(&fault).contains("row group 0, column `name`"), "{}", told(&fault));
        assert_clean(&project);
    }
}
