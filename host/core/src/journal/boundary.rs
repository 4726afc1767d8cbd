//! The keys of the rows that landed with exactly the last watermark.
//!
//! The journal's columns have no place for them, so each success has a file of its own, named by
//! its run and complete before the success is recorded: at every instant the file of the last
//! recorded success is there. A file that is damaged counts as absent; the Store is asked then.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::JournalError;
use super::record::hashed;
use super::table::sync_folder;
use crate::contract::Durability;
use crate::engine::event::EntityName;
use crate::watermark::KeySet;

const FOLDER: &str = "boundary";
const MAGIC: &[u8; 16] = b"hygge boundary 1";
const TEMPORARY: &str = "tmp";

/// The boundaries of a project.
#[derive(Clone, Debug)]
pub(super) struct Boundaries {
    folder: PathBuf,
}

/// Whose boundary: an entity and the journal it is recorded in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owner(String);

impl Owner {
    pub(super) fn new(journal: Option<&str>, name: &EntityName) -> Self {
        // Neither can have a line end in its name by accident and mean another.
        let mut owner = hashed(&[journal.unwrap_or("\n"), "\n", &name.flow, "\n", &name.entity]);
        owner.truncate(16);
        Self(owner)
    }
}

impl Boundaries {
    pub(super) fn new(house: &Path) -> Self {
        Self { folder: house.join(FOLDER) }
    }

    fn path(&self, owner: &Owner, entity_run_id: &str) -> PathBuf {
        self.folder.join(format!("{}-{entity_run_id}.keys", owner.0))
    }

    /// Keeps the boundary of a run.
    pub(super) fn write(
        &self,
        owner: &Owner,
        entity_run_id: &str,
        keys: &KeySet,
        durability: Durability,
    ) -> Result<(), JournalError> {
        fs::create_dir_all(&self.folder).map_err(JournalError::io("create", &self.folder))?;
        let path = self.path(owner, entity_run_id);
        let temporary = path.with_extension(TEMPORARY);
        let written = File::create(&temporary).and_then(|file| {
            let mut out = BufWriter::new(file);
            let mut sum = Sha256::new();
            out.write_all(MAGIC)?;
            for hash in &keys.hashes {
                sum.update(hash);
                out.write_all(hash)?;
            }
            out.write_all(&sum.finalize())?;
            let file = out.into_inner()?;
            if durability == Durability::Disk { file.sync_all() } else { Ok(()) }
        });
        written.map_err(JournalError::io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(JournalError::io("replace", &path))?;
        if durability == Durability::Disk {
            sync_folder(&path)?;
        }
        Ok(())
    }

    /// The boundary of a run, if it is kept and whole.
    pub(super) fn read(&self, owner: &Owner, entity_run_id: &str) -> Option<KeySet> {
        let bytes = fs::read(self.path(owner, entity_run_id)).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (keys, sum) = rest.split_at_checked(rest.len().checked_sub(32)?)?;
        if Sha256::digest(keys).as_slice() != sum {
            return None;
        }
        let (keys, odd) = keys.as_chunks::<16>();
        odd.is_empty().then(|| KeySet { hashes: keys.iter().copied().collect() })
    }

    /// Removes the boundaries of `owner` of all runs but those in `keep`. What cannot be removed
    /// is only in the way of nobody.
    pub(super) fn clean(&self, owner: &Owner, keep: &HashSet<&str>) {
        for (path, name) in self.files() {
            let Some(run) = name
                .strip_prefix(owner.0.as_str())
                .and_then(|rest| rest.strip_prefix('-'))
                .and_then(|rest| rest.strip_suffix(".keys"))
            else {
                continue;
            };
            if !keep.contains(run) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Removes what a killed run was about to write.
    pub(super) fn clean_temporary(&self) {
        for (path, _) in self.files() {
            if path.extension().is_some_and(|extension| extension == TEMPORARY) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn files(&self) -> impl Iterator<Item = (PathBuf, String)> {
        fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(flow: &str, entity: &str) -> EntityName {
        EntityName { flow: flow.into(), entity: entity.into() }
    }

    fn keys(count: u8) -> KeySet {
        KeySet { hashes: (0..count).map(|byte| [byte; 16]).collect() }
    }

    #[test]
    fn a_boundary_belongs_to_one_run_of_one_owner() {
        let house = tempfile::tempdir().unwrap();
        let boundaries = Boundaries::new(house.path());
        let users = Owner::new(None, &name("f", "users"));
        let orders = Owner::new(Some("j"), &name("f", "users"));
        assert_ne!(users, orders);
        assert_eq!(boundaries.read(&users, "r1"), None);
        for (owner, run, count) in [(&users, "r1", 1), (&users, "r2", 2), (&orders, "r1", 0)] {
            boundaries.write(owner, run, &keys(count), Durability::Disk).unwrap();
        }
        assert_eq!(boundaries.read(&users, "r2"), Some(keys(2)));
        boundaries.clean(&users, &HashSet::from(["r2"]));
        assert_eq!(boundaries.read(&users, "r1"), None);
        assert_eq!(boundaries.read(&users, "r2"), Some(keys(2)));
        assert_eq!(boundaries.read(&orders, "r1"), Some(keys(0)));
    }

    #[test]
    fn a_damaged_boundary_is_none() {
        let house = tempfile::tempdir().unwrap();
        let boundaries = Boundaries::new(house.path());
        let owner = Owner::new(None, &name("f", "e"));
        boundaries.write(&owner, "r", &keys(3), Durability::Process).unwrap();
        let path = boundaries.path(&owner, "r");
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(boundaries.read(&owner, "r"), None, "of {length} bytes");
        }
        let mut changed = whole.clone();
        changed[20] ^= 1;
        fs::write(&path, changed).unwrap();
        assert_eq!(boundaries.read(&owner, "r"), None);
        fs::write(&path, whole).unwrap();
        assert_eq!(boundaries.read(&owner, "r"), Some(keys(3)));
    }
}
