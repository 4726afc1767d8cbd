//! The rows of all splits, as they come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use hygge_core::budget::Permit;
use hygge_core::contract::{Batch, Context, Delivery, Reader};
use hygge_core::fault::Fault;
use tokio::sync::mpsc;

use super::lane::{self, Coming, Said, Yard};
use super::progress::Progress;
use super::state;
use crate::component::Loaded;
use crate::engine::{Machine, Running};
use crate::job::Job;

/// A table being read through a connector.
pub(super) struct ConnectorReader {
    schema: SchemaRef,
    job: Arc<Job>,
    context: Arc<Context>,
    splits: Vec<Progress>,
    /// Rows that were given out by readings before this one.
    before: u64,
    said: mpsc::Receiver<Said>,
    /// The chunk being given out.
    chunk: Option<Given>,
    /// The lanes; they end when this is dropped.
    _lanes: Vec<Running<()>>,
}

/// A chunk of which some batches have been given out.
struct Given {
    split: usize,
    batches: VecDeque<RecordBatch>,
    resume: Option<Vec<u8>>,
    permit: Permit,
}

impl ConnectorReader {
    pub(super) fn start(
        machine: Arc<Machine>,
        loaded: Arc<Loaded>,
        job: Arc<Job>,
        context: Arc<Context>,
        schema: SchemaRef,
        splits: Vec<Progress>,
    ) -> Result<Box<dyn Reader>, Fault> {
        let left: Vec<_> = splits
            .iter()
            .enumerate()
            .filter(|(_, progress)| !progress.done)
            .map(|(at, progress)| (at, progress.split.clone(), progress.state.clone()))
            .collect();
        let lanes = job.policy().instances.unwrap_or(context.cpu.cores()).min(left.len());
        let (say, said) = mpsc::channel(lanes.max(1));
        let yard = Arc::new(Yard {
            machine: Arc::clone(&machine),
            loaded,
            job: Arc::clone(&job),
            context: Arc::clone(&context),
            schema: Arc::clone(&schema),
            splits: left,
            untaken: AtomicUsize::new(0),
        });
        let lanes =
            (0..lanes).map(|_| machine.spawn_alone(lane::run(Arc::clone(&yard), say.clone())));
        let lanes = lanes.collect::<Result<_, _>>()?;
        let before = splits.iter().map(|split| split.rows).sum();
        Ok(Box::new(Self {
            schema,
            job,
            context,
            splits,
            before,
            said,
            chunk: None,
            _lanes: lanes,
        }))
    }

    /// The next batch of the chunk being given out. The state of a chunk counts with the last.
    fn take(&mut self) -> Result<Option<Batch>, Fault> {
        let Some(chunk) = &mut self.chunk else { return Ok(None) };
        let split = &mut self.splits[chunk.split];
        let Some(rows) = chunk.batches.pop_front() else {
            split.reached(chunk.resume.take());
            self.chunk = None;
            return Ok(None);
        };
        split.gave(&self.job, rows.num_rows() as u64)?;
        let left = chunk.batches.len();
        let permit = if left == 0 {
            split.reached(chunk.resume.take());
            let Some(chunk) = self.chunk.take() else { return Ok(None) };
            chunk.permit
        } else {
            // Batches of one chunk share its bytes: each is charged with its part of them.
            let part = chunk.permit.bytes() / (left + 1);
            chunk.permit.resize(chunk.permit.bytes() - part);
            self.context.memory.charge(part)
        };
        Ok(Some(Batch { rows, permit }))
    }

    async fn receive(&mut self, coming: Coming) -> Result<(), Fault> {
        let Coming { split, rows, resume, mut permit, turn } = coming;
        // From here on the lane may make its next chunk, while this one is decoded and written.
        drop(turn);
        let decoded = rows.join().await?;
        permit.resize(decoded.bytes);
        if decoded.batches.is_empty() {
            self.splits[split].gave_none(&self.job)?;
        }
        self.chunk = Some(Given { split, batches: decoded.batches.into(), resume, permit });
        Ok(())
    }
}

#[async_trait]
impl Reader for ConnectorReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows_expected(&self) -> Option<u64> {
        let all: Option<u64> = self.splits.iter().map(|progress| progress.split.rows).sum();
        all.map(|all| all.saturating_sub(self.before))
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        loop {
            if let Some(batch) = self.take()? {
                return Ok(Some(Delivery::Rows(batch)));
            }
            let said = tokio::select! {
                biased;
                () = self.job.cancel.cancelled() => return Err(Fault::cancelled()),
                said = self.said.recv() => said,
            };
            match said {
                Some(Said::Chunk(coming)) => self.receive(coming).await?,
                Some(Said::End(split)) => self.splits[split].ended(&self.job)?,
                Some(Said::Fault(fault)) => return Err(fault),
                None if self.splits.iter().all(|split| split.done) => return Ok(None),
                // The lanes ended without a word: never to be taken for the end of the rows.
                None if self.job.cancel.is_cancelled() => return Err(Fault::cancelled()),
                None => return Err(Fault::bug("the lanes of a connector have ended early")),
            }
        }
    }

    fn resume(&self) -> Option<serde_json::Value> {
        state::write(&self.splits)
    }
}
