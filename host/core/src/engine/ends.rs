//! Opens both ends of a load: afresh, or where it was cut short.

use std::sync::Arc;

use super::checkpoint::{self, Trail};
use super::entity::{EntityRunner, Task};
use super::event::Event;
use crate::contract::{Context, LoadRequest, ReadRequest, Reader, Writer};
use crate::fault::Fault;
use crate::journal::Checkpoint;
use crate::watermark::Tracker;

/// Both ends of a load, open, and what lies between them.
pub(super) struct Ends {
    pub reader: Box<dyn Reader>,
    pub writer: Box<dyn Writer>,
    pub tracker: Option<Tracker>,
    /// The columns, as a checkpoint has them.
    pub columns: String,
    /// Rows of this load that are durable already.
    pub rows: u64,
}

/// Why a load does not go on.
enum Stop {
    /// It cannot, but may begin anew.
    Refused(Fault),
    /// It cannot now.
    Failed(Fault),
}

impl Stop {
    /// What an end said when it was asked to go on.
    fn of(fault: Fault) -> Self {
        match checkpoint::has_nothing_to_do_with_rows(fault.kind()) {
            true => Self::Failed(fault),
            false => Self::Refused(fault),
        }
    }
}

/// Opens both ends of a load.
pub(super) struct Opening<'a> {
    pub runner: &'a EntityRunner,
    pub task: &'a Task,
    pub context: &'a Arc<Context>,
    pub trail: &'a Trail,
}

impl Opening<'_> {
    pub(super) async fn open(&self) -> Result<Ends, Fault> {
        let Some(from) = self.trail.start() else { return self.afresh(None).await };
        match self.go_on(from).await {
            Ok(ends) => {
                self.trail.goes_on(self.runner, from);
                Ok(ends)
            }
            Err(Stop::Refused(why)) => self.afresh(Some((from, why))).await,
            Err(Stop::Failed(fault)) => Err(fault),
        }
    }

    async fn afresh(&self, refused: Option<(&Checkpoint, Fault)>) -> Result<Ends, Fault> {
        let reader = self.reader(&self.task.request).await?;
        let tracker = self.tracker(reader.as_ref())?;
        // Only now: what can no more be read from its beginning either is no reason to give up
        // what is durable.
        if let Some((from, why)) = refused {
            checkpoint::give_up(self.runner, from, &why.chain()).await?;
        }
        self.opened(reader.as_ref(), 0);
        let load = self.load(reader.as_ref());
        let writer = self.runner.plan.store.begin(&load, Arc::clone(self.context)).await?;
        self.context.progress.mark();
        let columns = checkpoint::columns(&load.schema);
        Ok(Ends { reader, writer, tracker, columns, rows: 0 })
    }

    async fn go_on(&self, from: &Checkpoint) -> Result<Ends, Stop> {
        let request =
            ReadRequest { resume: Some(from.reader.clone()), ..self.task.request.clone() };
        let reader = self.reader(&request).await.map_err(Stop::of)?;
        let load = self.load(reader.as_ref());
        let columns = checkpoint::columns(&load.schema);
        if columns != from.columns {
            return Err(Stop::Refused(Fault::data("the columns of the source changed meanwhile")));
        }
        let mut tracker = self.tracker(reader.as_ref()).map_err(Stop::Failed)?;
        match (&mut tracker, &from.tracker) {
            (Some(tracker), Some(seen)) => tracker.restore(seen).map_err(Stop::Refused)?,
            (None, None) => {}
            _ => return Err(Stop::Refused(Fault::data("its watermark is not known"))),
        }
        let context = Arc::clone(self.context);
        let resumed = self.runner.plan.store.resume(&load, &from.manifest, context).await;
        let writer = resumed.map_err(Stop::of)?;
        self.opened(reader.as_ref(), from.rows);
        Ok(Ends { reader, writer, tracker, columns, rows: from.rows })
    }

    async fn reader(&self, request: &ReadRequest) -> Result<Box<dyn Reader>, Fault> {
        let reader = tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => return Err(Fault::cancelled()),
            reader = self.runner.plan.home.open(request, Arc::clone(self.context)) => reader?,
        };
        self.context.progress.mark();
        Ok(reader)
    }

    fn tracker(&self, reader: &dyn Reader) -> Result<Option<Tracker>, Fault> {
        let Some(spec) = &self.runner.plan.watermark else { return Ok(None) };
        let since = self.task.request.since.as_ref().map(|since| since.value.clone());
        Tracker::new(spec, &reader.schema(), since, self.task.landed.clone()).map(Some)
    }

    fn load(&self, reader: &dyn Reader) -> LoadRequest {
        LoadRequest {
            schema: reader.schema(),
            mode: self.task.mode,
            follows: self.task.follows.clone(),
        }
    }

    fn opened(&self, reader: &dyn Reader, durable: u64) {
        self.runner.listener.event(&Event::Opened {
            name: self.runner.plan.name.clone(),
            rows: reader.rows_expected().map(|rows| rows.saturating_add(durable)),
        });
        self.context.progress.mark();
    }
}
