//! HTTP, which the host does.
//!
//! The host connects, speaks TLS, follows redirects, tries again what may be tried again, keeps to
//! rate limits and timeouts, and adds credentials: a connector names one and never sees it.
//!
//! ```
//! use hygge_sdk::{Result, http};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Answer { total: u64 }
//!
//! fn total() -> Result<u64> {
//!     let answer: Answer = http::get("orders").query("limit", 0).credential("token").json()?;
//!     Ok(answer.total)
//! }
//! ```

mod date;
mod pending;
mod response;
mod status;
mod upload;

pub use pending::Pending;
pub use response::Response;
pub use upload::Upload;

use std::fmt::Display;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::imports;

/// A request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request(imports::Request);

/// Asks for something. `target` is relative to the connection's base URL, or an absolute URL of a
/// granted origin.
pub fn get(target: impl Into<String>) -> Request {
    Request::new("GET", target)
}

/// Posts something. It is not tried again by itself; see [`Request::safe_to_repeat`].
pub fn post(target: impl Into<String>) -> Request {
    Request::new("POST", target)
}

/// Sends several requests side by side, as many at a time as the user allows. Answers stand in the
/// order of the requests.
pub fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    let targets: Vec<String> = requests.iter().map(|request| request.0.target.clone()).collect();
    let requests = requests.into_iter().map(|request| request.0).collect();
    imports::send_all(requests)
        .into_iter()
        .zip(targets)
        .map(|(answer, target)| answer.map(|answer| Response::new(answer, target)))
        .collect()
}

impl Request {
    /// A request with any method.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self(imports::Request {
            method: method.into(),
            target: target.into(),
            ..imports::Request::default()
        })
    }

    /// Adds `name=value` to the target's query, both escaped.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        let target = &mut self.0.target;
        let fragment = target.find('#').map(|at| target.split_off(at));
        target.push(if target.contains('?') { '&' } else { '?' });
        escape(target, name);
        target.push('=');
        escape(target, &value.to_string());
        target.push_str(&fragment.unwrap_or_default());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// The host adds this credential.
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.0.credential = Some(name.into());
        self
    }

    /// Sends these bytes.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = Some(body.into());
        self
    }

    /// Sends JSON.
    pub fn json_body(self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// How long the whole request may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.options.push(("timeout-ms".to_owned(), timeout.as_millis().to_string()));
        self
    }

    /// The host may try it again although its method does not say so.
    pub fn safe_to_repeat(mut self) -> Self {
        self.0.options.push(("retry".to_owned(), "always".to_owned()));
        self
    }

    /// The host does not try it again.
    pub fn once(mut self) -> Self {
        self.0.options.push(("retry".to_owned(), "never".to_owned()));
        self
    }

    /// The same request for another place.
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.0.target = target.into();
        self
    }

    /// Where it goes.
    pub fn target(&self) -> &str {
        &self.0.target
    }

    /// How many bytes the body of an [`upload`](Self::upload) will have: some servers want to know.
    pub fn length(mut self, bytes: u64) -> Self {
        self.0.options.push(("length".to_owned(), bytes.to_string()));
        self
    }

    /// Begins it, with a body that is then written bit by bit: one that is too large to be held, or
    /// whose end is not known yet. Nothing of it is kept: it is not tried again, and a redirect
    /// that wants it elsewhere is an error.
    ///
    /// ```
    /// # fn rows() -> Vec<Vec<u8>> { Vec::new() }
    /// fn send() -> hygge_sdk::Result<()> {
    ///     let mut upload = hygge_sdk::http::post("import").credential("token").upload()?;
    ///     for row in rows() {
    ///         if !upload.write(&row)? {
    ///             break;
    ///         }
    ///     }
    ///     upload.finish()?.ok()?;
    ///     Ok(())
    /// }
    /// ```
    pub fn upload(self) -> Result<Upload> {
        if self.0.body.is_some() {
            let message = "a request that is written bit by bit cannot have a body beforehand";
            return Err(Error::bug(message));
        }
        let target = self.0.target.clone();
        Ok(Upload::new(imports::start(self.0)?, target))
    }

    /// Begins it, and does not wait: it is under way while the connector does something else, or
    /// begins more of them. The host tries it again like one that is sent, and holds back what is
    /// more than the user allows side by side.
    ///
    /// ```
    /// use hygge_sdk::{Result, http};
    ///
    /// fn both() -> Result<(u64, u64)> {
    ///     let orders = http::get("orders/count").begin()?;
    ///     let customers = http::get("customers/count").begin()?;
    ///     Ok((orders.answer()?.ok()?.json()?, customers.answer()?.ok()?.json()?))
    /// }
    /// ```
    pub fn begin(mut self) -> Result<Pending> {
        // What has a body, be it empty, is whole.
        self.0.body.get_or_insert_default();
        let target = self.0.target.clone();
        Ok(Pending::new(imports::start(self.0)?, target))
    }

    /// Sends it. Any status is an answer; see [`Response::ok`].
    pub fn send(self) -> Result<Response> {
        let target = self.0.target.clone();
        Ok(Response::new(imports::send(self.0)?, target))
    }

    /// Sends it, and reads the JSON of a good answer.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        self.header("accept", "application/json").send()?.ok()?.json()
    }
}

/// Escapes what may not stand in a query as it is.
fn escape(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_escaped_and_stands_before_the_fragment() {
        let request = get("/a#top").query("since", "2026-01-01 a&b=ä").query("n", 3);
        assert_eq!(request.target(), "/a?since=2026-01-01%20a%26b%3D%C3%A4&n=3#top");
        assert_eq!(get("/a?x=1").query("y", 2).target(), "/a?x=1&y=2");
    }
}
