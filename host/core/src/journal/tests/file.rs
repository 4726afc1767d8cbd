//! The journal file, as others write it and as they will read it.

use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringViewArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Schema};
use arrow_select::concat::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriter;

use super::*;

const SAMPLE: &[u8] = include_bytes!("../../../tests/data/journal-0.6.5.parquet");

fn raw(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn types(batch: &RecordBatch) -> Vec<(String, DataType)> {
    let fields = batch.schema_ref().fields();
    fields.iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

/// A project whose journal is the sample.
fn with_sample() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("journal");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("journal.parquet"), SAMPLE).unwrap();
    (root, folder)
}

fn sample_name(entity: &str) -> EntityName {
    EntityName { flow: "example_flow".into(), entity: entity.into() }
}

#[tokio::test]
async fn the_existing_tools_journal_is_read() {
    let (root, folder) = with_sample();
    let runs = rows(&folder);
    assert!(runs.len() >= 2);
    for run in &runs {
        assert_eq!(run.status, Status::Success);
        assert_eq!(run.run_type, RunType::Incremental);
        let start = run.start_time;
        assert_eq!(run.ids.entity, run_ids(&run.name, start, start, start).entity);
    }
    let journal = Journal::read_only(root.path()).unwrap();
    let users = journal.last_success(&sample_name("users"), Some(&folder)).await.unwrap().unwrap();
    assert_eq!(users.boundary, None);
    let spec = users.run.spec.clone().unwrap();
    assert_eq!(spec.column, "updated_at");
    let newest = runs
        .iter()
        .filter(|run| run.name == sample_name("users"))
        .max_by_key(|run| run.finish_time)
        .unwrap();
    assert_eq!(&users.run, newest);
    let Resume::Since(watermark, None) =
        journal.resume_from(&sample_name("users"), Some(&folder), &spec).await.unwrap()
    else {
        panic!("the watermark is not gone on from")
    };
    assert_eq!(watermark.type_name(), "datetime");
    assert_eq!(Some(watermark), users.watermark);
}

#[tokio::test]
async fn the_existing_tools_journal_is_continued() {
    let (root, folder) = with_sample();
    let path = folder.join("journal.parquet");
    let before = raw(&path);
    let journal = open(root.path());
    let mut run = success("users", 0);
    run.finish_at(Timestamp::now(), Status::Success);
    run.message = Some("a message".to_owned());
    journal.finished(run.clone(), Some(&folder), None).await.unwrap();
    journal.fold().await.unwrap();
    let after = raw(&path);
    assert_eq!(types(&after), types(&before));
    assert_eq!(after.num_rows(), before.num_rows() + 1);
    assert_eq!(after.slice(0, before.num_rows()).columns(), before.columns());
    assert_eq!(rows(&folder).last(), Some(&run));
    let constant = |name: &str| {
        let column = after.column_by_name(name).unwrap().as_string::<i64>().clone();
        let values: std::collections::BTreeSet<_> =
            column.iter().map(|value| value.unwrap().to_owned()).collect();
        values.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(constant("coordinator"), ["coordinator"]);
    assert_eq!(constant("schema_version"), ["1.0"]);
}

#[tokio::test]
async fn a_new_journal_has_the_columns_of_the_existing_tool() {
    let (_root, folder) = with_sample();
    let sample = types(&raw(&folder.join("journal.parquet")));
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    journal.finished(success("users", 1), Some(Path::new("new")), None).await.unwrap();
    journal.fold().await.unwrap();
    assert_eq!(types(&raw(&root.path().join("new/journal.parquet"))), sample);
}

/// The sample with its columns turned around, in other types, one of them missing, and with a
/// column of somebody else's.
fn rearranged(path: &Path) -> RecordBatch {
    let sample = raw(path);
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    let theirs = Int64Array::from_iter_values(0..sample.num_rows() as i64);
    columns.push(("somebody_elses".to_owned(), Arc::new(theirs)));
    for (name, data_type) in types(&sample).into_iter().rev() {
        let array = sample.column_by_name(&name).unwrap();
        let to = match (name.as_str(), data_type) {
            ("message", _) => continue,
            ("row_count", _) => DataType::Int32,
            ("flow", _) => DataType::Utf8,
            (_, DataType::LargeUtf8) => DataType::Utf8View,
            (_, other) => other,
        };
        columns.push((name, cast(array, &to).unwrap()));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    batch
}

#[tokio::test]
async fn a_rearranged_journal_is_read_and_nothing_of_it_is_lost() {
    let (root, folder) = with_sample();
    let path = folder.join("journal.parquet");
    let original = raw(&path);
    let runs = rows(&folder);
    let changed = rearranged(&path);
    assert_eq!(changed.column_by_name("flow_run_id").unwrap().data_type(), &DataType::Utf8View);
    assert!(changed.column(1).as_any().is::<StringViewArray>());
    assert_eq!(rows(&folder), runs);

    let journal = open(root.path());
    journal.finished(success("users", 1), Some(&folder), None).await.unwrap();
    journal.fold().await.unwrap();
    let after = raw(&path);
    let mut expected = types(&original);
    expected.push(("somebody_elses".to_owned(), DataType::Int64));
    assert_eq!(types(&after), expected);
    let old = after.slice(0, original.num_rows());
    for name in original.schema().fields().iter().map(|field| field.name()) {
        assert_eq!(old.column_by_name(name), original.column_by_name(name), "{name}");
    }
    let theirs = after.column_by_name("somebody_elses").unwrap();
    assert!(theirs.is_null(original.num_rows()));
    assert_eq!(&theirs.slice(0, original.num_rows()), changed.column(0));
}

#[tokio::test]
async fn a_damaged_journal_is_told_and_never_overwritten() {
    for length in (0..SAMPLE.len()).step_by(97) {
        let (root, folder) = with_sample();
        let path = folder.join("journal.parquet");
        fs::write(&path, &SAMPLE[..length]).unwrap();
        let journal = open(root.path());
        let error = journal.last_success(&sample_name("users"), Some(&folder)).await.unwrap_err();
        assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("journal.parquet"), "{error}");
        // The entities of other journals are not held back, and nothing is lost.
        journal.finished(success("a", 1), Some(&folder), None).await.unwrap();
        journal.finished(success("b", 2), None, None).await.unwrap();
        journal.fold().await.unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), &SAMPLE[..length]);
        assert_eq!(rows(&root.path().join(".hygge/journal")), [success("b", 2)]);
        assert!(!folder.join(".journal.parquet.tmp").exists());
        drop(journal);
        let journal = open(root.path());
        assert!(journal.warnings()[0].contains("move it away"), "{:?}", journal.warnings());
        fs::remove_file(&path).unwrap();
        journal.fold().await.unwrap();
        assert_eq!(rows(&folder), [success("a", 1)]);
    }
}

#[tokio::test]
async fn damage_within_the_file_is_an_error_or_no_matter() {
    let (root, folder) = with_sample();
    let path = folder.join("journal.parquet");
    for at in (0..SAMPLE.len()).step_by(7) {
        let mut bytes = SAMPLE.to_vec();
        bytes[at] ^= 0xff;
        fs::write(&path, &bytes).unwrap();
        let journal = Journal::read_only(root.path()).unwrap();
        match journal.history(HistoryFilter::default(), vec![folder.clone()]).await {
            Ok(_) | Err(JournalError::Damaged { .. }) => {}
            Err(other) => panic!("byte {at}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_journal_is_told() {
    let (root, folder) = with_sample();
    let path = folder.join("journal.parquet");
    let write = |batch: &RecordBatch| {
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
    };
    let read = || async {
        let journal = Journal::read_only(root.path()).unwrap();
        let last = journal.last_success(&sample_name("users"), Some(&folder)).await;
        last.unwrap_err().to_string()
    };
    let sample = raw(&path);
    let status = sample.schema().index_of("status").unwrap();
    let mut without = sample.clone();
    without.remove_column(status);
    write(&without);
    assert!(read().await.ends_with("it has no column `status`"));

    let mut columns = sample.columns().to_vec();
    columns[status] = Arc::new(Int64Array::from_iter_values(0..sample.num_rows() as i64));
    let mut fields = sample.schema().fields().to_vec();
    fields[status] = Arc::new(fields[status].as_ref().clone().with_data_type(DataType::Int64));
    write(&RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap());
    assert!(read().await.ends_with("its column `status` is of type Int64"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_linked_journal_stays_a_link() {
    let (root, folder) = with_sample();
    let linked = root.path().join("linked");
    fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink(folder.join("journal.parquet"), linked.join("journal.parquet"))
        .unwrap();
    let before = rows(&folder).len();
    let journal = open(root.path());
    journal.finished(success("users", 1), Some(&linked), None).await.unwrap();
    journal.fold().await.unwrap();
    assert!(linked.join("journal.parquet").is_symlink());
    assert_eq!(rows(&folder).len(), before + 1);
}

#[tokio::test]
async fn two_projects_may_share_a_journal() {
    let shared = tempfile::tempdir().unwrap();
    let tasks: Vec<_> = (0..4)
        .map(|index| {
            let folder = shared.path().to_owned();
            tokio::spawn(async move {
                let root = tempfile::tempdir().unwrap();
                let journal = open(root.path());
                for second in 1..6 {
                    let run = success(&format!("e{index}"), second);
                    journal.finished(run, Some(&folder), None).await.unwrap();
                    journal.fold().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(rows(shared.path()).len(), 20);
}
