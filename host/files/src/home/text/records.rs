//! The records of CSV, and the values in them.

use std::sync::Arc;

use super::blocks::{Block, Cutter, Grammar};
use super::options::{Encoding, FormatOptions};

/// How CSV is written, ready for use.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    grammar: Grammar,
    null_values: Arc<[String]>,
    /// What its bytes are.
    pub(super) encoding: Encoding,
    /// Whether what a record has too much is dropped.
    pub(super) may_be_ragged: bool,
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

    /// Finds the ends of records written so.
    pub(super) fn cutter(&self) -> Cutter {
        Cutter::csv(self.grammar)
    }

    /// The records of a block.
    pub(super) fn records<'a>(&'a self, block: &'a Block) -> Records<'a> {
        Records {
            dialect: self,
            input: &block.bytes,
            at: 0,
            unescaped: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn is_null(&self, field: &Field, bytes: &[u8]) -> bool {
        match bytes {
            [] => !field.quoted,
            _ => self.null_values.iter().any(|word| word.as_bytes() == bytes),
        }
    }
}

/// A value: a range of the block, or of the text that had to be unescaped.
#[derive(Clone, Copy, Debug)]
struct Field {
    start: u32,
    end: u32,
    /// Whether it stands in quotes: `""` is a text, nothing is none.
    quoted: bool,
    unescaped: bool,
}

impl Field {
    const MISSING: Self = Self { start: 0, end: 0, quoted: false, unescaped: false };

    fn new(start: usize, end: usize, quoted: bool, unescaped: bool) -> Self {
        // Blocks are far shorter than 4 GB.
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: small(start), end: small(end), quoted, unescaped }
    }
}

/// Reads record after record of a block.
pub(super) struct Records<'a> {
    dialect: &'a Dialect,
    input: &'a [u8],
    at: usize,
    unescaped: Vec<u8>,
    fields: Vec<Field>,
}

impl Records<'_> {
    /// Reads one record and adds its fields to those read before. Answers how many they are;
    /// `None` at the end of the block.
    pub(super) fn read(&mut self) -> Option<usize> {
        self.seek_record()?;
        let separator = self.dialect.grammar.separator;
        let before = self.fields.len();
        loop {
            let field = match self.dialect.grammar.quote {
                Some(quote) if self.input.get(self.at) == Some(&quote) => self.quoted(quote),
                _ => {
                    let start = self.at;
                    self.at = self.end_of_field(start);
                    Field::new(start, self.at, false, false)
                }
            };
            self.fields.push(field);
            let ended = self.input.get(self.at) != Some(&separator);
            self.at = (self.at + 1).min(self.input.len());
            if ended {
                return Some(self.fields.len() - before);
            }
        }
    }

    /// Goes to the start of the next record, over empty lines and comments; `None` at the end.
    pub(super) fn seek_record(&mut self) -> Option<()> {
        loop {
            let byte = *self.input.get(self.at)?;
            if Some(byte) == self.dialect.grammar.comment {
                let rest = self.input.get(self.at..).unwrap_or_default();
                self.at += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            } else if matches!(byte, b'\n' | b'\r') {
                self.at += 1;
            } else {
                return Some(());
            }
        }
    }

    /// Where the separator or line end behind `from` is.
    fn end_of_field(&self, from: usize) -> usize {
        let rest = self.input.get(from..).unwrap_or_default();
        let separator = self.dialect.grammar.separator;
        from + memchr::memchr3(separator, b'\n', b'\r', rest).unwrap_or(rest.len())
    }

    /// Reads a field that begins with a quote, up to the separator or line end behind it.
    fn quoted(&mut self, quote: u8) -> Field {
        let escape = self.dialect.grammar.escape.unwrap_or(quote);
        let mut from = self.at + 1;
        let first = (from, self.unescaped.len());
        loop {
            let rest = self.input.get(from..).unwrap_or_default();
            let found = memchr::memchr2(quote, escape, rest).unwrap_or(rest.len());
            let at = from + found;
            let next = self.input.get(at + 1).copied();
            let is_escape = escape != quote && self.input.get(at) == Some(&escape);
            if is_escape || (at < self.input.len() && next == Some(quote)) {
                // The character behind is an ordinary one.
                self.unescaped.extend(rest.get(..found).unwrap_or_default());
                self.unescaped.extend(next);
                from = (at + 2).min(self.input.len());
                continue;
            }
            let behind = (at + 1).min(self.input.len());
            self.at = self.end_of_field(behind);
            if from == first.0 && self.at == behind {
                return Field::new(from, at, true, false);
            }
            // What stands between the closing quote and the separator belongs to the value.
            self.unescaped.extend(rest.get(..found).unwrap_or_default());
            self.unescaped.extend(self.input.get(behind..self.at).unwrap_or_default());
            return Field::new(first.1, self.unescaped.len(), true, true);
        }
    }

    /// Forgets the fields read so far.
    pub(super) fn forget(&mut self) {
        self.unescaped.clear();
        self.fields.clear();
    }

    /// How many fields have been read and not forgotten.
    pub(super) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// Gives the record read last, of `count` fields, as many as `width`.
    pub(super) fn fit(&mut self, count: usize, width: usize) {
        let start = self.fields.len().saturating_sub(count);
        self.fields.resize(start + width, Field::MISSING);
    }

    /// How much of the block has been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn bytes_of(&self, field: &Field) -> &[u8] {
        let text = if field.unescaped { &self.unescaped } else { self.input };
        text.get(field.start as usize..field.end as usize).unwrap_or_default()
    }

    /// The field's text; `None` for null.
    fn value_of(&self, field: &Field) -> Option<&[u8]> {
        let bytes = self.bytes_of(field);
        (!self.dialect.is_null(field, bytes)).then_some(bytes)
    }

    /// The values of one column of the records read so far, each `width` fields long.
    pub(super) fn column(
        &self,
        from: usize,
        width: usize,
        rows: usize,
    ) -> impl Iterator<Item = Option<&[u8]>> {
        self.cells(from, width, rows).map(|cell| self.value_of(cell))
    }

    /// The bytes of those values together.
    pub(super) fn length(&self, from: usize, width: usize, rows: usize) -> usize {
        self.cells(from, width, rows).map(|cell| cell.end.saturating_sub(cell.start) as usize).sum()
    }

    fn cells(&self, from: usize, width: usize, rows: usize) -> impl Iterator<Item = &Field> {
        self.fields.iter().skip(from).step_by(width.max(1)).take(rows)
    }

    /// Gives each record's values to `take`, `None` for null, until it answers `false`.
    pub(super) fn for_each(mut self, mut take: impl FnMut(&[Option<&[u8]>]) -> bool) {
        loop {
            self.forget();
            if self.read().is_none() {
                return;
            }
            let values: Vec<Option<&[u8]>> =
                self.fields.iter().map(|field| self.value_of(field)).collect();
            if !take(&values) {
                return;
            }
        }
    }

    /// Reads the first record as text, and answers how many bytes of the block it took.
    pub(super) fn first(mut self) -> Option<(Vec<String>, usize)> {
        self.read()?;
        let text = |field| String::from_utf8_lossy(self.bytes_of(field)).into_owned();
        Some((self.fields.iter().map(text).collect(), self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, grammar: Grammar) -> Vec<Vec<Option<String>>> {
        let dialect = Dialect {
            grammar,
            null_values: Arc::from([]),
            encoding: Encoding::Utf8,
            may_be_ragged: false,
        };
        let block = Block { bytes: text.to_owned().into(), line: 1 };
        let mut all = Vec::new();
        dialect.records(&block).for_each(|values| {
            let text = |value: &Option<&[u8]>| {
                value.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            };
            all.push(values.iter().map(text).collect());
            true
        });
        all
    }

    #[test]
    fn records_are_those_of_rfc_4180_and_its_dialects() {
        let csv = Grammar { separator: b',', quote: Some(b'"'), escape: None, comment: None };
        let escaped = Grammar { escape: Some(b'\\'), ..csv };
        let commented = Grammar { comment: Some(b'#'), ..csv };
        let unquoted = Grammar { quote: None, ..csv };
        let some = |text: &str| Some(text.to_owned());
        for (text, grammar, expected) in [
            ("", csv, vec![]),
            ("\n\r\n", csv, vec![]),
            ("a,b\r\n\r\nc,", csv, vec![vec![some("a"), some("b")], vec![some("c"), None]]),
            ("a\rb", csv, vec![vec![some("a")], vec![some("b")]]),
            (",\n", csv, vec![vec![None, None]]),
            ("\"\",\"a,\n\"\"b\"\"\"\n", csv, vec![vec![some(""), some("a,\n\"b\"")]]),
            ("\"a\"b\"c,d\n", csv, vec![vec![some("ab\"c"), some("d")]]),
            ("a \"b\",c", csv, vec![vec![some("a \"b\""), some("c")]]),
            ("\"open", csv, vec![vec![some("open")]]),
            ("\"open\"", csv, vec![vec![some("open")]]),
            ("\"", csv, vec![vec![some("")]]),
            ("\"a\\\"b\\\\\",c", escaped, vec![vec![some("a\"b\\"), some("c")]]),
            ("\"a\"\"b\"\\", escaped, vec![vec![some("a\"b\\")]]),
            ("\"a\\", escaped, vec![vec![some("a")]]),
            ("# x\n#\n a#,#b\n", commented, vec![vec![some(" a#"), some("#b")]]),
            ("\"a,b\"", unquoted, vec![vec![some("\"a"), some("b\"")]]),
        ] {
            assert_eq!(records(text, grammar), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        /// The cutter and the parser agree on where records end: parsed block by block, a text
        /// has the same records as parsed whole.
        #[test]
        fn blocks_have_the_records_of_the_whole(
            text in "[ab,\"\\\\#\n\r]{0,40}", escape: bool, comment: bool, quote: bool,
        ) {
            let grammar = Grammar {
                separator: b',',
                quote: quote.then_some(b'"'),
                escape: escape.then_some(b'\\'),
                comment: comment.then_some(b'#'),
            };
            let mut parts = Vec::new();
            let mut rest = text.as_str();
            while let Some(end) = Cutter::csv(grammar).first_cut(rest.as_bytes()) {
                let (part, after) = rest.split_at(end);
                parts.extend(records(part, grammar));
                rest = after;
            }
            parts.extend(records(rest, grammar));
            proptest::prop_assert_eq!(parts, records(&text, grammar));
        }
    }
}
