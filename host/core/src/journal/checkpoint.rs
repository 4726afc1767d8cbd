//! How far a load had come when its rows were last made durable.

use serde::{Deserialize, Serialize};

use super::error::JournalError;
use super::log::Record;
use super::{EntityName, Journal};
use crate::contract::Manifest;
use crate::watermark::Snapshot;

/// A load under way whose first rows are durable: all that is needed to go on behind them.
///
/// Every entity has one at most, the latest. It ends when its load is staged, when a run of the
/// entity succeeds, or when it is [dropped](Journal::drop_checkpoint).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The flow of the entity.
    pub flow: String,
    /// The entity.
    pub entity: String,
    /// The id of the whole run that made it; that of the entity's run is in `manifest`.
    pub coordinator_run_id: String,
    /// What the load was asked for. Only a load that is asked for the same may go on.
    pub fingerprint: String,
    /// The columns of its rows, in the same sense.
    pub columns: String,
    /// The rows of the load so far, as the reader and the tracker count them.
    pub rows: u64,
    /// What the Store goes on from.
    pub manifest: Manifest,
    /// What the Home goes on from.
    pub reader: serde_json::Value,
    /// What the tracker goes on from, where a watermark is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracker: Option<Snapshot>,
}

impl Checkpoint {
    /// Whose load.
    pub fn name(&self) -> EntityName {
        EntityName { flow: self.flow.as_str().into(), entity: self.entity.as_str().into() }
    }
}

impl Journal {
    /// The rows that `checkpoint` speaks of are durable. It takes the place of the entity's last.
    pub async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), JournalError> {
        self.append(Record::Checkpoint(Box::new(checkpoint))).await
    }

    /// Where a load of the entity may go on, if one was cut short.
    pub fn checkpoint_of(&self, name: &EntityName) -> Option<Checkpoint> {
        self.inner.with_live(|live| live.checkpoint(&name.flow, &name.entity).cloned())
    }

    /// Nothing will go on from the entity's checkpoint any more: what it keeps may be removed.
    pub async fn drop_checkpoint(
        &self,
        name: &EntityName,
        reason: &str,
    ) -> Result<(), JournalError> {
        if self.checkpoint_of(name).is_none() {
            return Ok(());
        }
        self.append(Record::CheckpointDropped {
            flow: name.flow.to_string(),
            entity: name.entity.to_string(),
            reason: reason.to_owned(),
        })
        .await
    }
}
