//! Encodes the columns of a Parquet row group, side by side on all cores.
//!
//! A row group that takes rows *as they come* keeps an encoder for every column, and holds
//! nothing but encoded pages. Each encoder costs about a hundred kilobytes however few rows it
//! has seen, though, so a table of thousands of columns would need more than it may have. Such a
//! row group *collects* rows first and then encodes column after column: only as many encoders
//! exist at a time as there are cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{FieldRef, Schema, SchemaRef};
use hygge_core::budget::{Permit, Share};
use hygge_core::cpu::Cpu;
use hygge_core::fault::Fault;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;

/// What an encoder holds before it has seen anything: mostly the table of its dictionary.
const ENCODER: usize = 96 << 10;

/// The least that a row group may hold; less would make poor files.
const LEAST: usize = 2 << 20;

/// A row group being encoded.
#[derive(Debug)]
pub(super) struct RowGroup {
    columns: Arc<Vec<Mutex<Column>>>,
    /// The columns, the slowest so far first: the cores then finish together.
    order: Arc<Vec<usize>>,
    /// Whether rows are collected first, or encoded as they come.
    collects: bool,
    leaves: usize,
    rows: usize,
    share: Arc<Share>,
    held: Permit,
    cpu: Cpu,
}

/// A finished row group: its encoded columns in order, and what they are charged.
#[derive(Debug)]
pub(super) struct EncodedGroup {
    pub chunks: Vec<ArrowColumnChunk>,
    pub held: Permit,
}

impl RowGroup {
    /// An empty row group for rows with these columns.
    pub(super) fn new(
        schema: &SchemaRef,
        properties: &WriterPropertiesPtr,
        share: &Arc<Share>,
        cpu: &Cpu,
    ) -> Result<Self, Fault> {
        let columns: Vec<Mutex<Column>> = schema
            .fields()
            .iter()
            .map(|field| Column::new(field, properties).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        let order = (0..columns.len()).collect();
        let leaves = columns.iter().map(|column| lock(column).leaves).sum();
        let mut group = Self {
            columns: Arc::new(columns),
            order: Arc::new(order),
            collects: false,
            leaves,
            rows: 0,
            share: Arc::clone(share),
            held: share.charge(0),
            cpu: cpu.clone(),
        };
        group.start();
        Ok(group)
    }

    /// How many rows it holds.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it holds as much as this entity's part of the memory budget allows.
    pub(super) fn is_full(&self) -> bool {
        let part = if self.collects { 4 } else { 8 };
        self.held.bytes() >= (self.share.size() / part).max(LEAST)
    }

    /// Takes rows.
    pub(super) async fn write(&mut self, rows: RecordBatch) -> Result<(), Fault> {
        self.rows += rows.num_rows();
        let bytes = if self.collects { memory(&rows) } else { 0 };
        for (column, array) in self.columns.iter().zip(rows.columns()) {
            lock(column).waiting.push(Arc::clone(array));
        }
        drop(rows);
        if self.collects {
            self.held.resize(self.held.bytes() + bytes);
            return Ok(());
        }
        self.encode(false).await?;
        self.held.resize(self.columns.iter().map(|column| lock(column).memory()).sum());
        Ok(())
    }

    /// Encodes what is left, gives it out, and begins anew.
    pub(super) async fn finish(&mut self) -> Result<EncodedGroup, Fault> {
        self.encode(true).await?;
        let mut chunks = Vec::with_capacity(self.leaves);
        for column in self.columns.iter() {
            chunks.append(&mut lock(column).chunks);
        }
        let bytes = chunks.iter().map(|chunk| chunk.close().bytes_written).sum::<u64>();
        self.held.resize(usize::try_from(bytes).unwrap_or(usize::MAX));
        let held = std::mem::replace(&mut self.held, self.share.charge(0));
        let group = EncodedGroup { chunks, held };
        self.start();
        Ok(group)
    }

    fn start(&mut self) {
        self.rows = 0;
        let streaming = (self.share.size() / 8).max(LEAST);
        self.collects = self.leaves * ENCODER > streaming / 2;
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|&index| {
            self.columns.get(index).map(|column| std::cmp::Reverse(lock(column).spent))
        });
        self.order = Arc::new(order);
    }

    /// Encodes what waits on as many cores as there are; each takes the next column until none is
    /// left.
    async fn encode(&self, close: bool) -> Result<(), Fault> {
        let next = Arc::new(AtomicUsize::new(0));
        let pieces = (0..self.cpu.cores().min(self.columns.len())).map(|_| {
            let (next, order, columns) =
                (Arc::clone(&next), Arc::clone(&self.order), Arc::clone(&self.columns));
            self.cpu.run(move || {
                while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(column) = columns.get(index) {
                        lock(column).encode(close)?;
                    }
                }
                Ok(())
            })
        });
        futures::future::try_join_all(pieces).await.map(|_| ())
    }
}

fn lock(column: &Mutex<Column>) -> std::sync::MutexGuard<'_, Column> {
    column.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the rows alone take, not what else is kept alive with them.
fn memory(rows: &RecordBatch) -> usize {
    rows.columns()
        .iter()
        .map(|column| {
            let data = column.to_data();
            data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
        })
        .sum()
}

/// A column of the table: one column of the file, or more when it is nested.
struct Column {
    field: FieldRef,
    factory: ArrowRowGroupWriterFactory,
    /// Values that wait to be encoded.
    waiting: Vec<ArrayRef>,
    writers: Vec<ArrowColumnWriter>,
    chunks: Vec<ArrowColumnChunk>,
    leaves: usize,
    /// Nanoseconds spent on it.
    spent: u128,
}

impl std::fmt::Debug for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column").field("field", &self.field).finish_non_exhaustive()
    }
}

impl Column {
    fn new(field: &FieldRef, properties: &WriterPropertiesPtr) -> Result<Self, Fault> {
        let failed = |error| unwritable(field, error);
        // Alone in a schema of its own, a column can have its encoders made when it needs them.
        let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
        let file_schema = ArrowSchemaConverter::new().convert(&schema).map_err(failed)?;
        let writer = SerializedFileWriter::new(
            std::io::sink(),
            file_schema.root_schema_ptr(),
            Arc::clone(properties),
        )
        .map_err(failed)?;
        Ok(Self {
            factory: ArrowRowGroupWriterFactory::new(&writer, schema),
            field: Arc::clone(field),
            waiting: Vec::new(),
            writers: Vec::new(),
            chunks: Vec::new(),
            leaves: file_schema.num_columns(),
            spent: 0,
        })
    }

    fn memory(&self) -> usize {
        self.writers.iter().map(ArrowColumnWriter::memory_size).sum()
    }

    fn encode(&mut self, close: bool) -> Result<(), Fault> {
        let start = Instant::now();
        self.try_encode(close).map_err(|error| unwritable(&self.field, error))?;
        self.spent += start.elapsed().as_nanos();
        Ok(())
    }

    fn try_encode(&mut self, close: bool) -> Result<(), ParquetError> {
        if self.writers.is_empty() {
            self.writers = self.factory.create_column_writers(0)?;
        }
        // Each array is let go as soon as it is encoded.
        for array in std::mem::take(&mut self.waiting) {
            let leaves = compute_leaves(&self.field, &array)?;
            for (leaf, writer) in leaves.iter().zip(&mut self.writers) {
                writer.write(leaf)?;
            }
        }
        if close {
            for writer in self.writers.drain(..) {
                self.chunks.push(writer.close()?);
            }
        }
        Ok(())
    }
}

fn unwritable(field: &FieldRef, error: ParquetError) -> Fault {
    Fault::data(format!(
        "the column `{}` ({}) cannot be written to Parquet",
        field.name(),
        field.data_type()
    ))
    .because(error)
}
