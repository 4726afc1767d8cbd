//! Moves batches and parcels from a Reader to a Writer, with a bounded queue between them.
//!
//! The reader runs in a task of its own, ahead of the writer by at most `queue_size` batches and
//! as many bytes as the budget allows. Either side failing stops the other at once. Now and then
//! the reading side sends a mark behind the rows: the writing side makes them durable there.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::checkpoint::{self, Mark, Pace};
use super::entity::{EntityRunner, Task};
use crate::contract::{Batch, Context, Delivery, Parcel, Reader, Tracking, Writer};
use crate::fault::Fault;
use crate::watermark::{Tracked, Tracker};

/// What was moved.
#[derive(Debug)]
pub(super) struct Moved {
    /// Rows of the whole load: handed out by its readers, less those that landed in an earlier run.
    pub rows: u64,
    pub tracked: Option<Tracked>,
}

/// What goes through the queue.
#[derive(Debug)]
enum Item {
    Delivery(Delivery),
    /// Rows up to here may be made durable.
    Mark(Mark),
}

/// The way of rows from one end to the other.
pub(super) struct Way<'a> {
    pub runner: &'a EntityRunner,
    pub task: &'a Task,
    pub context: &'a Arc<Context>,
    /// The columns of the rows, as a checkpoint has them.
    pub columns: &'a str,
}

impl Way<'_> {
    /// Moves all rows that the reader has into the writer, which has `durable` rows already.
    pub(super) async fn move_all(
        &self,
        reader: Box<dyn Reader>,
        tracker: Option<Tracker>,
        durable: u64,
        writer: &mut dyn Writer,
    ) -> Result<Moved, Fault> {
        let (sender, mut queue) = mpsc::channel(self.runner.plan.queue_size.max(1));
        let follower = Follower { tracker, context: Arc::clone(self.context) };
        let pace = Pace::new(self.runner.tries.checkpoint);
        let reading = tokio::spawn(read(reader, follower, pace, durable, sender));
        let written = self.write(&mut queue, durable, writer).await;
        // Closing the queue is what stops a reader that is ahead.
        drop(queue);
        if written.is_err() {
            self.context.cancel.cancel();
        }
        let read =
            reading.await.map_err(|error| Fault::bug("the reading task panicked").because(error));
        // The writer's fault is the cause when both failed: its reader only noticed the closed
        // queue.
        written?;
        read?
    }

    async fn write(
        &self,
        queue: &mut mpsc::Receiver<Item>,
        durable: u64,
        writer: &mut dyn Writer,
    ) -> Result<(), Fault> {
        let Self { runner, context, .. } = self;
        if durable > 0 {
            context.progress.advance(durable, 0);
        }
        while let Some(item) = queue.recv().await {
            match item {
                Item::Delivery(Delivery::Rows(batch)) => {
                    let (rows, bytes) = (batch.rows.num_rows() as u64, batch.permit.bytes() as u64);
                    writer.write(batch).await?;
                    context.progress.advance(rows, bytes);
                }
                Item::Delivery(Delivery::Parcel(parcel)) => {
                    writer.take(parcel).await?;
                    context.progress.mark();
                }
                Item::Mark(mark) => {
                    checkpoint::keep(runner, self.task, self.columns, mark, writer).await?;
                    context.progress.mark();
                }
            }
        }
        Ok(())
    }
}

async fn read(
    mut reader: Box<dyn Reader>,
    mut follower: Follower,
    mut pace: Pace,
    durable: u64,
    queue: mpsc::Sender<Item>,
) -> Result<Moved, Fault> {
    let mut rows = durable;
    loop {
        let next = tokio::select! {
            biased;
            () = follower.context.cancel.cancelled() => return Err(Fault::cancelled()),
            () = queue.closed() => return Err(Fault::cancelled()),
            next = reader.next() => next?,
        };
        let delivery = match next {
            None => break,
            Some(Delivery::Rows(batch)) => {
                let batch = follower.filter(batch).await?;
                rows += batch.rows.num_rows() as u64;
                (batch.rows.num_rows() > 0).then_some(Delivery::Rows(batch))
            }
            Some(Delivery::Parcel(mut parcel)) => {
                tokio::select! {
                    biased;
                    () = queue.closed() => return Err(Fault::cancelled()),
                    followed = follower.follow(&mut parcel) => followed?,
                }
                rows += parcel.rows;
                Some(Delivery::Parcel(parcel))
            }
        };
        // Rows that were left out bring the reader further, too.
        pace.given();
        let mut mark = None;
        if pace.is_due()
            && let Some(state) = reader.resume()
        {
            mark = follower.mark(rows, state).await?;
            pace.tried();
        }
        for item in delivery.map(Item::Delivery).into_iter().chain(mark.map(Item::Mark)) {
            if queue.send(item).await.is_err() {
                return Err(Fault::cancelled());
            }
        }
    }
    Ok(Moved { rows, tracked: follower.tracker.map(Tracker::finish) })
}

/// Keeps the tracker at what passes, on the CPU pool.
struct Follower {
    tracker: Option<Tracker>,
    context: Arc<Context>,
}

impl Follower {
    /// Leaves out the rows that should not land.
    async fn filter(&mut self, mut batch: Batch) -> Result<Batch, Fault> {
        let Some(mut tracker) = self.tracker.take() else { return Ok(batch) };
        let all = batch.rows;
        let (left, tracker) =
            self.context.cpu.run(move || tracker.observe(all).map(|rows| (rows, tracker))).await?;
        batch.rows = left;
        self.tracker = Some(tracker);
        Ok(batch)
    }

    /// Notes where the reader and the tracker are.
    async fn mark(&mut self, rows: u64, reader: serde_json::Value) -> Result<Option<Mark>, Fault> {
        let tracker = self.tracker.take();
        let work = move || Mark::new(rows, reader, tracker.as_ref()).map(|mark| (mark, tracker));
        let (mark, tracker) = self.context.cpu.run(work).await?;
        self.tracker = tracker;
        if mark.is_none() {
            self.context.notices.debug("there is too much to write down for a checkpoint here");
        }
        Ok(mark)
    }

    /// Follows the rows of a parcel, one batch of its key columns at a time.
    async fn follow(&mut self, parcel: &mut Parcel) -> Result<(), Fault> {
        let mut tracked: Tracking =
            std::mem::replace(&mut parcel.tracked, Box::new(std::iter::empty()));
        let mut rows = 0;
        while let Some(mut tracker) = self.tracker.take() {
            if self.context.cancel.is_cancelled() {
                return Err(Fault::cancelled());
            }
            let (back, tracker, seen) = self
                .context
                .cpu
                .run(move || {
                    let seen = match tracked.next().transpose()? {
                        Some(columns) => {
                            let seen = columns.num_rows();
                            tracker.follow(columns)?;
                            Some(seen)
                        }
                        None => None,
                    };
                    Ok((tracked, tracker, seen))
                })
                .await?;
            self.tracker = Some(tracker);
            let Some(seen) = seen else {
                return match rows == parcel.rows {
                    true => Ok(()),
                    false => Err(Fault::bug(format!(
                        "a parcel of {} rows gave the keys of {rows}",
                        parcel.rows
                    ))),
                };
            };
            tracked = back;
            rows += seen as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use arrow_schema::SchemaRef;
    use async_trait::async_trait;

    use super::*;
    use crate::budget::Budget;
    use crate::contract::{Durability, RunIds};
    use crate::cpu::Cpu;
    use crate::engine::event::{Notices, Silent};
    use crate::fault::FaultKind;
    use crate::watermark::{KeySet, Watermark, WatermarkSpec};

    struct Prepared(VecDeque<Delivery>, SchemaRef);

    #[async_trait]
    impl Reader for Prepared {
        fn schema(&self) -> SchemaRef {
            Arc::clone(&self.1)
        }

        async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
            Ok(self.0.pop_front())
        }
    }

    fn context() -> Arc<Context> {
        Arc::new(Context {
            flow: "f".to_owned(),
            entity: "e".to_owned(),
            run: RunIds { coordinator: "c".into(), flow: "f".into(), entity: "e".into() },
            memory: Budget::new(1 << 20).share(),
            cpu: Cpu::with_cores(1),
            cancel: Default::default(),
            durability: Durability::Process,
            notices: Notices::new(None, Arc::new(Silent)),
            progress: crate::contract::Progress::silent(),
        })
    }

    fn rows(ids: &[i64]) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        RecordBatch::try_from_iter([("name", Arc::clone(&column)), ("id", column)]).unwrap()
    }

    fn batch(context: &Context, ids: &[i64]) -> Delivery {
        Delivery::Rows(Batch { rows: rows(ids), permit: context.memory.charge(8) })
    }

    fn parcel(context: &Context, rows_promised: u64, batches: Vec<RecordBatch>) -> Delivery {
        let keys = batches.into_iter().map(|rows| Ok(rows.project(&[1]).unwrap()));
        Delivery::Parcel(Parcel {
            rows: rows_promised,
            bytes: 1,
            content: Box::new("content"),
            tracked: Box::new(keys),
            permit: context.memory.charge(8),
        })
    }

    async fn moved(
        context: &Arc<Context>,
        since: Option<i64>,
        deliveries: Vec<Delivery>,
    ) -> Result<(Moved, usize), Fault> {
        let spec = WatermarkSpec { primary_key: "id".to_owned(), column: "id".to_owned() };
        let schema = rows(&[]).schema();
        let since = since.map(Watermark::Int);
        let tracker = Tracker::new(&spec, &schema, since, KeySet::default()).unwrap();
        let reader = Box::new(Prepared(deliveries.into(), schema));
        let (sender, mut queue) = mpsc::channel(16);
        let follower = Follower { tracker: Some(tracker), context: Arc::clone(context) };
        let pace = Pace::new(std::time::Duration::MAX);
        let moved = read(reader, follower, pace, 0, sender).await?;
        let mut passed = 0;
        while queue.recv().await.is_some() {
            passed += 1;
        }
        Ok((moved, passed))
    }

    #[tokio::test]
    async fn parcels_are_followed_and_counted_among_rows() {
        let context = context();
        let deliveries = vec![
            batch(&context, &[1, 2, 3]),
            parcel(&context, 3, vec![rows(&[9, 4]), rows(&[5])]),
            batch(&context, &[1]),
        ];
        let (moved, passed) = moved(&context, Some(2), deliveries).await.unwrap();
        assert_eq!((moved.rows, passed), (5, 2), "rows 2 and 3, and the parcel");
        let tracked = moved.tracked.unwrap();
        assert_eq!(tracked.watermark, Some(Watermark::Int(9)));
        assert_eq!(tracked.boundary.unwrap().hashes.len(), 1);
        assert_eq!(tracked.dropped, 2);
    }

    #[tokio::test]
    async fn a_parcel_with_other_rows_than_promised_is_a_fault() {
        let context = context();
        let short = moved(&context, None, vec![parcel(&context, 3, vec![rows(&[1])])]).await;
        assert_eq!(short.unwrap_err().kind(), FaultKind::Bug);
        let old = moved(&context, Some(5), vec![parcel(&context, 2, vec![rows(&[9, 4])])]).await;
        assert_eq!(old.unwrap_err().kind(), FaultKind::Data);
    }
}
