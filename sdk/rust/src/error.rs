//! What can go wrong in a connector.

use std::fmt;
use std::time::Duration;

use crate::bindings::types;

/// The result of what a connector does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of fault an error is: the host decides by it whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The user's configuration is wrong.
    Config,
    /// Credentials are missing, wrong or not sufficient.
    Auth,
    /// A table, column, file or endpoint does not exist.
    Missing,
    /// The other side asked for fewer requests. Tried again.
    Throttled,
    /// It may pass. Tried again.
    Transient,
    /// Data that cannot be read, converted or taken.
    Data,
    /// The host asked to stop.
    Cancelled,
    /// What the author thought impossible.
    Bug,
}

impl Fault {
    /// Whether the host tries again.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient)
    }
}

/// A fault, told in the user's terms: name their key, table or file, and say what to do.
///
/// ```
/// use std::time::Duration;
/// use hygge_sdk::Error;
///
/// let error = Error::missing("table `ordrs` does not exist; there is `orders`");
/// assert!(!error.is_retryable());
/// let error = Error::throttled("the shop asks for patience").after(Duration::from_secs(3));
/// assert!(error.is_retryable());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    fault: Fault,
    code: String,
    message: String,
    after: Option<Duration>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $fault:ident,)+) => {
        impl Error {
            $(
                $(#[$doc])*
                pub fn $name(message: impl Into<String>) -> Self {
                    Self::new(Fault::$fault, message)
                }
            )+
        }
    };
}

constructors! {
    /// The user's configuration is wrong.
    config => Config,
    /// Credentials are missing, wrong or not sufficient.
    auth => Auth,
    /// A table, column, file or endpoint does not exist.
    missing => Missing,
    /// The other side asked for fewer requests; see [`Error::after`].
    throttled => Throttled,
    /// It may pass: a timeout, a lost connection, a server error.
    transient => Transient,
    /// Data that cannot be read, converted or taken.
    data => Data,
    /// The host asked to stop, and the connector does.
    cancelled => Cancelled,
    /// What the author thought impossible.
    bug => Bug,
}

impl Error {
    /// A fault of this sort.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, code: String::new(), message: message.into(), after: None }
    }

    /// A name for programs, beginning with the connector's: `shop.quota-exceeded`.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// How long to wait at least before the next try.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.after = Some(wait);
        self
    }

    /// Says what was being done: `reading page 3: …`.
    #[must_use]
    pub fn while_doing(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// What sort of fault it is.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The name for programs; may be empty.
    pub fn code_str(&self) -> &str {
        &self.code
    }

    /// How long to wait at least before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.after
    }

    /// Whether the host tries again.
    pub fn is_retryable(&self) -> bool {
        self.fault.is_retryable()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::data(format!("JSON that is not as expected: {error}"))
    }
}

#[cfg(feature = "arrow")]
impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::data(error.to_string())
    }
}

impl From<std::str::Utf8Error> for Error {
    fn from(error: std::str::Utf8Error) -> Self {
        Self::data(format!("text that is not UTF-8: {error}"))
    }
}

impl From<std::string::FromUtf8Error> for Error {
    fn from(error: std::string::FromUtf8Error) -> Self {
        error.utf8_error().into()
    }
}

impl From<std::num::ParseIntError> for Error {
    fn from(error: std::num::ParseIntError) -> Self {
        Self::data(format!("a number that cannot be read: {error}"))
    }
}

impl From<std::num::ParseFloatError> for Error {
    fn from(error: std::num::ParseFloatError) -> Self {
        Self::data(format!("a number that cannot be read: {error}"))
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        let fault = match error.fault {
            types::Fault::Config => Fault::Config,
            types::Fault::Auth => Fault::Auth,
            types::Fault::Missing => Fault::Missing,
            types::Fault::Throttled => Fault::Throttled,
            types::Fault::Transient => Fault::Transient,
            types::Fault::Data => Fault::Data,
            types::Fault::Cancelled => Fault::Cancelled,
            types::Fault::Bug => Fault::Bug,
        };
        Self {
            fault,
            code: error.code,
            message: error.message,
            after: error.retry_after_ms.map(Duration::from_millis),
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        let fault = match error.fault {
            Fault::Config => types::Fault::Config,
            Fault::Auth => types::Fault::Auth,
            Fault::Missing => types::Fault::Missing,
            Fault::Throttled => types::Fault::Throttled,
            Fault::Transient => types::Fault::Transient,
            Fault::Data => types::Fault::Data,
            Fault::Cancelled => types::Fault::Cancelled,
            Fault::Bug => types::Fault::Bug,
        };
        Self {
            fault,
            code: error.code,
            message: error.message,
            retry_after_ms: error
                .after
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_crosses_the_boundary_and_back_unchanged() {
        let error = Error::throttled("slow down")
            .code("shop.busy")
            .after(Duration::from_millis(1500))
            .while_doing("reading page 3");
        assert_eq!(error.to_string(), "reading page 3: slow down");
        assert_eq!(Error::from(types::Error::from(error.clone())), error);
        for error in [
            Error::config(""),
            Error::auth(""),
            Error::missing(""),
            Error::transient(""),
            Error::data(""),
            Error::cancelled(""),
            Error::bug(""),
        ] {
            assert_eq!(Error::from(types::Error::from(error.clone())), error);
            assert_eq!(error.is_retryable(), error.fault() == Fault::Transient);
        }
    }
}
