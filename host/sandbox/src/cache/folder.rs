//! The folder of compiled connectors, as long as it can be trusted.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
};

use super::entry::Key;

/// Bytes of a single entry.
const LARGEST: u64 = 1 << 30;
/// Bytes of all entries.
const MOST: u64 = 1 << 30;
/// An entry that was not used for so long is removed.
const OLDEST: Duration = Duration::from_secs(90 * 24 * 3600);
/// A file that was never finished is removed after so long.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);
/// Marks files that are being written.
const TEMPORARY: &str = ".new";

/// The folder, open.
pub(super) struct Folder(File);

impl Folder {
    /// Opens the folder, after making it where there is none. Says why it cannot be trusted
    /// otherwise.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| format!("cannot make {shown}: {error}"))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|error| format!("cannot open {shown}: {error}"))?;
        let stat = rustix::fs::fstat(&folder)
            .map_err(|error| format!("cannot look at {shown}: {error}"))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(format!("{shown} belongs to another user"));
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(format!("{shown} is open to other users: empty it and `chmod 700` it"));
        }
        Ok(Self(folder.into()))
    }

    /// The code of an entry; none where there is no such entry.
    pub(super) fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, String> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.0, key.name(), flags, Mode::empty()) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(format!("it cannot be opened: {error}")),
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| error.to_string())?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err("it is not a file".to_owned());
        }
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err("it belongs to another user".to_owned());
        }
        if stat.st_mode & 0o022 != 0 {
            return Err("other users may write it".to_owned());
        }
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > LARGEST {
            return Err(format!("it has {size} bytes"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let file = File::from(file);
        (&file).take(LARGEST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        // How lately an entry was used says which to remove. It matters little when that fails.
        let now = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        };
        let _ = rustix::fs::futimens(&file, &now);
        key.code(bytes).map(Some)
    }

    /// Keeps the code of an entry. It is there whole or not at all.
    pub(super) fn write(&self, key: &Key, code: &[u8]) -> io::Result<()> {
        let name = key.name();
        // Processes and threads that make the same entry do not get into each other's way.
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let nth = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let unfinished = format!("{name}.{}-{nth}{TEMPORARY}", std::process::id());
        let written = self
            .write_as(&unfinished, key, code)
            .and_then(|()| Ok(rustix::fs::renameat(&self.0, &unfinished, &self.0, &name)?));
        if written.is_err() {
            let _ = rustix::fs::unlinkat(&self.0, &unfinished, AtFlags::empty());
        }
        self.prune(&name);
        written
    }

    fn write_as(&self, name: &str, key: &Key, code: &[u8]) -> io::Result<()> {
        let _ = rustix::fs::unlinkat(&self.0, name, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file =
            File::from(rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(&key.head(code))?;
        file.write_all(code)
    }

    /// Removes an entry, whatever it is.
    pub(super) fn remove(&self, key: &Key) {
        let _ = rustix::fs::unlinkat(&self.0, key.name(), AtFlags::empty());
        let _ = rustix::fs::unlinkat(&self.0, key.name(), AtFlags::REMOVEDIR);
    }

    /// Removes what was not used for long, then the least lately used of what is too much. `keep`
    /// stays in any case. A file that cannot be removed is left to the next time.
    fn prune(&self, keep: &str) {
        let Ok(listing) = Dir::read_from(&self.0) else { return };
        let mut entries: Vec<(Duration, u64, String)> = Vec::new();
        for found in listing.flatten() {
            let Ok(name) = found.file_name().to_str() else { continue };
            let Ok(stat) = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && name != keep {
                let size = u64::try_from(stat.st_size).unwrap_or(0);
                entries.push((age(&stat), size, name.to_owned()));
            }
        }
        entries.sort();
        let mut kept = 0u64;
        for (age, size, name) in entries {
            let longest = if name.ends_with(TEMPORARY) { ABANDONED } else { OLDEST };
            if age > longest || kept.saturating_add(size) > MOST {
                let _ = rustix::fs::unlinkat(&self.0, &name, AtFlags::empty());
            } else {
                kept += size;
            }
        }
    }
}

/// How long ago a file was last used.
fn age(stat: &Stat) -> Duration {
    let used = UNIX_EPOCH + Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
    SystemTime::now().duration_since(used).unwrap_or_default()
}
