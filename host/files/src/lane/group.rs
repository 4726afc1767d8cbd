//! A row group on its way into another file, column by column.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use hygge_core::contract::Context;
use hygge_core::fault::Fault;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{ChunkBytes, Content, Described};
use super::encode::{Chunk, ColumnEncoder, Form};
use super::recompress::recompress;
use super::shape::{TargetShape, leaves};
use super::slabs::Slabs;
use super::spill::Spill;
use super::structure;
use super::verify::{broken, check_values};
use crate::home::parquet::columns::Columns;
use crate::home::parquet::consignment::Consignment;
use crate::home::parquet::pages::range;
use crate::polish::{Polisher, Source};
use crate::routes::{Route, Routes};
use crate::terms::ParquetTerms;

/// The largest chunk that is held in memory, however much of it there is.
const MOST_HELD: u64 = 64 << 20;

/// The smallest chunk that stays in its source until it is written, or is put aside.
const LEAST_HELD: u64 = 1 << 20;

/// What a value that is made takes when it is encoded: the text of a hash.
const ENCODED_VALUE: u64 = 64;

/// Rows whose values are made at a time: these, too, should fit a core's own cache.
const VALUES_AT_ONCE: usize = 16 << 10;

/// What a Store makes of row groups: the same for a whole load.
#[derive(Debug)]
pub(crate) struct Target {
    /// What was asked for.
    pub(crate) terms: ParquetTerms,
    /// What becomes of the columns.
    pub(crate) polisher: Arc<Polisher>,
    /// The columns as they are stored.
    pub(crate) stored: SchemaRef,
    /// How columns are encoded.
    pub(crate) properties: WriterPropertiesPtr,
    /// Whether values are decoded to see whether they can be.
    pub(crate) verify_values: bool,
    /// A folder for what is too large to be held.
    pub(crate) spill: PathBuf,
    /// Memory for what is held.
    pub(crate) slabs: Arc<Slabs>,
    /// The run.
    pub(crate) context: Arc<Context>,
    /// The last chunk of each column that has one value in all rows: row groups are often of the
    /// same length.
    pub(crate) constants: Mutex<Vec<Constant>>,
}

/// The chunks of a column that has one value in all rows.
#[derive(Debug)]
pub(crate) struct Constant {
    column: usize,
    rows: u64,
    chunks: Vec<Chunk>,
}

/// A row group on its way.
#[derive(Debug)]
pub(crate) struct MovedGroup {
    target: Arc<Target>,
    shape: Arc<TargetShape>,
    consignment: Consignment,
    group: usize,
}

/// A piece of it that is worked on at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    /// A leaf of the source becomes a leaf of the destination.
    Move {
        /// In the source.
        from: usize,
        /// In the destination.
        to: usize,
        /// The column's place in the schema of all files, for the first leaf of each.
        first_of: Option<usize>,
    },
    /// A column of the destination is encoded.
    Encode(usize),
}

impl Target {
    /// What becomes of the columns of a consignment's file.
    pub(crate) fn shape(&self, consignment: &Consignment) -> Result<TargetShape, Fault> {
        let source = &consignment.shape;
        let file = source.footer.schema();
        let routes = Routes::new(file, &source.places, &source.all, &self.polisher, &self.stored);
        TargetShape::new(source, routes, &self.stored)
    }
}

impl MovedGroup {
    /// A row group of a consignment's file, into a file of this shape.
    pub(crate) fn new(
        target: &Arc<Target>,
        shape: &Arc<TargetShape>,
        consignment: Consignment,
        group: usize,
    ) -> Self {
        Self { target: Arc::clone(target), shape: Arc::clone(shape), consignment, group }
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> u64 {
        let metadata = self.consignment.shape.footer.metadata();
        let group = metadata.row_groups().get(self.group);
        group.and_then(|group| u64::try_from(group.num_rows()).ok()).unwrap_or(0)
    }

    /// The file it comes from.
    pub(crate) fn file(&self) -> &Arc<crate::home::source::OpenFile> {
        &self.consignment.file
    }

    /// How many chunks it becomes.
    pub(crate) fn chunks(&self) -> usize {
        self.shape.schema.num_columns()
    }

    /// Its pieces, in the order of the destination's columns.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let source = self.consignment.shape.footer.parquet_schema();
        let mut pieces = Vec::new();
        for (column, route) in self.shape.routes.columns.iter().enumerate() {
            match route {
                Route::Encode => pieces.push(Piece::Encode(column)),
                Route::Move(root) => {
                    let mut first_of = self.consignment.shape.places.get(*root).copied();
                    let ways = leaves(source, *root).into_iter().zip(self.shape.leaves(column));
                    pieces.extend(ways.map(|(from, to)| Piece::Move {
                        from,
                        to,
                        first_of: first_of.take(),
                    }));
                }
            }
        }
        pieces
    }

    /// About how many bytes a piece takes while it is made and waits to be written.
    pub(crate) fn weight(&self, piece: Piece) -> u64 {
        let most_held = self.spill().most_held;
        match piece {
            Piece::Move { from, .. } => {
                let metadata = self.consignment.shape.footer.metadata();
                let group = metadata.row_groups().get(self.group);
                let Some(chunk) = group.and_then(|group| group.columns().get(from)) else {
                    return 0;
                };
                let bytes = u64::try_from(chunk.compressed_size()).unwrap_or(0);
                match self.most_moved(chunk) {
                    most if bytes > most => LEAST_HELD,
                    _ if self.target.terms.keeps(chunk) => bytes,
                    // What it was and what it becomes.
                    _ => bytes.saturating_mul(2),
                }
            }
            // What is larger is put aside.
            Piece::Encode(_) => self.rows().saturating_mul(ENCODED_VALUE).min(most_held),
        }
    }

    /// The largest chunk that is held on its way: what is copied can as well stay where it is, and
    /// what is recompressed is held twice for a while.
    fn most_moved(&self, chunk: &ColumnChunkMetaData) -> u64 {
        if self.target.terms.keeps(chunk) { LEAST_HELD } else { self.spill().most_held / 2 }
    }

    /// The most bytes that its chunks may come to, as far as can be told before they are made.
    pub(crate) fn most_bytes(&self) -> u64 {
        let metadata = self.consignment.shape.footer.metadata();
        let group = metadata.row_groups().get(self.group);
        let moved = group.and_then(|group| u64::try_from(group.total_byte_size()).ok());
        let encoded =
            self.shape.routes.columns.iter().filter(|route| **route == Route::Encode).count();
        let encoded = self.rows().saturating_mul(ENCODED_VALUE).saturating_mul(encoded as u64);
        // Encoded a second time, what was compressed well may come out larger.
        moved.unwrap_or(u64::MAX).saturating_mul(2).saturating_add(encoded)
    }

    /// The chunks of a piece. Keeps a core busy.
    pub(crate) fn make(&self, piece: Piece) -> Result<Vec<Chunk>, Fault> {
        if self.target.context.cancel.is_cancelled() {
            return Err(Fault::cancelled());
        }
        match piece {
            Piece::Encode(column) => self.encode(column),
            Piece::Move { from, to, first_of } => {
                if let (true, Some(place)) = (self.target.verify_values, first_of) {
                    let context = &self.target.context;
                    let stop = &context.cancel;
                    check_values(&self.consignment, self.group, place, context, stop)?;
                }
                let descr = self.shape.schema.column(to);
                let moved = self.transfer(from, &descr).map_err(|error| {
                    if self.target.context.cancel.is_cancelled() {
                        return Fault::cancelled();
                    }
                    let metadata = self.consignment.shape.footer.metadata();
                    broken(&self.consignment.file, metadata, self.group, from, error)
                })?;
                Ok(vec![moved?])
            }
        }
    }

    /// Copies or recompresses a chunk. What is wrong with the source is the outer error, what is
    /// wrong with this machine the inner one.
    fn transfer(&self, from: usize, to: &ColumnDescPtr) -> Result<Result<Chunk, Fault>> {
        let (file, context) = (&self.consignment.file, &self.target.context);
        let metadata = self.consignment.shape.footer.metadata();
        let described = Described::read(file, metadata, self.group, from)?;
        let (chunk, rows) = (described.chunk, described.rows);
        let keeps = self.target.terms.keeps(chunk);
        let codec = self.target.terms.codec;
        let (start, end) = range(chunk);
        let index = described.offset_index.as_ref();
        let spill = self.spill();
        if end - start > self.most_moved(chunk) {
            structure::check(file.as_ref(), chunk, rows, index)?;
            let close = described.close(to)?;
            let content = Content::Source(Arc::clone(file));
            if keeps {
                let form = Form::Stored(content, Box::new(close));
                return Ok(Ok(Chunk { form, held: context.memory.charge(0) }));
            }
            let spill = match spill.file() {
                Ok(spill) => spill,
                Err(fault) => return Ok(Err(fault)),
            };
            let (spill, close) = recompress(content, close, codec, spill, || self.goes_on())?;
            let form = Form::Stored(Content::Spilled(spill), Box::new(close));
            return Ok(Ok(Chunk { form, held: context.memory.charge(0) }));
        }
        let mut held = context.memory.charge(usize::try_from(end - start)?);
        let bytes = ChunkBytes::read(file, chunk)?;
        structure::check(&bytes, chunk, rows, index)?;
        let close = described.close(to)?;
        if keeps {
            let form = Form::Stored(Content::Held(bytes), Box::new(close));
            return Ok(Ok(Chunk { form, held }));
        }
        let sink = spill.slabs.stack();
        let (sink, close) = recompress(bytes, close, codec, sink, || self.goes_on())?;
        held.resize(usize::try_from(sink.len())?);
        let content = Content::Stacked(Arc::new(sink));
        Ok(Ok(Chunk { form: Form::Stored(content, Box::new(close)), held }))
    }

    /// Asked between pages: long work is progress, and ends with its run.
    fn goes_on(&self) -> Result<()> {
        let context = &self.target.context;
        if context.cancel.is_cancelled() {
            return Err(ParquetError::General("the run was cancelled".to_owned()));
        }
        context.progress.mark();
        Ok(())
    }

    /// Where large chunks go. Each core may make one while one is being written; how many wait in
    /// all is bounded by whoever begins the pieces.
    fn spill(&self) -> Spill {
        let chunks = self.target.context.cpu.cores() as u64 + 1;
        let part = self.target.context.memory.size() as u64 / chunks;
        Spill {
            folder: self.target.spill.clone(),
            most_held: part.clamp(LEAST_HELD, MOST_HELD),
            slabs: Arc::clone(&self.target.slabs),
        }
    }

    fn encode(&self, column: usize) -> Result<Vec<Chunk>, Fault> {
        let target = &self.target;
        let lacks = || Fault::bug(format!("there is no column {column}"));
        let field = target.stored.fields().get(column).ok_or_else(lacks)?;
        let needed = match target.polisher.sources().into_iter().nth(column).ok_or_else(lacks)? {
            Source::Passed(place) => vec![place],
            Source::Made(of) => of,
        };
        let memory = &target.context.memory;
        let mut encoder = ColumnEncoder::new(field, &target.properties, memory, self.spill())?;
        if needed.is_empty() {
            return self.encode_constant(column, encoder);
        }
        let Consignment { file, shape, .. } = &self.consignment;
        let groups = Arc::from([self.group]);
        // What is made of a batch counts as well, and each core has one.
        for batch in Columns::new(file, shape, groups, &needed, memory.size() / 4) {
            if target.context.cancel.is_cancelled() {
                return Err(Fault::cancelled());
            }
            let batch = batch?;
            for from in (0..batch.num_rows()).step_by(VALUES_AT_ONCE) {
                let some = batch.slice(from, VALUES_AT_ONCE.min(batch.num_rows() - from));
                encoder.write(&target.polisher.column(column, &some, &needed)?)?;
            }
            target.context.progress.mark();
        }
        encoder.finish()
    }

    fn encode_constant(
        &self,
        column: usize,
        mut encoder: ColumnEncoder,
    ) -> Result<Vec<Chunk>, Fault> {
        let (rows, memory) = (self.rows(), &self.target.context.memory);
        let again = |chunk: &Chunk| -> Option<Chunk> {
            let Form::Stored(Content::Held(bytes), close) = &chunk.form else { return None };
            let form = Form::Stored(Content::Held(bytes.clone()), close.clone());
            Some(Chunk { form, held: memory.charge(0) })
        };
        let constants = || self.target.constants.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let known = constants();
            let same = known.iter().find(|known| known.column == column && known.rows == rows);
            if let Some(chunks) = same.and_then(|known| known.chunks.iter().map(again).collect()) {
                return Ok(chunks);
            }
        }
        let some = usize::try_from(rows).unwrap_or(usize::MAX).min(VALUES_AT_ONCE);
        let options = RecordBatchOptions::new().with_row_count(Some(some));
        let nothing =
            RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
                .map_err(|error| Fault::bug("no columns make no rows").because(error))?;
        let values = self.target.polisher.column(column, &nothing, &[])?;
        let mut left = rows;
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(values.len());
            encoder.write(&values.slice(0, count))?;
            left -= count as u64;
        }
        let chunks = encoder.finish_small()?;
        let copies = chunks.iter().map(again).collect::<Option<Vec<_>>>();
        if let Some(copies) = copies {
            let mut known = constants();
            known.retain(|known| known.column != column);
            known.push(Constant { column, rows, chunks });
            return Ok(copies);
        }
        Ok(chunks)
    }
}
