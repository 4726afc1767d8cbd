//! An answer whose body is still to be read.

use std::sync::Arc;

use crate::body::Body;
use crate::caller::Caller;
use crate::error::HttpError;
use crate::upload::Feed;

/// An answer. Dropping it unread is fine.
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) caller: Arc<dyn Caller>,
    /// What was done, told once it is known how it ended.
    pub(crate) line: String,
    /// Who echoes secrets, if it does.
    pub(crate) host: String,
    /// Keeps open what is left of the request's body, of one that was answered before its end.
    pub(crate) feed: Option<Feed>,
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// All headers, names in lower case.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The next bytes of the body, unpacked: at most `max`, none at its end.
    pub async fn read(&mut self, max: usize) -> Result<Vec<u8>, HttpError> {
        self.body.read(max, &*self.caller).await
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.caller.debug(format!("{}, {} bytes", self.line, self.body.wire()));
        if self.body.redacted() {
            self.caller.warn(format!(
                "`{}` echoes a credential in its answers; it was taken out of them",
                self.host
            ));
        }
    }
}
