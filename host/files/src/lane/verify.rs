//! How far data that is not decoded is checked before it is copied.

use std::sync::Arc;

use hygge_core::contract::Context;
use hygge_core::fault::Fault;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use tokio_util::sync::CancellationToken;

use super::chunk::Described;
use super::structure;
use crate::home::parquet::columns::Columns;
use crate::home::parquet::consignment::Consignment;
use crate::home::parquet::footer::damaged;
use crate::home::parquet::pages::range;
use crate::home::source::OpenFile;

/// The fault for a column of a row group that is not what it should be.
pub(crate) fn broken(
    file: &OpenFile,
    metadata: &ParquetMetaData,
    group: usize,
    leaf: usize,
    error: ParquetError,
) -> Fault {
    let chunk = metadata.row_groups().get(group).and_then(|group| group.columns().get(leaf));
    let name = chunk.map(|chunk| chunk.column_path().string()).unwrap_or_default();
    damaged(file, &format!("row group {group}, column `{name}`"), Some(error))
}

/// Checks that the chunks of a file do not lie over each other.
pub(crate) fn check_places(file: &OpenFile, metadata: &ParquetMetaData) -> Result<(), Fault> {
    let mut places: Vec<(u64, u64, usize, usize)> = Vec::new();
    for (at, group) in metadata.row_groups().iter().enumerate() {
        for (leaf, chunk) in group.columns().iter().enumerate() {
            let (start, end) = range(chunk);
            if end > start {
                places.push((start, end, at, leaf));
            }
        }
    }
    places.sort_unstable();
    for pair in places.windows(2) {
        if let [(_, end, ..), (start, _, group, leaf)] = pair
            && start < end
        {
            let error = ParquetError::General("it lies over another column".to_owned());
            return Err(broken(file, metadata, *group, *leaf, error));
        }
    }
    Ok(())
}

/// Checks all that is stored of one column in one row group, apart from its values.
pub(crate) fn check_structure(
    file: &Arc<OpenFile>,
    metadata: &ParquetMetaData,
    group: usize,
    leaf: usize,
) -> Result<(), Fault> {
    let checked = || -> Result<()> {
        let described = Described::read(file, metadata, group, leaf)?;
        described.bloom_filter()?;
        let index = described.offset_index.as_ref();
        structure::check(file.as_ref(), described.chunk, described.rows, index)
    };
    checked().map_err(|error| broken(file, metadata, group, leaf, error))
}

/// Decodes every value of one column (a place in the schema of all files) in one row group.
pub(crate) fn check_values(
    consignment: &Consignment,
    group: usize,
    place: usize,
    context: &Context,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let (file, shape) = (&consignment.file, &consignment.shape);
    let mut batches =
        Columns::new(file, shape, Arc::from([group]), &[place], context.memory.size());
    batches.try_for_each(|batch| {
        if stop.is_cancelled() {
            return Err(Fault::cancelled());
        }
        context.progress.mark();
        batch.map(drop)
    })
}
