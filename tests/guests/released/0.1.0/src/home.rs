//! A Home of one table: two towns, three chunks of two rows each.

use std::cell::Cell;

use crate::contract::exports::hygge::connector::home::{
    Chunk, Guest, GuestReader, GuestSession, Query, Reader, Session, Split,
};
use crate::contract::hygge::connector::types::{Batch, Error, Fault, Named, Schema, State};
use crate::contract::hygge::connector::{host, http};
use crate::{Connector, error};

/// The columns, and their types as the contract spells them.
const COLUMNS: [(&str, &str); 8] = [
    ("id", r#""int64", "nullable": false"#),
    ("town", r#""string""#),
    ("price", r#""decimal(10,2)""#),
    ("share", r#""float64""#),
    ("day", r#""date""#),
    ("at", r#""timestamp_utc""#),
    ("open", r#""bool""#),
    ("tags", r#""list<string>""#),
];
const TOWNS: [&str; 2] = ["Århus", "Bergen"];
const CHUNKS: u8 = 3;
const ROWS: u8 = 2;

/// A connection to the source.
pub(crate) struct Towns {
    flow: String,
}

/// A split being read.
pub(crate) struct Town {
    number: u8,
    columns: Vec<&'static str>,
    given: Cell<u8>,
}

impl Guest for Connector {
    type Session = Towns;
    type Reader = Town;
}

impl GuestSession for Towns {
    fn open(config: String, context: Named) -> Result<Session, Error> {
        if config != "{}" {
            return Err(error(Fault::Config, "released.keys", format!("no keys here: {config}")));
        }
        let flow = context.into_iter().find(|(name, _)| name == "flow");
        let flow = flow.map(|(_, value)| value).unwrap_or_default();
        Ok(Session::new(Self { flow }))
    }

    /// Waits, and asks for what nobody granted.
    fn check(&self) -> Result<String, Error> {
        host::sleep(1).map_err(|message| error(Fault::Cancelled, "", message))?;
        let request = http::Request {
            method: "GET".to_owned(),
            target: "https://towns.invalid/".to_owned(),
            headers: vec![("accept".to_owned(), "text/plain".to_owned())],
            body: None,
            credential: None,
            options: vec![("timeout-ms".to_owned(), "1000".to_owned())],
        };
        let mut codes = vec![answer(http::send(&request))];
        codes.extend(http::send_all(&[request.clone(), request]).into_iter().map(answer));
        Ok(format!("flow {}, {}", self.flow, codes.join(", ")))
    }

    fn tables(&self) -> Result<Vec<String>, Error> {
        Ok(vec!["things".to_owned()])
    }

    fn schema(&self, query: Query) -> Result<Schema, Error> {
        let fields: Vec<String> = chosen(&query)?
            .into_iter()
            .map(|(name, kind)| format!(r#"{{"name": "{name}", "type": {kind}}}"#))
            .collect();
        Ok(Schema::Json(format!("[{}]", fields.join(", "))))
    }

    fn plan(&self, query: Query) -> Result<Vec<Split>, Error> {
        let names: Vec<&str> = chosen(&query)?.into_iter().map(|(name, _)| name).collect();
        Ok((0..TOWNS.len())
            .map(|number| Split {
                id: TOWNS[number].to_owned(),
                spec: format!("{number} {}", names.join(" ")).into_bytes(),
                rows: Some(u64::from(CHUNKS) * u64::from(ROWS)),
                bytes: Some(1000),
            })
            .collect())
    }

    fn read(&self, split: Split, resume: Option<State>) -> Result<Reader, Error> {
        let broken = || error(Fault::Bug, "released.spec", "the split is not its own".to_owned());
        let spec = String::from_utf8(split.spec).map_err(|_| broken())?;
        let mut words = spec.split(' ');
        let number = words.next().and_then(|word| word.parse().ok()).ok_or_else(broken)?;
        let names: Vec<&str> = words.collect();
        let columns = COLUMNS.iter().map(|(name, _)| *name).filter(|name| names.contains(name));
        let given = resume.map_or(Some(0), |state| state.first().copied()).ok_or_else(broken)?;
        Ok(Reader::new(Town { number, columns: columns.collect(), given: Cell::new(given) }))
    }
}

impl GuestReader for Town {
    fn next(&self, target_bytes: u32) -> Result<Option<Chunk>, Error> {
        let chunk = self.given.get();
        if chunk == CHUNKS {
            return Ok(None);
        }
        let fields = [("target".to_owned(), target_bytes.to_string())];
        host::log(host::Level::Warn, &format!("chunk {chunk} at {}", host::now() > 0), &fields);
        host::progress(u64::from(chunk), Some(u64::from(CHUNKS)));
        let rows: String = (0..ROWS).map(|row| self.row(chunk * ROWS + row)).collect();
        self.given.set(chunk + 1);
        Ok(Some(Chunk { batch: Batch::Ndjson(rows.into_bytes()), resume: Some(vec![chunk + 1]) }))
    }
}

impl Town {
    /// A row as a line of JSON.
    fn row(&self, row: u8) -> String {
        let id = u64::from(self.number) * 100 + u64::from(row);
        let values: Vec<String> = self
            .columns
            .iter()
            .filter_map(|name| {
                let value = match *name {
                    "id" => format!("{id}"),
                    "town" => format!("\"{}\"", TOWNS.get(usize::from(self.number))?),
                    "price" => format!("\"{id}.25\""),
                    "share" => format!("{row}.5"),
                    "day" => format!("\"2026-01-0{}\"", row + 1),
                    "at" => format!("\"2026-01-31T13:30:0{row}.25Z\""),
                    // What is left out is null.
                    "open" if row == 0 => return None,
                    "open" => format!("{}", row % 2 == 0),
                    _ => format!("[\"a{row}\", null]"),
                };
                Some(format!("\"{name}\": {value}"))
            })
            .collect();
        format!("{{{}}}\n", values.join(", "))
    }
}

/// The columns a query asks for.
fn chosen(query: &Query) -> Result<Vec<(&'static str, &'static str)>, Error> {
    let Some(names) = &query.columns else { return Ok(COLUMNS.to_vec()) };
    names
        .iter()
        .map(|name| {
            let missing = || error(Fault::Missing, "released.column", format!("no column {name}"));
            COLUMNS.iter().find(|(own, _)| own == name).copied().ok_or_else(missing)
        })
        .collect()
}

/// The code of an error; the status and the length of an answer.
fn answer(answer: Result<http::Response, Error>) -> String {
    match answer {
        Ok(response) => {
            let read = response.read(1024).map_or(0, |bytes| bytes.len());
            format!("{} {} {read}", response.status(), response.headers().len())
        }
        Err(error) => error.code,
    }
}
