//! A file that is forced to the disk while it is still being written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use hygge_core::contract::Durability;
use hygge_core::fault::Fault;
use tokio_util::sync::CancellationToken;

use crate::home::source::OpenFile;

/// Bytes written before they are forced to the disk in the background.
const SYNC_EVERY: u64 = 32 << 20;

/// Bytes written ahead of the disk before writing waits for it.
const MOST_AHEAD: u64 = 128 << 20;

/// Bytes gathered before they are handed to the system.
const BUFFERED: usize = 256 << 10;

/// Bytes the kernel is asked to copy at a time: it cannot be stopped meanwhile.
const PIECE: usize = 16 << 20;

/// Bytes copied at a time where the kernel does not do it.
const BUFFER: usize = 1 << 20;

/// A new file. Forcing all of it only at its end would leave the disk idle while data is encoded
/// and everything waiting when it is done, so it is forced piece by piece.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: Arc<File>,
    /// What is written in small pieces goes to the system in larger ones.
    buffer: BufWriter<Arc<File>>,
    durability: Durability,
    written: u64,
    /// Bytes written since the last forcing began.
    ahead: u64,
    forcing: Option<JoinHandle<io::Result<()>>>,
}

impl DiskFile {
    /// Makes a file that must not exist yet.
    pub(crate) fn create(path: &Path, durability: Durability) -> Result<Self, Fault> {
        let file = File::create_new(path).map_err(|error| Fault::io("create", path, error))?;
        let file = Arc::new(file);
        let buffer = BufWriter::with_capacity(BUFFERED, Arc::clone(&file));
        Ok(Self { file, buffer, durability, written: 0, ahead: 0, forcing: None })
    }

    /// How many bytes have been written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Appends all of `source`, in the kernel where the file systems allow it. Stops early, with a
    /// fault, once `stop` is cancelled.
    pub(crate) fn append_all(
        &mut self,
        source: &OpenFile,
        path: &Path,
        stop: &CancellationToken,
    ) -> Result<(), Fault> {
        let length = source.source().len();
        let written = |error| Fault::io("write", path, error);
        self.buffer.flush().map_err(written)?;
        let (mut at, mut in_kernel, mut buffer) = (0, true, Vec::new());
        while at < length {
            if stop.is_cancelled() {
                return Err(Fault::cancelled());
            }
            let piece = usize::try_from(length - at).unwrap_or(usize::MAX).min(PIECE);
            let copied = match in_kernel {
                true => self.copy_in_kernel(source, at, piece).map_err(written)?,
                false => None,
            };
            let copied = match copied {
                Some(copied) => copied,
                None => {
                    in_kernel = false;
                    buffer.resize(piece.min(BUFFER), 0);
                    source
                        .read_exact_at(&mut buffer, at)
                        .map_err(|error| source.source().unreadable(error))?;
                    (&*self.file).write_all(&buffer).map_err(written)?;
                    buffer.len()
                }
            };
            at += copied as u64;
            self.count(copied).map_err(written)?;
        }
        Ok(())
    }

    /// Copies some bytes without bringing them into this process, and says how many; `None` where
    /// the kernel cannot.
    fn copy_in_kernel(
        &self,
        source: &OpenFile,
        at: u64,
        bytes: usize,
    ) -> io::Result<Option<usize>> {
        use rustix::io::Errno;

        let mut from = at;
        let to = &*self.file;
        match rustix::fs::copy_file_range(source.file(), Some(&mut from), to, None, bytes) {
            Ok(0) => Ok(None),
            Ok(copied) => Ok(Some(copied)),
            Err(error) if matches!(error, Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => {
                Err(error.into())
            }
            // Reading and writing find out what is wrong, if anything is.
            Err(_) => Ok(None),
        }
    }

    /// Bytes were written.
    fn count(&mut self, bytes: usize) -> io::Result<()> {
        self.written += bytes as u64;
        self.ahead += bytes as u64;
        if self.ahead >= SYNC_EVERY && self.durability == Durability::Disk {
            self.force_in_background()?;
        }
        Ok(())
    }

    /// Forces what is left, as far as was asked for.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.buffer.flush()?;
        self.wait()?;
        match self.durability {
            Durability::Disk => self.file.sync_all(),
            Durability::Process => Ok(()),
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        match self.forcing.take() {
            Some(forcing) => forcing
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("forcing data to the disk panicked"))),
            None => Ok(()),
        }
    }

    fn force_in_background(&mut self) -> io::Result<()> {
        let busy = self.forcing.as_ref().is_some_and(|forcing| !forcing.is_finished());
        if busy && self.ahead < MOST_AHEAD {
            return Ok(());
        }
        self.wait()?;
        self.ahead = 0;
        let file = Arc::clone(&self.file);
        let thread = std::thread::Builder::new().name("hygge-sync".to_owned());
        self.forcing = Some(thread.spawn(move || file.sync_data())?);
        Ok(())
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.buffer.write(bytes)?;
        self.count(count)?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buffer.flush()
    }
}

/// Forces the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path, durability: Durability) -> Result<(), Fault> {
    if durability == Durability::Process {
        return Ok(());
    }
    let forced = File::open(folder).and_then(|folder| folder.sync_all());
    match forced {
        Ok(()) => Ok(()),
        // Some network file systems keep folders durable by themselves and refuse to be asked.
        Err(error) if matches!(error.raw_os_error(), Some(code) if code == INVALID) => Ok(()),
        Err(error) => Err(Fault::io("force to the disk", folder, error)),
    }
}

const INVALID: i32 = rustix::io::Errno::INVAL.raw_os_error();

/// Writes a small file so that it is there whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), Fault> {
    let failed = |error| Fault::io("write", path, error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = File::create(&new).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    if durability == Durability::Disk {
        file.sync_all().map_err(failed)?;
    }
    std::fs::rename(&new, path).map_err(failed)?;
    match path.parent() {
        Some(folder) => sync_folder(folder, durability),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_forced_on_the_way_and_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let mut file = DiskFile::create(&path, Durability::Disk).unwrap();
        let piece = vec![7_u8; 1 << 20];
        for _ in 0..40 {
            file.write_all(&piece).unwrap();
        }
        assert!(file.forcing.is_some());
        assert_eq!(file.written(), 40 << 20);
        file.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 40 << 20);
        assert!(DiskFile::create(&path, Durability::Disk).is_err(), "it exists");
    }

    #[test]
    fn a_file_is_copied_behind_what_is_there() {
        use crate::home::source::SourceFile;

        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        let content: Vec<u8> = (0..(40 << 20)).map(|at: u32| (at / 7) as u8).collect();
        std::fs::write(&from, &content).unwrap();
        let found = std::fs::metadata(&from).unwrap();
        let source = Arc::new(SourceFile::new(from.clone(), &from, &found)).open().unwrap();
        let path = folder.path().join("to");
        let mut file = DiskFile::create(&path, Durability::Disk).unwrap();
        file.write_all(b"head").unwrap();
        file.append_all(&source, &path, &CancellationToken::new()).unwrap();
        file.finish().unwrap();
        assert_eq!(file.written(), 4 + content.len() as u64);
        let copied = std::fs::read(&path).unwrap();
        assert!(copied[..4] == *b"head" && copied[4..] == content);

        let stop = CancellationToken::new();
        stop.cancel();
        let fault = file.append_all(&source, &path, &stop).unwrap_err();
        assert_eq!(fault.kind(), hygge_core::fault::FaultKind::Cancelled);
    }

    #[test]
    fn a_small_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        write_whole(&path, b"long, the first one", Durability::Disk).unwrap();
        write_whole(&path, b"second", Durability::Process).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
