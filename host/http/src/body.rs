//! The body of an answer: read bit by bit, unpacked, within limits, and without secrets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use hygge_core::budget::Permit;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::caller::{Caller, patiently};
use crate::error::HttpError;
use crate::inflate::{Inflater, Step};
use crate::redact::Redactor;

/// The most that is handed over at once.
const MOST_AT_ONCE: usize = 4 << 20;
/// Bytes unpacked at a time.
const PIECE: usize = 64 << 10;
/// What a connection holds of an answer, whether it is read or not.
const OF_CONNECTION: usize = 32 << 10;

/// How much an answer may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes, unpacked or not.
    pub most: u64,
    /// The longest silence.
    pub silence: Duration,
    /// The longest wait altogether.
    pub left: Duration,
}

/// A body that is still to be read.
pub(crate) struct Body {
    response: reqwest::Response,
    host: String,
    limits: Limits,
    inflater: Option<Inflater>,
    redactor: Arc<Redactor>,
    /// Unpacked, and perhaps the beginning of a secret.
    held: Vec<u8>,
    /// For the connector.
    ready: Bytes,
    wire: u64,
    plain: u64,
    ended: bool,
    redacted: bool,
    broken: Option<HttpError>,
    /// Bytes of the answer's headers, which are held as long as this.
    head: usize,
    charged: Option<Permit>,
}

impl Body {
    pub(crate) fn new(
        response: reqwest::Response,
        host: String,
        limits: Limits,
        inflater: Option<Inflater>,
        redactor: Arc<Redactor>,
        head: usize,
        caller: &dyn Caller,
    ) -> Self {
        let mut body = Self {
            response,
            host,
            limits,
            inflater,
            redactor,
            held: Vec::new(),
            ready: Bytes::new(),
            wire: 0,
            plain: 0,
            ended: false,
            redacted: false,
            broken: None,
            head,
            charged: caller.memory().map(|share| share.charge(0)),
        };
        body.charge();
        body
    }

    /// The headers it came with.
    pub(crate) fn head(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Whether it is given otherwise than it was sent.
    pub(crate) fn is_unpacked(&self) -> bool {
        self.inflater.is_some()
    }

    /// What takes secrets out of it.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Bytes received so far.
    pub(crate) fn wire(&self) -> u64 {
        self.wire
    }

    /// Whether a secret was taken out.
    pub(crate) fn redacted(&self) -> bool {
        self.redacted
    }

    /// The next bytes, at most `max`; none at the end.
    pub(crate) async fn read(
        &mut self,
        max: usize,
        caller: &dyn Caller,
    ) -> Result<Vec<u8>, HttpError> {
        let max = max.clamp(1, MOST_AT_ONCE);
        while self.ready.is_empty() && !self.ended && self.broken.is_none() {
            let more = self.more(caller).await;
            self.broken = more.err();
        }
        let mut out = Vec::from(self.ready.split_to(self.ready.len().min(max)));
        // What is there already goes along: many small pieces are many calls.
        while out.len() < max && !out.is_empty() && !self.ended && self.broken.is_none() {
            match self.more(caller).now_or_never() {
                Some(more) => self.broken = more.err(),
                None => break,
            }
            out.extend_from_slice(&self.ready.split_to(self.ready.len().min(max - out.len())));
        }
        self.charge();
        match &self.broken {
            Some(error) if out.is_empty() => Err(error.clone()),
            _ => Ok(out),
        }
    }

    /// Gets more ready. Dropping it halfway loses nothing.
    async fn more(&mut self, caller: &dyn Caller) -> Result<(), HttpError> {
        let piece = match self.inflater {
            Some(_) => self.unpacked(caller).await?,
            None => self.received(caller).await?,
        };
        self.plain += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.plain > self.limits.most {
            return Err(too_large(&self.host, self.limits.most));
        }
        self.ended = piece.is_none();
        if self.redactor.is_idle() {
            self.ready = piece.unwrap_or_default();
            return Ok(());
        }
        self.held.extend_from_slice(&piece.unwrap_or_default());
        let mut clean = Vec::with_capacity(self.held.len());
        self.redacted |= self.redactor.pass(&mut self.held, self.ended, &mut clean);
        self.ready = Bytes::from(clean);
        Ok(())
    }

    async fn unpacked(&mut self, caller: &dyn Caller) -> Result<Option<Bytes>, HttpError> {
        let mut output = vec![0; PIECE];
        loop {
            let Some(inflater) = &mut self.inflater else { return Ok(None) };
            let step = inflater.inflate(&mut output).map_err(|error| {
                let host = &self.host;
                HttpError::bad_answer(format!("the answer of `{host}` cannot be unpacked: {error}"))
            })?;
            match step {
                Step::Bytes(count) => {
                    output.truncate(count);
                    return Ok(Some(Bytes::from(output)));
                }
                Step::End => return Ok(None),
                Step::Hungry => {}
            }
            let received = self.received(caller).await?;
            let Some(inflater) = &mut self.inflater else { return Ok(None) };
            match received {
                Some(bytes) => inflater.feed(bytes),
                None => inflater.finish(),
            }
        }
    }

    /// The next bytes as they were sent.
    async fn received(&mut self, caller: &dyn Caller) -> Result<Option<Bytes>, HttpError> {
        let received = match self.response.chunk().now_or_never() {
            Some(received) => received,
            None => {
                let wait = self.limits.silence.min(self.limits.left);
                let began = Instant::now();
                let chunk = tokio::time::timeout(wait, self.response.chunk());
                let waited = patiently(caller, chunk).await?;
                self.limits.left = self.limits.left.saturating_sub(began.elapsed());
                waited.map_err(|_| self.too_slow())?
            }
        };
        let received = received.map_err(|error| {
            let failed = crate::client::failed(error, &self.host, "").error;
            HttpError {
                message: format!("{}, after {} bytes of its answer", failed.message, self.wire),
                ..failed
            }
        })?;
        self.wire += received.as_ref().map_or(0, |bytes| bytes.len() as u64);
        if self.wire > self.limits.most {
            return Err(too_large(&self.host, self.limits.most));
        }
        Ok(received)
    }

    fn too_slow(&self) -> HttpError {
        let (host, wire) = (&self.host, self.wire);
        HttpError::timeout(match self.limits.left.is_zero() {
            true => format!(
                "the answer of `{host}` was not there in time (`request_timeout`), after {wire} \
                 bytes"
            ),
            false => format!(
                "`{host}` fell silent for {:?} (`read_timeout`), after {wire} bytes of its answer",
                self.limits.silence
            ),
        })
    }

    fn charge(&mut self) {
        if let Some(charged) = &mut self.charged {
            let kept = self.inflater.as_ref().map_or(0, Inflater::keeps);
            charged.resize(OF_CONNECTION + self.head + kept + self.held.len() + self.ready.len());
        }
    }
}

/// An answer that is larger than allowed.
pub(crate) fn too_large(host: &str, most: u64) -> HttpError {
    HttpError::too_large(format!(
        "the answer of `{host}` is larger than the {most} bytes that it may have, unpacked: to let \
         it, raise `max_response`"
    ))
}
