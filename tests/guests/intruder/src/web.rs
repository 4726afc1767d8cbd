//! What can be tried through `wasi:http`. What comes back, if anything does, is told in the error.

use std::fmt::Debug;

use hygge_sdk::{Error, Result};

use crate::wasi::wasi::http::outgoing_handler::handle;
use crate::wasi::wasi::http::types::{
    Fields, FutureIncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use crate::wasi::wasi::io::streams::StreamError;

/// The hosts and ports it was told of.
#[derive(Clone, Default)]
pub(crate) struct Places {
    /// That of the base URL.
    base: String,
    /// Another one that was granted.
    friend: String,
    /// One that was not.
    other: String,
}

impl Places {
    pub(crate) fn of(config: &serde_json::Value) -> Self {
        let place = |key: &str| {
            let url = config.get(key).and_then(|url| url.as_str()).unwrap_or_default();
            url.trim_start_matches("http://").to_owned()
        };
        Self { base: place("base_url"), friend: place("friend"), other: place("other") }
    }
}

/// Does the deed, if it is one of these.
pub(crate) fn commit(deed: &str, places: &Places) -> Result<()> {
    let (base, other) = (places.base.as_str(), places.other.as_str());
    match deed {
        "web" => tell(get(base, "/")?),
        "denied" => tell(get(other, "/")?),
        "metadata" => tell(get("169.254.169.254", "/latest/meta-data/")?),
        "absolute" => tell(get(base, &format!("http://{other}/absolute"))?),
        "userinfo" => tell(get(&format!("{base}@{other}"), "/")?),
        "redirect" => tell(get(base, "/redirect")?),
        "bomb" => tell(get(base, "/bomb")?),
        "endless" => tell(get(base, "/endless")?),
        "silence" => tell(get(base, "/silence")?),
        "host" => tell(with(base, &[("Host", "evil.example")])?),
        "framing" => tell(with(base, &[("Transfer-Encoding", "chunked")])?),
        "lengths" => tell(with(base, &[("content-length", "4"), ("content-length", "40")])?),
        "crlf" => tell(with(base, &[("x-own", "a\r\nHost: evil.example")])?),
        "encoding" => tell(with(base, &[("accept-encoding", "none"), ("te", "x")])?),
        "manyheaders" => tell(with(base, &[("x-own", "y"); 150])?),
        "signed" => tell(to(base, "/echo", &[("hygge-credential", "default")])?),
        "another" => tell(with(base, &[("hygge-credential", "another")])?),
        "steal" => tell(with(&places.friend, &[("hygge-credential", "default")])?),
        "fields" => {
            let fields = Fields::new();
            loop {
                done(fields.append("x-own", &[b'y'; 1000]))?;
            }
        }
        "manyfields" => loop {
            std::mem::forget(Fields::new());
        },
        "bodies" => loop {
            let request = OutgoingRequest::new(Fields::new());
            std::mem::forget(done(request.body())?);
            std::mem::forget(request);
        },
        "futures" => loop {
            std::mem::forget(done(handle(get(base, "/silence")?, None))?);
        },
        "pollables" => {
            let future = done(handle(get(base, "/silence")?, None))?;
            loop {
                std::mem::forget(future.subscribe());
            }
        }
        "impatient" => {
            let options = RequestOptions::new();
            done(options.set_connect_timeout(Some(0)))?;
            answered(done(handle(get(base, "/")?, Some(options)))?)
        }
        "hasty" => {
            let options = RequestOptions::new();
            done(options.set_first_byte_timeout(Some(0)))?;
            done(options.set_between_bytes_timeout(Some(0)))?;
            answered(done(handle(get(base, "/")?, Some(options)))?)
        }
        "shorter" => post(base, &[("content-length", "4000")], 4),
        "longer" => post(base, &[("content-length", "4")], 4000),
        "giving_up" => {
            let request = to(base, "/count", &[])?;
            done(request.set_method(&Method::Put))?;
            let body = done(request.body())?;
            let future = done(handle(request, None))?;
            done(done(body.write())?.blocking_write_and_flush(b"half"))?;
            drop(body);
            answered(future)
        }
        "upload" => post(base, &[], 64 << 20),
        _ => Ok(()),
    }
}

/// The answer, told as an error.
fn tell(request: OutgoingRequest) -> Result<()> {
    answered(done(handle(request, None))?)
}

fn answered(future: FutureIncomingResponse) -> Result<()> {
    future.subscribe().block();
    let Some(Ok(answer)) = future.get() else { return Err(Error::data("was not answered")) };
    let answer = done(answer)?;
    let headers = answer.headers().entries();
    // Dropped before what it belongs to.
    let whole = done(answer.consume())?;
    let stream = done(whole.stream())?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(1 << 16) {
            Ok(bytes) => body.extend(bytes),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(Error::data(format!("broke off: {error:?}"))),
        }
        body.truncate(1000);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name, text(value))).collect();
    let (status, body) = (answer.status(), text(&body));
    Err(Error::data(format!("was answered {status} {headers:?} {body}")))
}

/// Sends a body of so many bytes.
fn post(base: &str, headers: &[(&str, &str)], bytes: usize) -> Result<()> {
    let request = to(base, "/count", headers)?;
    done(request.set_method(&Method::Post))?;
    let body = done(request.body())?;
    let future = done(handle(request, None))?;
    let stream = done(body.write())?;
    let piece = [7; 4096];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(piece.len());
        done(stream.blocking_write_and_flush(&piece[..count]))?;
        left -= count;
    }
    drop(stream);
    done(OutgoingBody::finish(body, None))?;
    answered(future)
}

fn get(authority: &str, path: &str) -> Result<OutgoingRequest> {
    to(authority, path, &[])
}

fn with(authority: &str, headers: &[(&str, &str)]) -> Result<OutgoingRequest> {
    to(authority, "/", headers)
}

fn to(authority: &str, path: &str, headers: &[(&str, &str)]) -> Result<OutgoingRequest> {
    let fields = Fields::new();
    for (name, value) in headers {
        done(fields.append(name, value.as_bytes()))?;
    }
    let request = OutgoingRequest::new(fields);
    done(request.set_scheme(Some(&Scheme::Http)))?;
    let refused = |()| Error::data(format!("the host refused {authority} {path}"));
    request.set_authority(Some(authority)).map_err(refused)?;
    request.set_path_with_query(Some(path)).map_err(refused)?;
    Ok(request)
}

/// What came of it, or what went wrong.
fn done<T, E: Debug>(result: Result<T, E>) -> Result<T> {
    result.map_err(|error| Error::data(format!("failed with {error:?}")))
}
