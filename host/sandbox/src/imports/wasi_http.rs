//! `wasi:http` for components that speak it: the same way out as the interface `http`, with the
//! same grants and limits.
//!
//! Redirects are left to the component. A credential is named by the header `hygge-credential`,
//! which goes no further than here.

use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hygge_http::{
    Answer, Broken, Caller, Connection, Content, HttpError, Redirects, Request, Stream,
    StreamError, error,
};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue, TE, TRAILER,
};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::State;
use super::http::Errand;

/// The header by which a component names a credential.
const CREDENTIAL: HeaderName = HeaderName::from_static("hygge-credential");
/// Headers that the host sets whatever libraries say.
const OF_THE_HOST: [HeaderName; 5] = [ACCEPT_ENCODING, CONTENT_LENGTH, EXPECT, TE, TRAILER];
/// Bytes that the fields of one request may have in memory. A component may hold as many of them
/// as handles.
const FIELDS: usize = 32 << 10;
/// Bytes of a body that are taken, and given, at a time.
const PIECE: usize = 64 << 10;

type Sent = Result<(hyper::Response<WasiBody>, Done), Error>;
type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// What `wasi:http` has for one instance.
pub(crate) struct WasiHttp {
    context: WasiHttpCtx,
    hooks: Hooks,
}

impl WasiHttp {
    pub(crate) fn new(way: &Arc<Connection>, errand: Errand) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(FIELDS);
        let hooks = Hooks { way: Arc::clone(way), errand: Arc::new(errand) };
        Self { context, hooks }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.wasi_http.hooks,
            table: &mut self.table,
            ctx: &mut self.wasi_http.context,
        }
    }
}

/// Sends what components ask for.
struct Hooks {
    way: Arc<Connection>,
    errand: Arc<Errand>,
}

impl WasiHttpHooks for Hooks {
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE
    }

    fn send_request(
        &mut self,
        request: hyper::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Done,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (way, errand) = (Arc::clone(&self.way), Arc::clone(&self.errand));
        Box::new(async move {
            let options = options.unwrap_or_default();
            let answer = send(&way, &errand, request, &options).await;
            let answer = answer.map_err(|failed| failed.told(&errand))?;
            Ok((
                response(answer, options.between_bytes_timeout, errand)?,
                Box::new(async { Ok(()) }) as Done,
            ))
        })
    }
}

/// Why a request was not answered.
enum Failed {
    Http(HttpError),
    Own(Error),
}

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl Failed {
    fn told(self, errand: &Errand) -> Error {
        match self {
            Self::Http(error) if error.code == error::UNREACHABLE => {
                errand.debug(format_args!("{}", error.message));
                Error::DestinationUnavailable
            }
            Self::Http(error) => told(error, errand),
            Self::Own(error) => error,
        }
    }
}

/// An error as the component gets it. What its code does not say, the user is told.
fn told(error: HttpError, errand: &Errand) -> Error {
    let code = match error.code {
        error::NOT_GRANTED | error::CREDENTIAL => Error::HttpRequestDenied,
        error::TLS => Error::TlsCertificateError,
        error::TOO_LARGE => Error::HttpResponseBodySize(None),
        error::BAD_ANSWER => Error::HttpProtocolError,
        error::TIMEOUT | error::UNREACHABLE => {
            // It may pass, and the component may well try again.
            let timeout = error.code == error::TIMEOUT;
            errand.debug(format_args!("{}", error.message));
            return match timeout {
                true => Error::HttpResponseTimeout,
                false => Error::HttpResponseIncomplete,
            };
        }
        _ => return Error::InternalError(Some(error.message)),
    };
    errand.refused(&error.message);
    code
}

async fn send(
    way: &Connection,
    errand: &Arc<Errand>,
    request: hyper::Request<WasiBody>,
    options: &RequestOptions,
) -> Result<Answer, Failed> {
    let limits = [options.first_byte_timeout, options.between_bytes_timeout];
    if options.connect_timeout.is_some_and(|limit| limit.is_zero()) {
        return Err(Failed::Own(Error::ConnectionTimeout));
    }
    if limits.into_iter().flatten().any(|limit| limit.is_zero()) {
        return Err(Failed::Own(Error::ConnectionReadTimeout));
    }
    let request = asked(request)?;
    let sent = way.send(request, Arc::clone(errand) as Arc<dyn Caller>);
    let answer = match options.first_byte_timeout {
        Some(limit) => tokio::time::timeout(limit, sent)
            .await
            .map_err(|_| Failed::Own(Error::ConnectionReadTimeout))?,
        None => sent.await,
    };
    Ok(answer?)
}

/// A request as the host sends it.
fn asked(request: hyper::Request<WasiBody>) -> Result<Request, Failed> {
    let (head, body) = request.into_parts();
    let (scheme, authority) = (head.uri.scheme_str(), head.uri.authority());
    let (Some(scheme), Some(authority)) = (scheme, authority) else {
        return Err(Failed::Own(Error::HttpRequestUriInvalid));
    };
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    // Anything else would be read as a part of the authority.
    if !(path.is_empty() || path.starts_with(['/', '?'])) {
        return Err(Failed::Own(Error::HttpRequestUriInvalid));
    }
    let target = format!("{scheme}://{authority}{path}");
    let mut credential = None;
    let mut length = None;
    let mut headers = Vec::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        if *name == CREDENTIAL {
            let second = credential.replace(text(name, value)?);
            if second.is_some() {
                let message = format!("the header `{CREDENTIAL}` names more than one credential");
                return Err(Failed::Own(Error::InternalError(Some(message))));
            }
        } else if *name == CONTENT_LENGTH {
            length = text(name, value)?.parse().ok();
        } else if !OF_THE_HOST.contains(name) {
            headers.push((name.as_str().to_owned(), text(name, value)?));
        }
    }
    let body = match body.is_end_stream() {
        true => Content::Nothing,
        false => Content::Stream(Stream::new(OfLength { body, length })),
    };
    Ok(Request {
        method: head.method.as_str().to_owned(),
        target,
        headers,
        body,
        credential,
        redirects: Redirects::Left,
        ..Request::default()
    })
}

fn text(name: &HeaderName, value: &HeaderValue) -> Result<String, Failed> {
    let text = std::str::from_utf8(value.as_bytes()).map(str::to_owned);
    text.map_err(|_| {
        let message = format!("the value of the header `{name}` is not UTF-8");
        Failed::Own(Error::InternalError(Some(message)))
    })
}

/// A body with the length that was announced.
struct OfLength {
    body: WasiBody,
    length: Option<u64>,
}

impl Body for OfLength {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        let frame = std::pin::Pin::new(&mut self.body).poll_frame(context);
        frame.map(|frame| {
            let frame = frame?;
            if let Ok(bytes) = &frame
                && let Some(bytes) = bytes.data_ref()
            {
                let given = bytes.len() as u64;
                self.length = self.length.map(|left| left.saturating_sub(given));
            }
            Some(frame.map_err(|error| Broken::new(format!("broke off: {error}")).into()))
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// An answer as the component gets it.
fn response(
    answer: Answer,
    silence: Option<Duration>,
    errand: Arc<Errand>,
) -> Result<hyper::Response<WasiBody>, Error> {
    let mut response = hyper::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let pieces = stream::unfold(Some((answer, errand)), move |reading| async move {
        let (mut answer, errand) = reading?;
        let read = answer.read(PIECE);
        let read = match silence {
            Some(silence) => match tokio::time::timeout(silence, read).await {
                Ok(read) => read.map_err(|error| told(error, &errand)),
                Err(_) => Err(Error::ConnectionReadTimeout),
            },
            None => read.await.map_err(|error| told(error, &errand)),
        };
        match read {
            Ok(bytes) if bytes.is_empty() => None,
            Ok(bytes) => Some((Ok(Frame::data(Bytes::from(bytes))), Some((answer, errand)))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let body = StreamBody::new(pieces).boxed_unsync();
    response.body(body).map_err(|_| Error::HttpProtocolError)
}
