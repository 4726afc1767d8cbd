//! Writes a Parquet file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use hygge_core::contract::{Context, Portion};
use hygge_core::fault::Fault;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescPtr;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::detail::StagedFile;
use super::disk::DiskFile;
use super::footer::restate_float_orders;
use super::row_group::{EncodedGroup, RowGroup};
use super::transfer::{ahead, transfer};
use crate::lane::group::MovedGroup;
use crate::lane::shape::TargetShape;
use crate::stored::{stored, stored_column};

/// What the footer holds in memory of each column of each row group, until a file is closed.
const CHUNK_METADATA: usize = 1 << 10;

/// Rows encoded before it is looked again how much memory they take.
const MOST_ROWS: usize = 65_536;

/// What files say they were written by.
const CREATED_BY: &str = concat!("hygge ", env!("CARGO_PKG_VERSION"));

/// What all Parquet files of a load have in common.
#[derive(Clone, Debug)]
pub(super) struct ParquetFiles {
    schema: SchemaRef,
    stored: SchemaRef,
    /// The columns as a Parquet file has them.
    columns: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    row_group_rows: usize,
    context: Arc<Context>,
    /// What bounds the chunks that are made ahead of being written.
    ahead: Arc<Semaphore>,
}

/// A Parquet file being written.
pub(super) struct ParquetFile {
    files: ParquetFiles,
    path: PathBuf,
    columns: SchemaDescPtr,
    /// The order that its footer will say its row groups are in.
    sorting: Option<Vec<SortingColumn>>,
    /// The row group that rows go into.
    group: Option<RowGroup>,
    output: Output,
    rows: u64,
    row_groups: usize,
    /// Bytes of the row groups that were finished when this was last looked at.
    encoded: u64,
    /// The most bytes that those ended since then may come to.
    ended: u64,
}

/// What writes a Parquet file to the disk.
pub(super) type FileWriter = SerializedFileWriter<DiskFile>;

/// Who has the file: this, or a task that appends a row group while the next is encoded.
enum Output {
    Idle(Box<FileWriter>),
    Appending(JoinHandle<Result<Box<FileWriter>, Fault>>),
    /// An append failed; nothing more can be written.
    Failed,
}

impl Output {
    /// The file, once nothing is being appended.
    async fn writer(self, path: &Path) -> Result<Box<FileWriter>, Fault> {
        match self {
            Self::Idle(writer) => Ok(writer),
            Self::Appending(task) => task.await.map_err(super::writer::lost)?,
            Self::Failed => Err(Fault::bug(format!("{} has failed before", path.display()))),
        }
    }
}

impl ParquetFiles {
    /// Prepares for rows with these columns; refuses those that Parquet cannot carry.
    pub(super) fn new(
        schema: &SchemaRef,
        compression: Compression,
        row_group_rows: usize,
        context: Arc<Context>,
    ) -> Result<Self, Fault> {
        let stored = stored(schema)?;
        let columns = ArrowSchemaConverter::new().convert(&stored).map_err(|error| {
            Fault::data("these columns cannot be written to Parquet").because(error)
        })?;
        let mut properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(compression)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_key_value_metadata(Some(key_values(&stored)))
            .build();
        add_encoded_arrow_schema_to_metadata(&stored, &mut properties);
        Ok(Self {
            schema: Arc::clone(schema),
            stored,
            columns: Arc::new(columns),
            properties: Arc::new(properties),
            row_group_rows: row_group_rows.max(1),
            ahead: ahead(&context),
            context,
        })
    }

    /// The columns as they are stored.
    pub(super) fn stored(&self) -> &SchemaRef {
        &self.stored
    }

    /// How columns are encoded.
    pub(super) fn properties(&self) -> &WriterPropertiesPtr {
        &self.properties
    }

    /// Begins a file for rows.
    pub(super) async fn create(&self, path: PathBuf) -> Result<ParquetFile, Fault> {
        let properties = Arc::clone(&self.properties);
        self.create_with(path, Arc::clone(&self.columns), properties).await
    }

    /// Begins a file for row groups of this shape.
    pub(super) async fn create_for(
        &self,
        path: PathBuf,
        shape: &TargetShape,
    ) -> Result<ParquetFile, Fault> {
        let properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_key_value_metadata(shape.metadata.clone())
            .set_sorting_columns(shape.sorting.clone())
            .build();
        self.create_with(path, Arc::clone(&shape.schema), Arc::new(properties)).await
    }

    async fn create_with(
        &self,
        path: PathBuf,
        columns: SchemaDescPtr,
        properties: WriterPropertiesPtr,
    ) -> Result<ParquetFile, Fault> {
        let sorting = properties.sorting_columns().cloned();
        let (at, durability, root) =
            (path.clone(), self.context.durability, columns.root_schema_ptr());
        let writer = self
            .context
            .cpu
            .run_io(move || {
                let file = DiskFile::create(&at, durability)?;
                SerializedFileWriter::new(file, root, properties)
                    .map_err(|error| failed(&at, error))
            })
            .await?;
        let output = Output::Idle(Box::new(writer));
        Ok(ParquetFile {
            files: self.clone(),
            path,
            columns,
            sorting,
            group: None,
            output,
            rows: 0,
            row_groups: 0,
            encoded: 0,
            ended: 0,
        })
    }
}

impl ParquetFile {
    /// How many rows it holds.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether rows can be added to it.
    pub(super) fn takes_rows(&self) -> bool {
        self.sorting.is_none() && self.has(&self.files.columns)
    }

    /// Whether row groups of this shape can be added to it.
    pub(super) fn takes(&self, shape: &TargetShape) -> bool {
        self.sorting == shape.sorting && self.has(&shape.schema)
    }

    fn has(&self, columns: &SchemaDescPtr) -> bool {
        Arc::ptr_eq(&self.columns, columns)
            || self.columns.root_schema().get_fields() == columns.root_schema().get_fields()
    }

    /// Takes the first of `rows`, up to the end of a row group at most, and says how many: a file
    /// can end there.
    pub(super) async fn write(&mut self, rows: &RecordBatch) -> Result<usize, Fault> {
        let files = &self.files;
        let group = match &mut self.group {
            Some(group) => group,
            None => {
                let (memory, cpu) = (&files.context.memory, &files.context.cpu);
                self.group.insert(RowGroup::new(&files.stored, &files.properties, memory, cpu)?)
            }
        };
        let room = files.row_group_rows.saturating_sub(group.rows());
        let count = rows.num_rows().min(room).min(MOST_ROWS);
        group.write(files.to_stored(rows.slice(0, count))?).await?;
        self.rows += count as u64;
        if group.rows() >= files.row_group_rows || group.is_full() {
            self.end_row_group().await?;
        }
        Ok(count)
    }

    /// Takes a row group as it is stored. Its chunks are made side by side with those of the row
    /// groups before and behind it; this comes back as soon as they are all begun.
    pub(super) async fn take(&mut self, moved: MovedGroup, portion: Portion) -> Result<(), Fault> {
        self.end_row_group().await?;
        self.rows += moved.rows();
        self.row_groups += 1;
        self.ended = self.ended.saturating_add(moved.most_bytes());
        let before = std::mem::replace(&mut self.output, Output::Failed);
        let path = self.path.clone();
        let writer = async move { before.writer(&path).await };
        let (task, pieces) =
            transfer(writer, moved, portion, &self.path, &self.files.context, &self.files.ahead);
        self.output = Output::Appending(task);
        if pieces.begin_all().await.is_err() {
            // It stopped taking chunks because of a fault, which is told when it is waited for.
            let writer = self.take_writer().await?;
            self.output = Output::Idle(writer);
        }
        Ok(())
    }

    /// Whether its row groups come to this size, when none is under way.
    pub(super) async fn has_grown_to(&mut self, target: u64) -> Result<bool, Fault> {
        let under_way = self.group.as_ref().is_some_and(|group| group.rows() > 0);
        if under_way || self.row_groups == 0 {
            return Ok(false);
        }
        if self.has_large_footer() {
            return Ok(true);
        }
        if self.ended > 0 && self.encoded.saturating_add(self.ended) >= target {
            let writer = self.take_writer().await?;
            self.encoded = writer.bytes_written() as u64;
            self.ended = 0;
            self.output = Output::Idle(writer);
        }
        Ok(self.ended == 0 && self.encoded >= target)
    }

    /// Whether its footer already takes as much memory as it should.
    fn has_large_footer(&self) -> bool {
        let footer = self.row_groups * self.columns.num_columns() * CHUNK_METADATA;
        footer > self.files.context.memory.size() / 8
    }

    /// Writes what is left and closes the file in the background.
    pub(super) async fn finish(mut self) -> Result<JoinHandle<Result<StagedFile, Fault>>, Fault> {
        self.end_row_group().await?;
        let writer = self.take_writer().await?;
        let (path, rows) = (self.path, self.rows);
        Ok(tokio::task::spawn_blocking(move || close(*writer, &path, rows)))
    }

    /// Ends the row group under way, if one is.
    async fn end_row_group(&mut self) -> Result<(), Fault> {
        let Some(group) = self.group.take().filter(|group| group.rows() > 0) else {
            return Ok(());
        };
        // One is closed while the next takes rows, and no more: each holds memory.
        let writer = self.take_writer().await?;
        self.row_groups += 1;
        self.ended = self.ended.saturating_add(2 * group.held() as u64);
        let path = self.path.clone();
        self.output = Output::Appending(tokio::spawn(async move {
            let group = group.finish().await?;
            let append = move || append(writer, group, &path);
            tokio::task::spawn_blocking(append).await.map_err(super::writer::lost)?
        }));
        Ok(())
    }

    async fn take_writer(&mut self) -> Result<Box<FileWriter>, Fault> {
        std::mem::replace(&mut self.output, Output::Failed).writer(&self.path).await
    }
}

fn append(
    mut writer: Box<FileWriter>,
    group: EncodedGroup,
    path: &Path,
) -> Result<Box<FileWriter>, Fault> {
    let failed = |error| failed(path, error);
    let mut out = writer.next_row_group().map_err(failed)?;
    for chunk in group.chunks {
        chunk.append_to_row_group(&mut out).map_err(failed)?;
    }
    out.close().map_err(failed)?;
    drop(group.held);
    Ok(writer)
}

fn close(mut writer: FileWriter, path: &Path, rows: u64) -> Result<StagedFile, Fault> {
    writer.finish().map_err(|error| failed(path, error))?;
    let columns = writer.schema_descr().num_columns();
    let file = writer.inner_mut();
    restate_float_orders(file, columns).map_err(|error| Fault::io("write", path, error))?;
    file.finish().map_err(|error| Fault::io("write", path, error))?;
    staged(path, rows, file.written())
}

/// Reads a finished file back, to see that it holds what it should.
pub(super) fn staged(path: &Path, rows: u64, written: u64) -> Result<StagedFile, Fault> {
    let (metadata, bytes) = footer(path)?;
    let found = rows_of(&metadata);
    if found != rows || bytes != written {
        return Err(Fault::data(format!(
            "{} should hold {rows} rows in {written} bytes, but holds {found} in {bytes}",
            path.display()
        ))
        .with_help("check the disk; run again"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(StagedFile { name, rows, bytes })
}

/// Reads the footer of a file on the disk; gives its size as well.
pub(super) fn footer(path: &Path) -> Result<(ParquetMetaData, u64), Fault> {
    let file = std::fs::File::open(path).map_err(|error| Fault::io("open", path, error))?;
    let bytes = file.metadata().map_err(|error| Fault::io("read", path, error))?.len();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|error| {
        Fault::data(format!("{} is no complete Parquet file", path.display())).because(error)
    })?;
    Ok((metadata, bytes))
}

/// The rows a footer tells of.
pub(super) fn rows_of(metadata: &ParquetMetaData) -> u64 {
    u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0)
}

pub(super) fn failed(path: &Path, error: ParquetError) -> Fault {
    match error {
        // What the disk says is told as such: it may be full.
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(error) => Fault::io("write", path, *error),
            Err(cause) => Fault::data(format!("cannot write {}", path.display())).because(cause),
        },
        error => Fault::data(format!("cannot write {}", path.display())).because(error),
    }
}

impl ParquetFiles {
    /// Rows in the types in which they are stored.
    fn to_stored(&self, rows: RecordBatch) -> Result<RecordBatch, Fault> {
        if Arc::ptr_eq(&self.schema, &self.stored) {
            return Ok(rows);
        }
        let columns = rows
            .columns()
            .iter()
            .zip(self.stored.fields())
            .map(|(column, field)| stored_column(column, field))
            .collect::<Result<Vec<_>, Fault>>()?;
        RecordBatch::try_new(Arc::clone(&self.stored), columns)
            .map_err(|error| Fault::bug("rows do not fit the stored schema").because(error))
    }
}

/// The schema's metadata as that of the file, where readers other than Arrow's look for it, too.
fn key_values(schema: &Schema) -> Vec<KeyValue> {
    let mut pairs: Vec<KeyValue> = schema
        .metadata()
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    pairs.sort_by(|a, b| a.key.cmp(&b.key));
    pairs
}
