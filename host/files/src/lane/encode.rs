//! A column that is encoded from values, as a chunk of its own.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{FieldRef, Schema};
use hygge_core::budget::{Permit, Share};
use hygge_core::fault::Fault;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::SchemaDescPtr;

use super::chunk::{ChunkBytes, Content};
use crate::stored::stored_column;

/// A column chunk ready to be written, with what is written beside it.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Its bytes.
    pub(crate) content: Content,
    /// What is written beside it.
    pub(crate) close: ColumnCloseResult,
    /// What it is charged for.
    pub(crate) held: Permit,
}

/// Encodes one column: one leaf, or more when it is nested.
pub(crate) struct ColumnEncoder {
    field: FieldRef,
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    writers: Vec<ArrowColumnWriter>,
    held: Permit,
    memory: Arc<Share>,
}

impl ColumnEncoder {
    /// For a column stored as `field`.
    pub(crate) fn new(
        field: &FieldRef,
        properties: &WriterPropertiesPtr,
        memory: &Arc<Share>,
    ) -> Result<Self, Fault> {
        let begun = || -> Result<_> {
            let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
            let converted = ArrowSchemaConverter::new().convert(&schema)?;
            let writer = SerializedFileWriter::new(
                std::io::sink(),
                converted.root_schema_ptr(),
                Arc::clone(properties),
            )?;
            let writers =
                ArrowRowGroupWriterFactory::new(&writer, schema).create_column_writers(0)?;
            Ok((converted, writers))
        };
        let (converted, writers) = begun().map_err(|error| unwritable(field, error))?;
        Ok(Self {
            field: Arc::clone(field),
            schema: Arc::new(converted),
            properties: Arc::clone(properties),
            writers,
            held: memory.charge(0),
            memory: Arc::clone(memory),
        })
    }

    /// Takes values.
    pub(crate) fn write(&mut self, values: &ArrayRef) -> Result<(), Fault> {
        let values = stored_column(values, &self.field)?;
        let mut written = || -> Result<()> {
            let leaves = compute_leaves(&self.field, &values)?;
            for (leaf, writer) in leaves.iter().zip(&mut self.writers) {
                writer.write(leaf)?;
            }
            Ok(())
        };
        written().map_err(|error| unwritable(&self.field, error))?;
        self.held.resize(self.writers.iter().map(ArrowColumnWriter::memory_size).sum());
        Ok(())
    }

    /// The chunks of its leaves.
    pub(crate) fn finish(mut self) -> Result<Vec<Chunk>, Fault> {
        let writers = std::mem::take(&mut self.writers);
        let chunks = writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<Vec<_>>>();
        let finished = chunks.and_then(|chunks| self.spliced(chunks));
        finished.map_err(|error| unwritable(&self.field, error))
    }

    /// The bytes of encoded leaves in the form in which other chunks come.
    fn spliced(&self, chunks: Vec<ArrowColumnChunk>) -> Result<Vec<Chunk>> {
        let mut sink = TrackedWrite::new(Vec::new());
        let mut closed = None;
        let mut group = SerializedRowGroupWriter::new(
            Arc::clone(&self.schema),
            Arc::clone(&self.properties),
            &mut sink,
            0,
            Some(Box::new(|_, group, blooms, columns, offsets| {
                closed = Some((group, blooms, columns, offsets));
                Ok(())
            })),
        );
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        let all = bytes::Bytes::from(sink.into_inner()?);
        let Some((group, blooms, columns, offsets)) = closed else {
            return Err(ParquetError::General("a column was not closed".to_owned()));
        };
        let rows = u64::try_from(group.num_rows())?;
        let beside = blooms.into_iter().zip(columns).zip(offsets);
        group
            .columns()
            .iter()
            .zip(beside)
            .map(|(metadata, ((bloom_filter, column_index), offset_index))| {
                let (start, length) = metadata.byte_range();
                let from = usize::try_from(start)?;
                let to = usize::try_from(start.saturating_add(length))?;
                if to > all.len() {
                    return Err(ParquetError::EOF("a column was cut short".to_owned()));
                }
                Ok(Chunk {
                    content: Content::Held(ChunkBytes { start, bytes: all.slice(from..to) }),
                    close: ColumnCloseResult {
                        bytes_written: length,
                        rows_written: rows,
                        metadata: metadata.clone(),
                        bloom_filter,
                        column_index,
                        offset_index,
                    },
                    held: self.memory.charge(usize::try_from(length)?),
                })
            })
            .collect()
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
