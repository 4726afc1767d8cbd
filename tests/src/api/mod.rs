//! A real API over HTTP: pages of every kind, faults, credentials, and a place that takes rows.
//!
//! | path | what it plays |
//! |---|---|
//! | `/page_number/rows?page=1&size=100` | pages by number, with `total` and `pages` |
//! | `/offset/rows?offset=0&limit=100` | pages by offset |
//! | `/cursor/rows?after=…` | a cursor in the answer; `POST` takes it in the body |
//! | `/next_url/rows`, `/relative_url/rows` | the next address in the answer |
//! | `/link_header/rows`, `/header_cursor/rows` | the way on in a header |
//! | `/list/rows`, `/ndjson/rows`, `/csv/rows`, `/xml/rows` | everything at once |
//! | `/parents`, `/parents/7/children` | records that lead to others |
//! | `/secured/…/…` | any of these, for those who have a credential: see [`credentials`] |
//! | `/faulty/…` | any of these, with faults now and then: see [`faults`] |
//! | `/sink/table` | `POST` and `PUT` take rows, `GET` gives them back |
//!
//! `rows=n` says how many rows there are, `since=n` leaves out those before; `until=n` leaves out that
//! row and those behind it. Both also know times, and `through=time` keeps the rows of that time.

pub mod credentials;
pub mod data;
pub mod faults;
mod pages;
mod sink;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

/// What an answer is made of; an error cuts it off.
type Body = BoxBody<Bytes, std::io::Error>;

/// A request, as those who answer see it.
#[derive(Debug)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: Method,
    /// The path without its query.
    pub path: String,
    /// The parameters.
    pub params: HashMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Where this server is: `http://127.0.0.1:1234`.
    pub origin: String,
}

impl Asked {
    fn number(&self, name: &str) -> Option<u64> {
        self.params.get(name)?.parse().ok()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What all requests share.
#[derive(Debug, Default)]
struct Shared {
    faults: faults::Faults,
    sink: sink::Sink,
    asked: Mutex<Vec<String>>,
}

/// A running API; it stops when this is dropped.
#[derive(Debug)]
pub struct Api {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Api {
    /// Starts one on a free port of this machine.
    pub fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// Starts one at this address.
    pub fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(listener, address, own) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it is: `http://127.0.0.1:1234`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests so far: `GET /page_number/rows?page=1`.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The rows that a table of the sink has taken, in order.
    pub fn taken(&self, table: &str) -> Vec<serde_json::Value> {
        self.shared.sink.rows(table)
    }

    /// Runs until the process ends.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server runs");
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server stops");
        }
    }
}

async fn serve(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // Small answers go out at once.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(answer(&shared, address, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // One that breaks off is what the faults are for.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    shared: &Shared,
    address: SocketAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return text(StatusCode::BAD_REQUEST, "cut off") };
    let mut asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        params: params(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body: body.to_bytes(),
        origin: format!("http://{address}"),
    };
    let line = format!("{} {}", asked.method, parts.uri);
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    let mut fault = None;
    if let Some(rest) = asked.path.strip_prefix("/faulty") {
        asked.path = rest.to_owned();
        asked.origin.push_str("/faulty");
        fault = shared.faults.next();
        if let Some(refused) = fault.as_ref().and_then(faults::Fault::refusal) {
            return refused;
        }
    }
    if let Some(ms) = asked.number("latency") {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let answer = route(shared, &mut asked);
    match fault {
        Some(fault) => fault.spoil(answer).await,
        None => answer,
    }
}

fn route(shared: &Shared, asked: &mut Asked) -> Response<Body> {
    if let Some(answer) = credentials::token(asked) {
        return answer;
    }
    if let Some(rest) = asked.path.strip_prefix("/secured/") {
        let Some((how, rest)) = rest.split_once('/') else { return nothing() };
        let (how, rest) = (how.to_owned(), format!("/{rest}"));
        if let Some(refused) = credentials::refuse(&how, asked) {
            return refused;
        }
        asked.origin.push_str(&format!("/secured/{how}"));
        asked.path = rest;
    }
    if let Some(table) = asked.path.strip_prefix("/sink/").map(str::to_owned) {
        return shared.sink.answer(&table, asked);
    }
    pages::answer(asked).unwrap_or_else(nothing)
}

fn nothing() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "there is nothing here")
}

fn params(query: &str) -> HashMap<String, String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect()
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok())
            .flatten();
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut answer = Response::new(whole(text.to_owned()));
    *answer.status_mut() = status;
    answer
}

fn json(body: impl Into<Bytes>) -> Response<Body> {
    typed("application/json", body)
}

fn typed(kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut answer = Response::new(whole(body));
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    answer
}
