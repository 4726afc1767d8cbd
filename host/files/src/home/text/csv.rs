//! Blocks of CSV into columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_cast::cast;
use arrow_schema::{DataType, SchemaRef};
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use hygge_core::fault::Fault;

use super::blocks::{Block, Cutter, Grammar};
use super::mismatch;
use super::options::{Encoding, FormatOptions};

/// How CSV is written, ready for use.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    grammar: Grammar,
    null_values: Arc<[String]>,
    encoding: Encoding,
    may_be_ragged: bool,
}

impl Dialect {
    /// As the user says.
    pub(super) fn new(options: &FormatOptions) -> Self {
        let grammar = Grammar {
            separator: options.separator(),
            quote: options.quote_char.0,
            escape: options.escape_char.map(|character| character.0),
            comment: options.comment_prefix.map(|character| character.0),
        };
        Self {
            grammar,
            null_values: options.null_values.0.clone().into(),
            encoding: options.encoding,
            may_be_ragged: options.truncate_ragged_lines,
        }
    }

    /// A parser for a block. It has begun already, so that it looks for no byte order mark in the
    /// middle of a file.
    fn parser(&self) -> Reader {
        let grammar = &self.grammar;
        // Built anew each time: a clone of this parser does not work (csv-core 0.1.13).
        let mut parser = ReaderBuilder::new()
            .delimiter(grammar.separator)
            .quote(grammar.quote.unwrap_or(b'"'))
            .quoting(grammar.quote.is_some())
            .escape(grammar.escape)
            .comment(grammar.comment)
            .build();
        let _ = parser.read_field(b"\n", &mut [0]);
        parser
    }

    /// Finds the ends of records written so.
    pub(super) fn cutter(&self) -> Cutter {
        Cutter::csv(self.grammar)
    }

    /// The records of a block.
    pub(super) fn records<'a>(&'a self, block: &'a Block) -> Records<'a> {
        Records {
            dialect: self,
            parser: self.parser(),
            input: &block.bytes,
            at: 0,
            // Unescaping never adds bytes, and the parser wants room even for none.
            values: vec![0; block.bytes.len() + 1],
            used: 0,
            fields: Vec::new(),
        }
    }

    fn is_null(&self, field: &Field, values: &[u8]) -> bool {
        let bytes = field.of(values);
        if bytes.is_empty() {
            return !field.quoted;
        }
        self.null_values.iter().any(|word| word.as_bytes() == bytes)
    }
}

/// A value, as a range of the unescaped text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    start: u32,
    end: u32,
    quoted: bool,
}

impl Field {
    fn of<'a>(&self, values: &'a [u8]) -> &'a [u8] {
        values.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Reads record after record of a block.
pub(super) struct Records<'a> {
    dialect: &'a Dialect,
    parser: Reader,
    input: &'a [u8],
    at: usize,
    values: Vec<u8>,
    used: usize,
    fields: Vec<Field>,
}

impl Records<'_> {
    /// Reads one record and adds its fields to those read before; `None` at the end of the block.
    fn read(&mut self) -> Option<usize> {
        let mut count = 0;
        loop {
            let start = self.used;
            let begins_at = self.at;
            let ended = loop {
                let rest = self.input.get(self.at..).unwrap_or_default();
                let room = self.values.get_mut(self.used..).unwrap_or_default();
                let (result, read, written) = self.parser.read_field(rest, room);
                self.at += read;
                self.used += written;
                match result {
                    ReadFieldResult::Field { record_end } => break record_end,
                    ReadFieldResult::End => return None,
                    ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                }
            };
            let mut quoted = false;
            if self.used == start && self.dialect.grammar.quote.is_some() {
                let raw = self.input.get(begins_at..self.at).unwrap_or_default();
                let first = raw.iter().find(|byte| !matches!(byte, b'\r' | b'\n'));
                quoted = first.copied() == self.dialect.grammar.quote;
            }
            self.fields.push(Field {
                start: u32::try_from(start).unwrap_or(u32::MAX),
                end: u32::try_from(self.used).unwrap_or(u32::MAX),
                quoted,
            });
            count += 1;
            if ended {
                return Some(count);
            }
        }
    }

    /// Forgets the fields read so far.
    fn forget(&mut self) {
        self.used = 0;
        self.fields.clear();
    }

    /// Gives each record's values to `take`, `None` for null, until it answers `false`.
    pub(super) fn for_each(mut self, mut take: impl FnMut(&[Option<&[u8]>]) -> bool) {
        loop {
            self.forget();
            if self.read().is_none() {
                return;
            }
            let values: Vec<Option<&[u8]>> = self
                .fields
                .iter()
                .map(|field| {
                    (!self.dialect.is_null(field, &self.values)).then(|| field.of(&self.values))
                })
                .collect();
            if !take(&values) {
                return;
            }
        }
    }

    /// Reads the first record as text, and answers how many bytes of the block it took.
    pub(super) fn first(mut self) -> Option<(Vec<String>, usize)> {
        self.read()?;
        let names = self
            .fields
            .iter()
            .map(|field| String::from_utf8_lossy(field.of(&self.values)).into_owned())
            .collect();
        Some((names, self.at))
    }
}

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
        // Fields of all records, each padded to the width of the file.
        let mut ends_at = 0;
        let mut rows = 0;
        while let Some(count) = records.read() {
            if count > self.width {
                if !self.dialect.may_be_ragged {
                    return Err(self.ragged(block, rows, count));
                }
                records.fields.truncate(ends_at + self.width);
            }
            ends_at += self.width;
            let missing = Field { start: 0, end: 0, quoted: false };
            records.fields.resize(ends_at, missing);
            rows += 1;
        }
        let (values, fields) = (&records.values, &records.fields);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.from.len());
        for (from, field) in self.from.iter().zip(self.schema.fields()) {
            let Some(from) = from else {
                columns.push(new_null_array(field.data_type(), rows));
                continue;
            };
            let cells = fields.iter().skip(*from).step_by(self.width.max(1));
            let text = self
                .column(cells, values, rows)
                .map_err(|row| self.not_utf8(block, row, field.name()))?;
            columns.push(convert(&text, field.data_type()).map_err(|row| {
                mismatch(
                    &self.shown,
                    self.line_of(block, row),
                    field.name(),
                    text.value(row),
                    field.data_type(),
                )
            })?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| Fault::bug("columns of CSV do not fit together").because(error))
    }

    /// One column as text; the row of the first value that is not UTF-8 if there is one.
    fn column<'a>(
        &self,
        cells: impl Iterator<Item = &'a Field>,
        values: &[u8],
        rows: usize,
    ) -> Result<StringArray, usize> {
        let mut text: Vec<u8> = Vec::new();
        let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
        let mut nulls = NullBufferBuilder::new(rows);
        offsets.push(0);
        for (row, cell) in cells.take(rows).enumerate() {
            if self.dialect.is_null(cell, values) {
                nulls.append_null();
            } else {
                nulls.append_non_null();
                let bytes = cell.of(values);
                if self.dialect.encoding == Encoding::Utf8Lossy && !bytes.is_ascii() {
                    text.extend(String::from_utf8_lossy(bytes).as_bytes());
                } else {
                    text.extend(bytes);
                }
            }
            // A block is far shorter than 2 GB.
            offsets.push(i32::try_from(text.len()).map_err(|_| row)?);
        }
        let first_wrong = |text: &[u8], offsets: &[i32]| {
            offsets
                .windows(2)
                .position(|pair| {
                    let [start, end] = [pair.first(), pair.last()]
                        .map(|at| usize::try_from(at.copied().unwrap_or(0)).unwrap_or(0));
                    std::str::from_utf8(text.get(start..end).unwrap_or_default()).is_err()
                })
                .unwrap_or(0)
        };
        if std::str::from_utf8(&text).is_err() {
            return Err(first_wrong(&text, &offsets));
        }
        let bounds = OffsetBuffer::new(offsets.into());
        let text = arrow_buffer::Buffer::from_vec(text);
        // This checks that no character was torn in two by a separator.
        StringArray::try_new(bounds.clone(), text.clone(), nulls.finish())
            .map_err(|_| first_wrong(&text, &bounds))
    }

    fn line_of(&self, block: &Block, row: usize) -> u64 {
        let mut records = self.dialect.records(block);
        for _ in 0..row {
            records.forget();
            if records.read().is_none() {
                break;
            }
        }
        let mut at = records.at;
        // Over empty lines and comments, to the record itself.
        while let Some(byte) = block.bytes.get(at) {
            if Some(*byte) == self.dialect.grammar.comment {
                let rest = block.bytes.get(at..).unwrap_or_default();
                at += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            } else if matches!(byte, b'\n' | b'\r') {
                at += 1;
            } else {
                break;
            }
        }
        block.line_at(at)
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
