//! Puts a prepared folder into the place of another.

use std::fs;
use std::io;
use std::path::Path;

use hygge_core::contract::Durability;
use hygge_core::fault::Fault;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::disk::sync_folder;
use super::folder;

/// How often the state of the destination is looked at again when it changes under our hands.
const TRIES: usize = 16;

/// What came of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swap {
    /// The new folder is in place; the old one, if there was one, is where it was or aside.
    Done,
    /// This file system cannot rename the folder at all: nothing has changed.
    Impossible,
}

/// What a file system offers; tests leave some of it out.
pub(super) trait Renames {
    /// Exchanges two folders in one step.
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()>;
    /// Renames, unless there is something under the new name.
    fn to_nothing(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a folder.
    fn plain(&self, from: &Path, to: &Path) -> io::Result<()>;
}

/// The file system itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Native;

impl Renames for Native {
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
    }

    fn to_nothing(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(error) if unknown(error) => {
                if folder::exists(to) {
                    return Err(Errno::EXIST.into());
                }
                fs::rename(from, to)
            }
            result => Ok(result?),
        }
    }

    fn plain(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}

/// The file system or the kernel does not know this way to rename.
fn unknown(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

fn errno(error: &io::Error) -> Option<Errno> {
    Errno::from_io_error(error)
}

/// Puts `new` into the place of `destination` in one step, so that at every instant there is the
/// one or the other.
///
/// Where a file system cannot exchange two folders, the old one is renamed to `aside` and the
/// new one into its place. Between these two there is no folder at all for an instant; after a
/// crash just then, calling this again finishes it.
pub(super) fn swap(
    renames: &dyn Renames,
    new: &Path,
    destination: &Path,
    aside: &Path,
    durability: Durability,
) -> Result<Swap, Fault> {
    let failed = |error| Fault::io("publish to", destination, error);
    for _ in 0..TRIES {
        let renamed = if folder::exists(destination) {
            folder::same_permissions(destination, new).map_err(failed)?;
            sync_folder(new, durability)?;
            renames.exchange(new, destination)
        } else {
            sync_folder(new, durability)?;
            renames.to_nothing(new, destination)
        };
        match renamed {
            Ok(()) => {
                sync_around(new, destination, durability)?;
                return Ok(Swap::Done);
            }
            // It came or went since we looked.
            Err(error)
                if matches!(errno(&error), Some(Errno::EXIST | Errno::NOTEMPTY))
                    || (errno(&error) == Some(Errno::NOENT) && folder::exists(new)) => {}
            Err(error) => match errno(&error) {
                Some(code) if unknown(code) || immovable(code) => {
                    return step_aside(renames, new, destination, aside, durability);
                }
                _ => return Err(failed(error)),
            },
        }
    }
    Err(Fault::new(
        hygge_core::fault::FaultKind::Transient,
        format!("{} keeps appearing and disappearing", destination.display()),
    )
    .with_help("another program works on this folder: stop it, and run again"))
}

/// A folder that cannot be renamed although files in it can: a mount, or a lower layer.
fn immovable(error: Errno) -> bool {
    matches!(error, Errno::XDEV | Errno::BUSY)
}

fn step_aside(
    renames: &dyn Renames,
    new: &Path,
    destination: &Path,
    aside: &Path,
    durability: Durability,
) -> Result<Swap, Fault> {
    let failed = |error| Fault::io("publish to", destination, error);
    if folder::exists(destination) {
        match renames.plain(destination, aside) {
            Ok(()) => sync_around(aside, destination, durability)?,
            Err(error) if errno(&error).is_some_and(|code| unknown(code) || immovable(code)) => {
                return Ok(Swap::Impossible);
            }
            Err(error) => return Err(failed(error)),
        }
    }
    if let Err(error) = renames.plain(new, destination) {
        // The old table goes back before anything is said about it.
        if folder::exists(aside) && !folder::exists(destination) {
            renames.plain(aside, destination).map_err(failed)?;
        }
        return match errno(&error) {
            Some(code) if unknown(code) || immovable(code) => Ok(Swap::Impossible),
            _ => Err(failed(error)),
        };
    }
    sync_around(new, destination, durability)?;
    Ok(Swap::Done)
}

fn sync_around(a: &Path, b: &Path, durability: Durability) -> Result<(), Fault> {
    for folder in [a.parent(), b.parent()].into_iter().flatten() {
        sync_folder(folder, durability)?;
    }
    Ok(())
}
