//! Makes staged files visible.
//!
//! Every step can be repeated: what is decided is written down in staging before it is acted
//! on, and the folder that a run put in place carries the run's mark until success is in the
//! journal. So a fresh process finds out from the disk alone how far an earlier one came.
//!
//! How it is done depends on what the file system offers:
//!
//! - A table that is replaced, or that several files are added to, is prepared as a whole new
//!   folder (old files as hard links, which cost no space) and exchanged with the old one in one
//!   step. A single new file is renamed into place.
//! - Where folders cannot be exchanged, the old one steps aside and the new one takes its place;
//!   for an instant there is neither.
//! - Where the folder cannot be renamed at all, because a disk is mounted there, files are
//!   renamed one by one; for a moment a reader may see some of the old and some of the new.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hygge_core::contract::{Durability, Manifest, Mode, Published};
use hygge_core::fault::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use super::detail::{Detail, Staging, remove_folder};
use super::disk::{sync_folder, write_whole};
use super::folder::{self, Which};
use super::parquet::{footer, rows_of};
use super::swap::{Renames, Swap, swap};
use crate::format::Format;

/// How often names are chosen anew when another program takes them first.
const TRIES: usize = 16;

/// What was decided; written to staging before it is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Plan {
    /// The names of the new files at the destination, in the order staged.
    names: Vec<String>,
    /// Files are renamed one by one.
    one_by_one: bool,
    /// Files of the old table, to be moved out of the way first.
    removed: Vec<PathBuf>,
}

/// One staged load on its way to its destination.
pub(super) struct Publication<'a> {
    run: &'a str,
    mode: Mode,
    detail: Detail,
    staging: Staging,
    durability: Durability,
    renames: &'a dyn Renames,
}

impl<'a> Publication<'a> {
    pub(super) fn new(manifest: &'a Manifest, renames: &'a dyn Renames) -> Result<Self, Fault> {
        let detail = Detail::read(manifest)?;
        Ok(Self {
            run: &manifest.entity_run_id,
            mode: manifest.mode,
            staging: Staging::new(&detail.staging),
            durability: detail.durability(),
            detail,
            renames,
        })
    }

    /// Makes the files visible, and counts what is then there.
    pub(super) fn publish(&self) -> Result<Published, Fault> {
        let names = self.complete()?;
        self.count(&names)
    }

    /// Finishes a publication that has begun to change the destination, if one has.
    pub(super) fn finish_if_begun(&self) -> Result<(), Fault> {
        let stepped_aside =
            folder::exists(&self.staging.old()) && !folder::exists(&self.detail.destination);
        let one_by_one = self.read_plan()?.is_some_and(|plan| plan.one_by_one);
        if self.is_in_place() || stepped_aside || one_by_one {
            self.complete()?;
        }
        Ok(())
    }

    /// Whether the destination is the folder that this run put there.
    fn is_in_place(&self) -> bool {
        folder::marked(&self.detail.destination).as_deref() == Some(self.run)
    }

    fn complete(&self) -> Result<Vec<String>, Fault> {
        if self.detail.files.is_empty() {
            return Ok(Vec::new());
        }
        if !self.is_in_place() {
            if !folder::exists(&self.staging.folder) {
                return Err(Fault::missing(format!(
                    "what was staged for {} is gone: {} does not exist",
                    self.detail.destination.display(),
                    self.staging.folder.display()
                ))
                .with_help("run again; the destination is as it was before"));
            }
            self.finish_stepping_aside()?;
        }
        if !self.is_in_place() {
            match self.mode {
                Mode::Replace => self.replace()?,
                Mode::Append => self.append()?,
            }
        }
        let plan = self.read_plan()?.unwrap_or_default();
        if !plan.one_by_one {
            self.bring_changes()?;
        }
        Ok(if plan.names.is_empty() { self.staged_names() } else { plan.names })
    }

    fn staged_names(&self) -> Vec<String> {
        self.detail.files.iter().map(|file| file.name.clone()).collect()
    }

    /// Where a crash left the old folder aside and nothing in its place.
    fn finish_stepping_aside(&self) -> Result<(), Fault> {
        let destination = &self.detail.destination;
        if folder::exists(destination) || !folder::exists(&self.staging.old()) {
            return Ok(());
        }
        for new in [self.staging.table(), self.staging.data()] {
            if folder::marked(&new).as_deref() == Some(self.run) {
                swap(self.renames, &new, destination, &self.staging.old(), self.durability)?;
                return Ok(());
            }
        }
        Ok(())
    }

    fn replace(&self) -> Result<(), Fault> {
        let (data, destination) = (self.staging.data(), &self.detail.destination);
        let plan = self.read_plan()?;
        if !self.detail.inside && plan.is_none() {
            self.remove_foreign(&data)?;
            for file in folder::files(destination, Which::Foreign)? {
                self.take_along(destination, &data, &file, true)?;
            }
            folder::mark(&data, self.run)?;
            if self.swap_in(&data)? == Swap::Done {
                return Ok(());
            }
            folder::unmark(&data)?;
            self.remove_foreign(&data)?;
        }
        let plan = match plan {
            Some(plan) => plan,
            None => self.write_plan(Plan {
                names: self.staged_names(),
                one_by_one: true,
                removed: folder::files(destination, Which::Data)?,
            })?,
        };
        self.one_by_one(plan)
    }

    fn append(&self) -> Result<(), Fault> {
        let destination = &self.detail.destination;
        for _ in 0..TRIES {
            let plan = match self.read_plan()? {
                Some(plan) if plan.one_by_one => return self.one_by_one(plan),
                Some(plan) => plan,
                None => self.write_plan(Plan {
                    names: self.free_names(self.detail.files.len())?,
                    ..Plan::default()
                })?,
            };
            let done = match self.detail.files.as_slice() {
                _ if !folder::exists(destination) => self.append_to_nothing()?,
                [file] => self.move_in(&file.name, plan.names.first())?,
                _ => self.append_many(plan)?,
            };
            if done {
                return Ok(());
            }
            // Somebody was there first: the names are chosen anew.
            fs::remove_file(self.staging.plan())
                .map_err(|error| Fault::io("remove", &self.staging.plan(), error))?;
        }
        Err(Fault::new(
            FaultKind::Transient,
            format!("another program keeps adding files to {}", destination.display()),
        )
        .with_help("stop the other program, and run again"))
    }

    /// The names that follow the highest number at the destination.
    fn free_names(&self, count: usize) -> Result<Vec<String>, Fault> {
        let destination = &self.detail.destination;
        let mut highest = 0;
        if folder::exists(destination) {
            let failed = |error| Fault::io("list", destination, error);
            for entry in fs::read_dir(destination).map_err(failed)? {
                let name = entry.map_err(failed)?.file_name();
                let number = self.detail.pattern.sequence(&name.to_string_lossy());
                highest = highest.max(number.unwrap_or(0));
            }
        }
        (1..=count as u64)
            .map(|next| {
                let number = highest.checked_add(next).ok_or_else(|| {
                    Fault::data(format!(
                        "the files in {} have numbers so high that none follows",
                        destination.display()
                    ))
                })?;
                Ok(self.detail.pattern.name(number))
            })
            .collect()
    }

    /// The first files of a table: staging's own folder becomes the table.
    fn append_to_nothing(&self) -> Result<bool, Fault> {
        let (data, destination) = (self.staging.data(), &self.detail.destination);
        self.write_plan(Plan { names: self.staged_names(), ..Plan::default() })?;
        folder::mark(&data, self.run)?;
        sync_folder(&data, self.durability)?;
        match self.renames.to_nothing(&data, destination) {
            Ok(()) => {
                self.sync(destination.parent())?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                folder::unmark(&data)?;
                Ok(false)
            }
            Err(error) => Err(Fault::io("publish to", destination, error)),
        }
    }

    /// Renames one staged file into the destination. `false` when its name is taken.
    fn move_in(&self, staged: &str, name: Option<&String>) -> Result<bool, Fault> {
        let Some(name) = name else { return Ok(false) };
        let destination = &self.detail.destination;
        let (from, to) = (self.staging.data().join(staged), destination.join(name));
        if !folder::exists(&from) {
            // An earlier try came this far; the count tells whether the file is still there.
            return Ok(true);
        }
        match self.renames.to_nothing(&from, &to) {
            Ok(()) => {
                self.sync(Some(destination))?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Fault::io("publish", &to, error)),
        }
    }

    fn append_many(&self, plan: Plan) -> Result<bool, Fault> {
        let destination = &self.detail.destination;
        if !self.detail.inside {
            let table = self.staging.table();
            let built = self.build_table(&table, &plan);
            match built {
                Ok(()) => {
                    if self.swap_in(&table)? == Swap::Done {
                        return Ok(true);
                    }
                }
                // The destination vanished: it is looked at anew.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                // No hard links here, or not of somebody else's files.
                Err(error) if !is_full(&error) => {}
                Err(error) => return Err(Fault::io("prepare", &table, error)),
            }
            remove_folder(&table)?;
        }
        let names = plan.names;
        if names.iter().any(|name| folder::exists(&destination.join(name))) {
            return Ok(false);
        }
        self.one_by_one(self.write_plan(Plan { names, one_by_one: true, removed: Vec::new() })?)?;
        Ok(true)
    }

    /// Links the old files and the new ones into one folder.
    fn build_table(&self, table: &Path, plan: &Plan) -> io::Result<()> {
        let destination = &self.detail.destination;
        let failed = |fault: Fault| io::Error::other(fault);
        remove_folder(table).map_err(failed)?;
        fs::create_dir(table)?;
        for file in folder::files(destination, Which::All).map_err(failed)? {
            folder::take_along(destination, table, &file, false)?;
        }
        for (file, name) in self.detail.files.iter().zip(&plan.names) {
            fs::hard_link(self.staging.data().join(&file.name), table.join(name))?;
        }
        folder::mark(table, self.run).map_err(failed)
    }

    fn one_by_one(&self, mut plan: Plan) -> Result<(), Fault> {
        let (destination, old) = (&self.detail.destination, self.staging.old());
        let moved = |path: &Path, error| Fault::io("publish", path, error);
        for file in &plan.removed {
            let (from, to) = (destination.join(file), old.join(file));
            // What was moved before is not moved again: a new file may have its name by now.
            if folder::exists(&to) || !folder::exists(&from) {
                continue;
            }
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(|error| moved(&from, error))?;
            }
            fs::rename(&from, &to).map_err(|error| moved(&from, error))?;
        }
        for index in 0..self.detail.files.len() {
            let Some(file) = self.detail.files.get(index) else { continue };
            while !self.move_in(&file.name, plan.names.get(index))? {
                let free = self.free_names(self.detail.files.len() - index)?;
                plan.names.splice(index.., free);
                plan = self.write_plan(plan)?;
            }
        }
        for file in &plan.removed {
            for parent in file.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()) {
                // A folder with something left in it stays.
                if fs::remove_dir(destination.join(parent)).is_err() {
                    break;
                }
            }
        }
        folder::mark(destination, self.run)?;
        self.sync(Some(destination))
    }

    fn swap_in(&self, new: &Path) -> Result<Swap, Fault> {
        let aside = self.staging.old();
        swap(self.renames, new, &self.detail.destination, &aside, self.durability)
    }

    /// Takes over what others changed in the old folder while the new one was prepared.
    fn bring_changes(&self) -> Result<(), Fault> {
        let (which, exchanged) = match self.mode {
            Mode::Replace => (Which::Foreign, self.staging.data()),
            Mode::Append => (Which::All, self.staging.table()),
        };
        for old in [self.staging.old(), exchanged] {
            folder::bring_changes(&old, &self.detail.destination, which)?;
        }
        Ok(())
    }

    /// Takes along a file that may be gone by now.
    fn take_along(&self, from: &Path, to: &Path, file: &Path, copy: bool) -> Result<(), Fault> {
        match folder::take_along(from, to, file, copy) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(|error| Fault::io("keep", &from.join(file), error)),
        }
    }

    /// Removes what an earlier try took along.
    fn remove_foreign(&self, data: &Path) -> Result<(), Fault> {
        for file in folder::files(data, Which::Foreign)? {
            let path = data.join(file);
            fs::remove_file(&path).map_err(|error| Fault::io("remove", &path, error))?;
        }
        Ok(())
    }

    /// Counts the new files where they now are.
    fn count(&self, names: &[String]) -> Result<Published, Fault> {
        let mut published = Published { rows: 0, bytes: 0, parts: names.len() as u64 };
        for (file, name) in self.detail.files.iter().zip(names) {
            let path = self.detail.destination.join(name);
            let (rows, bytes) = if name.ends_with(Format::Parquet.extension()) {
                let (metadata, bytes) = footer(&path)?;
                (rows_of(&metadata), bytes)
            } else {
                let metadata =
                    fs::metadata(&path).map_err(|error| Fault::io("read", &path, error))?;
                (file.rows, metadata.len())
            };
            if (rows, bytes) != (file.rows, file.bytes) {
                return Err(Fault::data(format!(
                    "{} should hold {} rows in {} bytes, but holds {rows} in {bytes}",
                    path.display(),
                    file.rows,
                    file.bytes
                ))
                .with_help("another program changed it; run again"));
            }
            published.rows += rows;
            published.bytes += bytes;
        }
        Ok(published)
    }

    fn read_plan(&self) -> Result<Option<Plan>, Fault> {
        let path = self.staging.plan();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                Fault::data(format!("{} is damaged", path.display()))
                    .with_help("remove the folder it is in, and run again")
                    .because(error)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::io("read", &path, error)),
        }
    }

    fn write_plan(&self, plan: Plan) -> Result<Plan, Fault> {
        let text = serde_json::to_vec(&plan)
            .map_err(|error| Fault::config("a file's name is not UTF-8").because(error))?;
        write_whole(&self.staging.plan(), &text, self.durability)?;
        Ok(plan)
    }

    fn sync(&self, folder: Option<&Path>) -> Result<(), Fault> {
        folder.map_or(Ok(()), |folder| sync_folder(folder, self.durability))
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
