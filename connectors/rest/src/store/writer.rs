//! Rows on their way to an API.

use std::fmt::Write as _;
use std::time::Duration;

use hygge_sdk::http::Request;
use hygge_sdk::{Error, Received, Result, Staged, Writer, host, warn};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::body::{Body, values};
use super::config::{Config, NAMES, Nulls, Step};
use crate::endpoint::{Bound, Endpoint};
use crate::json::{Found, Path};

/// The most that a checkpoint remembers of rows that wait for a request to be full.
const MOST_WAITING: usize = 40 << 10;

/// How long to wait before an answer that was cut off is asked for again: first, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LAST_WAIT: Duration = Duration::from_millis(3200);

/// What names a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) flow: String,
    pub(super) table: String,
    pub(super) load: String,
    /// The load that this one follows: the same for every try, until one succeeds.
    pub(super) follows: String,
    pub(super) mode: String,
}

/// How far a load has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Loading {
    pub(super) named: Named,
    /// Requests that were taken, and the rows in them.
    requests: u64,
    rows: u64,
    /// Rows that wait for a request to be full.
    waiting: Vec<String>,
}

/// Where a load goes on. Rows that wait stand in it: cut at another place, the rows after them
/// would go out in other requests, and under other keys, than the first time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(super) loading: Loading,
}

/// A load that was sent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(super) named: Named,
    pub(super) rows: u64,
    pub(super) requests: u64,
}

/// Sends rows.
#[derive(Debug)]
pub(crate) struct Upload {
    config: Config,
    endpoint: Endpoint,
    body: Body,
    /// Columns that stand in the path.
    in_path: Vec<String>,
    loading: Loading,
    bytes: u64,
}

impl Loading {
    pub(super) fn new(named: Named) -> Self {
        Self { named, requests: 0, rows: 0, waiting: Vec::new() }
    }
}

impl Named {
    /// Sends the request of a step, if it has one.
    pub(super) fn send(&self, config: &Config, step: Step, rows: u64) -> Result<()> {
        let Some(endpoint) = config.step(step)? else { return Ok(()) };
        let key = self.key(step.name(), &[]);
        let mut request = endpoint.request(&self.bound(rows), &[], None)?;
        if !config.idempotency_header.is_empty() {
            request = request.header(&config.idempotency_header, key).safe_to_repeat();
        }
        let sent = request.send().and_then(hygge_sdk::http::Response::ok);
        sent.map_err(|error| error.while_doing(format!("`{}`", step.name()))).map(|_| ())
    }

    /// What requests can say of the load.
    fn bound(&self, rows: u64) -> Bound {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let values = [text(&self.load), text(&self.table), text(&self.mode), rows.to_string()];
        NAMES.iter().map(|name| (*name).to_owned()).zip(values).collect()
    }

    /// The key of a request: another try of the same load repeats it, and no other load has it.
    fn key(&self, which: &str, body: &[u8]) -> String {
        let mut hash = Sha256::new();
        for part in [&self.flow, &self.table, &self.follows, &self.mode, which] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        // Without a journal nothing tells one load from the next but its own id.
        if self.follows.is_empty() {
            hash.update(self.load.as_bytes());
        }
        hash.update(body);
        hash.finalize()[..16].iter().fold(String::new(), |mut key, byte| {
            // Writing into a string does not fail.
            let _ = write!(key, "{byte:02x}");
            key
        })
    }
}

impl Upload {
    pub(super) fn new(config: &Config, loading: Loading) -> Result<Self> {
        let endpoint = config.rows(&loading.named.table)?;
        let single = config.rows_per_request.get() == 1;
        let in_path: Vec<String> = endpoint
            .placeholders()
            .into_iter()
            .filter(|name| !NAMES.contains(&name.as_str()))
            .collect();
        if let (Some(name), false) = (in_path.first(), single) {
            return Err(Error::config(format!(
                "`path: {}` has a place for `{{{name}}}`, a value of one row: say \
                 `rows_per_request: 1`",
                endpoint.path
            )));
        }
        let body = Body::new(config.format, config.body.as_ref(), single)?;
        Ok(Self { config: config.clone(), endpoint, body, in_path, loading, bytes: 0 })
    }

    /// Sends the rows that wait, as many as go into a request.
    fn send(&mut self) -> Result<()> {
        let most = self.config.rows_per_request.get() as usize;
        let count = self.loading.waiting.len().min(most);
        let rows = &self.loading.waiting[..count];
        let Loading { named, requests, rows: before, .. } = &self.loading;
        let body = self.body.of(rows);
        let mut bound = named.bound(count as u64);
        if let Some(row) = rows.first() {
            bound.extend(values(row, &self.in_path)?);
        }
        let key = named.key(&requests.to_string(), body.as_bytes());
        self.bytes += body.len() as u64;
        let mut request = self
            .endpoint
            .request(&bound, &[], None)?
            .header("content-type", self.body.content_type())
            .body(body);
        if !self.config.idempotency_header.is_empty() {
            request = request.header(&self.config.idempotency_header, key).safe_to_repeat();
        }
        let sent = self.answer(request).and_then(|answer| self.taken(answer, count as u64));
        sent.map_err(|error| {
            let before_it = match before {
                0 => "none was taken before".to_owned(),
                before => format!("the {before} before were taken, and stay"),
            };
            let what =
                format!("sending rows {} to {} ({before_it})", before + 1, before + count as u64);
            error.while_doing(what)
        })?;
        self.loading.requests += 1;
        self.loading.rows += count as u64;
        self.loading.waiting.drain(..count);
        Ok(())
    }

    /// Sends a request and reads its answer. The host repeats what fails before an answer begins;
    /// one that is cut off is asked for again where the key says that it may be.
    fn answer(&self, request: Request) -> Result<String> {
        let mut wait = FIRST_WAIT;
        loop {
            let answer = request.clone().send()?.ok()?.text();
            let again = !self.config.idempotency_header.is_empty() && wait <= LAST_WAIT;
            match answer {
                Err(error) if again && error.is_retryable() => {
                    host::sleep(wait)?;
                    wait *= 2;
                }
                answer => return answer,
            }
        }
    }

    /// Looks at what an answer says of the rows.
    fn taken(&self, answer: String, count: u64) -> Result<()> {
        let answer = answer.trim();
        let at = |path: &Option<Path>| match path {
            Some(path) if !answer.is_empty() => match path.first(answer)? {
                Found::Value(value) => Ok(Some((path.to_string(), value))),
                Found::Nothing => Ok(None),
            },
            _ => Ok::<_, Error>(None),
        };
        if let Some((path, said)) = at(&self.config.error)?
            && !matches!(said, "null" | "false" | "\"\"" | "[]" | "{}" | "0")
        {
            let said: String = said.chars().take(500).collect();
            return Err(Error::data(format!("the answer says at `{path}` that it failed: {said}")));
        }
        let Some(path) = &self.config.accepted else { return Ok(()) };
        let taken = at(&self.config.accepted)?.and_then(|(_, said)| said.parse::<u64>().ok());
        if taken == Some(count) {
            return Ok(());
        }
        let said: String = answer.chars().take(300).collect();
        Err(Error::data(format!(
            "the answer says at `{path}` that not {count} rows were taken: {said}"
        )))
    }
}

impl Writer for Upload {
    type Token = Token;
    type Checkpoint = Checkpoint;

    fn write(&mut self, batch: Received) -> Result<()> {
        let lines = String::from_utf8(batch.to_lines(self.config.nulls == Nulls::Send)?)?;
        let most = self.config.rows_per_request.get() as usize;
        for row in lines.lines() {
            self.loading.waiting.push(row.to_owned());
            if self.loading.waiting.len() >= most {
                self.send()?;
            }
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<Option<Checkpoint>> {
        let waiting: usize = self.loading.waiting.iter().map(|row| row.len() * 2 + 8).sum();
        if waiting > MOST_WAITING {
            return Ok(None);
        }
        Ok(Some(Checkpoint { loading: self.loading.clone() }))
    }

    fn prepare(&mut self) -> Result<Staged<Token>> {
        while !self.loading.waiting.is_empty() {
            self.send()?;
        }
        let Loading { named, requests, rows, .. } = self.loading.clone();
        Ok(Staged::new(Token { named, rows, requests }, rows).bytes(self.bytes))
    }

    fn abort(&mut self) {
        let Loading { named, rows, .. } = &self.loading;
        if let Err(error) = named.send(&self.config, Step::Abort, *rows) {
            warn!("the API was not told that the load was given up: {error}");
        }
        if *rows > 0 && !matches!(self.config.step(Step::Abort), Ok(Some(_))) {
            warn!("{rows} rows of a load that was given up were taken by the API, and stay there");
        }
    }
}
