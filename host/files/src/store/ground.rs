//! Where the files of a load are staged: on fresh ground, or on what a checkpoint left.

use std::fs;
use std::io;
use std::path::Path;

use hygge_core::contract::Durability;
use hygge_core::fault::{Fault, FaultKind};

use super::FileStore;
use super::detail::{Detail, StagedFile, Staging, remove_folder};
use super::disk::sync_folder;
use super::place::Place;

/// How often making the staging folder is tried again when another entity, done with its own,
/// removes the folder around it at the same moment.
const TRIES: usize = 8;

/// The staging of a load, and what is in it.
pub(super) struct Ground {
    pub place: Place,
    pub staging: Staging,
    /// Files that are staged already.
    pub staged: Vec<StagedFile>,
}

impl Ground {
    /// Makes the folder for staged files, without anything an earlier attempt of this run left.
    pub(super) fn fresh(store: &FileStore, run: &str) -> Result<Self, Fault> {
        let place = store.place()?;
        let staging = Staging::new(place.staging.join(run));
        remove_folder(&staging.folder)?;
        let data = staging.data();
        let mut tries = 0;
        loop {
            match fs::create_dir_all(&data) {
                Ok(()) => return Ok(Self { place, staging, staged: Vec::new() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {
                    tries += 1;
                }
                Err(error) => return Err(Fault::io("create", &data, error)),
            }
        }
    }

    /// Looks whether all is still there that a checkpoint names, and removes what came after it.
    pub(super) fn left_by(
        store: &FileStore,
        detail: Detail,
        durability: Durability,
    ) -> Result<Self, Fault> {
        let place = store.place()?;
        let staging = Staging::new(&detail.staging);
        let same = place.destination == detail.destination && place.inside == detail.inside;
        if !same || staging.folder.parent() != Some(&place.staging) {
            return Err(Fault::missing(format!(
                "the rows in {} were staged for another place",
                staging.folder.display()
            )));
        }
        let data = staging.data();
        if !data.is_dir() {
            return Err(Fault::missing(format!("{} does not exist any more", data.display())));
        }
        for file in &detail.files {
            let path = data.join(&file.name);
            verify(&path, file)?;
            // It was durable as far as the run that wrote it asked for.
            if durability == Durability::Disk && detail.durability() == Durability::Process {
                let forced = fs::File::open(&path).and_then(|file| file.sync_all());
                forced.map_err(|error| Fault::io("force to the disk", &path, error))?;
            }
        }
        // The first to go is what would call the load staged.
        remove_others(&staging.folder, |name| data.file_name() == Some(name.as_ref()))?;
        remove_others(&data, |name| detail.files.iter().any(|file| file.name == name))?;
        Ok(Self { place, staging, staged: detail.files })
    }
}

fn verify(path: &Path, file: &StagedFile) -> Result<(), Fault> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() && found.len() == file.bytes => Ok(()),
        Ok(_) => Err(Fault::missing(format!(
            "{} is no longer the file of {} bytes that was staged",
            path.display(),
            file.bytes
        ))),
        Err(error) => Err(Fault::io("find", path, error)),
    }
}

/// Removes what is in a folder under other names than those to keep.
fn remove_others(folder: &Path, keep: impl Fn(&str) -> bool) -> Result<(), Fault> {
    let listed = |error| Fault::io("list", folder, error);
    for entry in fs::read_dir(folder).map_err(listed)? {
        let entry = entry.map_err(listed)?;
        if entry.file_name().to_str().is_some_and(&keep) {
            continue;
        }
        let path = entry.path();
        let removed = match entry.file_type().map_err(listed)?.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Fault::io("remove", &path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Forces the names of staged files, and those of the folders that lead to them.
pub(super) fn sync_names(staging: &Staging, durability: Durability) -> Result<(), Fault> {
    sync_folder(&staging.data(), durability)?;
    for folder in staging.folder.ancestors().take(4) {
        // A folder that can be searched but not read cannot be forced, and was there before.
        if let Err(fault) = sync_folder(folder, durability)
            && fault.kind() != FaultKind::Auth
        {
            return Err(fault);
        }
    }
    Ok(())
}
