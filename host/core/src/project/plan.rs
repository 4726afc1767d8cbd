//! A project, read and checked: everything a run needs, typed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::keys::ByteSize;
use crate::contract::{Connections, Durability, Home, Mode, Store};
use crate::engine::event::EntityName;
use crate::watermark::WatermarkSpec;

/// A project, read and checked. Nothing downstream looks at YAML again.
#[derive(Debug)]
pub struct Plan {
    /// The project's name.
    pub name: String,
    /// The folder of `hygge.yml`.
    pub root: PathBuf,
    /// The folder of the flows.
    pub flows_dir: PathBuf,
    /// The project's connections.
    pub connections: Connections,
    /// How to run.
    pub options: Options,
    /// Every entity, in the order of flows and entities by name.
    pub entities: Vec<EntityPlan>,
}

/// `options:` of `hygge.yml`, with the command line's say.
#[derive(Clone, Debug)]
pub struct Options {
    /// Entities at a time.
    pub concurrency: usize,
    /// Whether entities that have not begun still run after one failed.
    pub continue_on_error: bool,
    /// The byte budget.
    pub memory: ByteSize,
    /// How far data is forced before it counts.
    pub durability: Durability,
    /// Further attempts after a fault that may pass.
    pub retries: u32,
    /// The first pause between attempts; it doubles each time.
    pub retry_wait: Duration,
    /// How often a load that can go on is made durable on the way.
    pub checkpoint: Duration,
    /// The smallest level of log lines: `debug`, `info`, `warning`, `error`.
    pub log_level: LogLevel,
}

crate::choices! {
    /// The smallest level of log lines.
    pub enum LogLevel {
        /// Everything.
        Debug = "debug",
        /// What a person wants to know.
        Info = "info",
        /// What may need a person.
        Warning = "warning" | "warn",
        /// What went wrong.
        Error = "error" | "critical",
    }
}

crate::choices! {
    /// What `run_type` asks for, as the journal has it.
    pub enum RunType {
        /// Load everything.
        FullDrop = "full_drop",
        /// Load what is new.
        Incremental = "incremental",
    }
}

/// One entity: what moves from where to where, and how.
#[derive(Clone, Debug)]
pub struct EntityPlan {
    /// Its flow and its own name.
    pub name: EntityName,
    /// From here.
    pub home: Arc<dyn Home>,
    /// To here.
    pub store: Arc<dyn Store>,
    /// Load everything, or what is new.
    pub run_type: RunType,
    /// Replace or append: the Store's own `incremental` if set, else from `run_type`; the command
    /// line wins over both. Where rows replace the table all of them have to be read, whatever
    /// `run_type` says: a watermark would leave out what is then gone.
    pub mode: Mode,
    /// What to track, if configured.
    pub watermark: Option<WatermarkSpec>,
    /// What `home` and `store` are configured to be, told apart by a hash: a load goes on from
    /// where an earlier one was cut short only if this is the same.
    pub fingerprint: String,
    /// The folder of the journal file, if journaling is on for this entity.
    pub journal: Option<PathBuf>,
    /// Batches in flight, at most.
    pub queue_size: usize,
    /// How long it may go without any progress.
    pub timeout: Option<Duration>,
}
