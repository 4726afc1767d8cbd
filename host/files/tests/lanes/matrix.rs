//! Every codec to every codec, of both versions of pages, with and without what stands beside them.

use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use serde_json::json;

use crate::load::{Way, assert_clean, files, foretold, load, metadata, rows_of, store};
use crate::support::{Project, read};
use crate::tables::{codecs, types};

const ROWS: i64 = 3_000;

fn properties(codec: Compression, version: WriterVersion, beside: bool) -> WriterProperties {
    let statistics = if beside { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
    WriterProperties::builder()
        .set_compression(codec)
        .set_writer_version(version)
        .set_data_page_row_count_limit(700)
        .set_write_batch_size(100)
        .set_statistics_enabled(statistics)
        .set_offset_index_disabled(!beside)
        .set_bloom_filter_enabled(beside)
        .build()
}

async fn moved(from: Compression, to: (&str, Compression), version: WriterVersion, beside: bool) {
    let project = Project::new();
    let rows = types(ROWS);
    let source = project.write_parquet_with("a.parquet", &rows, properties(from, version, beside));
    let (home, store) = (project.parquet(), store(&project, json!({ "compression": to.0 })));
    let note = foretold(&home, &store).await;
    let loaded = load(&home, &store, &Way::default()).await;
    let same = std::mem::discriminant(&from) == std::mem::discriminant(&to.1);
    let words = match same {
        true => "copied 1 file as it is",
        false => "recompressed 14 of 14 columns, values untouched",
    };
    assert_eq!((loaded.said, loaded.parcels, loaded.batches), (vec![words.to_owned()], 1, 0));
    assert_eq!(note, format!("1 file, {words}"));
    assert_clean(&project);

    let [file] = &files(&project)[..] else { panic!() };
    if same {
        assert!(std::fs::read(file).unwrap() == std::fs::read(&source).unwrap());
    }
    assert_eq!(rows_of(file), rows, "{from} to {}", to.0);
    let (before, after) = (metadata(&source), metadata(file));
    assert_eq!(
        before.file_metadata().key_value_metadata(),
        after.file_metadata().key_value_metadata()
    );
    for (column, chunk) in after.row_group(0).columns().iter().enumerate() {
        let old = before.row_group(0).column(column);
        assert_eq!(std::mem::discriminant(&chunk.compression()), std::mem::discriminant(&to.1));
        assert_eq!(chunk.statistics(), old.statistics());
        assert!(chunk.statistics().is_some());
        assert_eq!(chunk.bloom_filter_offset().is_some(), beside);
        let index = |metadata: &parquet::file::metadata::ParquetMetaData| {
            let pages = metadata.page_index()?;
            let rows: Vec<i64> = pages
                .offset_index(0, column)?
                .page_locations()
                .iter()
                .map(|page| page.first_row_index)
                .collect();
            Some((rows, pages.column_index(0, column).cloned()))
        };
        assert_eq!(index(&after), index(&before));
        assert_eq!(index(&after).is_some(), beside);
    }
    // What landed is read as well as its source was, by its page index and by its values.
    let again = project.home("parquet", json!({ "path": "out" }));
    assert_eq!(read(&again).await.unwrap().all(), rows);
}

#[tokio::test]
async fn version_1_without_anything_beside() {
    for (_, from) in codecs() {
        for to in codecs() {
            moved(from, to, WriterVersion::PARQUET_1_0, false).await;
        }
    }
}

#[tokio::test]
async fn version_1_with_indexes_and_bloom_filters() {
    for (_, from) in codecs() {
        for to in codecs() {
            moved(from, to, WriterVersion::PARQUET_1_0, true).await;
        }
    }
}

#[tokio::test]
async fn version_2_without_anything_beside() {
    for (_, from) in codecs() {
        for to in codecs() {
            moved(from, to, WriterVersion::PARQUET_2_0, false).await;
        }
    }
}

#[tokio::test]
async fn version_2_with_indexes_and_bloom_filters() {
    for (_, from) in codecs() {
        for to in codecs() {
            moved(from, to, WriterVersion::PARQUET_2_0, true).await;
        }
    }
}
