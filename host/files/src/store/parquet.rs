//! Writes a Parquet file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, IntervalUnit, Schema, SchemaRef, TimeUnit};
use hygge_core::contract::Context;
use hygge_core::fault::Fault;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use tokio::task::JoinHandle;

use super::detail::StagedFile;
use super::disk::DiskFile;
use super::row_group::{EncodedGroup, RowGroup};

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
    properties: WriterPropertiesPtr,
    row_group_rows: usize,
    context: Arc<Context>,
}

/// A Parquet file being written.
pub(super) struct ParquetFile {
    files: ParquetFiles,
    path: PathBuf,
    group: RowGroup,
    output: Output,
    rows: u64,
    row_groups: usize,
    /// Bytes of all finished row groups.
    encoded: u64,
}

type FileWriter = SerializedFileWriter<DiskFile>;

/// Who has the file: this, or a task that appends a row group while the next is encoded.
enum Output {
    Idle(Box<FileWriter>),
    Appending(JoinHandle<Result<Box<FileWriter>, Fault>>),
    /// An append failed; nothing more can be written.
    Failed,
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
        let mut properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(compression)
            .set_statistics_enabled(EnabledStatistics::Page)
            .build();
        add_encoded_arrow_schema_to_metadata(&stored, &mut properties);
        Ok(Self {
            schema: Arc::clone(schema),
            stored,
            properties: Arc::new(properties),
            row_group_rows: row_group_rows.max(1),
            context,
        })
    }

    /// Begins a file.
    pub(super) async fn create(&self, path: PathBuf) -> Result<ParquetFile, Fault> {
        let group =
            RowGroup::new(&self.stored, &self.properties, &self.context.memory, &self.context.cpu)?;
        let (stored, properties) = (Arc::clone(&self.stored), Arc::clone(&self.properties));
        let (at, durability) = (path.clone(), self.context.durability);
        let writer = self
            .context
            .cpu
            .run_io(move || {
                let schema = ArrowSchemaConverter::new()
                    .convert(&stored)
                    .map_err(|error| failed(&at, error))?;
                let file = DiskFile::create(&at, durability)?;
                SerializedFileWriter::new(file, schema.root_schema_ptr(), properties)
                    .map_err(|error| failed(&at, error))
            })
            .await?;
        let output = Output::Idle(Box::new(writer));
        Ok(ParquetFile {
            files: self.clone(),
            path,
            group,
            output,
            rows: 0,
            row_groups: 0,
            encoded: 0,
        })
    }
}

impl ParquetFile {
    /// How many rows it holds.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the first of `rows`, up to the end of a row group at most, and says how many: a file
    /// can end there.
    pub(super) async fn write(&mut self, rows: &RecordBatch) -> Result<usize, Fault> {
        let room = self.files.row_group_rows.saturating_sub(self.group.rows());
        let count = rows.num_rows().min(room).min(MOST_ROWS);
        let rows = self.files.to_stored(rows.slice(0, count))?;
        self.group.write(rows).await?;
        self.rows += count as u64;
        if self.group.rows() >= self.files.row_group_rows || self.group.is_full() {
            self.end_row_group().await?;
        }
        Ok(count)
    }

    /// The size it has reached, when no row group is under way.
    pub(super) fn size_between_row_groups(&self) -> Option<u64> {
        (self.group.rows() == 0 && self.row_groups > 0).then_some(self.encoded)
    }

    /// Whether its footer already takes as much memory as it should.
    pub(super) fn has_large_footer(&self) -> bool {
        let footer = self.row_groups * self.group.leaves() * CHUNK_METADATA;
        footer > self.files.context.memory.size() / 8
    }

    /// Writes what is left and closes the file in the background.
    pub(super) async fn finish(mut self) -> Result<JoinHandle<Result<StagedFile, Fault>>, Fault> {
        if self.group.rows() > 0 {
            self.end_row_group().await?;
        }
        let writer = self.take_writer().await?;
        let (path, rows) = (self.path, self.rows);
        Ok(tokio::task::spawn_blocking(move || close(*writer, &path, rows)))
    }

    async fn end_row_group(&mut self) -> Result<(), Fault> {
        let group = self.group.finish().await?;
        self.row_groups += 1;
        self.encoded += group.held.bytes() as u64;
        let writer = self.take_writer().await?;
        let path = self.path.clone();
        self.output =
            Output::Appending(tokio::task::spawn_blocking(move || append(writer, group, &path)));
        Ok(())
    }

    async fn take_writer(&mut self) -> Result<Box<FileWriter>, Fault> {
        match std::mem::replace(&mut self.output, Output::Failed) {
            Output::Idle(writer) => Ok(writer),
            Output::Appending(task) => task.await.map_err(super::writer::lost)?,
            Output::Failed => Err(Fault::bug(format!("{} has failed before", self.path.display()))),
        }
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
    let file = writer.inner_mut();
    file.finish().map_err(|error| Fault::io("write", path, error))?;
    let written = file.written();
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

fn failed(path: &Path, error: ParquetError) -> Fault {
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
            .map(|(column, field)| {
                if column.data_type() == field.data_type() {
                    return Ok(Arc::clone(column));
                }
                let options = arrow_cast::CastOptions { safe: false, ..Default::default() };
                arrow_cast::cast_with_options(column, field.data_type(), &options).map_err(
                    |error| {
                        Fault::data(format!(
                            "a value of the column `{}` does not fit {}",
                            field.name(),
                            field.data_type()
                        ))
                        .because(error)
                    },
                )
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        RecordBatch::try_new(Arc::clone(&self.stored), columns)
            .map_err(|error| Fault::bug("rows do not fit the stored schema").because(error))
    }
}

/// The columns as they are stored. Parquet has no unit of whole seconds: such values would be
/// stored as plain numbers, which most readers would take for just that, so they are stored in
/// milliseconds.
pub(super) fn stored(schema: &SchemaRef) -> Result<SchemaRef, Fault> {
    let mut fields: Vec<FieldRef> = Vec::with_capacity(schema.fields().len());
    let mut changed = false;
    for field in schema.fields() {
        if let Some(reason) = unsupported(field.data_type()) {
            return Err(Fault::config(format!(
                "the column `{}` ({}) cannot be written to Parquet: {reason}",
                field.name(),
                field.data_type()
            ))
            .with_help("leave the column out at the source, or turn it into another type there"));
        }
        let stored = stored_type(field.data_type());
        changed |= stored.is_some();
        fields.push(match stored {
            Some(stored) => Arc::new(field.as_ref().clone().with_data_type(stored)),
            None => Arc::clone(field),
        });
    }
    Ok(if changed {
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    } else {
        Arc::clone(schema)
    })
}

/// The type instead of which another is stored; `None` for those stored as they are.
fn stored_type(data_type: &DataType) -> Option<DataType> {
    let inner = |field: &Field| {
        stored_type(field.data_type()).map(|stored| Arc::new(field.clone().with_data_type(stored)))
    };
    match data_type {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            Some(DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))
        }
        DataType::Time32(TimeUnit::Second) => Some(DataType::Time32(TimeUnit::Millisecond)),
        DataType::List(field) => inner(field).map(DataType::List),
        DataType::LargeList(field) => inner(field).map(DataType::LargeList),
        DataType::FixedSizeList(field, size) => {
            inner(field).map(|field| DataType::FixedSizeList(field, *size))
        }
        DataType::Struct(fields) if fields.iter().any(|field| inner(field).is_some()) => {
            let fields = fields.iter().map(|field| inner(field).unwrap_or(Arc::clone(field)));
            Some(DataType::Struct(fields.collect()))
        }
        _ => None,
    }
}

/// Why a type cannot be carried, if so.
fn unsupported(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Union(..) => Some("Parquet has no unions"),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            Some("Parquet has no intervals in nanoseconds")
        }
        DataType::Struct(fields) if fields.is_empty() => {
            Some("Parquet has no structures without members")
        }
        DataType::Struct(fields) => fields.iter().find_map(|field| unsupported(field.data_type())),
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale)
            if *scale < 0 =>
        {
            Some("Parquet has no decimals with a negative scale")
        }
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => unsupported(field.data_type()),
        DataType::Dictionary(_, values) => unsupported(values),
        DataType::RunEndEncoded(_, values) => unsupported(values.data_type()),
        _ => None,
    }
}
