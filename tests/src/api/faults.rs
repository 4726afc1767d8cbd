//! What goes wrong on the way: below `/faulty`, every third request meets one of these in turn.
//!
//! 429 with `Retry-After`, 503 with and without it, an answer that is cut off, one whose body comes
//! slowly, and a connection that ends without any.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use super::{Body, text};

/// Every so manyth request goes wrong.
const EVERY: u64 = 3;

#[derive(Debug, Default)]
pub(super) struct Faults {
    asked: AtomicU64,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    TooMany,
    Busy,
    BusyFor,
    Cut,
    Slow,
    Gone,
}

const ALL: [Fault; 6] =
    [Fault::TooMany, Fault::Cut, Fault::Busy, Fault::Slow, Fault::BusyFor, Fault::Gone];

impl Faults {
    /// What goes wrong with the next request, if anything does.
    pub(super) fn next(&self) -> Option<Fault> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let which = usize::try_from(asked / EVERY).unwrap_or_default() % ALL.len();
        (asked % EVERY == EVERY - 1).then(|| ALL[which])
    }
}

impl Fault {
    /// The answer that stands in the place of the real one.
    pub(super) fn refusal(&self) -> Option<Response<Body>> {
        let after = |mut answer: Response<Body>| {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("0"));
            answer
        };
        match self {
            Self::TooMany => Some(after(text(StatusCode::TOO_MANY_REQUESTS, "slow down"))),
            Self::Busy => Some(text(StatusCode::SERVICE_UNAVAILABLE, "not now")),
            Self::BusyFor => Some(after(text(StatusCode::SERVICE_UNAVAILABLE, "not now"))),
            Self::Cut | Self::Slow | Self::Gone => None,
        }
    }

    /// The answer, spoiled.
    pub(super) async fn spoil(self, answer: Response<Body>) -> Response<Body> {
        let (parts, body) = answer.into_parts();
        let Ok(whole) = body.collect().await else { return Response::from_parts(parts, empty()) };
        let whole = whole.to_bytes();
        let broken = || Err(std::io::Error::other("cut off on purpose"));
        let frames: Vec<Result<Bytes, std::io::Error>> = match self {
            Self::Cut => vec![Ok(whole.slice(..whole.len() / 2)), broken()],
            Self::Gone => vec![broken()],
            _ => whole
                .chunks(whole.len() / 8 + 1)
                .map(|part| Ok(Bytes::copy_from_slice(part)))
                .collect(),
        };
        let frames = futures::stream::iter(frames).then(|frame| async {
            tokio::time::sleep(Duration::from_millis(3)).await;
            frame.map(Frame::data)
        });
        Response::from_parts(parts, BodyExt::boxed(StreamBody::new(frames)))
    }
}

fn empty() -> Body {
    super::whole("")
}
