//! A file that is forced to the disk while it is still being written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use hygge_core::contract::{Durability, Portion};
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
    /// fault, once `stop` is cancelled. Each piece is told to `portion`.
    pub(crate) fn append_all(
        &mut self,
        source: &OpenFile,
        path: &Path,
        stop: &CancellationToken,
        portion: &mut Portion,
    ) -> Result<(), Fault> {
        self.append_all_with(&mut in_kernel, source, path, stop, portion)
    }

    /// As [`append_all`](Self::append_all), by this way of copying as far as it goes.
    fn append_all_with(
        &mut self,
        kernel: &mut CopyInKernel<'_>,
        source: &OpenFile,
        path: &Path,
        stop: &CancellationToken,
        portion: &mut Portion,
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
                true => believed(kernel(source, at, &self.file, piece)).map_err(written)?,
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
            portion.reached(at, length);
        }
        Ok(())
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

    /// Reads what was written.
    pub(crate) fn read_back(&mut self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.buffer.flush()?;
        self.file.read_exact_at(buffer, at)
    }

    /// Writes over what was written.
    pub(crate) fn write_over(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.buffer.flush()?;
        self.file.write_all_at(bytes, at)
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

/// Copies so many bytes of a file from an offset on to where another is, and says how many.
type CopyInKernel<'a> = dyn FnMut(&OpenFile, u64, &File, usize) -> rustix::io::Result<usize> + 'a;

/// Copies without bringing the bytes into this process.
fn in_kernel(source: &OpenFile, at: u64, to: &File, bytes: usize) -> rustix::io::Result<usize> {
    let mut from = at;
    rustix::fs::copy_file_range(source.file(), Some(&mut from), to, None, bytes)
}

/// What the kernel copied; `None` where it cannot, so that it is to be done without it.
fn believed(copied: rustix::io::Result<usize>) -> io::Result<Option<usize>> {
    use rustix::io::Errno;

    match copied {
        // Nothing before the end: some file systems say so of files they make up as they are read.
        Ok(0) => Ok(None),
        Ok(copied) => Ok(Some(copied)),
        Err(error) if matches!(error, Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => {
            Err(error.into())
        }
        // Reading and writing find out what is wrong, if anything is.
        Err(_) => Ok(None),
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
    use std::sync::Mutex;

    use hygge_core::contract::Progress;
    use hygge_core::engine::event::{EntityName, Event, Listener};
    use hygge_core::fault::FaultKind;

    use super::*;
    use crate::home::source::SourceFile;

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

    /// A source of 40 MiB, and what is in it.
    fn large_source(folder: &Path) -> (Arc<OpenFile>, Vec<u8>) {
        let from = folder.join("from");
        let content: Vec<u8> = (0..(40 << 20)).map(|at: u32| (at / 7) as u8).collect();
        std::fs::write(&from, &content).unwrap();
        let found = std::fs::metadata(&from).unwrap();
        let source = SourceFile::new(from.clone(), &from, &found);
        (Arc::new(Arc::new(source).open().unwrap()), content)
    }

    fn unwatched() -> Portion {
        Progress::silent().portion(0, 0)
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<u64>>);

    impl Listener for Heard {
        fn event(&self, event: &Event) {
            if let Event::Progress { rows, .. } = event {
                self.0.lock().unwrap().push(*rows);
            }
        }
    }

    #[test]
    fn a_file_is_copied_behind_what_is_there_and_each_piece_is_progress() {
        let folder = tempfile::tempdir().unwrap();
        let (source, content) = large_source(folder.path());
        let path = folder.path().join("to");
        let mut file = DiskFile::create(&path, Durability::Disk).unwrap();
        file.write_all(b"head").unwrap();
        let heard = Arc::new(Heard::default());
        let name = EntityName { flow: "f".into(), entity: "e".into() };
        let mut portion =
            Progress::new(Some(name), Arc::<Heard>::clone(&heard)).portion(400, 40 << 20);
        file.append_all(&source, &path, &CancellationToken::new(), &mut portion).unwrap();
        file.finish().unwrap();
        assert_eq!(file.written(), 4 + content.len() as u64);
        let copied = std::fs::read(&path).unwrap();
        assert!(copied[..4] == *b"head" && copied[4..] == content);
        let heard = heard.0.lock().unwrap();
        assert!(heard.len() >= 3 && heard.is_sorted(), "{heard:?}");
        assert_eq!(heard.last(), Some(&400));
    }

    #[test]
    fn a_copy_that_is_not_wanted_any_more_ends_between_two_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let (source, _) = large_source(folder.path());
        let path = folder.path().join("to");
        let mut file = DiskFile::create(&path, Durability::Process).unwrap();
        let stop = CancellationToken::new();
        let mut pieces = 0;
        let mut kernel = |source: &OpenFile, at, to: &File, bytes| {
            pieces += 1;
            stop.cancel();
            in_kernel(source, at, to, bytes)
        };
        let ended =
            file.append_all_with(&mut kernel, &source, &path, &stop, &mut unwatched()).unwrap_err();
        assert_eq!((ended.kind(), pieces), (FaultKind::Cancelled, 1));
        assert!(file.written() <= PIECE as u64);
    }

    #[test]
    fn what_the_kernel_refuses_to_copy_is_copied_without_it() {
        use rustix::io::Errno;

        let folder = tempfile::tempdir().unwrap();
        let (source, content) = large_source(folder.path());
        let refusals = [Errno::XDEV, Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL, Errno::IO];
        for (at, refusal) in refusals.into_iter().map(Err).chain([Ok(0)]).enumerate() {
            // At once, and half way.
            for willing in [0, 1] {
                let path = folder.path().join(format!("{at}-{willing}"));
                let mut file = DiskFile::create(&path, Durability::Process).unwrap();
                let mut calls = 0;
                let mut kernel = |source: &OpenFile, at, to: &File, bytes| {
                    calls += 1;
                    if calls > willing { refusal } else { in_kernel(source, at, to, bytes) }
                };
                let stop = CancellationToken::new();
                file.append_all_with(&mut kernel, &source, &path, &stop, &mut unwatched()).unwrap();
                file.finish().unwrap();
                assert!(std::fs::read(&path).unwrap() == content, "{refusal:?}");
                assert_eq!(calls, willing + 1, "it is not asked again");
                std::fs::remove_file(&path).unwrap();
            }
        }
    }

    #[test]
    fn a_full_disk_is_no_refusal() {
        use rustix::io::Errno;

        let folder = tempfile::tempdir().unwrap();
        let (source, _) = large_source(folder.path());
        for full in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            let path = folder.path().join(format!("{}", full.raw_os_error()));
            let mut file = DiskFile::create(&path, Durability::Process).unwrap();
            let mut kernel = |_: &OpenFile, _, _: &File, _| Err(full);
            let stop = CancellationToken::new();
            let fault = file
                .append_all_with(&mut kernel, &source, &path, &stop, &mut unwatched())
                .unwrap_err();
            assert_eq!((fault.kind(), file.written()), (FaultKind::Resource, 0), "{fault:?}");
        }
    }

    #[test]
    fn a_file_is_copied_to_another_file_system() {
        use std::os::unix::fs::MetadataExt as _;

        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir().unwrap();
        let device = |path: &Path| std::fs::metadata(path).map(|found| found.dev()).ok();
        if device(memory).is_none() || device(memory) == device(folder.path()) {
            return;
        }
        let other = tempfile::tempdir_in(memory).unwrap();
        let (source, content) = large_source(folder.path());
        let path = other.path().join("to");
        let mut file = DiskFile::create(&path, Durability::Process).unwrap();
        file.append_all(&source, &path, &CancellationToken::new(), &mut unwatched()).unwrap();
        file.finish().unwrap();
        assert!(std::fs::read(&path).unwrap() == content);
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
