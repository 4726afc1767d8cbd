//! The journal's Parquet file: read as others wrote it, and rewritten so that it is, at every
//! instant, either the old one or the new one.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, LargeStringArray, RecordBatch, new_null_array,
};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::error::JournalError;
use super::record::{COORDINATOR, Row};
use crate::contract::Durability;

/// The file's name in the journal's folder.
pub(super) const FILE: &str = "journal.parquet";
const TEMPORARY: &str = ".journal.parquet.tmp";
const SCHEMA_VERSION: &str = "1.0";
const BATCH_ROWS: usize = 8_192;

/// The columns in order.
const COLUMNS: [&str; 18] = [
    "entity_run_id",
    "coordinator_run_id",
    "flow_run_id",
    "coordinator",
    "flow",
    "entity",
    "start_time",
    "finish_time",
    "status",
    "run_type",
    "row_count",
    "duration",
    "primary_key",
    "watermark_column",
    "watermark_type",
    "watermark",
    "message",
    "schema_version",
];

/// Columns without which a row means nothing.
const REQUIRED: [&str; 5] = ["entity_run_id", "flow", "entity", "finish_time", "status"];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = COLUMNS.map(|name| Field::new(name, data_type(name), true));
    Arc::new(Schema::new(fields.to_vec()))
});

fn data_type(column: &str) -> DataType {
    match column {
        "row_count" => DataType::Int64,
        "duration" => DataType::Float64,
        _ => DataType::LargeUtf8,
    }
}

/// Which row is which: a run that failed in its publication and was recovered later has two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RowId {
    entity_run_id: String,
    status: String,
}

impl RowId {
    pub(super) fn of(row: &Row) -> Self {
        Self { entity_run_id: row.entity_run_id.clone(), status: row.status.clone() }
    }
}

/// Gives every row of the file in `folder` to `visit`, in the file's order; none where there is
/// no file. What `visit` finds wrong with a row makes the file damaged.
pub(super) fn read(
    folder: &Path,
    visit: impl FnMut(Row) -> Result<(), String>,
) -> Result<(), JournalError> {
    let path = folder.join(FILE);
    match open(&path)? {
        Some(file) => decoding(&path, || read_file(&path, file, visit)),
        None => Ok(()),
    }
}

fn read_file(
    path: &Path,
    file: File,
    mut visit: impl FnMut(Row) -> Result<(), String>,
) -> Result<(), JournalError> {
    let source = Source::new(path, file, true)?;
    let mut number = 0_u64;
    for batch in source.reader {
        let batch = batch.map_err(|error| unreadable(path, &ParquetError::from(error)))?;
        let columns = canonical(path, &batch)?;
        for index in 0..columns.num_rows() {
            number += 1;
            row(&columns, index)
                .and_then(&mut visit)
                .map_err(|reason| JournalError::damaged(path, format!("row {number}: {reason}")))?;
        }
    }
    Ok(())
}

/// Adds those of `rows` that the file in `folder` does not have yet. The rows it has stay as they
/// are, columns that only others know included.
pub(super) fn append(
    folder: &Path,
    rows: &[&Row],
    durability: Durability,
) -> Result<(), JournalError> {
    fs::create_dir_all(folder).map_err(JournalError::io("create", folder))?;
    // Projects may share a journal: one rewrites it at a time. A file system without locks has
    // no such journals to share.
    let guard = File::open(folder).map_err(JournalError::io("open", folder))?;
    let _ = guard.lock();

    // A link to a journal elsewhere stays a link.
    let path = folder.join(FILE);
    let path = fs::canonicalize(&path).unwrap_or(path);
    let temporary = path.with_file_name(TEMPORARY);
    let old = open(&path)?;
    let written = decoding(&path, || {
        let old = old.map(|file| Source::new(&path, file, false)).transpose()?;
        rewrite(&path, &temporary, old, rows, durability)
    });
    let written = written.and_then(|changed| {
        if changed {
            fs::rename(&temporary, &path).map_err(JournalError::io("replace", &path))?;
            if durability == Durability::Disk {
                sync_folder(&path)?;
            }
        }
        Ok(changed)
    });
    if !matches!(written, Ok(true)) {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|_| ())
}

/// Writes old and new rows to `temporary`. Answers whether there were new ones.
fn rewrite(
    path: &Path,
    temporary: &Path,
    old: Option<Source>,
    rows: &[&Row],
    durability: Durability,
) -> Result<bool, JournalError> {
    let extra = old.as_ref().map_or_else(Vec::new, |old| old.extra.clone());
    let mut fields = SCHEMA.fields().to_vec();
    fields.extend(extra.iter().map(|(_, field)| Arc::new(field.clone().with_nullable(true))));
    let schema = Arc::new(Schema::new(fields));

    let file = File::create(temporary).map_err(JournalError::io("create", temporary))?;
    let unwritable = |error: ParquetError| JournalError::io("write", temporary)(into_io(error));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(65_536))
        .set_created_by(concat!("hygge ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer =
        ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(unwritable)?;

    let mut known = HashSet::new();
    if let Some(old) = old {
        known.reserve(rows.len());
        let wanted: HashSet<RowId> = rows.iter().map(|row| RowId::of(row)).collect();
        for batch in old.reader {
            let batch = batch.map_err(|error| unreadable(path, &ParquetError::from(error)))?;
            let columns = canonical(path, &batch)?;
            known.extend(ids(&columns).filter(|id| wanted.contains(id)));
            let mut all = columns.columns().to_vec();
            all.extend(extra.iter().filter_map(|(at, _)| batch.columns().get(*at).cloned()));
            writer.write(&assemble(path, &schema, all)?).map_err(unwritable)?;
        }
    }
    let new: Vec<&Row> = rows.iter().copied().filter(|row| known.insert(RowId::of(row))).collect();
    if new.is_empty() {
        return Ok(false);
    }
    let mut all = arrays(&new);
    all.extend(extra.iter().map(|(_, field)| new_null_array(field.data_type(), new.len())));
    writer.write(&assemble(path, &schema, all)?).map_err(unwritable)?;
    let file = writer.into_inner().map_err(unwritable)?;
    if let Ok(old) = fs::metadata(path) {
        // Who could read the old file can read the new one.
        let _ = file.set_permissions(old.permissions());
    }
    if durability == Durability::Disk {
        file.sync_all().map_err(JournalError::io("write", temporary))?;
    }
    Ok(true)
}

/// Makes a rename in the folder of `path` durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), JournalError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(JournalError::io("sync", folder))
}

/// Runs `work`, which decodes the file at `path`. Some damage makes the decoder panic.
fn decoding<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(JournalError::damaged(path, "it cannot be decoded")))
}

/// A journal file being read.
struct Source {
    reader: ParquetRecordBatchReader,
    /// Columns that are not the journal's, with their place in the file.
    extra: Vec<(usize, Field)>,
}

impl Source {
    fn new(path: &Path, file: File, known_columns_only: bool) -> Result<Self, JournalError> {
        let mut builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| unreadable(path, &error))?
            .with_batch_size(BATCH_ROWS);
        let schema = Arc::clone(builder.schema());
        if let Some(missing) = REQUIRED.iter().find(|name| schema.index_of(name).is_err()) {
            return Err(JournalError::damaged(path, format!("it has no column `{missing}`")));
        }
        let is_known = |name: &str| COLUMNS.contains(&name);
        let fields = schema.fields().iter().enumerate();
        if known_columns_only {
            let known: Vec<usize> =
                fields.clone().filter(|(_, field)| is_known(field.name())).map(|it| it.0).collect();
            let mask = ProjectionMask::roots(builder.parquet_schema(), known);
            builder = builder.with_projection(mask);
        }
        let extra = fields
            .filter(|(_, field)| !is_known(field.name()))
            .map(|(at, field)| (at, field.as_ref().clone()))
            .collect();
        let reader = builder.build().map_err(|error| unreadable(path, &error))?;
        Ok(Self { reader, extra })
    }
}

fn open(path: &Path) -> Result<Option<File>, JournalError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JournalError::io("open", path)(error)),
    }
}

fn unreadable(path: &Path, error: &ParquetError) -> JournalError {
    JournalError::damaged(path, error.to_string())
}

fn into_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn assemble(
    path: &Path,
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
) -> Result<RecordBatch, JournalError> {
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|error| JournalError::damaged(path, error.to_string()))
}

/// The journal's columns of a batch, in order and in the types that they should have; columns
/// that are not there are null.
fn canonical(path: &Path, batch: &RecordBatch) -> Result<RecordBatch, JournalError> {
    let columns = SCHEMA
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(array) if fits(array.data_type(), field.data_type()) => {
                cast(array, field.data_type())
                    .map_err(|error| JournalError::damaged(path, error.to_string()))
            }
            Some(array) => Err(JournalError::damaged(
                path,
                format!("its column `{}` is of type {}", field.name(), array.data_type()),
            )),
        })
        .collect::<Result<Vec<_>, _>>()?;
    assemble(path, &SCHEMA, columns)
}

/// Whether values of type `found` can be taken for the journal's type `wanted` without change.
fn fits(found: &DataType, wanted: &DataType) -> bool {
    match (found, wanted) {
        // A column of which no row has a value.
        (DataType::Null, _) => true,
        (DataType::Dictionary(_, values), _) => fits(values, wanted),
        (found, DataType::LargeUtf8) => found.is_string(),
        (found, DataType::Int64) => found.is_integer() && found != &DataType::UInt64,
        (found, _) => found.is_floating() || found.is_integer(),
    }
}

fn ids(columns: &RecordBatch) -> impl Iterator<Item = RowId> {
    (0..columns.num_rows()).map(|index| RowId {
        entity_run_id: text(columns, "entity_run_id", index).unwrap_or_default(),
        status: text(columns, "status", index).unwrap_or_default(),
    })
}

fn text(columns: &RecordBatch, name: &str, index: usize) -> Option<String> {
    let array = columns.column_by_name(name)?.as_string_opt::<i64>()?;
    array.is_valid(index).then(|| array.value(index).to_owned())
}

fn row(columns: &RecordBatch, index: usize) -> Result<Row, String> {
    let optional = |name| text(columns, name, index);
    let text = |name| optional(name).unwrap_or_default();
    if let Some(name) = REQUIRED.into_iter().find(|name| optional(name).is_none()) {
        return Err(format!("`{name}` is empty"));
    }
    let count = columns
        .column_by_name("row_count")
        .and_then(|array| array.as_primitive_opt::<Int64Type>())
        .filter(|array| array.is_valid(index));
    let duration = columns
        .column_by_name("duration")
        .and_then(|array| array.as_primitive_opt::<Float64Type>())
        .filter(|array| array.is_valid(index));
    Ok(Row {
        entity_run_id: text("entity_run_id"),
        coordinator_run_id: text("coordinator_run_id"),
        flow_run_id: text("flow_run_id"),
        flow: text("flow"),
        entity: text("entity"),
        start_time: text("start_time"),
        finish_time: text("finish_time"),
        status: text("status"),
        run_type: text("run_type"),
        row_count: count.map(|array| array.value(index)),
        duration: duration.map(|array| array.value(index)),
        primary_key: optional("primary_key"),
        watermark_column: optional("watermark_column"),
        watermark_type: optional("watermark_type"),
        watermark: optional("watermark"),
        message: optional("message"),
    })
}

/// The columns of new rows, in order.
fn arrays(rows: &[&Row]) -> Vec<ArrayRef> {
    let texts = |of: fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(row)).collect::<LargeStringArray>())
    };
    COLUMNS
        .iter()
        .map(|name| match *name {
            "entity_run_id" => texts(|row| Some(&row.entity_run_id)),
            "coordinator_run_id" => texts(|row| Some(&row.coordinator_run_id)),
            "flow_run_id" => texts(|row| Some(&row.flow_run_id)),
            "coordinator" => texts(|_| Some(COORDINATOR)),
            "flow" => texts(|row| Some(&row.flow)),
            "entity" => texts(|row| Some(&row.entity)),
            "start_time" => texts(|row| Some(&row.start_time)),
            "finish_time" => texts(|row| Some(&row.finish_time)),
            "status" => texts(|row| Some(&row.status)),
            "run_type" => texts(|row| Some(&row.run_type)),
            "row_count" => Arc::new(rows.iter().map(|row| row.row_count).collect::<Int64Array>()),
            "duration" => Arc::new(rows.iter().map(|row| row.duration).collect::<Float64Array>()),
            "primary_key" => texts(|row| row.primary_key.as_deref()),
            "watermark_column" => texts(|row| row.watermark_column.as_deref()),
            "watermark_type" => texts(|row| row.watermark_type.as_deref()),
            "watermark" => texts(|row| row.watermark.as_deref()),
            "message" => texts(|row| row.message.as_deref()),
            _ => texts(|_| Some(SCHEMA_VERSION)),
        })
        .collect()
}

/// Whether a file has changed since it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Option<(u64, Option<std::time::SystemTime>)>);

impl Stamp {
    pub(super) fn of(folder: &Path) -> Self {
        let metadata = fs::metadata(folder.join(FILE)).ok();
        Self(metadata.map(|metadata| (metadata.len(), metadata.modified().ok())))
    }
}

/// The file in `folder`, for messages.
pub(super) fn path_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
