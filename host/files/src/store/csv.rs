//! Rows as lines of CSV (RFC 4180).

use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;
use hygge_core::fault::Fault;

use super::config::{CsvLayout, QuoteStyle};
use super::text::Lines;
use crate::cell::{self, CellWriter};

/// CSV for rows with these columns.
#[derive(Debug)]
pub(super) struct Csv {
    schema: SchemaRef,
    layout: CsvLayout,
}

impl Csv {
    /// Refuses columns that have no text form.
    pub(super) fn new(schema: &SchemaRef, layout: CsvLayout) -> Result<Self, Fault> {
        for field in schema.fields() {
            if !cell::has_text_form(field.data_type()) {
                return Err(Fault::config(format!(
                    "the column `{}` ({}) cannot be written to CSV",
                    field.name(),
                    field.data_type()
                ))
                .with_help("choose `format: parquet` or `format: ndjson`, or leave it out"));
            }
        }
        Ok(Self { schema: schema.clone(), layout })
    }

    /// Appends a field, quoted where it must be.
    fn field(&self, text: &[u8], numeric: bool, out: &mut Vec<u8>) {
        let CsvLayout { separator, quote, .. } = self.layout;
        let special =
            |byte: &u8| *byte == separator || *byte == quote || matches!(byte, b'\n' | b'\r');
        let quoted = match self.layout.quote_style {
            QuoteStyle::Always => true,
            QuoteStyle::NonNumeric => !numeric,
            QuoteStyle::Never => false,
            // What reads like null would be null when read back.
            QuoteStyle::Necessary => {
                text.iter().any(special) || text == self.layout.null.as_bytes()
            }
        };
        if !quoted {
            out.extend_from_slice(text);
            return;
        }
        out.push(quote);
        for &byte in text {
            if byte == quote {
                out.push(quote);
            }
            out.push(byte);
        }
        out.push(quote);
    }
}

impl Lines for Csv {
    fn head(&self) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        if self.layout.byte_order_mark {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        if self.layout.header {
            for (index, field) in self.schema.fields().iter().enumerate() {
                if index > 0 {
                    out.push(self.layout.separator);
                }
                self.field(field.name().as_bytes(), false, &mut out);
            }
            out.extend_from_slice(self.layout.line_end.as_bytes());
        }
        Ok(out)
    }

    fn encode(&self, rows: &RecordBatch) -> Result<Vec<u8>, Fault> {
        let columns: Vec<(&dyn Array, bool, CellWriter<'_>)> = rows
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| {
                let write = cell::cells(field.name(), column.as_ref(), &self.layout.style)?;
                Ok((column.as_ref(), column.data_type().is_numeric(), write))
            })
            .collect::<Result<_, Fault>>()?;
        let mut out = Vec::with_capacity(rows.num_rows() * columns.len() * 8);
        let mut text = Vec::new();
        for row in 0..rows.num_rows() {
            for (index, (column, numeric, write)) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(self.layout.separator);
                }
                if cell::is_null(*column, row) {
                    out.extend_from_slice(self.layout.null.as_bytes());
                    continue;
                }
                text.clear();
                write(row, &mut text)?;
                self.field(&text, *numeric, &mut out);
            }
            out.extend_from_slice(self.layout.line_end.as_bytes());
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int32Array, StringArray};

    use super::*;
    use crate::cell::Style;

    fn layout() -> CsvLayout {
        CsvLayout {
            separator: b',',
            quote: b'"',
            quote_style: QuoteStyle::Necessary,
            header: true,
            byte_order_mark: false,
            line_end: "\n".to_owned(),
            null: String::new(),
            style: Style::csv(),
        }
    }

    fn rows() -> RecordBatch {
        let texts = [Some(""), None, Some("a,b"), Some("q\"q"), Some("l\nm"), Some(" x")];
        RecordBatch::try_from_iter([
            (
                "n",
                Arc::new(Int32Array::from(vec![Some(1), None, None, None, None, None])) as ArrayRef,
            ),
            ("a, b", Arc::new(StringArray::from(texts.to_vec()))),
        ])
        .unwrap()
    }

    fn written(layout: CsvLayout) -> String {
        let rows = rows();
        let csv = Csv::new(&rows.schema(), layout).unwrap();
        let mut text = csv.head().unwrap();
        text.extend(csv.encode(&rows).unwrap());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_empty_text_is_told_from_a_null() {
        assert_eq!(
            written(layout()),
            "n,\"a, b\"\n1,\"\"\n,\n,\"a,b\"\n,\"q\"\"q\"\n,\"l\nm\"\n, x\n"
        );
        let dash = CsvLayout { null: "-".into(), ..layout() };
        assert!(written(dash).starts_with("n,\"a, b\"\n1,\n-,-\n"));
    }

    #[test]
    fn options_are_followed() {
        let other = CsvLayout {
            separator: b';',
            quote: b'\'',
            quote_style: QuoteStyle::NonNumeric,
            header: false,
            byte_order_mark: true,
            line_end: "\r\n".into(),
            ..layout()
        };
        assert!(written(other).starts_with("\u{feff}1;''\r\n;\r\n;'a,b'\r\n"));
        let always = CsvLayout { quote_style: QuoteStyle::Always, ..layout() };
        assert!(written(always).starts_with("\"n\",\"a, b\"\n\"1\",\"\"\n,\n"));
        let never = CsvLayout { quote_style: QuoteStyle::Never, ..layout() };
        assert!(written(never).starts_with("n,a, b\n1,\n,\n,a,b\n"));
    }
}
