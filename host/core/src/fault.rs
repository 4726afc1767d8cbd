//! What can go wrong while data moves, and whether trying again may help.
//!
//! A [`Fault`] is what a Home or a Store answers when it cannot go on. It says what failed in the
//! user's terms (their key, their file), why, and what to do about it. Whether a second try may
//! help is part of the type and is decided where the fault is known.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What kind of fault it is. The engine's retries switch on it, so the set is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The configuration asks for something that cannot be.
    Config,
    /// Credentials were refused, or a permission is missing.
    Auth,
    /// What should be read or written to is not there.
    Missing,
    /// The other side asks for patience.
    Throttled,
    /// A passing condition: a dropped connection, a time-out.
    Transient,
    /// The data itself is wrong: damaged, of another type, or not as many rows as promised.
    Data,
    /// There is no room, or the machine refused something: disk full, too many open files.
    Resource,
    /// The run was cancelled.
    Cancelled,
    /// A mistake in hygge or in a connector.
    Bug,
}

impl FaultKind {
    /// Whether the same attempt, made again a little later, may succeed.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient)
    }

    /// The word used for this kind in logs and in machine-readable output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Auth => "auth",
            Self::Missing => "missing",
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Data => "data",
            Self::Resource => "resource",
            Self::Cancelled => "cancelled",
            Self::Bug => "bug",
        }
    }
}

/// A failure of a Home, a Store or the engine, told in the user's terms.
///
/// `Display` prints the message alone; the chain of causes is in [`Error::source`], and
/// [`Fault::help`] says what to do next.
pub struct Fault(Box<Inner>);

struct Inner {
    kind: FaultKind,
    message: String,
    help: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault of `kind` whose `message` names the user's file, key or table.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            help: None,
            retry_after: None,
            source: None,
        }))
    }

    /// The data is wrong.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Data, message)
    }

    /// The configuration asks for something that cannot be.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Config, message)
    }

    /// Something that should be there is not.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Missing, message)
    }

    /// A mistake of hygge's own.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Bug, message)
            .with_help("this is a mistake in hygge: please report it with the log file")
    }

    /// The run was cancelled.
    pub fn cancelled() -> Self {
        Self::new(FaultKind::Cancelled, "cancelled")
    }

    /// A failed operation on a path. The kind follows from the error: what is missing, what is
    /// forbidden and what there is no room for each get their own advice.
    pub fn io(doing: &str, path: &std::path::Path, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let (kind, help) = match error.kind() {
            Io::NotFound => (FaultKind::Missing, None),
            Io::PermissionDenied => (
                FaultKind::Auth,
                Some("check the permissions of this path for the user hygge runs as"),
            ),
            Io::ReadOnlyFilesystem => {
                (FaultKind::Auth, Some("the file system is mounted read-only: choose another path"))
            }
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => (
                FaultKind::Resource,
                Some("make room and run again; what was there before is untouched"),
            ),
            Io::Interrupted | Io::TimedOut | Io::WouldBlock => (FaultKind::Transient, None),
            _ => (FaultKind::Resource, None),
        };
        let mut fault =
            Self::new(kind, format!("cannot {doing} {}", path.display())).because(error);
        fault.0.help = help.map(str::to_owned);
        fault
    }

    /// What the user can do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Adds to what the user should know, behind what is already said of what to do.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        self.0.help = Some(match self.0.help.take() {
            Some(help) => format!("{help}; {note}"),
            None => note.to_owned(),
        });
        self
    }

    /// The cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// How long the other side asked us to wait before trying again.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// What kind of fault it is.
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// What the user can do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// How long the other side asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The message followed by each cause, joined by colons, on one line.
    pub fn chain(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("help", &self.0.help)
            .field("source", &self.0.source)
            .finish()
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
