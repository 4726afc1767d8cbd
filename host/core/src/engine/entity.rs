//! One entity, from its start to its record in the journal, with as many attempts as it takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Failed, Landed};
use super::checkpoint;
use super::event::{EntityReport, Event, Listener, Notices, Outcome};
use crate::budget::Share;
use crate::contract::{Context, Durability, Mode, Progress, ReadRequest, RunIds, Since};
use crate::cpu::Cpu;
use crate::fault::Fault;
use crate::journal::{EntityRun, Journal, Resume, Status};
use crate::project::plan::{EntityPlan, RunType};
use crate::watermark::KeySet;

/// The longest pause between attempts that the engine chooses by itself.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often and how hard to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    pub retries: u32,
    pub first_wait: Duration,
    /// How often a load that can go on is made durable on the way.
    pub checkpoint: Duration,
    pub durability: Durability,
}

/// Runs one entity.
pub(super) struct EntityRunner {
    pub plan: EntityPlan,
    pub index: usize,
    pub of: usize,
    pub run: RunIds,
    pub started: Timestamp,
    pub clock: Instant,
    pub journal: Arc<Journal>,
    pub listener: Arc<dyn Listener>,
    pub notices: Notices,
    pub cancel: CancellationToken,
    pub memory: Arc<Share>,
    pub cpu: Cpu,
    pub tries: Tries,
}

/// What an attempt is to do, settled before the first one.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub mode: Mode,
    pub request: ReadRequest,
    /// Keys of rows at the last watermark that have landed.
    pub landed: KeySet,
    /// Tells whether a load that was cut short was asked for the same.
    pub fingerprint: String,
    /// The run whose success this one follows, if a journal tells.
    pub follows: Option<String>,
}

impl EntityRunner {
    pub(super) async fn run(self) -> EntityReport {
        let ended = self.attempts().await;
        let (outcome, landed) = match ended {
            Ok(landed) => (Outcome::Success, Some(landed)),
            Err(failed) => {
                if let Err(error) = self.record_failure(&failed).await {
                    self.notices.warn(format!("the failure could not be journalled: {error}"));
                }
                (Outcome::Failed(Arc::new(self.with_what_is_durable(failed.fault))), None)
            }
        };
        let how = landed.as_ref().and_then(|_| self.notices.how());
        let landed = landed.unwrap_or_default();
        EntityReport {
            name: self.plan.name.clone(),
            index: self.index,
            of: self.of,
            outcome,
            source: self.plan.home.location(),
            destination: self.plan.store.location(),
            mode: landed.mode.unwrap_or(self.plan.mode),
            rows: landed.rows,
            bytes: landed.bytes,
            parts: landed.parts,
            elapsed: self.clock.elapsed(),
            watermark: landed.watermark,
            how,
            warnings: self.notices.warnings(),
        }
    }

    async fn attempts(&self) -> Result<Landed, Failed> {
        let task = self.task().await?;
        self.listener.event(&Event::Started {
            name: self.plan.name.clone(),
            index: self.index,
            of: self.of,
            source: self.plan.home.location(),
            destination: self.plan.store.location(),
            mode: task.mode,
            since: task.request.since.as_ref().map(|since| since.value.clone()),
        });
        let mut attempt = 1;
        loop {
            let failed = match attempt::run(self, &task, self.context()).await {
                Ok(landed) => return Ok(landed),
                Err(failed) => failed,
            };
            if failed.staged || !self.tries_again(attempt, &failed.fault) {
                return Err(failed);
            }
            let wait = self.pause(attempt, &failed.fault);
            self.listener.event(&Event::Retrying {
                name: self.plan.name.clone(),
                attempt,
                wait,
                fault: Arc::new(failed.fault),
            });
            tokio::select! {
                () = self.cancel.cancelled() => return Err(Fault::cancelled().into()),
                () = tokio::time::sleep(wait) => {}
            }
            attempt += 1;
        }
    }

    /// Whether a further try may help after the `attempt`th, counted from 1.
    pub(super) fn tries_again(&self, attempt: u32, fault: &Fault) -> bool {
        fault.kind().is_retryable() && attempt <= self.tries.retries
    }

    /// Each pause is twice the last, unless the other side asked for a longer one.
    pub(super) fn pause(&self, attempt: u32, fault: &Fault) -> Duration {
        let own = self
            .tries
            .first_wait
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)))
            .min(LONGEST_WAIT);
        fault.retry_after().map_or(own, |asked| asked.max(own))
    }

    /// Says what the next run will not have to do again.
    fn with_what_is_durable(&self, fault: Fault) -> Fault {
        match self.journal.checkpoint_of(&self.plan.name) {
            Some(kept) => fault.with_note(&format!(
                "{} rows are durable: the next run goes on after them",
                kept.rows
            )),
            None => fault,
        }
    }

    fn context(&self) -> Context {
        Context {
            flow: self.plan.name.flow.to_string(),
            entity: self.plan.name.entity.to_string(),
            run: self.run.clone(),
            memory: Arc::clone(&self.memory),
            cpu: self.cpu.clone(),
            cancel: self.cancel.child_token(),
            durability: self.tries.durability,
            notices: self.notices.clone(),
            progress: Progress::new(Some(self.plan.name.clone()), Arc::clone(&self.listener)),
        }
    }

    /// What every attempt is to do.
    async fn task(&self) -> Result<Task, Fault> {
        let mut task = self.rows_to_load().await?;
        task.request.terms = self.plan.store.terms(task.mode);
        task.fingerprint = checkpoint::fingerprint(self, &task);
        task.follows = self.last_success().await?;
        Ok(task)
    }

    /// The last run of this entity that succeeded; a word for none.
    async fn last_success(&self) -> Result<Option<String>, Fault> {
        let Some(folder) = self.plan.journal.as_deref() else { return Ok(None) };
        let last = self.journal.last_success(&self.plan.name, Some(folder)).await?;
        Ok(Some(last.map_or_else(|| "none".to_owned(), |last| last.run.ids.entity)))
    }

    /// Whether to load everything or to go on from a watermark, and how rows are to land.
    async fn rows_to_load(&self) -> Result<Task, Fault> {
        let mut task = Task {
            mode: self.plan.mode,
            request: ReadRequest {
                since: None,
                watermark_column: self.plan.watermark.as_ref().map(|spec| spec.column.clone()),
                key_columns: self
                    .plan
                    .watermark
                    .as_ref()
                    .map(crate::watermark::WatermarkSpec::key_columns)
                    .unwrap_or_default(),
                terms: None,
                resume: None,
            },
            landed: KeySet::default(),
            fingerprint: String::new(),
            follows: None,
        };
        let Some(spec) = &self.plan.watermark else { return Ok(task) };
        // Reading only what is new and then replacing the table would lose the rest of it.
        if self.plan.run_type == RunType::FullDrop || self.plan.mode == Mode::Replace {
            return Ok(task);
        }
        match self.journal.resume_from(&self.plan.name, self.plan.journal.as_deref(), spec).await? {
            Resume::First => {}
            Resume::Full { why } => {
                self.notices.warn(format!("{why}: loading in full, the table is replaced"));
                task.mode = Mode::Replace;
            }
            Resume::Since(watermark, boundary) => {
                task.landed = match boundary {
                    Some(keys) => keys,
                    None => self.ask_the_store(spec, &watermark).await?,
                };
                task.request.since = Some(Since { column: spec.column.clone(), value: watermark });
            }
        }
        Ok(task)
    }

    /// Which rows at the last watermark have landed, when hygge itself does not remember: the
    /// journal was written by the existing tool, or the project's memory was moved.
    async fn ask_the_store(
        &self,
        spec: &crate::watermark::WatermarkSpec,
        watermark: &crate::watermark::Watermark,
    ) -> Result<KeySet, Fault> {
        let request = crate::contract::BoundaryRequest {
            key: spec.key_columns(),
            column: spec.column.clone(),
            value: watermark.clone(),
        };
        match self.plan.store.keys_at(&request).await? {
            Some(keys) => Ok(keys),
            None => {
                self.notices.warn(format!(
                    "cannot tell which rows with {} = {watermark} have landed before: they may \
                     land a second time",
                    spec.column
                ));
                Ok(KeySet::default())
            }
        }
    }

    /// The journal's row for this run, as if it ended now.
    pub(super) fn record(&self, status: Status) -> EntityRun {
        let mut run = EntityRun::begin(
            self.plan.name.clone(),
            self.run.clone(),
            self.started,
            self.plan.run_type,
            self.plan.watermark.clone(),
        );
        run.finish(status);
        run
    }

    async fn record_failure(&self, failed: &Failed) -> Result<(), Fault> {
        let mut run = self.record(Status::Fail);
        run.message = Some(failed.fault.chain());
        let journal = self.plan.journal.as_deref();
        match failed.staged {
            true => self.journal.publish_failed(run, journal).await?,
            false => self.journal.finished(run, journal, None).await?,
        }
        Ok(())
    }
}
