//! A column of a table being encoded.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::ArrayRef;
use arrow_schema::{FieldRef, Schema};
use hygge_core::fault::Fault;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;

/// A column of the table: one column of the file, or more when it is nested.
pub(super) struct Column {
    field: FieldRef,
    factory: ArrowRowGroupWriterFactory,
    writers: Vec<ArrowColumnWriter>,
    chunks: Vec<ArrowColumnChunk>,
    /// Columns of the file.
    pub(super) leaves: usize,
    /// Nanoseconds spent on it.
    pub(super) spent: u128,
}

impl std::fmt::Debug for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column").field("field", &self.field).finish_non_exhaustive()
    }
}

impl Column {
    pub(super) fn new(field: &FieldRef, properties: &WriterPropertiesPtr) -> Result<Self, Fault> {
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
            writers: Vec::new(),
            chunks: Vec::new(),
            leaves: file_schema.num_columns(),
            spent: 0,
        })
    }

    /// What its encoders hold.
    pub(super) fn memory(&self) -> usize {
        self.writers.iter().map(ArrowColumnWriter::memory_size).sum()
    }

    /// Takes values, and closes the chunks if they are the last.
    pub(super) fn encode(&mut self, values: Vec<ArrayRef>, last: bool) -> Result<(), Fault> {
        let start = Instant::now();
        self.try_encode(values, last).map_err(|error| unwritable(&self.field, error))?;
        self.spent += start.elapsed().as_nanos();
        Ok(())
    }

    fn try_encode(&mut self, values: Vec<ArrayRef>, last: bool) -> Result<(), ParquetError> {
        if self.writers.is_empty() {
            self.writers = self.factory.create_column_writers(0)?;
        }
        // Each array is let go as soon as it is encoded.
        for array in values {
            let leaves = compute_leaves(&self.field, &array)?;
            for (leaf, writer) in leaves.iter().zip(&mut self.writers) {
                writer.write(leaf)?;
            }
        }
        if last {
            for writer in self.writers.drain(..) {
                self.chunks.push(writer.close()?);
            }
        }
        Ok(())
    }

    /// Its closed chunks.
    pub(super) fn take(&mut self) -> Vec<ArrowColumnChunk> {
        std::mem::take(&mut self.chunks)
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
