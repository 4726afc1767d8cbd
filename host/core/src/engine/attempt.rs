//! One try at one entity, in the order that makes a crash at any point harmless.
//!
//! ```text
//! open → begin → write … → stage ─┬─▶ journal "staged" ─▶ publish ─▶ journal "success" ─▶ sweep
//!              │                  │
//!   now and then: checkpoint      │
//!        ─▶ journal               │
//!                                 │
//!   a crash before here leaves    │   a crash after here is finished by the next run,
//!   only staging, and perhaps a   │   from the manifest in the journal
//!   checkpoint to go on from      │
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::{self, Trail};
use super::ends::Opening;
use super::entity::{EntityRunner, Task};
use super::event::Event;
use super::flow::{Moved, Way};
use super::stall;
use crate::contract::{Context, Manifest, Mode, Published, Staged, Writer};
use crate::fault::Fault;
use crate::journal::{Pending, Status};
use crate::watermark::{Tracked, Watermark};

/// How long an attempt that should end may take to end by itself before it is dropped.
const GRACE: Duration = Duration::from_secs(10);

/// What landed.
#[derive(Debug, Default)]
pub(super) struct Landed {
    pub rows: u64,
    pub bytes: u64,
    pub parts: u64,
    pub watermark: Option<Watermark>,
    pub mode: Option<Mode>,
}

/// A failed try.
#[derive(Debug)]
pub(super) struct Failed {
    pub fault: Fault,
    /// Whether its rows are staged and journalled. From then on the attempt is not made again:
    /// the rows are published, by this run or by the next.
    pub staged: bool,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self { fault, staged: false }
    }
}

pub(super) async fn run(
    runner: &EntityRunner,
    task: &Task,
    context: Context,
) -> Result<Landed, Failed> {
    let context = Arc::new(context);
    // Whatever ends this attempt ends everything it started.
    let _end = context.cancel.clone().drop_guard();
    let trail = Trail::find(runner, task).await?;
    let (moved, writer) = match fill(runner, task, &context, &trail).await {
        Ok(filled) => filled,
        Err(fault) => {
            context.cancel.cancel();
            trail.tidy(runner, &fault).await;
            return Err(fault.into());
        }
    };

    if moved.rows == 0 && task.mode == Mode::Append {
        writer.abort().await;
        return Ok(record_success(runner, task, Landed::default(), moved.tracked).await?);
    }
    let staged = match stage(runner, writer, &context).await {
        Ok(staged) => match agree("read", moved.rows, "staged", staged.rows, runner) {
            Ok(()) => Ok(staged),
            Err(fault) => Err(checkpoint::distrusted(runner, fault).await),
        },
        Err(fault) => Err(fault),
    };
    let staged = match staged {
        Ok(staged) => staged,
        Err(fault) => {
            trail.tidy(runner, &fault).await;
            return Err(fault.into());
        }
    };
    runner.listener.event(&Event::Staged { name: runner.plan.name.clone(), rows: staged.rows });
    land(runner, task, staged, moved.tracked).await
}

/// Opens both ends and moves every row into the writer. After a fault nothing is at work any more.
async fn fill(
    runner: &EntityRunner,
    task: &Task,
    context: &Arc<Context>,
    trail: &Trail,
) -> Result<(Moved, Box<dyn Writer>), Fault> {
    let filling = fill_until_cancelled(runner, task, context, trail);
    tokio::pin!(filling);
    let overdue = async {
        runner.cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        filled = &mut filling => filled,
        fault = stall::watch(runner.plan.timeout, &context.progress) => {
            context.cancel.cancel();
            if let Ok(Ok((_, writer))) = tokio::time::timeout(GRACE, &mut filling).await {
                stop(runner, writer).await;
            }
            Err(fault)
        }
        () = overdue => Err(Fault::cancelled()),
    }
}

/// As [`fill`]; ends by itself soon after the context is cancelled.
async fn fill_until_cancelled(
    runner: &EntityRunner,
    task: &Task,
    context: &Arc<Context>,
    trail: &Trail,
) -> Result<(Moved, Box<dyn Writer>), Fault> {
    let ends = Opening { runner, task, context, trail }.open().await?;
    let way = Way { runner, task, context, columns: &ends.columns };
    let mut writer = ends.writer;
    match way.move_all(ends.reader, ends.tracker, ends.rows, writer.as_mut()).await {
        Ok(moved) => Ok((moved, writer)),
        Err(fault) => {
            stop(runner, writer).await;
            Err(fault)
        }
    }
}

/// Has everything staged; what is still being written then may be much.
async fn stage(
    runner: &EntityRunner,
    writer: Box<dyn Writer>,
    context: &Context,
) -> Result<Staged, Fault> {
    context.progress.mark();
    let mut staging = writer.stage();
    let fault = tokio::select! {
        biased;
        () = runner.cancel.cancelled() => Fault::cancelled(),
        fault = stall::watch(runner.plan.timeout, &context.progress) => fault,
        staged = &mut staging => return staged,
    };
    context.cancel.cancel();
    // Whatever comes of it now is swept away; it should not be writing when it is.
    let _ = tokio::time::timeout(GRACE, staging).await;
    Err(fault)
}

/// Ends a load under way. What it wrote goes away, but for a checkpoint.
async fn stop(runner: &EntityRunner, writer: Box<dyn Writer>) {
    match runner.journal.checkpoint_of(&runner.plan.name) {
        Some(_) => writer.leave().await,
        None => writer.abort().await,
    }
}

/// From staged to success. Nothing here is given up for a Ctrl-C: it is short, and half of it is
/// what recovery is for.
async fn land(
    runner: &EntityRunner,
    task: &Task,
    staged: Staged,
    tracked: Option<Tracked>,
) -> Result<Landed, Failed> {
    let mut run = runner.record(Status::Success);
    run.rows = staged.rows;
    run.watermark = tracked.as_ref().and_then(|tracked| tracked.watermark.clone());
    let load = Pending {
        journal: runner.plan.journal.clone(),
        run,
        manifest: staged.manifest.clone(),
        store: runner.plan.store.location(),
    };
    let boundary = tracked.as_ref().and_then(|tracked| tracked.boundary.clone());
    runner.journal.staged(load, boundary).await.map_err(Fault::from)?;
    let published = publish(runner, &staged.manifest).await.map_err(|fault| Failed {
        fault: fault.with_note("its rows are staged; the next run publishes them first"),
        staged: true,
    })?;
    let landed = Landed {
        rows: published.rows,
        bytes: published.bytes,
        parts: published.parts,
        ..Landed::default()
    };
    record_success(runner, task, landed, tracked)
        .await
        .map_err(|fault| Failed { fault, staged: true })
}

/// Publishing is idempotent, so a fault that may pass is answered by publishing again.
async fn publish(runner: &EntityRunner, manifest: &Manifest) -> Result<Published, Fault> {
    let mut attempt = 1;
    let published = loop {
        match runner.plan.store.publish(manifest).await {
            Ok(published) => break published,
            Err(fault) if runner.tries_again(attempt, &fault) => {
                tokio::time::sleep(runner.pause(attempt, &fault)).await;
                attempt += 1;
            }
            Err(fault) => return Err(fault),
        }
    };
    agree("staged", manifest.rows, "published", published.rows, runner)?;
    Ok(published)
}

async fn record_success(
    runner: &EntityRunner,
    task: &Task,
    mut landed: Landed,
    tracked: Option<Tracked>,
) -> Result<Landed, Fault> {
    let mut run = runner.record(Status::Success);
    run.rows = landed.rows;
    if let Some(tracked) = &tracked {
        run.watermark.clone_from(&tracked.watermark);
        landed.watermark.clone_from(&tracked.watermark);
        if tracked.nulls > 0 {
            runner.notices.warn(format!(
                "{} rows have no value in the watermark column and were left out: only a full \
                 load brings them",
                tracked.nulls
            ));
        }
    }
    landed.mode = Some(task.mode);
    let journal = runner.plan.journal.as_deref();
    let boundary = tracked.and_then(|tracked| tracked.boundary);
    runner.journal.finished(run, journal, boundary).await?;
    if let Err(fault) = runner.plan.store.sweep(None).await {
        // The rows have landed and that is on record; only tidying up is left.
        runner.notices.warn(format!("could not tidy up after publishing: {}", fault.chain()));
    }
    Ok(landed)
}

/// Success is reported only when two independent counts agree.
fn agree(a: &str, rows_a: u64, b: &str, rows_b: u64, runner: &EntityRunner) -> Result<(), Fault> {
    if rows_a == rows_b {
        return Ok(());
    }
    Err(Fault::data(format!(
        "{rows_a} rows were {a} but {rows_b} {b} on the way from {} to {}",
        runner.plan.home.location(),
        runner.plan.store.location()
    ))
    .with_help("the destination was not counted as loaded; run again, and report it if it repeats"))
}
