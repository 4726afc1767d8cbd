//! Where one split after another is read, each by an instance of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_schema::SchemaRef;
use hygge_core::budget::Permit;
use hygge_core::contract::Context;
use hygge_core::fault::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::LONGEST_STATE;
use super::rows::{self, Decoded};
use crate::component::Loaded;
use crate::engine::{Machine, Running};
use crate::fault;
use crate::guest::{Rows, Split};
use crate::job::Job;

/// Chunks that a lane makes ahead of the reader. While one waits to be taken the guest makes the
/// next: with fewer, a guest that is quick would stand still until somebody has woken up.
const AHEAD: usize = 2;

/// What a lane says to the reader.
pub(super) enum Said {
    /// Rows of a split, still being decoded.
    Chunk(Coming),
    /// A split has no more rows.
    End(usize),
    /// A split cannot be read.
    Fault(Fault),
}

/// A chunk on its way.
pub(super) struct Coming {
    /// Which split, by its place in the plan.
    pub split: usize,
    /// Its rows, as soon as they are decoded.
    pub rows: Running<Decoded>,
    /// The state after them.
    pub resume: Option<Vec<u8>>,
    /// The bytes it holds of the run's budget.
    pub permit: Permit,
    /// Until this is dropped, its lane reads no further ahead.
    pub turn: OwnedSemaphorePermit,
}

/// What all lanes of a reading share.
pub(super) struct Yard {
    pub machine: Arc<Machine>,
    pub loaded: Arc<Loaded>,
    pub job: Arc<Job>,
    pub context: Arc<Context>,
    pub schema: SchemaRef,
    /// Splits to be read, with where to go on, by their place in the plan.
    pub splits: Vec<(usize, Split, Option<Vec<u8>>)>,
    /// The first of them that no lane has taken.
    pub untaken: AtomicUsize,
}

/// Reads splits until there are none left or somebody stops listening.
pub(super) async fn run(yard: Arc<Yard>, say: mpsc::Sender<Said>) -> Result<(), Fault> {
    loop {
        let at = yard.untaken.fetch_add(1, Ordering::Relaxed);
        let Some((place, split, resume)) = yard.splits.get(at) else { return Ok(()) };
        let last = match read(&yard, *place, split, resume.as_deref(), &say).await {
            Ok(()) => Said::End(*place),
            Err(fault) => Said::Fault(fault),
        };
        let failed = matches!(last, Said::Fault(_));
        if say.send(last).await.is_err() || failed {
            return Ok(());
        }
    }
}

async fn read(
    yard: &Arc<Yard>,
    place: usize,
    split: &Split,
    resume: Option<&[u8]>,
    say: &mpsc::Sender<Said>,
) -> Result<(), Fault> {
    let target = yard.job.policy().batch_size;
    let turns = Arc::new(Semaphore::new(AHEAD));
    let mut guest = yard.loaded.home(&yard.machine, &yard.job).await?;
    guest.read(split, resume).await?;
    loop {
        let turn = Arc::clone(&turns).acquire_owned().await;
        let turn = turn.map_err(|_| Fault::bug("a lane was closed"))?;
        let mut permit = yard.context.memory.acquire(target as usize).await;
        let Some(chunk) = guest.next(target).await? else { return Ok(()) };
        if let Some(state) = &chunk.resume
            && state.len() > LONGEST_STATE
        {
            let what = format!("gave a state of {} bytes, of at most {LONGEST_STATE}", state.len());
            return Err(fault::broke(&yard.job, "home.reader.next", &what));
        }
        permit.resize(chunk.rows.size());
        let looked_over = matches!(chunk.rows, Rows::Arrow(_));
        let decoding = {
            let yard = Arc::clone(yard);
            async move {
                let who = yard.job.who();
                let schema = Arc::clone(&yard.schema);
                let decode = move || rows::decode(chunk.rows, &schema, &who);
                // Rows that are only looked over do not wait in line for a core.
                if looked_over { decode() } else { yard.context.cpu.run(decode).await }
            }
        };
        let coming = Coming {
            split: place,
            rows: yard.machine.spawn(decoding)?,
            resume: chunk.resume,
            permit,
            turn,
        };
        if say.send(Said::Chunk(coming)).await.is_err() {
            return Err(Fault::cancelled());
        }
    }
}
