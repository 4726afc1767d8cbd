//! A whole run: what earlier runs left is finished, then entities run side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::entity::{self, EntityRunner};
use super::event::{EntityReport, Event, Level, Listener, Notices, Outcome, RunReport};
use super::recovery;
use crate::budget::Budget;
use crate::cpu::Cpu;
use crate::fault::Fault;
use crate::journal::{Journal, coordinator_run_id, run_ids};
use crate::project::plan::{EntityPlan, Plan};

/// How much of `options.memory` batches and encoders may hold. The rest is for what is not
/// counted: the program itself, decoder pages, allocator slack.
const COUNTED_PART: f64 = 0.45;

/// Runs every entity of `plan`.
///
/// The journal must be open for this project, which makes this the only run. Setting `cancel`
/// lets entities that are already publishing finish and discards what is staged of the others,
/// but for checkpoints that the next run may go on from.
///
/// # Errors
/// Only when the run as a whole cannot go on: the journal cannot be written. What fails in one
/// entity is in its [`EntityReport`].
pub async fn run(
    plan: &Plan,
    journal: Arc<Journal>,
    listener: Arc<dyn Listener>,
    cancel: CancellationToken,
) -> Result<RunReport, Fault> {
    let clock = Instant::now();
    let started = Timestamp::now();
    listener.event(&Event::RunStarted {
        entities: plan.entities.len(),
        concurrency: plan.options.concurrency,
    });
    let recovered = recovery::recover(plan, &journal, &listener).await?;

    let run = Run {
        of: plan.entities.len(),
        started,
        journal: Arc::clone(&journal),
        listener: Arc::clone(&listener),
        cancel: cancel.clone(),
        budget: Budget::new((plan.options.memory.0 as f64 * COUNTED_PART) as usize),
        cpu: Cpu::new(),
        slots: Arc::new(Semaphore::new(plan.options.concurrency.max(1))),
        stop: Arc::new(AtomicBool::new(false)),
        continue_on_error: plan.options.continue_on_error,
        options: entity::Tries {
            retries: plan.options.retries,
            first_wait: plan.options.retry_wait,
            checkpoint: plan.options.checkpoint,
            durability: plan.options.durability,
        },
    };
    let mut running = FuturesUnordered::new();
    for (index, entity) in plan.entities.iter().enumerate() {
        let failed_before = recovered.failed.get(&entity.name).cloned();
        // A task of its own: a panic in one entity cannot take the others along.
        let task = tokio::spawn(run.clone().entity(entity.clone(), index + 1, failed_before));
        running.push(async move { (entity, index + 1, task.await) });
    }

    let mut entities = Vec::with_capacity(plan.entities.len());
    while let Some((entity, index, ended)) = running.next().await {
        let report = ended.unwrap_or_else(|error| {
            let fault = Fault::bug(format!("the task of {} panicked", entity.name.label()));
            let report =
                not_run(entity, index, run.of, Outcome::Failed(Arc::new(fault.because(error))));
            listener.event(&Event::Finished(report.clone()));
            report
        });
        entities.push(report);
    }
    if let Err(error) = journal.fold().await {
        let message = format!("the journal could not be brought up to date: {error}");
        listener.event(&Event::Notice { name: None, level: Level::Warn, message });
    }
    let report = RunReport {
        coordinator_run_id: coordinator_run_id(started),
        entities,
        elapsed: clock.elapsed(),
        cancelled: cancel.is_cancelled(),
    };
    listener.event(&Event::RunFinished(report.clone()));
    Ok(report)
}

/// What all entities of a run share.
#[derive(Clone)]
struct Run {
    of: usize,
    started: Timestamp,
    journal: Arc<Journal>,
    listener: Arc<dyn Listener>,
    cancel: CancellationToken,
    budget: Arc<Budget>,
    cpu: Cpu,
    slots: Arc<Semaphore>,
    /// Set when one failed and the others should not begin.
    stop: Arc<AtomicBool>,
    continue_on_error: bool,
    options: entity::Tries,
}

impl Run {
    async fn entity(
        self,
        plan: EntityPlan,
        index: usize,
        failed_before: Option<Arc<Fault>>,
    ) -> EntityReport {
        let report = match self.turn().await {
            Err(why) => not_run(&plan, index, self.of, Outcome::Skipped(why)),
            Ok(_slot) => match failed_before {
                Some(fault) => not_run(&plan, index, self.of, Outcome::Failed(fault)),
                None => self.runner(plan, index).run().await,
            },
        };
        if matches!(report.outcome, Outcome::Failed(_)) && !self.continue_on_error {
            self.stop.store(true, Ordering::Release);
        }
        self.listener.event(&Event::Finished(report.clone()));
        report
    }

    /// Waits for a slot; `Err` says why the entity is not to begin any more.
    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, String> {
        let slot = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err("the run was cancelled".to_owned()),
            slot = Arc::clone(&self.slots).acquire_owned() => slot,
        };
        if self.stop.load(Ordering::Acquire) {
            return Err("another entity failed and `continue_on_error` is false".to_owned());
        }
        slot.map_err(|_| "the run ended".to_owned())
    }

    fn runner(&self, plan: EntityPlan, index: usize) -> EntityRunner {
        let started = Timestamp::now();
        let run = run_ids(&plan.name, self.started, self.started, started);
        EntityRunner {
            notices: Notices::new(Some(plan.name.clone()), Arc::clone(&self.listener)),
            index,
            of: self.of,
            run,
            started,
            clock: Instant::now(),
            journal: Arc::clone(&self.journal),
            listener: Arc::clone(&self.listener),
            cancel: self.cancel.clone(),
            memory: self.budget.share(),
            cpu: self.cpu.clone(),
            tries: self.options,
            plan,
        }
    }
}

/// The report of an entity that never began.
fn not_run(plan: &EntityPlan, index: usize, of: usize, outcome: Outcome) -> EntityReport {
    EntityReport {
        name: plan.name.clone(),
        index,
        of,
        outcome,
        source: plan.home.location(),
        destination: plan.store.location(),
        mode: plan.mode,
        rows: 0,
        bytes: 0,
        parts: 0,
        elapsed: std::time::Duration::ZERO,
        watermark: None,
        how: None,
        warnings: Vec::new(),
    }
}
