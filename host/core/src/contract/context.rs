//! What a Home or a Store may know of, and use of, the run it takes part in.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Progress;
use crate::budget::Share;
use crate::cpu::Cpu;
use crate::engine::event::Notices;

/// How far data is forced before it counts as staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// Synced to the disk: safe against power loss.
    #[default]
    Disk,
    /// Handed to the operating system: safe against a killed process.
    Process,
}

/// The ids of a run, as the journal has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunIds {
    /// Of the whole `hygge go`.
    pub coordinator: String,
    /// Of the flow.
    pub flow: String,
    /// Of the entity.
    pub entity: String,
}

/// One attempt at one entity, as a Home or a Store sees it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The flow's name.
    pub flow: String,
    /// The entity's name.
    pub entity: String,
    /// Ids of the run.
    pub run: RunIds,
    /// This entity's part of the memory budget.
    pub memory: Arc<Share>,
    /// Where work that keeps a core busy goes.
    pub cpu: Cpu,
    /// Set when the run should end: return [`Fault::cancelled`](crate::fault::Fault::cancelled).
    pub cancel: CancellationToken,
    /// How far data is forced.
    pub durability: Durability,
    /// Notes and warnings for the user.
    pub notices: Notices,
    /// How far this attempt is.
    pub progress: Progress,
}
