//! A column that is encoded from values, as a chunk of its own.

use std::io::Write;
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
        let writers = std::mem::take(&mut self.writers);
        let chunks = writers
            .into_iter()
            .map(ArrowColumnWriter::close)
            .collect::<Result<Vec<_>>>()
            .map_err(|error| unwritable(&self.field, error))?;
        let bytes: u64 = chunks.iter().map(|chunk| chunk.close().bytes_written).sum();
        if bytes > self.spill.most_held {
            let file = self.spill.file()?;
            let (file, closed) = self.spliced(chunks, file)?;
            let spilled = |close: ColumnCloseResult| {
                let file = file
                    .try_clone()
                    .map_err(|error| Fault::io("read", &self.spill.folder, error))?;
                let (content, held) = (Content::Spilled(file), self.memory.charge(0));
                Ok(Chunk { content, close, held })
            };
            return closed.into_iter().map(spilled).collect();
        }
        // Grown bit by bit it would come to take twice as much.
        let room = usize::try_from(bytes).unwrap_or(0);
        let (all, closed) = self.spliced(chunks, Vec::with_capacity(room))?;
        let all = bytes::Bytes::from(all);
        let held = |close: ColumnCloseResult| {
            let (start, length) = close.metadata.byte_range();
            let place = usize::try_from(start).ok().zip(usize::try_from(length).ok());
            let (from, length) = place
                .filter(|(from, length)| from.saturating_add(*length) <= all.len())
                .ok_or_else(|| Fault::bug("an encoded column was cut short"))?;
            Ok(Chunk {
                content: Content::Held(ChunkBytes { start, bytes: all.slice(from..from + length) }),
                close,
                held: self.memory.charge(length),
            })
        };
        closed.into_iter().map(held).collect()
    }

    /// Encoded leaves in the form in which other chunks come: their bytes one behind the other,
    /// and what is to be written beside each.
    fn spliced<W: Write + Send>(
        &self,
        chunks: Vec<ArrowColumnChunk>,
        sink: W,
    ) -> Result<(W, Vec<ColumnCloseResult>), Fault> {
        self.try_spliced(chunks, sink).map_err(|error| unwritable(&self.field, error))
    }

    fn try_spliced<W: Write + Send>(
        &self,
        chunks: Vec<ArrowColumnChunk>,
        sink: W,
    ) -> Result<(W, Vec<ColumnCloseResult>)> {
        let mut sink = TrackedWrite::new(sink);
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
