//! Some columns of some row groups, decoded on the core that asks for them.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{Schema, SchemaRef};
use hygge_core::fault::Fault;

use super::super::source::OpenFile;
use super::footer::damaged;
use super::lane::{FileShape, Lane, Step, blame};
use super::pace::{Pace, Width};
use super::pages::{Groups, Guard};
use crate::home::weight::held_bytes;

/// Some columns of some row groups of a file, batch by batch, in the schema of all files. Batches
/// stay small however wide the rows are.
pub(crate) struct Columns {
    shape: FileShape,
    groups: Groups,
    /// What is asked for, by places in the schema of all files.
    wanted: Vec<usize>,
    /// Where these columns are in this file, as far as it has them.
    roots: Vec<usize>,
    schema: SchemaRef,
    pace: Pace,
    batch_rows: usize,
    lane: Option<Lane>,
    rows: u64,
    done: u64,
}

impl Columns {
    /// The columns at these places in the schema of all files; those that this file lacks are
    /// null. `memory` is what the entity should stay under.
    pub(crate) fn new(
        file: &Arc<OpenFile>,
        shape: &FileShape,
        groups: Arc<[usize]>,
        wanted: &[usize],
        memory: usize,
    ) -> Self {
        let roots: Vec<usize> = (0..shape.places.len())
            .filter(|root| shape.places.get(*root).is_some_and(|place| wanted.contains(place)))
            .collect();
        let metadata = shape.footer.metadata();
        let columns = shape.footer.parquet_schema();
        let chosen = || groups.iter().filter_map(|at| metadata.row_groups().get(*at));
        let rows = chosen().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
        let width =
            Width::of_columns(chosen(), |leaf| roots.contains(&columns.get_column_root_idx(leaf)));
        let pace = Pace::new(memory, None);
        let fields: Vec<_> =
            wanted.iter().filter_map(|place| shape.all.fields().get(*place).cloned()).collect();
        let batch_rows = pace.begin(width);
        Self {
            groups: Groups {
                file: Arc::clone(file),
                metadata: Arc::clone(metadata),
                groups,
                guard: Guard::new(1, 0),
            },
            shape: shape.clone(),
            wanted: wanted.to_vec(),
            roots,
            schema: Arc::new(Schema::new(fields)),
            batch_rows,
            pace,
            lane: None,
            rows,
            done: 0,
        }
    }

    fn decode(&mut self) -> Result<RecordBatch, Fault> {
        loop {
            let left = self.rows - self.done;
            let expected = left.min(self.batch_rows as u64);
            let mut columns = Vec::new();
            if !self.roots.is_empty() {
                let mut lane = match self.lane.take() {
                    Some(lane) => lane,
                    None => self.begin()?,
                };
                match lane.step(expected == left) {
                    Step::Rows(some, rows) if rows as u64 == expected => columns = some,
                    Step::Rows(..) => return Err(blame(&self.shape, &self.groups, None)),
                    Step::Failed(error) => return Err(blame(&self.shape, &self.groups, error)),
                    Step::TooWide => {
                        self.batch_rows = self.pace.fewer(self.batch_rows);
                        continue;
                    }
                }
                self.lane = Some(lane);
            }
            let batch = self.assemble(columns, usize::try_from(expected).unwrap_or(usize::MAX))?;
            self.done += expected;
            let bytes = held_bytes(&batch);
            let left = left - expected;
            if let Some(other) = self.pace.saw(batch.num_rows(), bytes, self.batch_rows, left) {
                self.batch_rows = other;
                self.lane = None;
            }
            return Ok(batch);
        }
    }

    fn begin(&self) -> Result<Lane, Fault> {
        let guard = Guard::new(self.batch_rows, self.pace.ceiling());
        let groups = Groups { guard, ..self.groups.clone() };
        Lane::new(&self.shape, groups, &self.roots, self.batch_rows, self.done)
            .map_err(|error| blame(&self.shape, &self.groups, Some(error.into())))
    }

    fn assemble(&self, columns: Vec<(usize, ArrayRef)>, rows: usize) -> Result<RecordBatch, Fault> {
        let arrays = self
            .wanted
            .iter()
            .zip(self.schema.fields())
            .map(|(place, field)| {
                let found = columns.iter().find(|(at, _)| at == place);
                found.map_or_else(
                    || new_null_array(field.data_type(), rows),
                    |(_, array)| Arc::clone(array),
                )
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(
            |error| {
                let what = format!("row groups {:?}", self.groups.groups);
                damaged(&self.groups.file, &what, Some(error.into()))
            },
        )
    }
}

impl Iterator for Columns {
    type Item = Result<RecordBatch, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done >= self.rows {
            return None;
        }
        let decoded = self.decode();
        if decoded.is_err() {
            self.done = self.rows;
        }
        Some(decoded)
    }
}
