//! What comes back.

use std::ops::Range;

use hygge_sdk::http::Response;
use hygge_sdk::{Error, Result};

use super::{Bound, Endpoint, Format, xml};
use crate::json::{Document, Found, Kind, Scanner};

/// Takes records.
pub(crate) trait RowSink {
    /// The record of JSON that comes next, which it passes, and the values of the parent it belongs
    /// to.
    fn record(&mut self, record: &mut Scanner<'_>, parent: &Bound) -> Result<()>;
    /// The names of the columns of the cells to come.
    fn header(&mut self, names: &[String]) -> Result<()>;
    /// A record of texts.
    fn cells(&mut self, cells: &[String], parent: &Bound) -> Result<()>;
    /// Whether it has enough for now.
    fn is_full(&self) -> bool;
}

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    /// Where in it the records are, once they have been read.
    passed: Range<usize>,
}

impl Answer {
    pub(crate) fn read(response: Response, format: Format) -> Result<Self> {
        let text = response.text()?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let text = if format == Format::Xml { xml::to_json(&text)? } else { text };
        Ok(Self { text, passed: 0..0 })
    }

    /// The document; none where nothing was answered.
    pub(crate) fn document(&self) -> Option<Document<'_>> {
        let text = Some(self.text.as_str()).filter(|text| !text.trim().is_empty())?;
        Some(Document { text, passed: self.passed.clone() })
    }

    /// Comes to every record; whoever is told passes it. Answers with how many there were.
    pub(crate) fn records(
        &mut self,
        endpoint: &Endpoint,
        mut found: impl FnMut(&mut Scanner<'_>) -> Result<()>,
    ) -> Result<u64> {
        let Some(Document { text: document, .. }) = self.document() else { return Ok(0) };
        Scanner::new(document).peek().map_err(|_| not_json(document))?;
        if let Some(path) = &endpoint.error
            && let Found::Value(value) = path.first(document)?
            && !matches!(value, "null" | "false" | "\"\"" | "[]" | "{}" | "0")
        {
            let said: String = value.chars().take(300).collect();
            return Err(Error::data(format!("the answer says at `{path}` that it failed: {said}")));
        }
        let mut count = 0;
        let mut each = |record: &mut Scanner<'_>| {
            count += 1;
            found(record)
        };
        let mut passed = 0..0;
        let led = endpoint.records.each(document, |scanner| match scanner.peek()? {
            // A path to a list means what is in it.
            Kind::List => {
                let from = scanner.place();
                scanner.enter_list()?;
                let mut first = true;
                while scanner.item(&mut first)? {
                    each(scanner)?;
                }
                passed = from..scanner.place();
                Ok(())
            }
            Kind::Null => scanner.skip().map(|_| ()),
            _ => each(scanner),
        })?;
        if !led {
            // In XML a list without items is not written at all.
            if endpoint.format == Format::Xml
                && let Some(around) = endpoint.records.around()
                && let Found::Value(_) = around.first(document)?
            {
                return Ok(0);
            }
            return Err(missing(endpoint, document)?);
        }
        self.passed = passed;
        Ok(count)
    }
}

/// What a text begins with, as it is told.
pub(super) fn beginning(text: &str) -> String {
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(100).collect()
}

/// Something else than JSON, a page of HTML say.
fn not_json(document: &str) -> Error {
    let said = beginning(document);
    Error::data(format!(
        "the answer is no JSON, it begins with {said:?}; `format` says if it is csv, ndjson or xml"
    ))
}

/// No records are where they should be: says what there is.
fn missing(endpoint: &Endpoint, document: &str) -> Result<Error> {
    let mut scanner = Scanner::new(document);
    let there = match scanner.peek()? {
        Kind::Object => {
            scanner.enter_object()?;
            let (mut first, mut names) = (true, Vec::new());
            while let Some(key) = scanner.key(&mut first)? {
                scanner.skip()?;
                if names.len() < 12 {
                    names.push(format!("`{key}`"));
                }
            }
            format!("an object with {}", names.join(", "))
        }
        Kind::List => "a list".to_owned(),
        _ => "a single value".to_owned(),
    };
    Ok(Error::data(format!(
        "the answer has nothing at `records: {}`; it is {there}",
        endpoint.records
    )))
}
