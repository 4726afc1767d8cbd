//! Some columns of some row groups, decoded on one core.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, SchemaRef};
use hygge_core::fault::Fault;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, RowGroups as _, RowSelection, RowSelector,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;

use super::super::adapt::adapt;
use super::footer::damaged;
use super::pages::Groups;

/// Some columns of some row groups, being decoded.
pub(super) struct Lane {
    reader: ParquetRecordBatchReader,
    groups: Groups,
    /// Where the columns go in the schema of all files.
    places: Vec<usize>,
    all: SchemaRef,
}

/// What came of decoding a batch.
pub(super) enum Step {
    /// Columns, each with its place in the schema of all files; all of this many rows.
    Rows(Vec<(usize, ArrayRef)>, usize),
    /// The batch would have been larger than it may be.
    TooWide,
    /// The file is damaged.
    Failed(Option<ArrowError>),
}

/// What a lane needs to know of its file.
#[derive(Clone, Debug)]
pub(crate) struct FileShape {
    /// The file's footer and schema.
    pub(crate) footer: ArrowReaderMetadata,
    /// The schema of all files.
    pub(crate) all: SchemaRef,
    /// Where the file's columns go in it.
    pub(crate) places: Arc<[usize]>,
}

impl Lane {
    /// Begins to decode the columns `roots` (places in the file) from row `skip` on.
    pub(super) fn new(
        shape: &FileShape,
        groups: Groups,
        roots: &[usize],
        batch_rows: usize,
        skip: u64,
    ) -> Result<Self, ParquetError> {
        let reader = open(&shape.footer, &groups, roots, batch_rows, skip)?;
        // Where each column went, by its place in the file: roots come back in that order.
        let mut roots = roots.to_vec();
        roots.sort_unstable();
        let places = roots.iter().filter_map(|root| shape.places.get(*root).copied()).collect();
        Ok(Self { reader, groups, places, all: Arc::clone(&shape.all) })
    }

    /// Decodes the next batch. `last` is whether no rows should follow it.
    pub(super) fn step(&mut self, last: bool) -> Step {
        self.groups.guard.reset();
        match catch_unwind(AssertUnwindSafe(|| self.decode(last))) {
            Ok(Ok(step)) => step,
            Ok(Err(_)) if self.groups.guard.is_tripped() => Step::TooWide,
            Ok(Err(error)) => Step::Failed(Some(error)),
            Err(_) => Step::Failed(None),
        }
    }

    fn decode(&mut self, last: bool) -> Result<Step, ArrowError> {
        let Some(batch) = self.reader.next().transpose()? else {
            return Ok(Step::Rows(Vec::new(), 0));
        };
        if last && let Some(more) = self.reader.next().transpose()? {
            return Err(ArrowError::ParquetError(format!(
                "{} rows more than the footer says",
                more.num_rows()
            )));
        }
        let mut columns = Vec::with_capacity(self.places.len());
        for (column, place) in batch.columns().iter().zip(&self.places) {
            columns.push((*place, adapt(column, self.all.field(*place))?));
        }
        Ok(Step::Rows(columns, batch.num_rows()))
    }
}

fn open(
    footer: &ArrowReaderMetadata,
    groups: &Groups,
    roots: &[usize],
    batch_rows: usize,
    skip: u64,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let columns = footer.parquet_schema();
    let mask = ProjectionMask::roots(columns, roots.iter().copied());
    let levels = parquet_to_arrow_field_levels(columns, mask, Some(footer.schema().fields()))?;
    let selection = (skip > 0).then(|| {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let left = groups.num_rows().saturating_sub(skip);
        RowSelection::from(vec![RowSelector::skip(skip), RowSelector::select(left)])
    });
    ParquetRecordBatchReader::try_new_with_row_groups(&levels, groups, batch_rows, selection)
}

/// The fault for row groups that could not be decoded. Reads them once more, column by column, to
/// say which one it is.
pub(super) fn blame(shape: &FileShape, groups: &Groups, cause: Option<ArrowError>) -> Fault {
    for group in groups.groups.iter() {
        let alone = Groups { groups: Arc::from([*group]), ..groups.clone() };
        let rows = alone.metadata.row_groups().get(*group).map_or(0, |group| group.num_rows());
        for (root, field) in shape.footer.schema().fields().iter().enumerate() {
            let tried = catch_unwind(AssertUnwindSafe(|| -> Result<usize, ArrowError> {
                let mut reader = open(&shape.footer, &alone, &[root], 1024, 0)?;
                reader.try_fold(0, |rows, batch| Ok(rows + batch?.num_rows()))
            }));
            let error = match tried {
                Ok(Ok(read)) if i64::try_from(read) == Ok(rows) => continue,
                Ok(Ok(read)) => {
                    ParquetError::General(format!("{read} rows where the footer promises {rows}"))
                }
                Ok(Err(ArrowError::ParquetError(said))) => ParquetError::General(said),
                Ok(Err(error)) => ParquetError::General(error.to_string()),
                Err(_) => ParquetError::General("its bytes make no sense".to_owned()),
            };
            let place = format!("row group {group}, column `{}`", field.name());
            return damaged(&groups.file, &place, Some(error));
        }
    }
    let cause = cause.map(|error| ParquetError::General(error.to_string()));
    damaged(&groups.file, &format!("row groups {:?}", groups.groups), cause)
}
