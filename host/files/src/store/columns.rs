//! The columns of a row group, and the values that wait for a core to encode them.
//!
//! Values of a column are encoded in their order by one core at a time. Cores choose the column
//! with the most work waiting, whatever batch it is from: none waits for the end of a batch.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use hygge_core::fault::Fault;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use tokio::sync::Notify;

use super::column::Column;

/// How long a core encodes before it looks whether others wait for it: those who make the next
/// rows, above all. Long beside what it costs to change, short beside what is kept in the queues.
const TURN: Duration = Duration::from_millis(2);

/// The columns of a row group being encoded.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Mutex<Column>>,
    /// What the encoders of each column held when they were last used.
    memory: Vec<AtomicUsize>,
    state: Mutex<State>,
    collects: bool,
    /// Said whenever a column has been encoded, or a core has left.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    queues: Vec<Queue>,
    /// Cores at work, or about to be.
    workers: usize,
    fault: Option<Fault>,
}

/// What waits to be encoded of one column.
#[derive(Debug, Default)]
struct Queue {
    values: Vec<ArrayRef>,
    bytes: usize,
    /// What the core that is at it has taken, and still holds.
    in_hand: usize,
    /// Whether a core is at it.
    busy: bool,
    /// Whether no more will come, and its chunks are still to be closed.
    closing: bool,
    /// Nanoseconds that a byte has taken so far.
    pace: f64,
    /// Bytes encoded so far.
    encoded: usize,
}

impl Queue {
    fn is_ready(&self, collects: bool) -> bool {
        !self.busy && (self.closing || (!collects && !self.values.is_empty()))
    }

    /// About how long it will take.
    fn work(&self) -> f64 {
        self.bytes as f64 * self.pace
    }
}

impl Columns {
    /// `collects` is whether rows are collected first, or encoded as they come.
    pub(super) fn new(columns: Vec<Column>, collects: bool) -> Self {
        let queues = columns.iter().map(|_| Queue { pace: 1.0, ..Queue::default() }).collect();
        Self {
            memory: columns.iter().map(|_| AtomicUsize::new(0)).collect(),
            columns: columns.into_iter().map(Mutex::new).collect(),
            state: Mutex::new(State { queues, workers: 0, fault: None }),
            collects,
            changed: Notify::new(),
        }
    }

    /// Whether rows are collected first, or encoded as they come.
    pub(super) fn collects(&self) -> bool {
        self.collects
    }

    /// Puts rows into the queues.
    pub(super) fn push(&self, rows: &RecordBatch) {
        let mut state = self.state();
        for (queue, values) in state.queues.iter_mut().zip(rows.columns()) {
            queue.bytes += memory(values);
            queue.values.push(ArrayRef::clone(values));
        }
    }

    /// No more rows will come for this row group.
    pub(super) fn close(&self) {
        for queue in &mut self.state().queues {
            queue.closing = true;
        }
    }

    /// What waits, what is in hand, and what the encoders hold.
    pub(super) fn bytes(&self) -> usize {
        // Together: what is no longer in hand is already counted as the encoder's.
        let state = self.state();
        let encoders: usize = self.memory.iter().map(|held| held.load(Ordering::Relaxed)).sum();
        encoders + state.queues.iter().map(|queue| queue.bytes + queue.in_hand).sum::<usize>()
    }

    /// How many more cores, up to `cores` in all, have something to do. The caller sends each to
    /// [`encode_some`](Self::encode_some) until there is nothing left, and then to
    /// [`leave`](Self::leave).
    pub(super) fn hire(&self, cores: usize) -> usize {
        let mut state = self.state();
        let ready = state.queues.iter().filter(|queue| queue.is_ready(self.collects)).count();
        let hired = ready.min(cores.saturating_sub(state.workers));
        state.workers += hired;
        hired
    }

    /// Encodes one column after the other for a [`TURN`], and answers whether there may be more to
    /// do: others who wait for the core get theirs in between.
    pub(super) fn encode_some(&self) -> Result<bool, Fault> {
        let begun = Instant::now();
        while begun.elapsed() < TURN {
            let Some((index, values, last)) = self.next() else { return Ok(false) };
            self.encode(index, values, last)?;
        }
        Ok(true)
    }

    fn encode(&self, index: usize, values: Vec<ArrayRef>, last: bool) -> Result<(), Fault> {
        let encoded = match (self.columns.get(index), self.memory.get(index)) {
            (Some(column), Some(held)) => {
                let mut column = lock(column);
                let encoded = column.encode(values, last);
                held.store(column.memory(), Ordering::Relaxed);
                encoded.map(|()| column.spent)
            }
            _ => Err(Fault::bug(format!("there is no column {index}"))),
        };
        if let Some(queue) = self.state().queues.get_mut(index) {
            queue.busy = false;
            queue.in_hand = 0;
            if let Ok(spent) = &encoded
                && queue.encoded > 0
            {
                queue.pace = *spent as f64 / queue.encoded as f64;
            }
        }
        self.changed.notify_waiters();
        encoded.map(drop)
    }

    /// A core has come to its end.
    pub(super) fn leave(&self, ended: Result<(), Fault>) {
        if let Err(fault) = ended {
            let mut state = self.state();
            // One that found nothing more to do has counted itself out.
            state.workers = state.workers.saturating_sub(1);
            state.fault.get_or_insert(fault);
        }
        self.changed.notify_waiters();
    }

    /// Waits until no more than `bytes` wait for a core.
    pub(super) async fn wait_until_below(&self, bytes: usize) -> Result<(), Fault> {
        self.wait(|state| state.queues.iter().map(|queue| queue.bytes).sum::<usize>() <= bytes)
            .await
    }

    /// Waits until every column is closed.
    pub(super) async fn wait_until_closed(&self) -> Result<(), Fault> {
        self.wait(|state| state.queues.iter().all(|queue| !queue.closing && !queue.busy)).await
    }

    /// The chunks of the row group, in the order of the columns.
    pub(super) fn take(&self, leaves: usize) -> Vec<ArrowColumnChunk> {
        let mut chunks = Vec::with_capacity(leaves);
        for column in &self.columns {
            chunks.append(&mut lock(column).take());
        }
        chunks
    }

    async fn wait(&self, until: impl Fn(&State) -> bool) -> Result<(), Fault> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if let Some(fault) = state.fault.take() {
                    return Err(fault);
                }
                if until(&state) {
                    return Ok(());
                }
                if state.workers == 0 && !state.queues.iter().any(|queue| queue.busy) {
                    return Err(Fault::bug("columns wait, and nobody encodes them"));
                }
            }
            changed.await;
        }
    }

    /// The column with the most work waiting, and its values; whether they are its last. `None`
    /// when nothing waits: the core is then counted out, in the same moment, so that whoever adds
    /// more knows to send another.
    fn next(&self) -> Option<(usize, Vec<ArrayRef>, bool)> {
        let mut state = self.state();
        let State { queues, workers, .. } = &mut *state;
        let most = queues
            .iter_mut()
            .enumerate()
            .filter(|(_, queue)| queue.is_ready(self.collects))
            .max_by(|(_, a), (_, b)| a.work().total_cmp(&b.work()));
        let Some((index, queue)) = most else {
            *workers = workers.saturating_sub(1);
            return None;
        };
        queue.busy = true;
        queue.in_hand = std::mem::take(&mut queue.bytes);
        queue.encoded += queue.in_hand;
        let last = std::mem::take(&mut queue.closing);
        Some((index, std::mem::take(&mut queue.values), last))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(column: &Mutex<Column>) -> MutexGuard<'_, Column> {
    column.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the values alone take, not what else is kept alive with them.
fn memory(values: &ArrayRef) -> usize {
    let data = values.to_data();
    data.get_slice_memory_size().unwrap_or_else(|_| values.get_array_memory_size())
}
