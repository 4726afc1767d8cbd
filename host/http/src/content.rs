//! What a request carries: nothing, bytes, or a stream that is made while it is sent.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hygge_core::budget::Share;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;

/// Bytes that anybody can be expected to take in a second: larger bodies are given more time.
pub(crate) const SLOWEST: u64 = 64 << 10;
/// What the machine may still hold of a body whose last byte was handed to it.
const IN_FLIGHT: u64 = 4 << 20;

/// Why a stream broke off.
pub type StreamError = Box<dyn Error + Send + Sync>;

type Source = Pin<Box<dyn Body<Data = Bytes, Error = StreamError> + Send>>;

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub enum Content {
    /// No body.
    #[default]
    Nothing,
    /// These bytes, which can be sent again.
    Bytes(Bytes),
    /// What is made while it is sent. It can be sent again until a byte of it was taken.
    Stream(Stream),
}

impl Content {
    /// The bytes that the host holds of it.
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Nothing | Self::Stream(_) => 0,
        }
    }

    /// The stream, if it is one.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        match self {
            Self::Stream(stream) => Some(stream),
            Self::Nothing | Self::Bytes(_) => None,
        }
    }

    /// Whether all of it can be sent, perhaps again.
    pub(crate) fn is_whole(&self) -> bool {
        self.stream().is_none_or(Stream::is_whole)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<Option<Vec<u8>>> for Content {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::Nothing, Self::from)
    }
}

/// A body that is made while it is sent. Its clones are one stream.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<State>>);

struct State {
    source: Source,
    /// By which try it is sent: older ones get no more of it.
    attempt: u64,
    taken: u64,
    ended: bool,
    turn: Turn,
    /// How long the server has waited for the connector, in turns that are over.
    waited: Duration,
}

/// Who is waited for, and since when.
#[derive(Clone, Copy)]
enum Turn {
    Server(Instant),
    Connector(Instant),
}

impl Stream {
    /// A body that comes from `source`. The length it hints at, if that is exact, is the one that
    /// is announced.
    pub fn new(source: impl Body<Data = Bytes, Error = StreamError> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(State {
            source: Box::pin(source),
            attempt: 0,
            taken: 0,
            ended: false,
            turn: Turn::Server(Instant::now()),
            waited: Duration::ZERO,
        })))
    }

    /// Sends it by a new try.
    pub(crate) fn body(&self) -> reqwest::Body {
        let mut state = self.state();
        state.attempt += 1;
        state.turn_to_server();
        reqwest::Body::wrap(Sending { stream: self.clone(), attempt: state.attempt })
    }

    /// Whether nothing of it was taken.
    pub(crate) fn is_whole(&self) -> bool {
        let state = self.state();
        state.taken == 0 && !state.ended
    }

    /// Whether all of it was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.state().ended
    }

    /// How long the connector has been waited for.
    pub(crate) fn waited(&self) -> Duration {
        let state = self.state();
        match state.turn {
            Turn::Server(_) => state.waited,
            Turn::Connector(since) => state.waited.saturating_add(since.elapsed()),
        }
    }

    /// Waits for something, as long as the server is not silent for too long: time in which it
    /// waits for the connector does not count.
    pub(crate) async fn while_heard<T>(
        &self,
        silence: Duration,
        wait: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(wait);
        loop {
            let now = Instant::now();
            let until = match self.silent_from(silence) {
                Some(until) if until <= now => return None,
                Some(until) => until,
                None => now + LOOK_AGAIN.min(silence),
            };
            if let Ok(done) = tokio::time::timeout_at(until, &mut wait).await {
                return Some(done);
            }
        }
    }

    /// Waits for something until `deadline`, put off by the time that the connector takes.
    pub(crate) async fn in_time<T>(
        &self,
        deadline: Instant,
        wait: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(wait);
        loop {
            let until = deadline.checked_add(self.waited()).unwrap_or(deadline);
            // While the connector is waited for, that is soon put off further.
            let soon = Instant::now() + LOOK_AGAIN;
            if let Ok(done) = tokio::time::timeout_at(until.min(soon), &mut wait).await {
                return Some(done);
            }
            if until <= Instant::now() && self.waited() <= until.duration_since(deadline) {
                return None;
            }
        }
    }

    /// When the server will have been silent for too long; none while it waits itself.
    fn silent_from(&self, silence: Duration) -> Option<Instant> {
        let state = self.state();
        let Turn::Server(since) = state.turn else { return None };
        let under_way = if state.ended { state.taken.min(IN_FLIGHT) / SLOWEST } else { 0 };
        since.checked_add(silence.saturating_add(Duration::from_secs(under_way)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How soon it is looked again whether the connector is still waited for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl State {
    fn turn_to_server(&mut self) {
        let now = Instant::now();
        if let Turn::Connector(since) = self.turn {
            self.waited = self.waited.saturating_add(now.duration_since(since));
        }
        self.turn = Turn::Server(now);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        match self.source.as_mut().poll_frame(context) {
            Poll::Pending => {
                if let Turn::Server(_) = self.turn {
                    self.turn = Turn::Connector(Instant::now());
                }
                Poll::Pending
            }
            Poll::Ready(frame) => {
                self.turn_to_server();
                Poll::Ready(match frame {
                    Some(Ok(frame)) => Some(match frame.into_data() {
                        Ok(bytes) => {
                            self.taken += bytes.len() as u64;
                            Ok(bytes)
                        }
                        Err(_) => Err(Broken::new("has trailers, which are not sent").into()),
                    }),
                    Some(Err(error)) => Some(Err(error)),
                    None => {
                        self.ended = true;
                        None
                    }
                })
            }
        }
    }
}

/// For whom a stream is sent. While it is the connector that is waited for, it does not get on by
/// the host's waiting.
pub(crate) struct Patron {
    pub caller: Arc<dyn Caller>,
    pub stream: Stream,
}

impl Caller for Patron {
    fn cancel(&self) -> &CancellationToken {
        self.caller.cancel()
    }

    fn memory(&self) -> Option<&Arc<Share>> {
        self.caller.memory()
    }

    fn got_on(&self) {
        let turn = self.stream.state().turn;
        if let Turn::Server(_) = turn {
            self.caller.got_on();
        }
    }

    fn debug(&self, line: fmt::Arguments<'_>) {
        self.caller.debug(line);
    }

    fn warn(&self, line: String) {
        self.caller.warn(line);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("taken", &self.state().taken).finish_non_exhaustive()
    }
}

/// A stream as one try sends it.
struct Sending {
    stream: Stream,
    attempt: u64,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        let mut state = self.stream.state();
        if state.attempt != self.attempt {
            return Poll::Ready(Some(Err(Broken::new("is sent again by another try").into())));
        }
        state.poll(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.state().source.size_hint()
    }
}

/// Why a body broke off, through no fault of the server's.
#[derive(Debug)]
pub struct Broken(String);

impl Broken {
    /// With what is to be said of the request, as the rest of a sentence.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Broken {}
