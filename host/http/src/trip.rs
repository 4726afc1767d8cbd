//! One request, sent once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::runtime::Handle;
use url::Url;

use crate::caller::{Caller, patiently};
use crate::client::{self, Failed};
use crate::content::{Content, SLOWEST};
use crate::error::HttpError;

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Trip {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Content,
}

impl Trip {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Content::Nothing }
    }
}

/// What requests are sent over, and the threads on which their connections live.
#[derive(Clone)]
pub(crate) struct Wire {
    pub client: reqwest::Client,
    pub threads: Handle,
    /// Where more would be granted, for messages.
    pub allow: String,
}

impl Wire {
    /// Sends a request, and waits for the head of its answer for as long as `silence` and what
    /// its body takes.
    pub(crate) async fn send(
        &self,
        trip: Trip,
        silence: Duration,
        caller: &dyn Caller,
    ) -> Result<reqwest::Response, Failed> {
        let lasting = |error| Failed { error, unsent: true, may_pass: false };
        let host = trip.url.host_str().unwrap_or_default().to_owned();
        let size = trip.body.held() as u64;
        let stream = trip.body.stream().cloned();
        let mut request = reqwest::Request::new(trip.method, trip.url);
        *request.headers_mut() = trip.headers;
        *request.body_mut() = match trip.body {
            Content::Nothing => None,
            Content::Bytes(bytes) => Some(bytes.into()),
            Content::Stream(stream) => Some(stream.body()),
        };
        let sent = Under {
            threads: self.threads.clone(),
            request: Some(Box::pin(self.client.execute(request))),
        };
        let wait = silence.saturating_add(Duration::from_secs(size / SLOWEST));
        let heard = async {
            match &stream {
                None => tokio::time::timeout(wait, sent).await.ok(),
                Some(stream) => stream.while_heard(silence, sent).await,
            }
        };
        match patiently(caller, heard).await.map_err(lasting)? {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(client::failed(error, &host, &self.allow)),
            None if stream.is_some_and(|stream| !stream.is_over()) => {
                let message = format!(
                    "`{host}` took nothing more of a body within {silence:?} (`read_timeout`)"
                );
                Err(Failed { error: HttpError::timeout(message), unsent: false, may_pass: true })
            }
            None => {
                let message = format!("`{host}` did not answer within {wait:?} (`read_timeout`)");
                Err(Failed { error: HttpError::timeout(message), unsent: false, may_pass: true })
            }
        }
    }
}

/// A request under way. It is driven by whoever waits for it, while what it starts (connections)
/// lives on the threads of its wire: a task of its own would be one more hop between threads.
struct Under<F: Future> {
    threads: Handle,
    /// `None` once it is dropped.
    request: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Under<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _here = this.threads.enter();
        match &mut this.request {
            Some(request) => request.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F: Future> Drop for Under<F> {
    fn drop(&mut self) {
        let _here = self.threads.enter();
        self.request = None;
    }
}
