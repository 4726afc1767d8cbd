//! A request that goes on while the connector does something else: one whose body is written bit by
//! bit, or one that is whole and whose answer is waited for later.
//!
//! What is written waits until the server takes it: the host holds what is being written, and one
//! piece more.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::answer::Answer;
use crate::caller::{Caller, patiently};
use crate::connection::{Connection, Request};
use crate::content::{Broken, Content, Stream, StreamError};
use crate::error::HttpError;

/// Bytes that are handed on at a time.
const PIECE: usize = 256 << 10;

/// A request that is under way. Dropping it breaks the request off.
pub struct Upload {
    under_way: UnderWay,
    answered: Option<Result<Answer, HttpError>>,
    feed: Feed,
    length: Option<u64>,
    written: u64,
    caller: Arc<dyn Caller>,
}

/// Where pieces of a body go. Dropping it before the end breaks the body off.
pub(crate) type Feed = mpsc::Sender<Piece>;

/// A piece of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    /// There are no more.
    End,
}

impl Upload {
    /// Begins a request. One that has a body is whole, even if the body is empty: nothing is
    /// written to it, and it is tried again like any other. The body of one that has none is to be
    /// written, and will have `length` bytes if that is known. What is certainly not allowed is
    /// said at once.
    pub fn begin(
        connection: &Arc<Connection>,
        request: Request,
        length: Option<u64>,
        caller: Arc<dyn Caller>,
    ) -> Result<Self, HttpError> {
        connection.may_send(&request)?;
        let (feed, pieces) = mpsc::channel(1);
        let (body, length) = match request.body {
            Content::Nothing => {
                let pieces = Pieces { pieces, length, ended: false };
                (Content::Stream(Stream::new(pieces)), length)
            }
            Content::Bytes(bytes) if bytes.is_empty() => (Content::Nothing, Some(0)),
            whole @ (Content::Bytes(_) | Content::Stream(_)) => (whole, Some(0)),
        };
        let request = Request { body, ..request };
        let (connection, for_whom) = (Arc::clone(connection), Arc::clone(&caller));
        let threads = connection.threads()?;
        // Goes on while the connector makes more of the body.
        let sent = Box::pin(async move { connection.send(request, for_whom).await });
        let under_way = UnderWay(threads.spawn(sent));
        Ok(Self { under_way, answered: None, feed, length, written: 0, caller })
    }

    /// Writes more of the body; waits until it can be taken. Says whether more is wanted: a server
    /// that has answered already wants none.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<bool, HttpError> {
        let mut rest = bytes.into();
        self.written = self.written.saturating_add(rest.len() as u64);
        if let Some(length) = self.length.filter(|length| self.written > *length) {
            let message = format!("a body has more than the {length} bytes it was to have");
            return Err(HttpError::bad_request(message));
        }
        let share = self.caller.memory().cloned();
        let _held = share.map(|share| share.charge(rest.len()));
        while self.answered.is_none() && !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE));
            self.give(Piece::Bytes(piece)).await?;
        }
        match &self.answered {
            None => Ok(true),
            Some(Ok(_)) => Ok(false),
            Some(Err(error)) => Err(error.clone()),
        }
    }

    /// Ends the body, if it is being written, and waits for the head of the answer.
    pub async fn finish(mut self) -> Result<Answer, HttpError> {
        if let Some(length) = self.length.filter(|length| self.written < *length)
            && self.answered.is_none()
        {
            let written = self.written;
            return Err(HttpError::bad_request(format!(
                "a body has {written} of the {length} bytes it was to have"
            )));
        }
        if self.answered.is_none() {
            self.give(Piece::End).await?;
        }
        let answered = match self.answered.take() {
            Some(answered) => answered,
            None => patiently(&*self.caller, self.under_way.done()).await?,
        };
        let mut answer = answered?;
        // A body that breaks off takes its connection along, and the answer with it.
        answer.feed = Some(self.feed.clone());
        Ok(answer)
    }

    /// Hands on a piece, unless the request is answered first.
    async fn give(&mut self, piece: Piece) -> Result<(), HttpError> {
        let Self { under_way, feed, caller, .. } = self;
        let given = async {
            tokio::select! {
                biased;
                answered = under_way.done() => Some(answered),
                permit = feed.reserve() => match permit {
                    Ok(permit) => {
                        permit.send(piece);
                        None
                    }
                    // Nobody takes it any more: there is an answer to come.
                    Err(_) => Some(under_way.done().await),
                },
            }
        };
        self.answered = patiently(&**caller, given).await?;
        Ok(())
    }
}

/// A request that goes on by itself, until this is dropped.
struct UnderWay(JoinHandle<Result<Answer, HttpError>>);

impl UnderWay {
    /// What comes of it. To be asked once.
    async fn done(&mut self) -> Result<Answer, HttpError> {
        let ended = |_| Err(HttpError::unreachable("HTTP was taken down"));
        (&mut self.0).await.unwrap_or_else(ended)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A body that comes in pieces.
struct Pieces {
    pieces: mpsc::Receiver<Piece>,
    /// What is left of it, if its length is known.
    length: Option<u64>,
    ended: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(context).map(|piece| match piece {
            Some(Piece::Bytes(bytes)) => {
                let given = bytes.len() as u64;
                self.length = self.length.map(|left| left.saturating_sub(given));
                Some(Ok(Frame::data(bytes)))
            }
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            None => Some(Err(Broken::new("was given up before its body was complete").into())),
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
