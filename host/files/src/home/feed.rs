//! Rows made ahead by a task, taken one batch or parcel at a time.

use std::future::Future;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use hygge_core::contract::{Batch, Context, Delivery, Parcel, Reader};
use hygge_core::fault::Fault;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Batches waiting to be taken. More would only hold memory: the engine has a queue of its own.
const WAITING: usize = 1;

/// The taking end. Dropping it stops the task.
pub(crate) struct Feed {
    schema: SchemaRef,
    rows_expected: Option<u64>,
    said: mpsc::Receiver<Said>,
    cancel: CancellationToken,
    ended: bool,
    _stop: DropGuard,
}

enum Said {
    Delivery(Delivery),
    End,
    Fault(Fault),
}

/// The giving end.
#[derive(Debug)]
pub(crate) struct Outlet {
    say: mpsc::Sender<Said>,
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Delivery(_) => "Delivery",
            Self::End => "End",
            Self::Fault(_) => "Fault",
        })
    }
}

impl Outlet {
    /// Gives a batch out, as soon as there is room for it.
    pub(crate) async fn give(&self, batch: Batch) -> Result<(), Fault> {
        self.say(Delivery::Rows(batch)).await
    }

    /// Gives a parcel out, as soon as there is room for it.
    pub(crate) async fn give_parcel(&self, parcel: Parcel) -> Result<(), Fault> {
        self.say(Delivery::Parcel(parcel)).await
    }

    async fn say(&self, delivery: Delivery) -> Result<(), Fault> {
        self.say.send(Said::Delivery(delivery)).await.map_err(|_| Fault::cancelled())
    }
}

impl Feed {
    /// Begins to make batches with `produce`. All its work stops at its next `await` once the
    /// run is cancelled or the reader is dropped.
    pub(crate) fn start<F, P>(
        schema: SchemaRef,
        rows_expected: Option<u64>,
        context: &Arc<Context>,
        produce: P,
    ) -> Box<dyn Reader>
    where
        P: FnOnce(Arc<Outlet>) -> F,
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let (sender, said) = mpsc::channel(WAITING);
        let stop = context.cancel.child_token();
        let outlet = Arc::new(Outlet { say: sender.clone() });
        let work = produce(outlet);
        tokio::spawn({
            let stop = stop.clone();
            async move {
                let last = tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    made = work => match made {
                        Ok(()) => Said::End,
                        Err(fault) => Said::Fault(fault),
                    },
                };
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    // Nobody listening any more is as good as being stopped.
                    _ = sender.send(last) => {}
                }
            }
        });
        Box::new(Self {
            schema,
            rows_expected,
            said,
            cancel: context.cancel.clone(),
            ended: false,
            _stop: stop.drop_guard(),
        })
    }
}

#[async_trait]
impl Reader for Feed {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows_expected(&self) -> Option<u64> {
        self.rows_expected
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        if self.ended {
            return Ok(None);
        }
        let said = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(Fault::cancelled()),
            said = self.said.recv() => said,
        };
        match said {
            Some(Said::Delivery(delivery)) => Ok(Some(delivery)),
            Some(Said::End) => {
                self.ended = true;
                Ok(None)
            }
            Some(Said::Fault(fault)) => Err(fault),
            // The task ended without a word: never to be taken for the end of the rows.
            None if self.cancel.is_cancelled() => Err(Fault::cancelled()),
            None => Err(Fault::bug("the task that reads ahead has ended early")),
        }
    }
}
