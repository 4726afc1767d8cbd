//! What is remembered of runs.
//!
//! The journal proper is a Parquet file in a folder of the user's choice, one row for each run of
//! an entity, open to whoever reads Parquet. Rewriting it for every entity would be slow and would
//! tie success to a file that others read, so a run writes to a log first
//! (`.hygge/log.ndjson` in the project), and the log is *folded* into the journal files when the
//! run ends, or when the next one begins after a crash. Runs of entities without journaling are
//! kept the same way, in `.hygge/journal`, so that history and watermarks always work.
//!
//! ```text
//!   .hygge/lock                 held while a run is under way
//!   .hygge/log.ndjson           checkpoints, staged, finished, discarded: durable before anything
//!                               follows
//!   .hygge/boundary/…           keys at the last watermark, one file for each last success
//!   .hygge/journal/…            the journal of entities without one of their own
//! ```

mod boundary;
mod checkpoint;
mod error;
mod fold;
mod history;
mod lock;
mod log;
mod record;
mod resume;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub use checkpoint::Checkpoint;
pub use error::JournalError;
pub use history::HistoryFilter;
pub use lock::Holder;
pub use record::{EntityRun, Status, coordinator_run_id, run_ids};
pub use resume::{LastSuccess, Resume};

use self::boundary::{Boundaries, Owner};
use self::lock::RunLock;
use self::log::{FinishedRecord, Live, Log, Record, Scan, StagedRecord};
use self::record::Row;
use crate::contract::{Durability, Manifest};
use crate::engine::event::EntityName;
use crate::watermark::KeySet;

/// The folder in the project for everything of hygge's own.
const HOUSE: &str = ".hygge";

/// A load that is staged and waits for its publication.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The folder of the journal file; `None` where journaling is off.
    pub journal: Option<PathBuf>,
    /// The run, with the watermark it will have. Its status means nothing yet.
    pub run: EntityRun,
    /// What the Store needs to publish or to discard it.
    pub manifest: Manifest,
    /// Where it was going, for people.
    pub store: String,
}

impl Pending {
    /// Whose load.
    pub fn name(&self) -> &EntityName {
        &self.run.name
    }
}

/// The journal of a project. Cheap to clone; the lock is held until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    durability: Durability,
    boundaries: Boundaries,
    access: Access,
    /// Serialises folding.
    folding: Mutex<()>,
    indices: Mutex<HashMap<PathBuf, Arc<resume::Index>>>,
    warnings: Vec<String>,
}

#[derive(Debug)]
enum Access {
    /// The log is closed before the lock is let go of: fields are dropped in order.
    Write {
        log: Log,
        _lock: RunLock,
    },
    Read {
        live: Live,
    },
}

impl Journal {
    /// Opens the journal of the project at `root` for a run: takes the lock, finishes what a crash
    /// left of the log, and keeps what is [`pending`](Self::pending). `command` is what was typed,
    /// to be shown to others who try meanwhile. Blocks.
    pub fn open(root: &Path, command: &str, durability: Durability) -> Result<Self, JournalError> {
        let root = absolute(root)?;
        let house = root.join(HOUSE);
        fs::create_dir_all(&house).map_err(JournalError::io("create", &house))?;
        let (lock, no_lock) = RunLock::take(&house, command)?;
        // Nothing in here is for version control.
        let ignore = house.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(JournalError::io("write", &ignore))?;
        }
        let (log, damage) = Log::open(&house, Scan::of(&house)?, durability)?;
        let mut inner = Inner {
            root,
            durability,
            boundaries: Boundaries::new(&house),
            access: Access::Write { log, _lock: lock },
            folding: Mutex::new(()),
            indices: Mutex::default(),
            warnings: no_lock.into_iter().chain(damage).collect(),
        };
        inner.boundaries.clean_temporary();
        // A journal file that cannot be written keeps its rows in the log; only its own entities
        // have to fail, and they do as soon as they ask for their watermark.
        if let Err(error) = inner.fold() {
            inner.warnings.push(match error.help() {
                Some(help) => format!("{error}: {help}"),
                None => error.to_string(),
            });
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Looks at the journal of the project at `root`, whether a run is under way or not. Takes no
    /// lock and creates nothing. Blocks.
    pub fn read_only(root: &Path) -> Result<Self, JournalError> {
        let root = absolute(root)?;
        let house = root.join(HOUSE);
        let live = Scan::of(&house)?.live;
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                durability: Durability::Process,
                boundaries: Boundaries::new(&house),
                access: Access::Read { live },
                folding: Mutex::new(()),
                indices: Mutex::default(),
                warnings: Vec::new(),
            }),
        })
    }

    /// What was found wrong, and got over, on opening.
    pub fn warnings(&self) -> &[String] {
        &self.inner.warnings
    }

    /// Loads that were staged but neither finished nor discarded: to be recovered before their
    /// entities run again.
    pub fn pending(&self) -> Result<Vec<Pending>, JournalError> {
        let path = self.inner.log_path();
        self.inner.with_live(|live| {
            live.pending
                .values()
                .map(|staged| {
                    let run = EntityRun::try_from(staged.run.clone()).map_err(|reason| {
                        JournalError::damaged(&path, format!("a staged load: {reason}"))
                    })?;
                    Ok(Pending {
                        journal: staged.journal.as_ref().map(|folder| self.inner.root.join(folder)),
                        run,
                        manifest: staged.manifest.clone(),
                        store: staged.store.clone(),
                    })
                })
                .collect()
        })
    }

    /// All rows of a load are durable and none of them visible: from here on, the load survives a
    /// crash. `boundary` has the keys at the watermark that the run will have.
    pub async fn staged(
        &self,
        load: Pending,
        boundary: Option<KeySet>,
    ) -> Result<(), JournalError> {
        let journal = self.inner.relative(load.journal.as_deref())?;
        self.keep_boundary(journal.as_deref(), &load.run, boundary).await?;
        let run = Row::from(&load.run);
        let Pending { manifest, store, .. } = load;
        self.append(Record::Staged(StagedRecord { journal, run, manifest, store })).await
    }

    /// A run ended, and with it whatever it had staged. `boundary`, if given, takes the place of
    /// the one given to [`staged`](Self::staged).
    ///
    /// A success always ends later than the one before it, even if the clock was set back: the
    /// latest success is the one to go on from.
    pub async fn finished(
        &self,
        mut run: EntityRun,
        journal_folder: Option<&Path>,
        boundary: Option<KeySet>,
    ) -> Result<(), JournalError> {
        let journal = self.inner.relative(journal_folder)?;
        self.keep_boundary(journal.as_deref(), &run, boundary).await?;
        if run.status == Status::Success {
            let journal = journal.clone();
            run = self
                .inner
                .clone()
                .blocking(move |inner| Ok(inner.after_the_last(run, journal.as_deref())))
                .await?;
        }
        let run = Row::from(&run);
        self.append(Record::Finished(FinishedRecord { journal, run, unsettled: false })).await
    }

    /// A run failed while it published, so that nobody knows what is visible: the failure is
    /// recorded and the load stays [`pending`](Self::pending), for the next run to recover.
    pub async fn publish_failed(
        &self,
        run: EntityRun,
        journal_folder: Option<&Path>,
    ) -> Result<(), JournalError> {
        let journal = self.inner.relative(journal_folder)?;
        let run = Row::from(&run);
        self.append(Record::Finished(FinishedRecord { journal, run, unsettled: true })).await
    }

    /// What a run had staged will not be published. The run itself is not ended by that.
    pub async fn discarded(&self, entity_run_id: &str, reason: &str) -> Result<(), JournalError> {
        let (entity_run_id, reason) = (entity_run_id.to_owned(), reason.to_owned());
        self.append(Record::Discarded { entity_run_id, reason }).await
    }

    /// Moves the runs that ended from the log into the journal files. Where one of these cannot
    /// be written, its runs stay in the log for the next time.
    pub async fn fold(&self) -> Result<(), JournalError> {
        self.inner.clone().blocking(|inner| inner.fold()).await
    }

    async fn append(&self, record: Record) -> Result<(), JournalError> {
        self.inner.log()?.append(record).await
    }

    async fn keep_boundary(
        &self,
        journal: Option<&str>,
        run: &EntityRun,
        boundary: Option<KeySet>,
    ) -> Result<(), JournalError> {
        self.inner.log()?;
        let Some(keys) = boundary else { return Ok(()) };
        let owner = Owner::new(journal, &run.name);
        let id = run.ids.entity.clone();
        self.inner
            .clone()
            .blocking(move |inner| inner.boundaries.write(&owner, &id, &keys, inner.durability))
            .await
    }
}

impl Inner {
    fn log(&self) -> Result<&Log, JournalError> {
        match &self.access {
            Access::Write { log, .. } => Ok(log),
            Access::Read { .. } => Err(JournalError::ReadOnly),
        }
    }

    fn log_path(&self) -> PathBuf {
        log::path_in(&self.root.join(HOUSE))
    }

    fn with_live<T>(&self, look: impl FnOnce(&Live) -> T) -> T {
        match &self.access {
            Access::Write { log, .. } => look(&log.live()),
            Access::Read { live } => look(live),
        }
    }

    /// A journal folder as the log and the boundaries name it: relative to the project where it
    /// lies within, so that the project can be moved.
    fn relative(&self, folder: Option<&Path>) -> Result<Option<String>, JournalError> {
        let Some(folder) = folder else { return Ok(None) };
        let folder = absolute(&self.root.join(folder))?;
        let name = folder.strip_prefix(&self.root).unwrap_or(&folder);
        match name.to_str() {
            Some(name) => Ok(Some(name.to_owned())),
            None => Err(JournalError::NotUnicode { path: folder }),
        }
    }

    /// Where a journal named by [`relative`](Self::relative) is.
    fn folder(&self, journal: Option<&str>) -> PathBuf {
        match journal {
            Some(journal) => self.root.join(journal),
            None => self.root.join(HOUSE).join("journal"),
        }
    }

    /// Runs work that waits for the disk away from the reactor's threads.
    async fn blocking<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        tokio::task::spawn_blocking(move || work(&self)).await.unwrap_or(Err(JournalError::Closed))
    }
}

fn absolute(path: &Path) -> Result<PathBuf, JournalError> {
    std::path::absolute(path).map_err(JournalError::io("find", path))
}
