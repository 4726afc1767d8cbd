//! What lies in a table's folder, and how it is taken along into the next one.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use hygge_core::fault::Fault;
use rustix::fs::{Gid, Uid};

use super::pattern::is_data_file;
use super::place::STAGING;

/// Marks a folder as the one that a run put in place; holds the run's id. Removed once success
/// is in the journal.
pub(super) const MARKER: &str = ".hygge_run";

/// Which entries of a folder are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All but hygge's own marks.
    All,
    /// Those that are not part of the table: hidden ones with all below them, and files of other
    /// formats.
    Foreign,
    /// The files of the table.
    Data,
}

/// The files (and whatever else is no folder) below `folder`, relative to it, sorted.
pub(super) fn files(folder: &Path, which: Which) -> Result<Vec<PathBuf>, Fault> {
    let mut found = Vec::new();
    match fs::symlink_metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {
            list(folder, Path::new(""), which, false, &mut found)?;
        }
        _ => return Ok(found),
    }
    found.sort();
    Ok(found)
}

fn list(
    root: &Path,
    at: &Path,
    which: Which,
    hidden: bool,
    found: &mut Vec<PathBuf>,
) -> Result<(), Fault> {
    let folder = root.join(at);
    let failed = |error| Fault::io("list", &folder, error);
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if at.as_os_str().is_empty() && (name == MARKER || name == STAGING) {
            continue;
        }
        let hidden = hidden || name.as_encoded_bytes().starts_with(b".");
        let path = at.join(&name);
        if entry.file_type().map_err(failed)?.is_dir() {
            list(root, &path, which, hidden, found)?;
            continue;
        }
        let data = !hidden && is_data(&name);
        let wanted = match which {
            Which::All => true,
            Which::Foreign => !data,
            Which::Data => data,
        };
        if wanted {
            found.push(path);
        }
    }
    Ok(())
}

fn is_data(name: &OsStr) -> bool {
    is_data_file(&name.to_string_lossy())
}

/// Puts a file of `from` into `to` as well, as the same file where the file system and its rules
/// allow it, else as a copy if `copy` allows that. What `to` has under this name gives way.
pub(super) fn take_along(from: &Path, to: &Path, file: &Path, copy: bool) -> io::Result<()> {
    let (old, new) = (from.join(file), to.join(file));
    make_parents(from, to, file)?;
    if let Ok(there) = fs::symlink_metadata(&new) {
        if same_file(&there, &fs::symlink_metadata(&old)?) {
            return Ok(());
        }
        fs::remove_file(&new)?;
    }
    match fs::hard_link(&old, &new) {
        Err(error) if copy && error.kind() != io::ErrorKind::NotFound => copy_file(&old, &new),
        result => result,
    }
}

/// Makes the folders that lead to `file` in `to`, with the permissions they have in `from`.
fn make_parents(from: &Path, to: &Path, file: &Path) -> io::Result<()> {
    let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    make_parents(from, to, parent)?;
    match fs::create_dir(to.join(parent)) {
        Ok(()) => same_permissions(&from.join(parent), &to.join(parent)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn copy_file(old: &Path, new: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(old)?;
    if metadata.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(old)?, new);
    }
    fs::copy(old, new)?;
    let file = fs::File::options().write(true).open(new)?;
    file.set_modified(metadata.modified()?)?;
    keep_owner(&metadata, new);
    file.sync_all()
}

/// Brings over what changed in `old` after its files were taken along into `new`: a file that
/// is not in `new`, or is there as an older one.
pub(super) fn bring_changes(old: &Path, new: &Path, which: Which) -> Result<(), Fault> {
    for file in files(old, which)? {
        let (before, now) = (old.join(&file), new.join(&file));
        let failed = |error| Fault::io("keep", &now, error);
        let Ok(source) = fs::symlink_metadata(&before) else { continue };
        match fs::symlink_metadata(&now) {
            Ok(there) if same_file(&there, &source) || !newer(&source, &there) => {}
            Ok(_) => fs::rename(&before, &now).map_err(failed)?,
            Err(_) => take_along(old, new, &file, true).map_err(failed)?,
        }
    }
    Ok(())
}

fn same_file(a: &Metadata, b: &Metadata) -> bool {
    a.ino() == b.ino() && a.dev() == b.dev()
}

fn newer(a: &Metadata, b: &Metadata) -> bool {
    (a.mtime(), a.mtime_nsec()) > (b.mtime(), b.mtime_nsec())
}

/// Gives `to` the permissions of `from`, and its owner where that is allowed.
pub(super) fn same_permissions(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::metadata(from)?;
    // Changing the owner takes special bits away: permissions come second.
    keep_owner(&metadata, to);
    fs::set_permissions(to, metadata.permissions())
}

fn keep_owner(metadata: &Metadata, to: &Path) {
    let Ok(now) = fs::symlink_metadata(to) else { return };
    let owner = (now.uid() != metadata.uid()).then(|| Uid::from_raw(metadata.uid()));
    let group = (now.gid() != metadata.gid()).then(|| Gid::from_raw(metadata.gid()));
    if owner.is_some() || group.is_some() {
        // Only a privileged user may give files away; the permissions still hold for the rest.
        let _ = rustix::fs::chown(to, owner, group);
    }
}

/// Marks `folder` as the one that `run` puts in place.
pub(super) fn mark(folder: &Path, run: &str) -> Result<(), Fault> {
    let path = folder.join(MARKER);
    fs::write(&path, run).map_err(|error| Fault::io("write", &path, error))
}

/// The run that put `folder` in place, if its mark is still there.
pub(super) fn marked(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(MARKER)).ok()
}

/// Takes the mark away.
pub(super) fn unmark(folder: &Path) -> Result<(), Fault> {
    let path = folder.join(MARKER);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::io("remove", &path, error))
        }
        _ => Ok(()),
    }
}

/// Whether there is anything under this name, a dangling link included.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
    }

    fn names(found: Vec<PathBuf>) -> Vec<String> {
        found.into_iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn data_is_told_from_what_is_foreign() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        tree(
            root,
            &[
                "1.parquet",
                "sub/2.csv.gz",
                "sub/note.txt",
                "README.md",
                ".hygge_journal/journal.parquet",
                ".hygge_run",
                ".hygge_staging/f.e/run/data/1.parquet",
            ],
        );
        assert_eq!(names(files(root, Which::Data).unwrap()), ["1.parquet", "sub/2.csv.gz"]);
        let foreign = [".hygge_journal/journal.parquet", "README.md", "sub/note.txt"];
        assert_eq!(names(files(root, Which::Foreign).unwrap()), foreign);
        assert_eq!(files(root, Which::All).unwrap().len(), 5);
        assert!(files(&root.join("absent"), Which::All).unwrap().is_empty());
    }

    #[test]
    fn what_is_taken_along_is_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        fs::create_dir(&new).unwrap();
        tree(&old, &["a/b/note.txt"]);
        fs::set_permissions(old.join("a"), std::os::unix::fs::PermissionsExt::from_mode(0o750))
            .unwrap();
        let file = Path::new("a/b/note.txt");
        for _ in 0..2 {
            take_along(&old, &new, file, false).unwrap();
        }
        let ino = |root: &Path| fs::metadata(root.join(file)).unwrap().ino();
        assert_eq!(ino(&old), ino(&new));
        assert_eq!(fs::metadata(new.join("a")).unwrap().mode() & 0o777, 0o750);
    }

    #[test]
    fn only_what_changed_is_brought_over() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        fs::create_dir(&new).unwrap();
        tree(&old, &["same.txt", "changed.txt", "other.txt"]);
        for file in ["same.txt", "changed.txt", "other.txt"] {
            take_along(&old, &new, Path::new(file), false).unwrap();
        }
        let replace = |root: &Path, name: &str, text: &str, age: u64| {
            let temporary = root.join("temporary");
            fs::write(&temporary, text).unwrap();
            let time = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
            fs::File::options().write(true).open(&temporary).unwrap().set_modified(time).unwrap();
            fs::rename(&temporary, root.join(name)).unwrap();
        };
        // Both sides replaced it: the later one stays.
        replace(&old, "other.txt", "earlier", 60);
        replace(&new, "other.txt", "later", 0);
        // Only the old side replaced it, and a new one came.
        fs::remove_file(new.join("changed.txt")).unwrap();
        tree(&old, &["late.txt", "late.parquet"]);
        bring_changes(&old, &new, Which::Foreign).unwrap();
        let text = |name: &str| fs::read_to_string(new.join(name)).unwrap();
        assert_eq!(text("other.txt"), "later");
        assert_eq!(text("changed.txt"), "changed.txt");
        assert_eq!(text("late.txt"), "late.txt");
        assert!(!exists(&new.join("late.parquet")));
    }
}
