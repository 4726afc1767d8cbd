//! What a [`Manifest`] of files says: all that a fresh process needs to publish them.

use std::path::{Path, PathBuf};

use hygge_core::contract::{Durability, Manifest};
use hygge_core::fault::Fault;
use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::pattern::FilePattern;

/// Goes up when a manifest means something else than before.
const VERSION: u32 = 1;

/// The kind's own part of a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detail {
    version: u32,
    /// The folder of the table, with all symbolic links resolved.
    pub destination: PathBuf,
    /// The folder with everything staged by this run.
    pub staging: PathBuf,
    /// Whether `staging` lies inside `destination`.
    pub inside: bool,
    /// How files are named and numbered.
    pub pattern: FilePattern,
    /// Whether publishing waits for the disk.
    pub synced: bool,
    /// What was staged, in the order written.
    pub files: Vec<StagedFile>,
    /// The time that polish gives to rows: that of the load's beginning, also after it went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<String>,
}

/// A file that was staged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StagedFile {
    /// Its name in staging.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

impl Detail {
    pub(crate) fn new(
        destination: PathBuf,
        staging: PathBuf,
        inside: bool,
        pattern: FilePattern,
        durability: Durability,
        files: Vec<StagedFile>,
        began: &Zoned,
    ) -> Self {
        let synced = durability == Durability::Disk;
        let began = Some(began.to_string());
        Self { version: VERSION, destination, staging, inside, pattern, synced, files, began }
    }

    /// When the load began.
    pub(crate) fn began(&self) -> Result<Zoned, Fault> {
        let began = self.began.as_deref().map(str::parse);
        match began {
            Some(Ok(began)) => Ok(began),
            _ => Err(Fault::missing(format!(
                "it is not known when the load in {} began",
                self.staging.display()
            ))),
        }
    }

    /// Reads what a manifest says.
    pub(crate) fn read(manifest: &Manifest) -> Result<Self, Fault> {
        let detail: Self = serde_json::from_value(manifest.detail.clone()).map_err(|error| {
            Fault::data(format!(
                "what was staged in {} cannot be read from the journal",
                manifest.staging
            ))
            .with_help("publish it with the version of hygge that staged it, or remove it")
            .because(error)
        })?;
        if detail.version > VERSION {
            return Err(Fault::data(format!(
                "{} was staged by a later version of hygge",
                manifest.staging
            ))
            .with_help("publish it with that version, or remove it"));
        }
        Ok(detail)
    }

    /// As JSON, for a [`Manifest`].
    pub(crate) fn to_json(&self) -> Result<serde_json::Value, Fault> {
        serde_json::to_value(self).map_err(|error| {
            Fault::config(format!(
                "the path {} cannot be written to the journal",
                self.destination.display()
            ))
            .with_help("choose a path whose name is valid UTF-8")
            .because(error)
        })
    }

    /// How far publishing forces data.
    pub(crate) fn durability(&self) -> Durability {
        if self.synced { Durability::Disk } else { Durability::Process }
    }
}

/// The places inside the staging of one run.
#[derive(Clone, Debug)]
pub(crate) struct Staging {
    /// All of it.
    pub folder: PathBuf,
}

impl Staging {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The files written; for a table that is replaced, its new folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The new folder of a table that is added to: the old files and the new ones.
    pub(crate) fn table(&self) -> PathBuf {
        self.folder.join("table")
    }

    /// What was moved out of the way where folders cannot be exchanged.
    pub(crate) fn old(&self) -> PathBuf {
        self.folder.join("old")
    }

    /// How publishing goes about it, once that is decided.
    pub(crate) fn plan(&self) -> PathBuf {
        self.folder.join("plan.json")
    }

    /// The manifest itself, for a process without a journal.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.folder.join("manifest.json")
    }

    /// Removes all of it, and the folders around it that are then empty.
    pub(crate) fn remove(&self) -> Result<(), Fault> {
        remove_folder(&self.folder)?;
        remove_empty_parents(&self.folder);
        Ok(())
    }
}

/// Removes a folder with all that is in it; nothing there is fine.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), Fault> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::io("remove", folder, error))
        }
        _ => Ok(()),
    }
}

/// Removes the folders of the entity and of all staging, where this run's was the last.
pub(crate) fn remove_empty_parents(run: &Path) {
    // A folder that another entity uses is not empty and stays; that is no failure.
    for parent in run.ancestors().skip(1).take(2) {
        if std::fs::remove_dir(parent).is_err() {
            return;
        }
    }
}
