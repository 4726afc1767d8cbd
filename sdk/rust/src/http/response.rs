//! An answer.

use std::fmt;

use serde::de::DeserializeOwned;

use super::status;
use crate::error::{Error, Result};
use crate::imports::{self, Answer};

/// How much of a body is asked for at a time.
const CHUNK: u32 = 256 * 1024;
/// The longest body that is read whole.
const LONGEST: usize = 64 * 1024 * 1024;
/// How much of an unwelcome answer is shown to the user.
const SHOWN: usize = 300;

/// An answer, of any status. Its body is read bit by bit; dropping it unread is fine.
pub struct Response {
    answer: imports::Response,
    target: String,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("target", &self.target)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Response {
    pub(super) fn new(answer: imports::Response, target: String) -> Self {
        Self { answer, target }
    }

    /// Where the request went, as it was asked for.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        Answer::status(&self.answer)
    }

    /// The value of a header. Names know no case.
    pub fn header(&self, name: &str) -> Option<String> {
        Answer::header(&self.answer, name)
    }

    /// All headers, names in lower case.
    pub fn headers(&self) -> Vec<(String, String)> {
        Answer::headers(&self.answer)
    }

    /// The answer if its status is one of success, else the error it stands for: credentials,
    /// something missing, throttling with its `Retry-After`, or what may pass.
    pub fn ok(self) -> Result<Self> {
        if (200..300).contains(&self.status()) {
            return Ok(self);
        }
        let said = Answer::read(&self.answer, CHUNK).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: String = said.chars().take(SHOWN).collect();
        let retry_after = self.header("retry-after");
        Err(status::error(self.status(), &self.target, retry_after.as_deref(), &said))
    }

    /// The next bytes of the body; none at its end.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>> {
        let bytes = Answer::read(&self.answer, CHUNK)?;
        Ok(if bytes.is_empty() { None } else { Some(bytes) })
    }

    /// The whole body.
    pub fn bytes(mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(more) = self.read()? {
            body.extend_from_slice(&more);
            if body.len() > LONGEST {
                return Err(Error::data(format!(
                    "the answer of {} is longer than {} MiB: ask for smaller pages",
                    self.target,
                    LONGEST / 1024 / 1024
                )));
            }
        }
        Ok(body)
    }

    /// The whole body as text.
    pub fn text(self) -> Result<String> {
        Ok(String::from_utf8(self.bytes()?)?)
    }

    /// The JSON of the body.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        let target = self.target.clone();
        serde_json::from_slice(&self.bytes()?)
            .map_err(|error| Error::from(error).while_doing(format!("reading {target}")))
    }
}
