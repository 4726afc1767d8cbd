//! What comes back.

use hygge_sdk::http::Response;
use hygge_sdk::{Error, Result};

use super::{Bound, Endpoint};
use crate::json::{Found, Kind, Scanner};

/// Takes records.
pub(crate) trait RowSink {
    /// A record of JSON, and the values of the parent it belongs to.
    fn record(&mut self, record: &str, parent: &Bound) -> Result<()>;
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
}

impl Answer {
    pub(crate) fn read(response: Response) -> Result<Self> {
        let text = response.text()?;
        Ok(Self { text: text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text) })
    }

    /// The document; none where nothing was answered.
    pub(crate) fn document(&self) -> Option<&str> {
        Some(self.text.as_str()).filter(|text| !text.trim().is_empty())
    }

    /// Gives every record. Answers with how many there were.
    pub(crate) fn records(
        &self,
        endpoint: &Endpoint,
        mut found: impl FnMut(&str) -> Result<()>,
    ) -> Result<u64> {
        let Some(document) = self.document() else { return Ok(0) };
        Scanner::new(document).peek().map_err(|_| not_json(document))?;
        if let Some(path) = &endpoint.error
            && let Found::Value(value) = path.first(document)?
            && !matches!(value, "null" | "false" | "\"\"" | "[]" | "{}" | "0")
        {
            let said: String = value.chars().take(300).collect();
            return Err(Error::data(format!("the answer says at `{path}` that it failed: {said}")));
        }
        let mut count = 0;
        let mut each = |record: &str| {
            count += 1;
            found(record)
        };
        let led = endpoint.records.each(document, |value| match Scanner::new(value).peek()? {
            // A path to a list means what is in it.
            Kind::List => {
                let mut scanner = Scanner::new(value);
                scanner.enter_list()?;
                let mut first = true;
                while scanner.item(&mut first)? {
                    each(scanner.skip()?)?;
                }
                Ok(())
            }
            Kind::Null => Ok(()),
            _ => each(value),
        })?;
        if !led {
            return Err(missing(endpoint, document)?);
        }
        Ok(count)
    }
}

/// Something else than JSON, a page of HTML say.
fn not_json(document: &str) -> Error {
    let said: String = document.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(100).collect();
    Error::data(format!(
        "the answer is no JSON, it begins with {said:?}; `format` says if it is csv or ndjson"
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
