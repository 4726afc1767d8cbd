//! What happens during a run, told to whoever listens. The engine never prints.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::contract::Mode;
use crate::fault::Fault;
use crate::watermark::Watermark;

/// Which entity of which flow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityName {
    /// The flow.
    pub flow: Arc<str>,
    /// The entity; the flow's name where a flow has no entities.
    pub entity: Arc<str>,
}

impl EntityName {
    /// `flow_entity`, or the flow alone where it has no entities: the name lines are tagged with.
    pub fn label(&self) -> String {
        if self.flow == self.entity {
            self.flow.to_string()
        } else {
            format!("{}_{}", self.flow, self.entity)
        }
    }
}

/// Listens to a run. Called from many threads; must return quickly.
pub trait Listener: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run begins with this many entities.
    RunStarted {
        /// How many entities will run.
        entities: usize,
        /// How many at a time.
        concurrency: usize,
    },
    /// A staged load of an earlier run, interrupted before its publication, was finished.
    Recovered {
        /// Whose.
        name: EntityName,
        /// Rows that are now visible.
        rows: u64,
    },
    /// An entity begins.
    Started {
        /// Which.
        name: EntityName,
        /// Counted from 1.
        index: usize,
        /// Of how many.
        of: usize,
        /// From where.
        source: String,
        /// To where.
        destination: String,
        /// Replace or append.
        mode: Mode,
        /// Where an incremental load goes on.
        since: Option<Watermark>,
    },
    /// The source is open.
    Opened {
        /// Which.
        name: EntityName,
        /// Rows to come, if known.
        rows: Option<u64>,
    },
    /// Rows have been handed to the writer; the numbers are totals of this attempt.
    Progress {
        /// Which.
        name: EntityName,
        /// Rows so far.
        rows: u64,
        /// Bytes in memory form so far.
        bytes: u64,
    },
    /// All rows are staged; publication follows.
    Staged {
        /// Which.
        name: EntityName,
        /// Rows staged.
        rows: u64,
    },
    /// An attempt failed in a way that may pass; another follows.
    Retrying {
        /// Which.
        name: EntityName,
        /// The attempt that failed, counted from 1.
        attempt: u32,
        /// How long until the next.
        wait: Duration,
        /// Why.
        fault: Arc<Fault>,
    },
    /// Something worth telling that is no failure.
    Notice {
        /// Whose; `None` for the whole run.
        name: Option<EntityName>,
        /// How serious.
        level: Level,
        /// What.
        message: String,
    },
    /// An entity ended.
    Finished(EntityReport),
    /// The run ended.
    RunFinished(RunReport),
}

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look closely (`--verbose`).
    Debug,
    /// Good to know.
    Info,
    /// Counts as WARN in the summary.
    Warn,
}

/// How an entity ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All rows are at the destination.
    Success,
    /// There was nothing to do, or it was not started; why.
    Skipped(String),
    /// It failed; the destination is as it was before.
    Failed(Arc<Fault>),
}

/// What came of one entity.
#[derive(Clone, Debug)]
pub struct EntityReport {
    /// Which.
    pub name: EntityName,
    /// Counted from 1.
    pub index: usize,
    /// Of how many.
    pub of: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// From where.
    pub source: String,
    /// To where.
    pub destination: String,
    /// Replace or append.
    pub mode: Mode,
    /// Rows that landed.
    pub rows: u64,
    /// Bytes at the destination.
    pub bytes: u64,
    /// Files (or parts) written.
    pub parts: u64,
    /// From its start to its end.
    pub elapsed: Duration,
    /// The watermark after this run.
    pub watermark: Option<Watermark>,
    /// How the rows travelled, where the Home or the Store had a choice: `copied`.
    pub how: Option<String>,
    /// Warnings given on the way.
    pub warnings: Vec<String>,
}

/// What came of the run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run's id in the journal.
    pub coordinator_run_id: String,
    /// One for each entity, in the order they ended.
    pub entities: Vec<EntityReport>,
    /// From start to end.
    pub elapsed: Duration,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl RunReport {
    /// Whether anything failed.
    pub fn failed(&self) -> bool {
        self.cancelled
            || self.entities.iter().any(|entity| matches!(entity.outcome, Outcome::Failed(_)))
    }
}

/// Where a Home or a Store leaves notes for the user about one entity.
#[derive(Clone)]
pub struct Notices {
    name: Option<EntityName>,
    listener: Arc<dyn Listener>,
    warnings: Arc<Mutex<Vec<String>>>,
    how: Arc<Mutex<Option<String>>>,
}

impl Notices {
    /// Notices about `name`, told to `listener`.
    pub fn new(name: Option<EntityName>, listener: Arc<dyn Listener>) -> Self {
        Self { name, listener, warnings: Arc::default(), how: Arc::default() }
    }

    /// For those who look closely.
    pub fn debug(&self, message: impl Into<String>) {
        self.tell(Level::Debug, message.into());
    }

    /// Good to know.
    pub fn info(&self, message: impl Into<String>) {
        self.tell(Level::Info, message.into());
    }

    /// Worth a warning. The same warning is told once.
    pub fn warn(&self, message: impl Into<String>) {
        let message = message.into();
        {
            let mut told = lock(&self.warnings);
            if told.contains(&message) {
                return;
            }
            told.push(message.clone());
        }
        self.tell(Level::Warn, message);
    }

    /// The warnings told so far.
    pub fn warnings(&self) -> Vec<String> {
        lock(&self.warnings).clone()
    }

    /// In a few words, how the rows travel, for the report of the entity. What was said last
    /// counts.
    pub fn travels(&self, how: impl Into<String>) {
        *lock(&self.how) = Some(how.into());
    }

    /// How the rows travel, if that was said.
    pub fn how(&self) -> Option<String> {
        lock(&self.how).clone()
    }

    fn tell(&self, level: Level, message: String) {
        self.listener.event(&Event::Notice { name: self.name.clone(), level, message });
    }
}

fn lock<T>(told: &Mutex<T>) -> MutexGuard<'_, T> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notices").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A listener that hears nothing.
#[derive(Debug)]
pub struct Silent;

impl Listener for Silent {
    fn event(&self, _: &Event) {}
}
