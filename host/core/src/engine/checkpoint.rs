//! Loads that go on where they were cut short.
//!
//! ```text
//! reading side                    queue                 writing side
//! rows given out, time has  ─▶  rows, rows, mark  ─▶  rows written, then: writer.checkpoint()
//! passed: reader.resume(),                             ─▶ journal, if rows agree
//! tracker.snapshot()
//! ```
//!
//! A mark travels behind the rows it covers, so what is journalled together belongs together: the
//! rows that are durable, and the state of the reader and of the tracker right behind them.
//!
//! A checkpoint is given up once its load is staged, once it no longer fits what is asked for, or
//! once there is reason to doubt it ([`Trail::outlives`]).

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow_schema::Schema;
use sha2::{Digest, Sha256};

use super::entity::{EntityRunner, Task};
use crate::contract::{Mode, Writer};
use crate::fault::{Fault, FaultKind};
use crate::journal::Checkpoint;
use crate::watermark::{KeySet, Snapshot, Tracker};

/// The largest state of a reader that is journalled, as bytes of JSON.
const MOST_STATE: usize = 4 << 20;

/// Decides, on the reading side, when a load is worth being made durable.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    last: Instant,
    /// Whether rows were given out since the last mark.
    fresh: bool,
}

/// Where the reading side was, right behind the rows in front of this in the queue.
#[derive(Debug)]
pub(super) struct Mark {
    rows: u64,
    reader: serde_json::Value,
    tracker: Option<Snapshot>,
}

impl Pace {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, last: Instant::now(), fresh: false }
    }

    /// Rows were given out.
    pub(super) fn given(&mut self) {
        self.fresh = true;
    }

    /// Whether it is time for a mark.
    pub(super) fn is_due(&self) -> bool {
        self.fresh && self.last.elapsed() >= self.every
    }

    /// A mark was tried: the next one has its time.
    pub(super) fn tried(&mut self) {
        self.last = Instant::now();
        self.fresh = false;
    }
}

impl Mark {
    /// A mark behind `rows` rows, unless there is more to write down than is worth it. Keeps a
    /// core busy.
    pub(super) fn new(
        rows: u64,
        reader: serde_json::Value,
        tracker: Option<&Tracker>,
    ) -> Result<Option<Self>, Fault> {
        let size = serde_json::to_vec(&reader)
            .map_err(|error| Fault::bug("the state of a source is no JSON").because(error))?
            .len();
        let tracker = tracker.map(Tracker::snapshot);
        if size > MOST_STATE || matches!(tracker, Some(None)) {
            return Ok(None);
        }
        Ok(Some(Self { rows, reader, tracker: tracker.flatten() }))
    }
}

/// What an attempt went on from, and whether it did.
#[derive(Debug)]
pub(super) struct Trail {
    /// The checkpoint at its beginning.
    before: Option<Checkpoint>,
    went_on: AtomicBool,
}

impl Trail {
    /// Looks where an attempt at `task` may go on. A checkpoint of another task is given up.
    pub(super) async fn find(runner: &EntityRunner, task: &Task) -> Result<Self, Fault> {
        let mut before = runner.journal.checkpoint_of(&runner.plan.name);
        if let Some(other) = before.take_if(|found| found.fingerprint != task.fingerprint) {
            give_up(runner, &other, "it is not what is asked for now").await?;
        }
        Ok(Self { before, went_on: AtomicBool::new(false) })
    }

    /// Where the attempt may go on.
    pub(super) fn start(&self) -> Option<&Checkpoint> {
        self.before.as_ref()
    }

    /// Both ends agreed to go on from there.
    pub(super) fn goes_on(&self, runner: &EntityRunner, from: &Checkpoint) {
        self.went_on.store(true, Ordering::Release);
        let whose = match from.manifest.entity_run_id == runner.run.entity {
            true => "the last attempt",
            false => "an interrupted run",
        };
        runner.notices.info(format!("goes on after {} rows that {whose} made durable", from.rows));
    }

    /// Whether a checkpoint is still worth going on from after an attempt that failed.
    ///
    /// After a fault that has nothing to do with the rows (a connection, the disk, Ctrl-C) it is.
    /// After one that may lie in the data or in the configuration it is, too, for the user may
    /// mend that; but not when the attempt had gone on from this very checkpoint: then going on
    /// from it may be what is wrong, and the next attempt begins anew.
    fn outlives(&self, checkpoint: &Checkpoint, fault: &Fault) -> bool {
        match fault.kind() {
            FaultKind::Bug => false,
            kind if has_nothing_to_do_with_rows(kind) => true,
            _ => {
                let further = self.before.as_ref() != Some(checkpoint);
                further || !self.went_on.load(Ordering::Acquire)
            }
        }
    }

    /// After a failed attempt: nothing of it stays but a checkpoint that is worth it.
    pub(super) async fn tidy(&self, runner: &EntityRunner, fault: &Fault) {
        let tidied = async {
            let kept = runner.journal.checkpoint_of(&runner.plan.name);
            let kept = match kept {
                Some(kept) if !self.outlives(&kept, fault) => {
                    runner.journal.drop_checkpoint(&kept.name(), &fault.chain()).await?;
                    None
                }
                kept => kept,
            };
            runner.plan.store.sweep(kept.as_ref().map(|kept| &kept.manifest)).await
        };
        // The fault of the attempt is the one to tell.
        if let Err(left) = tidied.await {
            runner
                .notices
                .warn(format!("could not tidy up after a failed attempt: {}", left.chain()));
        }
    }
}

/// Whether a fault says nothing about what was read and written: the same again may work.
pub(super) fn has_nothing_to_do_with_rows(kind: FaultKind) -> bool {
    kind.is_retryable()
        || matches!(kind, FaultKind::Auth | FaultKind::Resource | FaultKind::Cancelled)
}

/// Loads everything again in place of going on: the checkpoint and what it keeps go away.
pub(super) async fn give_up(
    runner: &EntityRunner,
    checkpoint: &Checkpoint,
    why: &str,
) -> Result<(), Fault> {
    runner.notices.info(format!(
        "{} rows of an interrupted load are durable, but it cannot go on: {why}; it begins anew",
        checkpoint.rows
    ));
    runner.journal.drop_checkpoint(&runner.plan.name, why).await?;
    runner.plan.store.sweep(None).await
}

/// Makes durable what was written, and journals where to go on behind it.
pub(super) async fn keep(
    runner: &EntityRunner,
    task: &Task,
    columns: &str,
    mark: Mark,
    writer: &mut dyn Writer,
) -> Result<(), Fault> {
    let Some(manifest) = writer.checkpoint().await? else { return Ok(()) };
    if manifest.rows != mark.rows {
        return Err(distrusted(
            runner,
            Fault::data(format!(
                "{} rows were read but {} made durable on the way from {} to {}",
                mark.rows,
                manifest.rows,
                runner.plan.home.location(),
                runner.plan.store.location()
            )),
        )
        .await);
    }
    let name = &runner.plan.name;
    let checkpoint = Checkpoint {
        flow: name.flow.to_string(),
        entity: name.entity.to_string(),
        coordinator_run_id: runner.run.coordinator.clone(),
        fingerprint: task.fingerprint.clone(),
        columns: columns.to_owned(),
        rows: mark.rows,
        manifest,
        reader: mark.reader,
        tracker: mark.tracker,
    };
    Ok(runner.journal.checkpoint(checkpoint).await?)
}

/// Rows do not add up, so nothing should go on from what was written: gives back `fault`.
pub(super) async fn distrusted(runner: &EntityRunner, fault: Fault) -> Fault {
    if let Err(error) = runner.journal.drop_checkpoint(&runner.plan.name, &fault.chain()).await {
        runner.notices.warn(format!("a checkpoint could not be dropped: {error}"));
    }
    fault
}

/// What a load was asked for, so far as other rows would come of something else.
pub(super) fn fingerprint(runner: &EntityRunner, task: &Task) -> String {
    let mut sum = Sum(Sha256::new());
    env!("CARGO_PKG_VERSION").hash(&mut sum);
    runner.plan.fingerprint.hash(&mut sum);
    (task.mode == Mode::Replace).hash(&mut sum);
    if let Some(spec) = &runner.plan.watermark {
        (&spec.primary_key, &spec.column).hash(&mut sum);
    }
    if let Some(since) = &task.request.since {
        (&since.column, since.value.type_name(), since.value.to_string()).hash(&mut sum);
        all_of(&task.landed).hash(&mut sum);
    }
    sum.digits()
}

/// The columns of a load, told apart by a hash.
pub(super) fn columns(schema: &Schema) -> String {
    let mut sum = Sum(Sha256::new());
    schema.hash(&mut sum);
    sum.digits()
}

/// The keys of a set as one, in whatever order they come: they are hashes already.
fn all_of(keys: &KeySet) -> (usize, u128) {
    let sum = keys.hashes.iter().map(|hash| u128::from_le_bytes(*hash));
    (keys.hashes.len(), sum.fold(0, u128::wrapping_add))
}

/// SHA-256 over what is hashed: the same in every process.
struct Sum(Sha256);

impl Hasher for Sum {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let sum = self.0.clone().finalize();
        sum.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
    }
}

impl Sum {
    fn digits(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}
