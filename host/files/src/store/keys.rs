//! Watermarks and keys of rows that landed, in a form that compares.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use hygge_core::fault::Fault;
use hygge_core::watermark::Watermark;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::cell::{self, Style};

/// The hash of every row's key.
pub(super) fn key_hashes(batch: &RecordBatch, columns: &[usize]) -> Result<Vec<[u8; 16]>, Fault> {
    let style = Style::hashed();
    let schema = batch.schema();
    let mut writers = Vec::with_capacity(columns.len());
    for &index in columns {
        let name = schema.field(index).name();
        writers.push((batch.column(index), cell::cells(name, batch.column(index), &style)?));
    }
    (0..batch.num_rows())
        .map(|row| {
            let (mut digest, mut text) = (Sha256::new(), Vec::new());
            for (column, write) in &writers {
                text.clear();
                if !cell::is_null(column.as_ref(), row) {
                    text.push(b'=');
                    write(row, &mut text)?;
                }
                digest.update(text.len().to_le_bytes());
                digest.update(&text);
            }
            let mut hash = [0; 16];
            hash.copy_from_slice(&digest.finalize()[..16]);
            Ok(hash)
        })
        .collect()
}

/// Which rows of a column have exactly this watermark.
pub(super) fn equals_mask(
    name: &str,
    array: &dyn Array,
    watermark: &Watermark,
) -> Result<BooleanArray, Fault> {
    (0..array.len())
        .map(|row| Ok(Some(value(name, array, row)?.as_ref() == Some(watermark))))
        .collect()
}

/// The highest value of a column.
pub(super) fn max_of(name: &str, array: &dyn Array) -> Result<Option<Watermark>, Fault> {
    let mut highest = None;
    for row in 0..array.len() {
        highest = highest.max(value(name, array, row)?);
    }
    Ok(highest)
}

fn value(name: &str, array: &dyn Array, row: usize) -> Result<Option<Watermark>, Fault> {
    if cell::is_null(array, row) {
        return Ok(None);
    }
    let array = array.slice(row, 1);
    let wrong = || {
        Fault::config(format!("the column `{name}` ({}) is no watermark", array.data_type()))
            .with_help("choose a column of whole numbers, dates and times, or text")
    };
    let cast = |to: &DataType| arrow_cast::cast(&array, to).map_err(|_| wrong());
    Ok(Some(match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let text = cast(&DataType::Utf8)?;
            Watermark::String(text.as_string::<i32>().value(0).to_owned())
        }
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            let unit = match array.data_type() {
                DataType::Timestamp(unit, _) => *unit,
                _ => TimeUnit::Millisecond,
            };
            let count = cast(&DataType::Timestamp(unit, None))?;
            let count = arrow_cast::cast(&count, &DataType::Int64).map_err(|_| wrong())?;
            let count = count.as_primitive::<Int64Type>().value(0);
            let instant = match unit {
                TimeUnit::Second => Timestamp::from_second(count),
                TimeUnit::Millisecond => Timestamp::from_millisecond(count),
                TimeUnit::Microsecond => Timestamp::from_microsecond(count),
                TimeUnit::Nanosecond => Timestamp::from_nanosecond(i128::from(count)),
            };
            let instant = instant.map_err(|_| wrong())?;
            Watermark::DateTime(TimeZone::UTC.to_datetime(instant))
        }
        other if other.is_integer() => {
            Watermark::Int(cast(&DataType::Int64)?.as_primitive::<Int64Type>().value(0))
        }
        _ => return Err(wrong()),
    }))
}
