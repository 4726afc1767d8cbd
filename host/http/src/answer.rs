//! An answer whose body is still to be read.

use std::sync::Arc;

use crate::account::Account;
use crate::body::Body;
use crate::caller::Caller;
use crate::error::HttpError;
use crate::headers::Incoming;
use crate::upload::Feed;

/// An answer. Dropping it unread is fine.
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Body,
    /// Whether a credential was sent along.
    pub(crate) signed: bool,
    pub(crate) caller: Arc<dyn Caller>,
    /// What was done, told once it is known how it ended.
    pub(crate) account: Account,
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
    pub fn headers(&self) -> Vec<(String, String)> {
        self.incoming().all()
    }

    /// The first header of a name, whatever its case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.incoming().first(name)
    }

    /// The next bytes of the body, unpacked: at most `max`, none at its end.
    pub async fn read(&mut self, max: usize) -> Result<Vec<u8>, HttpError> {
        self.body.read(max, &*self.caller).await
    }

    fn incoming(&self) -> Incoming<'_> {
        Incoming {
            headers: self.body.head(),
            unpacked: self.body.is_unpacked(),
            signed: self.signed,
            redactor: self.body.redactor(),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let (status, bytes) = (self.status, self.body.wire());
        let more = format_args!(", {bytes} bytes");
        self.account.tell_with(&*self.caller, format_args!("{status}"), more);
        if self.body.redacted() {
            self.caller.warn(format!(
                "`{}` echoes a credential in its answers; it was taken out of them",
                self.host
            ));
        }
    }
}
