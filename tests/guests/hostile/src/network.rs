//! What can be tried over the network. What comes back, if anything does, is told in the error.

use std::cell::RefCell;

use hygge_sdk::bindings::home::hygge::connector::{http, types};

use crate::deeds::error;
use crate::uploads;

thread_local! {
    /// The origin of a server that was not granted.
    static OTHER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Remembers what is not granted.
pub(crate) fn look_around(config: &serde_json::Value) {
    let other = config.get("other").and_then(|other| other.as_str()).unwrap_or_default();
    OTHER.with(|place| other.clone_into(&mut place.borrow_mut()));
}

/// Does the deed, if it is one of these.
pub(crate) fn commit(deed: &str) -> Result<(), types::Error> {
    let other = OTHER.with(|other| other.borrow().clone());
    let port = other.rsplit(':').next().unwrap_or_default();
    let target = match deed {
        "localhost" => format!("http://localhost:{port}/"),
        "decimal" => format!("http://2130706433:{port}/"),
        "octal" => format!("http://0177.0.0.1:{port}/"),
        "hexadecimal" => format!("http://0x7f000001:{port}/"),
        "mapped" => format!("http://[::ffff:127.0.0.1]:{port}/"),
        "absolute" => format!("{other}/absolute"),
        "schemeless" => other.trim_start_matches("http:").to_owned(),
        "backslashes" => format!("\\\\127.0.0.1:{port}\\x"),
        "userinfo" => format!("http://me:pw@127.0.0.1:{port}/"),
        // Served by the one that is granted.
        "redirect" | "away" | "circle" | "bomb" | "headers" | "endless" | "claimed" | "drip"
        | "lengths" | "cut" | "silence" => format!("/{deed}"),
        "proxyform" => format!("/{other}/proxyform"),
        "crlf" => return tell(with_header("x-own", "a\r\nHost: evil.example")),
        "host" => return tell(with_header("Host", "evil.example")),
        "length" => return tell(with_header("Content-Length", "1000000")),
        "manyheaders" => {
            let mut many = request("/");
            many.headers = vec![("x-own".to_owned(), "y".to_owned()); 200_000];
            return tell(many);
        }
        "another" => return tell(signed("/", "another")),
        "steal" => return tell(signed(&other, "default")),
        "carry" => return tell(signed("/away-with", "default")),
        "echo" => return tell(signed("/echo", "default")),
        "flood" => loop {
            http::send(&request("/flood"))?;
        },
        // What does no harm: a great many small requests.
        "polite" => {
            for _ in 0..10_000 {
                let answer = http::send(&request("/row"))?;
                while !answer.read(1 << 16)?.is_empty() {}
            }
            return Ok(());
        }
        "hoard" => loop {
            std::mem::forget(http::send(&request("/"))?);
        },
        _ => return uploads::commit(deed),
    };
    tell(request(&target))
}

/// Sends a request and tells what was answered.
fn tell(request: http::Request) -> Result<(), types::Error> {
    read(&http::send(&request)?)
}

/// Tells what was answered.
pub(crate) fn read(answer: &http::Response) -> Result<(), types::Error> {
    let mut body = Vec::new();
    loop {
        let more = answer.read(1 << 16)?;
        if more.is_empty() {
            break;
        }
        body.extend(more);
        body.truncate(1000);
    }
    let body = String::from_utf8_lossy(&body);
    let told = format!("was answered {} {:?} {body}", answer.status(), answer.headers());
    Err(error(types::Fault::Data, told))
}

fn with_header(name: &str, value: &str) -> http::Request {
    http::Request { headers: vec![(name.to_owned(), value.to_owned())], ..request("/") }
}

fn signed(target: &str, credential: &str) -> http::Request {
    http::Request { credential: Some(credential.to_owned()), ..request(target) }
}

/// A request for `target`.
pub(crate) fn request(target: &str) -> http::Request {
    http::Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: None,
        credential: None,
        options: Vec::new(),
    }
}
