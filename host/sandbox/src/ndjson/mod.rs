//! Rows as JSON objects, one a line, for guests without Arrow.
//!
//! Every line is looked at twice. First as JSON, on its own ([`shape`]): is it one object, of
//! bounded size and depth, with only names that were announced and each of them once? Then many
//! lines together become columns ([`values`]). What cannot be read is told by its line, its column,
//! what was there and what was wanted ([`blame`]).
//!
//! Nothing is read into a type it only resembles: `2.5` is no whole number, `12.345` no
//! `decimal(10,2)`, and a number no timestamp. Whole numbers and decimals may also be text, for
//! languages whose numbers end at 2^53.

mod blame;
mod shape;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use hygge_core::fault::Fault;

use crate::refused::Refused;
use shape::Shape;

/// Bytes of a line.
const LONGEST_LINE: usize = 16 << 20;
/// Values of a batch, rows by columns: so many are placed at once.
const MOST_VALUES: usize = 1 << 20;
/// Rows of a batch.
const MOST_ROWS: usize = 1 << 16;
/// Bytes that the columns of one chunk may come to. A line of `{}` becomes a null in every column.
const MOST_BYTES: usize = 256 << 20;

/// The rows of `bytes`, in the schema that was announced.
///
/// Columns that a line leaves out are null. Blank lines are skipped. `who` begins the message of a
/// fault.
pub fn decode(bytes: Vec<u8>, schema: &SchemaRef, who: &str) -> Result<Vec<RecordBatch>, Fault> {
    rows(&bytes, schema).map_err(|refused| refused.by(who))
}

/// One line of a chunk.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    text: &'a str,
}

fn rows(bytes: &[u8], schema: &SchemaRef) -> Result<Vec<RecordBatch>, Refused> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        Refused::new(format!("line {line} is not UTF-8"))
    })?;
    let shape = Shape::of(schema);
    let mut lines = Vec::new();
    for (at, text) in text.split('\n').enumerate() {
        let line = Line { number: at + 1, text: text.trim_ascii() };
        if line.text.is_empty() {
            continue;
        }
        if line.text.len() > LONGEST_LINE {
            return Err(Refused::new(format!(
                "line {} has {} bytes: a row may have {} MiB",
                line.number,
                line.text.len(),
                LONGEST_LINE >> 20
            )));
        }
        shape.check(line)?;
        lines.push(line);
    }
    let weight = schema.fields().iter().map(|field| weight(field.data_type())).sum::<usize>();
    let most = (MOST_VALUES / weight.max(1)).clamp(1, MOST_ROWS);
    let unreadable = |error: ArrowError| Refused::new(format!("the rows cannot be read: {error}"));
    let mut decoder = decoder(schema, most.min(lines.len().max(1))).map_err(unreadable)?;
    let mut batches = Vec::with_capacity(lines.len().div_ceil(most));
    let mut size = 0;
    for group in lines.chunks(most) {
        let rows = columns(&mut decoder, group)
            .map_err(|error| blame::find(schema, group).unwrap_or_else(|| unreadable(error)))?;
        size += rows.columns().iter().map(|column| column.get_buffer_memory_size()).sum::<usize>();
        if size > MOST_BYTES {
            return Err(Refused::new(format!(
                "{} rows come to more than {} MiB as columns: fewer at a time are needed",
                lines.len(),
                MOST_BYTES >> 20
            )));
        }
        batches.push(rows);
    }
    Ok(batches)
}

fn decoder(schema: &SchemaRef, rows: usize) -> Result<Decoder, ArrowError> {
    ReaderBuilder::new(Arc::clone(schema))
        .with_batch_size(rows)
        .with_strict_mode(true)
        .with_decoder_factory(Arc::new(values::Exact))
        .build_decoder()
}

fn columns(decoder: &mut Decoder, lines: &[Line<'_>]) -> Result<RecordBatch, ArrowError> {
    for line in lines {
        for part in [line.text, "\n"] {
            if decoder.decode(part.as_bytes())? != part.len() {
                return Err(ArrowError::JsonError("more rows than lines".to_owned()));
            }
        }
    }
    match decoder.flush()? {
        Some(rows) if rows.num_rows() == lines.len() => Ok(rows),
        _ => Err(ArrowError::JsonError("fewer rows than lines".to_owned())),
    }
}

/// The one row that `line` holds, or why it holds none.
fn row(schema: &SchemaRef, text: &str) -> Result<RecordBatch, ArrowError> {
    columns(&mut decoder(schema, 1)?, &[Line { number: 1, text }])
}

/// How many values, of a few bytes each, a row of this type takes even where it is null.
fn weight(data_type: &DataType) -> usize {
    match data_type {
        DataType::FixedSizeBinary(width) => 1 + usize::try_from(*width).unwrap_or(0) / 4,
        DataType::FixedSizeList(item, width) => {
            weight(item.data_type()).saturating_mul(usize::try_from(*width).unwrap_or(0)) + 1
        }
        DataType::Struct(fields) => {
            fields.iter().map(|field| weight(field.data_type())).sum::<usize>() + 1
        }
        _ => 1,
    }
}

/// A schema of one column.
fn alone(field: &arrow_schema::FieldRef) -> SchemaRef {
    Arc::new(Schema::new(vec![Arc::clone(field)]))
}
