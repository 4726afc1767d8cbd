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
use super::spill::Spill;
use crate::stored::stored_column;

/// A column chunk ready to be written, with what is written beside it.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Its bytes.
    pub(crate) form: Form,
    /// What it is charged for.
    pub(crate) held: Permit,
}

/// How the bytes of a chunk came about.
#[derive(Debug)]
pub(crate) enum Form {
    /// They are as they are going to be stored.
    Stored(Content, Box<ColumnCloseResult>),
    /// They were encoded, page by page, and are put together as they are written.
    Encoded(Box<ArrowColumnChunk>),
}

/// Encodes one column: one leaf, or more when it is nested.
pub(crate) struct ColumnEncoder {
    field: FieldRef,
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    writers: Vec<ArrowColumnWriter>,
    held: Permit,
    memory: Arc<Share>,
    spill: Spill,
}

impl ColumnEncoder {
    /// For a column stored as `field`.
    pub(crate) fn new(
        field: &FieldRef,
        properties: &WriterPropertiesPtr,
        memory: &Arc<Share>,
        spill: Spill,
    ) -> Result<Self, Fault> {
        let begun = || -> Result<_> {
            let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
            let converted = ArrowSchemaConverter::new().convert(&schema)?;
            let writer = SerializedFileWriter::new(
                std::io::sink(),
                converted.root_schema_ptr(),
                Arc::clone(properties),
            )?;
            let factory = ArrowRowGroupWriterFactory::new(&writer, schema)
                .with_page_store_factory(Arc::new(spill.clone()));
            Ok((converted, factory.create_column_writers(0)?))
        };
        let (converted, writers) = begun().map_err(|error| unwritable(field, error))?;
        Ok(Self {
            field: Arc::clone(field),
            schema: Arc::new(converted),
            properties: Arc::clone(properties),
            writers,
            held: memory.charge(0),
            memory: Arc::clone(memory),
            spill,
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
        let chunks = self.close()?.into_iter();
        let chunk = |chunk: ArrowColumnChunk| {
            // The rest was put aside.
            let held = chunk.close().bytes_written.min(self.spill.most_held);
            let held = self.memory.charge(usize::try_from(held).unwrap_or(usize::MAX));
            Chunk { form: Form::Encoded(Box::new(chunk)), held }
        };
        Ok(chunks.map(chunk).collect())
    }

    /// The chunks of its leaves in one piece of memory, which can be written more than once: for
    /// those that are small.
    pub(crate) fn finish_small(mut self) -> Result<Vec<Chunk>, Fault> {
        let chunks = self.close()?;
        let (all, closed) = self.joined(chunks).map_err(|error| unwritable(&self.field, error))?;
        let all = bytes::Bytes::from(all);
        let held = |close: ColumnCloseResult| {
            let (start, length) = close.metadata.byte_range();
            let place = usize::try_from(start).ok().zip(usize::try_from(length).ok());
            let (from, length) = place
                .filter(|(from, length)| from.saturating_add(*length) <= all.len())
                .ok_or_else(|| Fault::bug("an encoded column was cut short"))?;
            let bytes = ChunkBytes { start, bytes: all.slice(from..from + length) };
            let form = Form::Stored(Content::Held(bytes), Box::new(close));
            Ok(Chunk { form, held: self.memory.charge(length) })
        };
        closed.into_iter().map(held).collect()
    }

    fn close(&mut self) -> Result<Vec<ArrowColumnChunk>, Fault> {
        let closed = self.writers.drain(..).map(ArrowColumnWriter::close).collect::<Result<_>>();
        closed.map_err(|error| unwritable(&self.field, error))
    }

    /// Encoded leaves one behind the other, and what is to be written beside each.
    fn joined(&self, chunks: Vec<ArrowColumnChunk>) -> Result<(Vec<u8>, Vec<ColumnCloseResult>)> {
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
        let Some((group, blooms, columns, offsets)) = closed else {
            return Err(ParquetError::General("a column was not closed".to_owned()));
        };
        let rows_written = u64::try_from(group.num_rows())?;
        let beside = blooms.into_iter().zip(columns).zip(offsets);
        let closed = group
            .columns()
            .iter()
            .zip(beside)
            .map(|(metadata, ((bloom_filter, column_index), offset_index))| {
                Ok(ColumnCloseResult {
                    bytes_written: u64::try_from(metadata.compressed_size())?,
                    rows_written,
                    metadata: metadata.clone(),
                    bloom_filter,
                    column_index,
                    offset_index,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((sink.into_inner()?, closed))
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
