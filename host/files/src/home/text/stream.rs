//! The rows of text files, parsed ahead of whoever takes them.
//!
//! One task reads and cuts the files, in order; the blocks are parsed side by side and given out
//! in order. Memory is charged to the budget when a block is read, in the order in which batches
//! are taken, so one that waits for memory never keeps an earlier one from leaving.

use std::num::NonZeroU64;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use hygge_core::budget::Permit;
use hygge_core::contract::{Batch, Context};
use hygge_core::fault::Fault;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::super::feed::Outlet;
use super::super::source::SourceFile;
use super::super::weight::held_bytes;
use super::blocks::{Block, Blocks, Cutter, Sizes};
use super::csv::CsvShape;
use super::ndjson::NdjsonShape;
use super::options::FormatOptions;
use super::records::Dialect;
use super::survey::Survey;
use crate::format::Format;

/// How many times its text a block's values may take up, in the usual course.
const SWELLING: usize = 3;

/// Parses every file of the survey into `outlet`.
pub(super) async fn parse(
    survey: Survey,
    format: Format,
    options: Arc<FormatOptions>,
    batch_rows: Option<NonZeroU64>,
    context: Arc<Context>,
    outlet: Arc<Outlet>,
) -> Result<(), Fault> {
    let share = context.memory.size();
    let sizes = Sizes {
        block: (share / 64).clamp(64 << 10, 2 << 20),
        record: super::LONGEST_RECORD,
        records: batch_rows.map_or(u64::MAX, NonZeroU64::get),
    };
    let begin = Arc::new(Beginning { format, options, schema: survey.schema, sizes });
    let supply = Supply { files: survey.files.into_iter(), reading: None, begin };
    let cores = context.cpu.cores();
    // Both reading and parsing are tasks of their own: a core they are given would otherwise wait
    // while this waits for whoever takes the rows.
    let (found, blocks) = mpsc::channel(1);
    let reading = tokio::spawn(read(supply, Arc::clone(&context), found));
    let blocks = stream::unfold(blocks, |mut blocks| async {
        blocks.recv().await.map(|block| (block, blocks))
    });
    let batches = blocks
        .map(|(shape, block, permit)| {
            let context = Arc::clone(&context);
            let parsing = tokio::spawn(async move { shape.rows(block, permit, &context).await });
            async { parsing.await.map_err(lost)? }
        })
        .buffered(cores * 2);
    futures::pin_mut!(batches);
    while let Some(batch) = batches.try_next().await? {
        if batch.rows.num_rows() > 0 {
            outlet.give(batch).await?;
        }
    }
    reading.await.map_err(lost)?
}

/// Block after block, as there is memory for them.
async fn read(
    mut supply: Supply,
    context: Arc<Context>,
    found: mpsc::Sender<(Arc<Shape>, Block, Permit)>,
) -> Result<(), Fault> {
    loop {
        let permit = context.memory.acquire(supply.begin.sizes.block * SWELLING).await;
        let Some((shape, block)) = supply.next(&context).await? else { return Ok(()) };
        if found.send((shape, block, permit)).await.is_err() {
            return Err(Fault::cancelled());
        }
    }
}

fn lost(error: JoinError) -> Fault {
    if error.is_panic() {
        Fault::bug("reading text panicked").because(error)
    } else {
        Fault::cancelled()
    }
}

/// What is needed to begin a file.
struct Beginning {
    format: Format,
    options: Arc<FormatOptions>,
    schema: arrow_schema::SchemaRef,
    sizes: Sizes,
}

/// Blocks of one file after the other.
struct Supply {
    files: std::vec::IntoIter<Arc<SourceFile>>,
    reading: Option<Reading>,
    begin: Arc<Beginning>,
}

struct Reading {
    blocks: Blocks,
    shape: Arc<Shape>,
    /// The rest of the block that the header was in.
    first: Option<Block>,
}

impl Supply {
    async fn next(&mut self, context: &Context) -> Result<Option<(Arc<Shape>, Block)>, Fault> {
        loop {
            let mut reading = match self.reading.take() {
                Some(reading) => reading,
                None => {
                    let Some(file) = self.files.next() else {
                        return Ok(None);
                    };
                    let begin = Arc::clone(&self.begin);
                    context.cpu.run(move || begin.file(&file)).await?
                }
            };
            let (reading, block) = context
                .cpu
                .run(move || {
                    let block = match reading.first.take() {
                        Some(block) => Some(block),
                        None => reading.blocks.next()?,
                    };
                    if block.is_none() {
                        reading.blocks.file().verify()?;
                    }
                    Ok((reading, block))
                })
                .await?;
            if let Some(block) = block {
                let shape = Arc::clone(&reading.shape);
                self.reading = Some(reading);
                return Ok(Some((shape, block)));
            }
        }
    }
}

impl Beginning {
    fn file(&self, source: &Arc<SourceFile>) -> Result<Reading, Fault> {
        let open = Arc::new(source.open()?);
        let (schema, shown) = (Arc::clone(&self.schema), source.shown.clone());
        if self.format == Format::Ndjson {
            let blocks = Blocks::open(&open, Cutter::lines(), self.sizes, 0)?;
            let shape = Arc::new(Shape::Ndjson(NdjsonShape { schema, shown }));
            return Ok(Reading { blocks, shape, first: None });
        }
        let dialect = Dialect::new(&self.options);
        let skip = self.options.skip_rows;
        let mut blocks = Blocks::open(&open, dialect.cutter(), self.sizes, skip)?;
        let (names, first) = match blocks.next()? {
            Some(block) => {
                let (names, rest) = super::head(&dialect, &self.options, &block);
                (names, (!rest.bytes.is_empty()).then_some(rest))
            }
            None => (Vec::new(), None),
        };
        let from = schema
            .fields()
            .iter()
            .map(|field| names.iter().position(|name| name == field.name()))
            .collect();
        let shape = CsvShape { dialect, width: names.len(), from, schema, shown };
        Ok(Reading { blocks, shape: Arc::new(Shape::Csv(Box::new(shape))), first })
    }
}

/// How the blocks of a file become rows.
enum Shape {
    Csv(Box<CsvShape>),
    Ndjson(NdjsonShape),
}

impl Shape {
    async fn rows(
        self: Arc<Self>,
        block: Block,
        mut permit: Permit,
        context: &Context,
    ) -> Result<Batch, Fault> {
        context
            .cpu
            .run(move || {
                let rows = match self.as_ref() {
                    Self::Csv(shape) => shape.parse(&block),
                    Self::Ndjson(shape) => shape.parse(&block),
                }?;
                permit.resize(held_bytes(&rows));
                Ok(Batch { rows, permit })
            })
            .await
    }
}
