//! What earlier runs left behind is finished or swept away before anything new begins.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::event::{EntityName, Event, Level, Listener};
use crate::contract::Manifest;
use crate::fault::{Fault, FaultKind};
use crate::journal::{Journal, Pending, Status};
use crate::project::plan::{EntityPlan, Plan};

/// How many entities are looked after at once: it is waiting for the disk, mostly.
const AT_ONCE: usize = 16;

/// What recovery came to.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// Entities whose staged load could neither be finished nor discarded: they must not run,
    /// for their next load might be published before the older one.
    pub failed: HashMap<EntityName, Arc<Fault>>,
}

/// Publishes what is staged and journalled, records it, and removes what is neither.
pub(super) async fn recover(
    plan: &Plan,
    journal: &Journal,
    listener: &Arc<dyn Listener>,
) -> Result<Recovered, Fault> {
    let mut pending: HashMap<EntityName, Vec<Pending>> = HashMap::new();
    for staged in journal.pending()? {
        pending.entry(staged.name().clone()).or_default().push(staged);
    }
    let known = plan.entities.iter().map(|entity| (entity, pending.remove(&entity.name)));
    let ended: Vec<(EntityName, Result<(), Fault>)> = stream::iter(known.collect::<Vec<_>>())
        .map(|(entity, staged)| async move {
            (entity.name.clone(), one(entity, staged.unwrap_or_default(), journal, listener).await)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (name, staged) in pending {
        for left in staged {
            let message = format!(
                "{} rows of {} are staged in {} since an interrupted run; they are published \
                 when that entity runs again",
                left.manifest.rows,
                name.label(),
                left.manifest.staging
            );
            listener.event(&Event::Notice { name: None, level: Level::Info, message });
        }
    }
    let mut recovered = Recovered::default();
    for (name, result) in ended {
        if let Err(fault) = result {
            recovered.failed.insert(name, Arc::new(fault));
        }
    }
    Ok(recovered)
}

async fn one(
    entity: &EntityPlan,
    staged: Vec<Pending>,
    journal: &Journal,
    listener: &Arc<dyn Listener>,
) -> Result<(), Fault> {
    for left in staged {
        let rows = left.manifest.rows;
        match publish(entity, &left.manifest).await {
            Ok(()) => {
                let mut run = left.run.clone();
                run.rows = rows;
                run.finish(Status::Success);
                run.message = Some("published by a later run".to_owned());
                journal.finished(run, left.journal.as_deref(), None).await?;
                listener.event(&Event::Recovered { name: entity.name.clone(), rows });
            }
            // Its staging is gone, so none of it can become visible any more.
            Err(fault) if fault.kind() == FaultKind::Missing => {
                journal.discarded(&left.run.ids.entity, &fault.chain()).await?;
                let message = format!(
                    "an interrupted run had staged {rows} rows that are no longer there; they \
                     will be loaded again: {}",
                    fault.chain()
                );
                listener.event(&Event::Notice {
                    name: Some(entity.name.clone()),
                    level: Level::Warn,
                    message,
                });
            }
            Err(fault) => return Err(fault),
        }
    }
    // Looked up only now: a load that was published above has left its checkpoints behind.
    let checkpoint = journal.checkpoint_of(&entity.name);
    entity.store.sweep(checkpoint.as_ref().map(|kept| &kept.manifest)).await
}

async fn publish(entity: &EntityPlan, manifest: &Manifest) -> Result<(), Fault> {
    let published = entity.store.publish(manifest).await?;
    if published.rows == manifest.rows {
        return Ok(());
    }
    Err(Fault::data(format!(
        "an interrupted run had staged {} rows for {}, but {} are there after publishing them",
        manifest.rows,
        entity.store.location(),
        published.rows
    )))
}
