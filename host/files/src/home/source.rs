//! A file that rows come from, and whether it is still the file it was.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use hygge_core::fault::{Fault, FaultKind};

/// A file that rows come from, as it was when it was found.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// As messages show it: below the path the user wrote.
    pub(crate) shown: String,
    stamp: Stamp,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { len: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl SourceFile {
    /// A file found at `path` with this metadata.
    pub(crate) fn new(path: PathBuf, shown: &Path, metadata: &Metadata) -> Self {
        Self { path, shown: shown.display().to_string(), stamp: Stamp::of(metadata) }
    }

    /// Bytes it had when it was found.
    pub(crate) fn len(&self) -> u64 {
        self.stamp.len
    }

    /// Opens it, if it is still what it was when it was found.
    pub(crate) fn open(self: &Arc<Self>) -> Result<OpenFile, Fault> {
        let file = File::open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.vanished(),
            _ => self.unreadable(error),
        })?;
        let open = OpenFile { file, source: Arc::clone(self) };
        open.verify()?;
        Ok(open)
    }

    /// Reading it failed.
    pub(crate) fn unreadable(&self, error: io::Error) -> Fault {
        Fault::io("read", Path::new(&self.shown), error)
    }

    fn vanished(&self) -> Fault {
        Fault::new(FaultKind::Transient, format!("{} vanished while it was being read", self.shown))
            .with_help("run again when whatever writes to this folder has finished")
    }

    fn changed(&self) -> Fault {
        Fault::new(FaultKind::Transient, format!("{} changed while it was being read", self.shown))
            .with_help("run again when whatever writes to this file has finished")
    }
}

/// A source file, open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    source: Arc<SourceFile>,
}

impl OpenFile {
    /// The file this is.
    pub(crate) fn source(&self) -> &Arc<SourceFile> {
        &self.source
    }

    /// The file itself, for the system to copy from.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Fails if the file is no longer what it was when it was found. Asked before the first byte
    /// is read and after the last, and before damage is blamed on the file.
    pub(crate) fn verify(&self) -> Result<(), Fault> {
        let held = self.file.metadata().map_err(|error| self.source.unreadable(error))?;
        let named = std::fs::metadata(&self.source.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.source.vanished(),
            _ => self.source.unreadable(error),
        })?;
        if Stamp::of(&held) == self.source.stamp && Stamp::of(&named) == self.source.stamp {
            Ok(())
        } else {
            Err(self.source.changed())
        }
    }

    /// Reads at `offset` without moving a position shared with others; as [`io::Read::read`].
    #[cfg(unix)]
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    /// Reads at `offset` without moving a position shared with others; as [`io::Read::read`].
    #[cfg(windows)]
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }

    /// Fills `buffer` from `offset`.
    pub(crate) fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buffer = buffer.get_mut(read..).unwrap_or_default();
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The bytes of an open file in order.
#[derive(Debug)]
pub(crate) struct Sequential {
    file: Arc<OpenFile>,
    offset: u64,
}

impl Sequential {
    /// From `offset` on.
    pub(crate) fn new(file: Arc<OpenFile>, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl io::Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &Path) -> Arc<SourceFile> {
        let metadata = std::fs::metadata(path).unwrap();
        Arc::new(SourceFile::new(path.to_owned(), Path::new("in/a.csv"), &metadata))
    }

    #[test]
    fn a_file_that_grows_shrinks_or_goes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a\n1\n").unwrap();
        let source = found(&path);
        let open = source.open().unwrap();
        assert!(open.verify().is_ok());

        std::fs::write(&path, "a\n1\n2\n").unwrap();
        let fault = open.verify().unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Transient);
        assert_eq!(fault.to_string(), "in/a.csv changed while it was being read");
        assert!(source.open().is_err());

        std::fs::remove_file(&path).unwrap();
        assert!(open.verify().unwrap_err().to_string().contains("vanished"));
        assert!(source.open().unwrap_err().to_string().contains("vanished"));
    }
}
