//! A Store that counts rows and keeps none: all there is to a load is in its token.

use std::cell::Cell;

use crate::contract::exports::hygge::connector::store::{
    Committed, Guest, GuestSession, GuestWriter, Load, Session, Staged, Writer,
};
use crate::contract::hygge::connector::types::{Error, Fault, Named, State};
use crate::{Connector, arrow, error};

/// A connection to the destination.
pub(crate) struct Counter;

/// A load under way.
pub(crate) struct Count {
    rows: Cell<u64>,
}

impl Guest for Connector {
    type Session = Counter;
    type Writer = Count;
}

impl GuestSession for Counter {
    fn open(_: String, _: Named) -> Result<Session, Error> {
        Ok(Session::new(Self))
    }

    fn check(&self) -> Result<String, Error> {
        Ok("counts".to_owned())
    }

    fn begin(&self, load: Load) -> Result<Writer, Error> {
        writer(&load, 0)
    }

    fn resume(&self, load: Load, checkpoint: State) -> Result<Writer, Error> {
        writer(&load, count(&checkpoint)?)
    }

    fn commit(&self, token: State) -> Result<Committed, Error> {
        Ok(Committed { rows: count(&token)?, bytes: None, parts: Some(1) })
    }

    fn sweep(&self, _: String, keep: Vec<State>) -> Result<(), Error> {
        keep.iter().try_for_each(|kept| count(kept).map(|_| ()))
    }
}

impl GuestWriter for Count {
    fn write(&self, batch: Vec<u8>) -> Result<(), Error> {
        let rows = arrow::rows(&batch).ok_or_else(|| {
            error(Fault::Data, "released.batch", "it is no stream of Arrow".to_owned())
        })?;
        self.rows.set(self.rows.get() + rows);
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<State>, Error> {
        Ok(Some(self.rows.get().to_le_bytes().to_vec()))
    }

    fn prepare(&self) -> Result<Staged, Error> {
        let rows = self.rows.get();
        Ok(Staged { token: rows.to_le_bytes().to_vec(), rows, bytes: Some(8) })
    }

    fn abort(&self) {}
}

fn writer(load: &Load, rows: u64) -> Result<Writer, Error> {
    if load.mode != "append" && load.mode != "replace" {
        return Err(error(Fault::Config, "released.mode", format!("no mode {}", load.mode)));
    }
    if arrow::rows(&load.schema) != Some(0) {
        return Err(error(Fault::Data, "released.schema", "the schema has rows".to_owned()));
    }
    Ok(Writer::new(Count { rows: Cell::new(rows) }))
}

fn count(state: &[u8]) -> Result<u64, Error> {
    state.try_into().map(u64::from_le_bytes).map_err(|_| {
        error(Fault::Missing, "released.state", "nothing of this load is left".to_owned())
    })
}
