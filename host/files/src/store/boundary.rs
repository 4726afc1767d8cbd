//! Finds the rows that landed with exactly one watermark.

use std::fs::File;
use std::path::Path;

use arrow_array::{Array, RecordBatch};
use hygge_core::contract::BoundaryRequest;
use hygge_core::fault::Fault;
use hygge_core::watermark::{KeySet, Watermark, equals_mask, key_hashes, max_of};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use super::FileStore;
use super::folder::{self, Which};

use crate::format::Format;

/// The keys of the rows whose watermark column is exactly the requested value; `None` where that
/// cannot be told: the table is text, or lacks one of the columns.
pub(super) fn keys_at(
    store: &FileStore,
    request: &BoundaryRequest,
) -> Result<Option<KeySet>, Fault> {
    let place = store.place()?;
    let mut keys = KeySet::default();
    for file in folder::files(&place.destination, Which::Data)? {
        let path = place.destination.join(file);
        if !path.to_string_lossy().ends_with(Format::Parquet.extension())
            || !add_keys(store, &path, request, &mut keys)?
        {
            return Ok(None);
        }
    }
    Ok(Some(keys))
}

/// Adds the keys found in one file. `false` when it lacks a column.
fn add_keys(
    store: &FileStore,
    path: &Path,
    request: &BoundaryRequest,
    keys: &mut KeySet,
) -> Result<bool, Fault> {
    let damaged = |error: parquet::errors::ParquetError| {
        Fault::data(format!("cannot read {}", path.display())).because(error)
    };
    let file = File::open(path).map_err(|error| Fault::io("open", path, error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
    let find = |source: &String| {
        let names: Vec<&str> =
            builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
        let name = match &store.settings.polish {
            Some(polish) => polish.renamed_among(source, &names)?,
            None => source.clone(),
        };
        names.iter().position(|known| *known == name)
    };
    let Some(watermark) = find(&request.column) else { return Ok(false) };
    let Some(key) = request.key.iter().map(find).collect::<Option<Vec<usize>>>() else {
        return Ok(false);
    };
    let name = builder.schema().field(watermark).name().clone();
    let names: Vec<String> =
        key.iter().map(|&index| builder.schema().field(index).name().clone()).collect();
    let groups = groups_with(&builder, &name, &request.value).map_err(damaged)?;
    let columns = key.iter().copied().chain([watermark]);
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
    let reader = builder.with_row_groups(groups).with_projection(mask).build().map_err(damaged)?;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.into()))?;
        add_rows(&batch, &name, &names, &request.value, keys)?;
    }
    Ok(true)
}

fn add_rows(
    batch: &RecordBatch,
    watermark: &str,
    key: &[String],
    value: &Watermark,
    keys: &mut KeySet,
) -> Result<(), Fault> {
    let lost = |name: &str| Fault::bug(format!("the column `{name}` was not read"));
    let column = batch.column_by_name(watermark).ok_or_else(|| lost(watermark))?;
    let equal = equals_mask(watermark, column.as_ref(), value)?;
    if equal.true_count() == 0 {
        return Ok(());
    }
    let rows = arrow_select::filter::filter_record_batch(batch, &equal)
        .map_err(|error| Fault::bug("cannot filter rows").because(error))?;
    let columns = key
        .iter()
        .map(|name| rows.schema_ref().index_of(name).map_err(|_| lost(name)))
        .collect::<Result<Vec<usize>, Fault>>()?;
    keys.hashes.extend(key_hashes(&rows, &columns)?);
    Ok(())
}

/// The row groups that may hold `value`, by their statistics.
fn groups_with(
    builder: &ParquetRecordBatchReaderBuilder<File>,
    column: &str,
    value: &Watermark,
) -> Result<Vec<usize>, parquet::errors::ParquetError> {
    let groups = builder.metadata().row_groups();
    let converter =
        StatisticsConverter::try_new(column, builder.schema(), builder.parquet_schema())?;
    let (low, high) = (converter.row_group_mins(groups)?, converter.row_group_maxes(groups)?);
    // Where statistics are missing, or are no watermarks, a row group has to be read.
    let bound = |bounds: &dyn Array, group: usize| {
        max_of(column, bounds.slice(group, 1).as_ref()).ok().flatten()
    };
    Ok((0..groups.len())
        .filter(|&group| {
            bound(low.as_ref(), group).is_none_or(|low| low <= *value)
                && bound(high.as_ref(), group).is_none_or(|high| high >= *value)
        })
        .collect())
}
