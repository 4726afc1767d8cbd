//! A request that is under way.

use std::fmt;

use super::Response;
use crate::error::Result;
use crate::imports;

/// A request that is under way; see [`Request::begin`](super::Request::begin). Dropping it breaks
/// the request off.
#[must_use = "a request whose answer is not waited for is broken off"]
pub struct Pending {
    upload: imports::Upload,
    target: String,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Pending {
    pub(super) fn new(upload: imports::Upload, target: String) -> Self {
        Self { upload, target }
    }

    /// Waits for the answer. Any status is one; see [`Response::ok`].
    pub fn answer(self) -> Result<Response> {
        Ok(Response::new(imports::finish(self.upload)?, self.target))
    }
}
