//! What can go wrong with the journal.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::Holder;
use crate::fault::{Fault, FaultKind};

/// The journal cannot be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// Another run of the same project is under way.
    #[error("another run of this project is under way{}", described(holder))]
    Locked {
        /// Who runs; `None` in the moment before it has written its name.
        holder: Option<Box<Holder>>,
        /// The lock file.
        path: PathBuf,
    },
    /// A file or a folder refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// A journal file is not what it should be. It is left as it is.
    #[error("the journal {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The log has records this version does not know.
    #[error("{} was written by a later version of hygge", path.display())]
    Newer {
        /// The log.
        path: PathBuf,
    },
    /// A folder whose name is not Unicode text cannot be remembered.
    #[error("the journal folder {} has a name that is not Unicode", path.display())]
    NotUnicode {
        /// The folder.
        path: PathBuf,
    },
    /// The journal was opened for reading and asked to write.
    #[error("the journal was opened for reading only")]
    ReadOnly,
    /// The thread that writes the log has ended.
    #[error("the journal is closed")]
    Closed,
}

fn described(holder: &Option<Box<Holder>>) -> String {
    holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default()
}

impl JournalError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source: Arc::new(source) }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Locked { holder: Some(holder), .. } => format!(
                "wait for it to end, or stop process {} on {} if it hangs",
                holder.pid, holder.host
            ),
            Self::Locked { holder: None, .. } => "wait for it to end and run again".to_owned(),
            Self::Io { path, source, .. } => io_help(path, source)?.to_owned(),
            Self::Damaged { .. } => {
                "restore this file from a backup, or move it away: a new one is \
                                     then begun, and incremental entities load in full once"
                    .to_owned()
            }
            Self::Newer { .. } => "use that version, or a later one, in this project".to_owned(),
            Self::NotUnicode { .. } => "choose another `path` under `journal`".to_owned(),
            Self::ReadOnly | Self::Closed => return None,
        })
    }
}

fn io_help(path: &Path, error: &io::Error) -> Option<&'static str> {
    use io::ErrorKind as Io;
    let own = path.components().any(|part| part.as_os_str() == super::HOUSE);
    match error.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem | Io::NotADirectory | Io::AlreadyExists
            if own =>
        {
            Some(
                "hygge keeps its lock, its log and its watermarks in the folder `.hygge` of the \
                 project: make this folder writable for the user hygge runs as",
            )
        }
        Io::PermissionDenied | Io::ReadOnlyFilesystem | Io::NotADirectory => Some(
            "make this folder writable for the user hygge runs as, or choose another `path` under \
             `journal`",
        ),
        Io::StorageFull | Io::QuotaExceeded if own => Some(
            "make room on the disk that holds the folder `.hygge` of the project and run again; \
             what was recorded before is untouched",
        ),
        Io::StorageFull | Io::QuotaExceeded => {
            Some("make room and run again; what was recorded before is untouched")
        }
        _ => None,
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        let help = error.help();
        let fault = match error {
            JournalError::Io { doing, path, source } => {
                Fault::io(doing, &path, io::Error::new(source.kind(), source))
            }
            JournalError::Locked { .. } => Fault::new(FaultKind::Resource, error.to_string()),
            JournalError::Damaged { .. } => Fault::data(error.to_string()),
            JournalError::Newer { .. } | JournalError::NotUnicode { .. } => {
                Fault::config(error.to_string())
            }
            JournalError::ReadOnly | JournalError::Closed => Fault::bug(error.to_string()),
        };
        match help {
            Some(help) => fault.with_help(help),
            None => fault,
        }
    }
}
