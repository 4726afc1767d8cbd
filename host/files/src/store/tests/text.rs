//! CSV and NDJSON files, compressed or not.

use std::io::Read as _;

use super::*;

async fn written(keys: Mapping, batches: &[RecordBatch]) -> (Project, Vec<(String, Vec<u8>)>) {
    let project = Project::new();
    let store = project.local(keys);
    project.load(store.as_ref(), "r", Mode::Replace, batches).await;
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(project.table())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    (project, files)
}

#[tokio::test]
async fn csv_begins_every_file_with_a_header() {
    let keys = mapping([
        ("path", text("out")),
        ("format", text("csv")),
        ("batch_size", Value::Int(2)),
        ("file_pattern", text("part-{sequence:03d}")),
    ]);
    let (_project, files) = written(keys, &[rows(&[1, 2, 3])]).await;
    let texts: Vec<(&str, &str)> =
        files.iter().map(|(name, file)| (name.as_str(), str::from_utf8(file).unwrap())).collect();
    assert_eq!(
        texts,
        [
            ("part-001.csv", "id,name\n1,name 1\n2,name 2\n"),
            ("part-002.csv", "id,name\n3,name 3\n"),
        ]
    );
}

#[tokio::test]
async fn large_batches_keep_their_order_through_all_cores() {
    let all: Vec<i64> = (0..100_000).collect();
    let keys =
        mapping([("path", text("out")), ("format", text("ndjson")), ("compression", text("gzip"))]);
    let (_project, files) = written(keys, &[rows(&all[..70_001]), rows(&all[70_001..])]).await;
    assert_eq!(files[0].0, "00000000000000000001.ndjson.gz");
    let mut lines = String::new();
    flate2::read::GzDecoder::new(files[0].1.as_slice()).read_to_string(&mut lines).unwrap();
    let read: Vec<i64> = lines
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["name"], format!("name {}", line["id"]));
            line["id"].as_i64().unwrap()
        })
        .collect();
    assert_eq!(read, all);
}

#[tokio::test]
async fn text_files_grow_to_their_target() {
    let all: Vec<i64> = (0..40_000).collect();
    let keys = mapping([
        ("path", text("out")),
        ("format", text("csv")),
        ("compression", text("zstd")),
        ("target_file_size", text("20 KB")),
    ]);
    let batches: Vec<RecordBatch> = all.chunks(2_000).map(rows).collect();
    let (_project, files) = written(keys, &batches).await;
    assert!(files.len() > 1);
    let mut read = Vec::new();
    for (name, file) in files {
        assert!(name.ends_with(".csv.zst"));
        let text = String::from_utf8(zstd::decode_all(file.as_slice()).unwrap()).unwrap();
        read.extend(text.lines().skip(1).map(|line| line.split_once(',').unwrap().0.to_owned()));
    }
    let expected: Vec<String> = all.iter().map(i64::to_string).collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn no_rows_are_a_header_or_an_empty_file() {
    let csv = mapping([("path", text("out")), ("format", text("csv"))]);
    let (_project, files) = written(csv, &[rows(&[])]).await;
    assert_eq!(files, [("00000000000000000001.csv".to_owned(), b"id,name\n".to_vec())]);
    let ndjson = mapping([("path", text("out")), ("format", text("ndjson"))]);
    let (_project, files) = written(ndjson, &[rows(&[])]).await;
    assert_eq!(files, [("00000000000000000001.ndjson".to_owned(), Vec::new())]);
}

#[tokio::test]
async fn a_column_that_csv_cannot_carry_is_named() {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("format", text("csv"))]));
    let item = arrow_schema::Field::new("item", arrow_schema::DataType::Int32, true);
    let tags = arrow_schema::DataType::List(Arc::new(item));
    let schema =
        Arc::new(arrow_schema::Schema::new(vec![arrow_schema::Field::new("tags", tags, true)]));
    let fault = project.begin(store.as_ref(), "r", Mode::Replace, schema).await.err().unwrap();
    assert!(fault.to_string().contains("`tags`"));
}

#[tokio::test]
async fn a_text_file_changed_before_publication_is_noticed() {
    let project = Project::new();
    let store = project.local(mapping([("path", text("out")), ("format", text("csv"))]));
    let manifest = project.manifest(store.as_ref(), "r", Mode::Replace, &[1, 2]).await;
    let staged = PathBuf::from(&manifest.staging).join("data/00000000000000000001.csv");
    fs::write(staged, "id,name\n").unwrap();
    let fault = store.publish(&manifest).await.unwrap_err();
    assert!(fault.to_string().contains("should hold 2 rows"), "{fault}");
}
