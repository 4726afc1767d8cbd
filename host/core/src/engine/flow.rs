//! Moves batches from a Reader to a Writer, with a bounded queue between them.
//!
//! The reader runs in a task of its own, ahead of the writer by at most `queue_size` batches and
//! as many bytes as the budget allows. Either side failing stops the other at once.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::entity::EntityRunner;
use super::event::Event;
use super::stall::Progress;
use crate::contract::{Batch, Context, Reader, Writer};
use crate::fault::Fault;
use crate::watermark::{Tracked, Tracker};

/// What was moved.
#[derive(Debug)]
pub(super) struct Moved {
    /// Rows handed out by the reader, less those that landed in an earlier run.
    pub rows: u64,
    pub tracked: Option<Tracked>,
}

pub(super) async fn move_all(
    runner: &EntityRunner,
    context: &Arc<Context>,
    reader: Box<dyn Reader>,
    tracker: Option<Tracker>,
    writer: &mut dyn Writer,
    progress: &Progress,
) -> Result<Moved, Fault> {
    let (sender, mut queue) = mpsc::channel(runner.plan.queue_size.max(1));
    let reading = tokio::spawn(read(reader, tracker, Arc::clone(context), sender));
    let written = write(runner, &mut queue, writer, progress).await;
    // Closing the queue is what stops a reader that is ahead.
    drop(queue);
    if written.is_err() {
        context.cancel.cancel();
    }
    let read =
        reading.await.map_err(|error| Fault::bug("the reading task panicked").because(error));
    // The writer's fault is the cause when both failed: its reader only noticed the closed queue.
    written?;
    read?
}

async fn read(
    mut reader: Box<dyn Reader>,
    mut tracker: Option<Tracker>,
    context: Arc<Context>,
    queue: mpsc::Sender<Batch>,
) -> Result<Moved, Fault> {
    let mut rows = 0;
    loop {
        let next = tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(Fault::cancelled()),
            () = queue.closed() => return Err(Fault::cancelled()),
            next = reader.next() => next?,
        };
        let Some(mut batch) = next else { break };
        if let Some(mut tracking) = tracker.take() {
            let all = batch.rows;
            let (left, tracking) =
                context.cpu.run(move || tracking.observe(all).map(|rows| (rows, tracking))).await?;
            batch.rows = left;
            tracker = Some(tracking);
        }
        if batch.rows.num_rows() == 0 {
            continue;
        }
        rows += batch.rows.num_rows() as u64;
        if queue.send(batch).await.is_err() {
            return Err(Fault::cancelled());
        }
    }
    Ok(Moved { rows, tracked: tracker.map(Tracker::finish) })
}

async fn write(
    runner: &EntityRunner,
    queue: &mut mpsc::Receiver<Batch>,
    writer: &mut dyn Writer,
    progress: &Progress,
) -> Result<(), Fault> {
    let (mut rows, mut bytes) = (0, 0);
    while let Some(batch) = queue.recv().await {
        rows += batch.rows.num_rows() as u64;
        bytes += batch.permit.bytes() as u64;
        writer.write(batch).await?;
        progress.mark();
        runner.listener.event(&Event::Progress { name: runner.plan.name.clone(), rows, bytes });
    }
    Ok(())
}
