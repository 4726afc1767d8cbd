//! What can go wrong with a request, told so that a connector can hand it on to its user.

use std::fmt;
use std::time::Duration;

use hygge_core::fault::FaultKind;

/// Code of an error about something that the user has not granted.
pub const NOT_GRANTED: &str = "host.not-granted";
/// Code of an error about a credential that does not exist, or that could not be had.
pub const CREDENTIAL: &str = "host.credential";
/// Code of an error about a request that is no good by itself.
pub const BAD_REQUEST: &str = "host.bad-request";
/// Code of an error about a server that could not be reached, or whose answer broke off.
pub const UNREACHABLE: &str = "host.unreachable";
/// Code of an error about a server that took too long.
pub const TIMEOUT: &str = "host.timeout";
/// Code of an error about an answer that is larger than allowed.
pub const TOO_LARGE: &str = "host.too-large";
/// Code of an error about an answer that cannot be understood.
pub const BAD_ANSWER: &str = "host.bad-answer";

/// Code of an error about a server that cannot be trusted, or does not speak TLS.
pub const TLS: &str = "host.tls";

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// What sort of fault it is.
    pub kind: FaultKind,
    /// For programs: one of the codes of this module.
    pub code: &'static str,
    /// For people: what failed and what to do about it.
    pub message: String,
    /// How long the other side asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl HttpError {
    pub(crate) fn new(kind: FaultKind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), retry_after: None }
    }

    pub(crate) fn not_granted(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Auth, NOT_GRANTED, message)
    }

    pub(crate) fn credential(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Auth, CREDENTIAL, message)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Bug, BAD_REQUEST, message)
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Transient, UNREACHABLE, message)
    }

    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Transient, TIMEOUT, message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Data, TOO_LARGE, message)
    }

    pub(crate) fn bad_answer(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Data, BAD_ANSWER, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(FaultKind::Cancelled, "", "the run was cancelled")
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HttpError {}
