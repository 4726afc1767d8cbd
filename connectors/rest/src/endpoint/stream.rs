//! Answers that are read record by record, however long they are.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;

use hygge_sdk::http::Response;
use hygge_sdk::{Error, Result};

use super::{Bound, Csv, Endpoint, Format, RowSink, csv};
use crate::json::Scanner;

/// The longest record.
const LONGEST: usize = 32 << 20;

/// An answer of lines or of CSV.
pub(crate) struct Stream {
    bytes: Bytes,
    form: Form,
    /// How many records it has given.
    pub(crate) rows: u64,
}

enum Form {
    Lines,
    Csv { csv: Csv, names: Option<Vec<String>>, cells: Vec<String> },
}

/// How far a stream was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// There is more.
    Some,
    /// To its end.
    All,
}

impl Stream {
    /// Reads the beginning of an answer.
    pub(crate) fn open(endpoint: &Endpoint, response: Response) -> Result<Self> {
        let form = match endpoint.format {
            Format::Csv => Form::Csv { csv: endpoint.csv, names: None, cells: Vec::new() },
            _ => Form::Lines,
        };
        let mut bytes = Bytes::new(response);
        bytes.fetch()?;
        Ok(Self { bytes, form, rows: 0 })
    }

    /// Gives records until there are enough, or none is left.
    pub(crate) fn read(&mut self, parent: &Bound, sink: &mut dyn RowSink) -> Result<Part> {
        if let Form::Csv { names: Some(names), .. } = &self.form {
            // Another batch of rows begins: it does not know the names.
            sink.header(names)?;
        }
        while !sink.is_full() {
            let place = self.rows + 1;
            let more = self.next(parent, sink);
            if !more.map_err(|error| error.while_doing(format!("record {place}")))? {
                return Ok(Part::All);
            }
        }
        Ok(Part::Some)
    }

    /// What all of it looked like.
    pub(crate) fn look(&self) -> u64 {
        self.bytes.look.finish()
    }

    /// Gives the next record. False at the end.
    fn next(&mut self, parent: &Bound, sink: &mut dyn RowSink) -> Result<bool> {
        match &mut self.form {
            Form::Lines => {
                let Some(line) = self.bytes.line()? else { return Ok(false) };
                let line = std::str::from_utf8(line)?.trim_start_matches('\u{feff}').trim();
                if !line.is_empty() {
                    let mut scanner = Scanner::new(line);
                    sink.record(&mut scanner, parent)?;
                    scanner.end()?;
                    self.rows += 1;
                }
            }
            Form::Csv { csv, names, cells } => {
                if !self.bytes.cells(csv.delimiter, cells)? {
                    return Ok(false);
                }
                if cells.is_empty() {
                    return Ok(true);
                }
                let Some(names) = names else {
                    let own = match csv.header {
                        true => std::mem::take(cells),
                        false => (1..=cells.len()).map(|at| format!("column_{at}")).collect(),
                    };
                    let own: Vec<String> = own
                        .iter()
                        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
                        .collect();
                    sink.header(&own)?;
                    *names = Some(own);
                    if !cells.is_empty() {
                        sink.cells(cells, parent)?;
                        self.rows += 1;
                    }
                    return Ok(true);
                };
                if cells.len() > names.len() {
                    return Err(Error::data(format!(
                        "there are {} cells, and the header names {} columns; `csv.delimiter` says \
                         what stands between them",
                        cells.len(),
                        names.len()
                    )));
                }
                sink.cells(cells, parent)?;
                self.rows += 1;
            }
        }
        Ok(true)
    }
}

/// The bytes of an answer, as they come.
struct Bytes {
    response: Response,
    buffer: Vec<u8>,
    /// Where in the buffer the next record begins.
    at: usize,
    ended: bool,
    look: DefaultHasher,
}

impl Bytes {
    fn new(response: Response) -> Self {
        Self { response, buffer: Vec::new(), at: 0, ended: false, look: DefaultHasher::new() }
    }

    /// Reads on.
    fn fetch(&mut self) -> Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.len() > LONGEST {
            return Err(Error::data(format!(
                "it is longer than {} MiB: is the `format` right?",
                LONGEST >> 20
            )));
        }
        match self.response.read()? {
            Some(bytes) => {
                self.look.write(&bytes);
                self.buffer.extend_from_slice(&bytes);
            }
            None => self.ended = true,
        }
        Ok(())
    }

    /// The next line, without its end; none behind the last one.
    fn line(&mut self) -> Result<Option<&[u8]>> {
        let mut looked = 0;
        let (from, length) = loop {
            let rest = &self.buffer[self.at..];
            if let Some(end) = rest[looked..].iter().position(|byte| *byte == b'\n') {
                let from = self.at;
                self.at += looked + end + 1;
                break (from, looked + end);
            }
            looked = rest.len();
            if self.ended {
                if rest.is_empty() {
                    return Ok(None);
                }
                let from = self.at;
                self.at = self.buffer.len();
                break (from, looked);
            }
            self.fetch()?;
        };
        Ok(Some(&self.buffer[from..from + length]))
    }

    /// The cells of the next record of CSV. False behind the last one.
    fn cells(&mut self, delimiter: u8, cells: &mut Vec<String>) -> Result<bool> {
        loop {
            let rest = &self.buffer[self.at..];
            if rest.is_empty() && self.ended {
                return Ok(false);
            }
            if let Some(length) = csv::record(rest, delimiter, self.ended, cells)? {
                self.at += length;
                return Ok(true);
            }
            self.fetch()?;
        }
    }
}
