//! A request whose body is written bit by bit.

use std::fmt;

use super::Response;
use crate::error::Result;
use crate::imports;

/// A request whose body is written bit by bit; see [`Request::upload`](super::Request::upload).
/// Dropping it breaks the request off.
#[must_use = "a request that is not finished is broken off"]
pub struct Upload {
    upload: imports::Upload,
    target: String,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Upload {
    pub(super) fn new(upload: imports::Upload, target: String) -> Self {
        Self { upload, target }
    }

    /// Sends more of the body; waits until the server takes it. Says whether more is wanted: a
    /// server that has answered already wants none, and [`finish`](Self::finish) gives its answer.
    pub fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        imports::write(&mut self.upload, bytes)
    }

    /// Ends the body, and waits for the answer. Any status is one; see [`Response::ok`].
    pub fn finish(self) -> Result<Response> {
        Ok(Response::new(imports::finish(self.upload)?, self.target))
    }
}
