//! Encodes the columns of a Parquet row group, side by side on all cores.
//!
//! A row group that takes rows *as they come* keeps an encoder for every column, and holds
//! nothing but encoded pages. Each encoder costs about a hundred kilobytes however few rows it
//! has seen, though, so a table of thousands of columns would need more than it may have. Such a
//! row group *collects* rows first and then encodes column after column: only as many encoders
//! exist at a time as there are cores.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hygge_core::budget::{Permit, Share};
use hygge_core::cpu::Cpu;
use hygge_core::fault::Fault;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::file::properties::WriterPropertiesPtr;

use super::column::Column;
use super::columns::Columns;

/// What an encoder holds before it has seen anything: mostly the table of its dictionary.
const ENCODER: usize = 96 << 10;

/// The most that may wait for a core while more rows come.
const MOST_WAITING: usize = 16 << 20;

/// The least that a row group may hold; less would make poor files.
const LEAST: usize = 2 << 20;

/// A row group being encoded.
#[derive(Debug)]
pub(super) struct RowGroup {
    columns: Arc<Columns>,
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
        let columns: Vec<Column> = schema
            .fields()
            .iter()
            .map(|field| Column::new(field, properties))
            .collect::<Result<_, _>>()?;
        let leaves = columns.iter().map(|column| column.leaves).sum();
        let streaming = (share.size() / 8).max(LEAST);
        let collects = leaves * ENCODER > streaming / 2;
        Ok(Self {
            columns: Arc::new(Columns::new(columns, collects)),
            leaves,
            rows: 0,
            share: Arc::clone(share),
            held: share.charge(0),
            cpu: cpu.clone(),
        })
    }

    /// How many rows it holds.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it holds as much as this entity's part of the memory budget allows.
    pub(super) fn is_full(&self) -> bool {
        let part = if self.columns.collects() { 4 } else { 8 };
        self.held.bytes() >= (self.share.size() / part).max(LEAST)
    }

    /// Takes rows. They may still wait for a core when this returns.
    pub(super) async fn write(&mut self, rows: RecordBatch) -> Result<(), Fault> {
        self.rows += rows.num_rows();
        self.columns.push(&rows);
        drop(rows);
        if !self.columns.collects() {
            self.work();
            self.columns
                .wait_until_below((self.share.size() / 16).clamp(LEAST, MOST_WAITING))
                .await?;
        }
        self.held.resize(self.columns.bytes());
        Ok(())
    }

    /// What it is charged: the values that wait, and what the encoders hold.
    pub(super) fn held(&self) -> usize {
        self.held.bytes()
    }

    /// Encodes what is left, and gives it out.
    pub(super) async fn finish(mut self) -> Result<EncodedGroup, Fault> {
        self.columns.close();
        self.work();
        self.columns.wait_until_closed().await?;
        let chunks = self.columns.take(self.leaves);
        let bytes = chunks.iter().map(|chunk| chunk.close().bytes_written).sum::<u64>();
        self.held.resize(usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(EncodedGroup { chunks, held: self.held })
    }

    /// Sees to it that as many cores encode as have something to do.
    fn work(&self) {
        for _ in 0..self.columns.hire(self.cpu.cores()) {
            let (cpu, columns) = (self.cpu.clone(), Arc::clone(&self.columns));
            tokio::spawn(async move {
                loop {
                    let work = Arc::clone(&columns);
                    let done = cpu.run(move || work.encode_some()).await;
                    if !matches!(done, Ok(true)) {
                        columns.leave(done.map(drop));
                        return;
                    }
                }
            });
        }
    }
}
