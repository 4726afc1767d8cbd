//! Blocks of CSV into columns.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_empty_array, new_null_array,
};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_cast::cast;
use arrow_schema::{DataType, SchemaRef};
use arrow_select::concat::concat;
use hygge_core::fault::Fault;

use super::blocks::Block;
use super::mismatch;
use super::options::Encoding;
use super::plain;
use super::records::{Dialect, Records};

/// Values that are found before columns are made of them: few enough that where they are is still
/// in a core's own cache when each column in turn passes over them.
const FIELDS_AT_ONCE: usize = 16 << 10;

/// A file's columns, and where they go.
#[derive(Debug)]
pub(super) struct CsvShape {
    /// How it is written.
    pub(super) dialect: Dialect,
    /// Columns in the file.
    pub(super) width: usize,
    /// For each column of the schema, the file's column.
    pub(super) from: Vec<Option<usize>>,
    /// The schema of all files.
    pub(super) schema: SchemaRef,
    /// The file, for messages.
    pub(super) shown: String,
}

impl CsvShape {
    /// The rows of a block, in the schema of all files.
    pub(super) fn parse(&self, block: &Block) -> Result<RecordBatch, Fault> {
        let mut records = self.dialect.records(block);
        let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); self.from.len()];
        let mut rows = 0;
        loop {
            let found = self.read(&mut records, block, rows)?;
            if found == 0 {
                break;
            }
            for (column, parts) in parts.iter_mut().enumerate() {
                parts.push(self.values(&records, column, found, block, rows)?);
            }
            rows += found;
        }
        let columns = parts.into_iter().zip(self.schema.fields()).map(|(parts, field)| match parts
            .as_slice()
        {
            [] => Ok(new_empty_array(field.data_type())),
            [all] => Ok(ArrayRef::clone(all)),
            parts => concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        columns
            .collect::<Result<Vec<_>, _>>()
            .and_then(|columns| {
                RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            })
            .map_err(|error| Fault::bug("columns of CSV do not fit together").because(error))
    }

    /// Reads as many records as are made into columns at once, each padded to the width of the
    /// file, and says how many they are. `before` is how many were read already.
    fn read(
        &self,
        records: &mut Records<'_>,
        block: &Block,
        before: usize,
    ) -> Result<usize, Fault> {
        records.forget();
        let mut rows = 0;
        while rows == 0 || records.fields() + self.width <= FIELDS_AT_ONCE {
            let Some(count) = records.read() else { break };
            if count > self.width && !self.dialect.may_be_ragged {
                return Err(self.ragged(block, before + rows, count));
            }
            records.fit(count, self.width);
            rows += 1;
        }
        Ok(rows)
    }

    /// The values of one column of the schema in the records read.
    fn values(
        &self,
        records: &Records<'_>,
        column: usize,
        rows: usize,
        block: &Block,
        before: usize,
    ) -> Result<ArrayRef, Fault> {
        let field = self.schema.field(column);
        let Some(from) = self.from.get(column).copied().flatten() else {
            return Ok(new_null_array(field.data_type(), rows));
        };
        let values = records.column(from, self.width, rows);
        if let Some(plain) = plain::column(values, field.data_type()) {
            return Ok(plain);
        }
        let text = self
            .column(records, from, rows)
            .map_err(|row| self.not_utf8(block, before + row, field.name()))?;
        convert(&text, field.data_type()).map_err(|row| {
            mismatch(
                &self.shown,
                self.line_of(block, before + row),
                field.name(),
                text.value(row),
                field.data_type(),
            )
        })
    }

    /// One column as text; the row of the first value that is not UTF-8 if there is one.
    fn column(
        &self,
        records: &Records<'_>,
        from: usize,
        rows: usize,
    ) -> Result<StringArray, usize> {
        let mut text: Vec<u8> = Vec::with_capacity(records.length(from, self.width, rows));
        let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
        let mut nulls = NullBufferBuilder::new(rows);
        offsets.push(0);
        for (row, value) in records.column(from, self.width, rows).enumerate() {
            match value {
                None => nulls.append_null(),
                Some(bytes) => {
                    nulls.append_non_null();
                    if self.dialect.encoding == Encoding::Utf8Lossy && !bytes.is_ascii() {
                        text.extend(String::from_utf8_lossy(bytes).as_bytes());
                    } else {
                        text.extend(bytes);
                    }
                }
            }
            // A block is far shorter than 2 GB.
            offsets.push(i32::try_from(text.len()).map_err(|_| row)?);
        }
        let bounds = OffsetBuffer::new(offsets.into());
        let text = arrow_buffer::Buffer::from_vec(text);
        // This checks every value by itself: no character was torn in two by a separator.
        StringArray::try_new(bounds.clone(), text.clone(), nulls.finish()).map_err(|_| {
            let at = |end: Option<&i32>| usize::try_from(end.copied().unwrap_or(0)).unwrap_or(0);
            let is_wrong = |pair: &[i32]| {
                let value = text.get(at(pair.first())..at(pair.last())).unwrap_or_default();
                std::str::from_utf8(value).is_err()
            };
            bounds.windows(2).position(is_wrong).unwrap_or(0)
        })
    }

    fn line_of(&self, block: &Block, row: usize) -> u64 {
        let mut records = self.dialect.records(block);
        for _ in 0..row {
            records.forget();
            if records.read().is_none() {
                break;
            }
        }
        records.seek_record();
        block.line_at(records.position())
    }

    fn ragged(&self, block: &Block, row: usize, count: usize) -> Fault {
        Fault::data(format!(
            "{}, line {}: {count} values where there are {} columns",
            self.shown,
            self.line_of(block, row),
            self.width
        ))
        .with_help(
            "mend the line; or check `separator` and `quote_char` in `format_options`; or set \
             `truncate_ragged_lines: true` there to drop what is too much",
        )
    }

    fn not_utf8(&self, block: &Block, row: usize, column: &str) -> Fault {
        Fault::data(format!(
            "{}, line {}, column `{column}`: the text is not UTF-8",
            self.shown,
            self.line_of(block, row)
        ))
        .with_help(
            "convert the file to UTF-8 (for instance with `iconv -f LATIN1 -t UTF-8`), or set \
             `encoding: utf8-lossy` in `format_options`",
        )
    }
}

/// Text as values of a type; the row of the first value that does not fit if there is one.
pub(super) fn convert(text: &StringArray, to: &DataType) -> Result<ArrayRef, usize> {
    use arrow_array::Array as _;
    if to == &DataType::Utf8 {
        return Ok(Arc::new(text.clone()));
    }
    // Arrow would round what has more digits than the type.
    if let DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) = to
        && let Some(row) = text
            .iter()
            .position(|value| value.is_some_and(|value| digits_behind_point(value) > *scale))
    {
        return Err(row);
    }
    // Arrow knows zones by their offset alone.
    let spelled = match to {
        DataType::Timestamp(unit, Some(zone)) if zone.as_ref() == "UTC" => {
            &DataType::Timestamp(*unit, Some("+00:00".into()))
        }
        other => other,
    };
    let made = cast(text, spelled).and_then(|made| cast(&made, to)).map_err(|_| 0_usize)?;
    if made.null_count() == text.null_count() {
        return Ok(made);
    }
    Err((0..text.len()).find(|row| made.is_null(*row) && !text.is_null(*row)).unwrap_or(0))
}

fn digits_behind_point(value: &str) -> i8 {
    let Some((_, behind)) = value.split_once('.') else {
        return 0;
    };
    let digits = behind.split(['e', 'E']).next().unwrap_or(behind).trim_end_matches('0');
    i8::try_from(digits.len()).unwrap_or(i8::MAX)
}
