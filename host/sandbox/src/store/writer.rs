//! A load being written through a connector.

use std::future::Future;
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use hygge_core::contract::{Batch, Context, Manifest, Mode, Staged, Writer};
use hygge_core::fault::Fault;

use super::staged;
use crate::engine::Machine;
use crate::fault;
use crate::guest::StoreGuest;
use crate::home::LONGEST_STATE;
use crate::ipc;
use crate::job::Job;

/// What a load is about.
pub(super) struct Loading {
    pub machine: Arc<Machine>,
    pub job: Arc<Job>,
    pub context: Arc<Context>,
    pub mode: Mode,
    pub location: String,
}

pub(super) struct ConnectorWriter {
    loading: Loading,
    /// Away while a call is under way: a call that is dropped takes the instance with it.
    guest: Option<Box<dyn StoreGuest>>,
    /// Rows that the connector has taken.
    rows: u64,
}

impl ConnectorWriter {
    /// `rows` have been written before.
    pub(super) fn new(loading: Loading, guest: Box<dyn StoreGuest>, rows: u64) -> Self {
        Self { loading, guest: Some(guest), rows }
    }

    /// Makes a call on the threads of guests.
    async fn ask<T, F>(
        &mut self,
        ask: impl FnOnce(Box<dyn StoreGuest>) -> F + Send + 'static,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = (Box<dyn StoreGuest>, Result<T, Fault>)> + Send + 'static,
    {
        let Some(guest) = self.guest.take() else {
            let name = self.loading.job.connector();
            return Err(Fault::bug(format!("connector `{name}` was called after its end")));
        };
        let (guest, answer) = self.loading.machine.run(async move { Ok(ask(guest).await) }).await?;
        self.guest = Some(guest);
        answer
    }

    fn manifest(&self, rows: u64, detail: serde_json::Value) -> Manifest {
        Manifest {
            entity_run_id: self.loading.context.run.entity.clone(),
            mode: self.loading.mode,
            rows,
            staging: self.loading.location.clone(),
            detail,
        }
    }

    fn bounded(&self, export: &str, state: &[u8]) -> Result<(), Fault> {
        if state.len() <= LONGEST_STATE {
            return Ok(());
        }
        let what = format!("gave a state of {} bytes, of at most {LONGEST_STATE}", state.len());
        Err(fault::broke(&self.loading.job, export, &what))
    }
}

#[async_trait]
impl Writer for ConnectorWriter {
    async fn write(&mut self, batch: Batch) -> Result<(), Fault> {
        let Batch { rows, permit } = batch;
        let most = self.loading.job.policy().batch_size as usize;
        for part in parts(&rows, permit.bytes(), most) {
            let count = part.num_rows() as u64;
            let stream = self.loading.context.cpu.run(move || ipc::encode(&part)).await?;
            // While the guest takes it, it is in memory twice.
            let _copy = self.loading.context.memory.charge(stream.len());
            self.ask(|mut guest| async move {
                let answer = guest.write(stream).await;
                (guest, answer)
            })
            .await?;
            self.rows += count;
        }
        Ok(())
    }

    async fn checkpoint(&mut self) -> Result<Option<Manifest>, Fault> {
        let state = self
            .ask(|mut guest| async move {
                let answer = guest.checkpoint().await;
                (guest, answer)
            })
            .await?;
        let Some(state) = state else { return Ok(None) };
        self.bounded("store.writer.checkpoint", &state)?;
        Ok(Some(self.manifest(self.rows, staged::of_checkpoint(&state))))
    }

    async fn stage(mut self: Box<Self>) -> Result<Staged, Fault> {
        let prepared = self
            .ask(|mut guest| async move {
                let answer = guest.prepare().await;
                (guest, answer)
            })
            .await?;
        self.bounded("store.writer.prepare", &prepared.token)?;
        Ok(Staged {
            manifest: self.manifest(prepared.rows, staged::of_token(&prepared.token)),
            rows: prepared.rows,
            bytes: super::believable(prepared.bytes),
        })
    }

    async fn abort(mut self: Box<Self>) {
        if self.guest.is_none() {
            // The instance ended in a fault: what it staged is left to a sweep.
            return;
        }
        let aborted = self
            .ask(|mut guest| async move {
                let answer = guest.abort().await;
                (guest, answer)
            })
            .await;
        if let Err(fault) = aborted {
            let notice = format!("what was staged is left to be swept: {}", fault.chain());
            self.loading.context.notices.debug(notice);
        }
    }
}

/// The rows in parts of about `most` bytes, `bytes` being what all of them take.
fn parts(
    rows: &RecordBatch,
    bytes: usize,
    most: usize,
) -> impl Iterator<Item = RecordBatch> + use<> {
    let count = rows.num_rows();
    let pieces = bytes.div_ceil(most.max(1)).clamp(1, count.max(1));
    let each = count.div_ceil(pieces).max(1);
    let rows = rows.clone();
    (0..count).step_by(each).map(move |at| rows.slice(at, each.min(count - at)))
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn lengths(count: i64, bytes: usize, most: usize) -> Vec<usize> {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
        let rows = RecordBatch::try_from_iter([("id", column)]).unwrap();
        parts(&rows, bytes, most).map(|part| part.num_rows()).collect()
    }

    #[test]
    fn large_batches_are_given_in_parts_that_hold_every_row() {
        assert_eq!(lengths(10, 100, 1000), [10]);
        assert_eq!(lengths(10, 100, 30), [3, 3, 3, 1]);
        assert_eq!(lengths(3, 1_000_000, 1), [1, 1, 1]);
        assert_eq!(lengths(0, 100, 30), [0_usize; 0]);
    }
}
