//! The Store. It keeps nothing.

use std::cell::Cell;

use hygge_sdk::Received;
use hygge_sdk::bindings::home::hygge::connector::types;
use hygge_sdk::bindings::store::exports::hygge::connector::store as contract;

use crate::deeds;

/// The Store.
#[derive(Debug)]
pub(crate) struct Hostile;

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    behaviour: String,
}

/// A load under way.
#[derive(Debug)]
pub(crate) struct Writer {
    behaviour: String,
    rows: Cell<u64>,
}

impl contract::Guest for Hostile {
    type Session = Session;
    type Writer = Writer;
}

impl contract::GuestSession for Session {
    fn open(config: String, context: types::Named) -> Result<contract::Session, types::Error> {
        let behaviour = crate::behaviour(&config, context);
        deeds::at("open", &behaviour)?;
        Ok(contract::Session::new(Self { behaviour }))
    }

    fn check(&self) -> Result<String, types::Error> {
        deeds::at("check", &self.behaviour)?;
        Ok("ready".to_owned())
    }

    fn begin(&self, _: contract::Load) -> Result<contract::Writer, types::Error> {
        deeds::at("begin", &self.behaviour)?;
        let writer = Writer { behaviour: self.behaviour.clone(), rows: Cell::new(0) };
        Ok(contract::Writer::new(writer))
    }

    fn resume(
        &self,
        _: contract::Load,
        checkpoint: types::State,
    ) -> Result<contract::Writer, types::Error> {
        let writer =
            Writer { behaviour: self.behaviour.clone(), rows: Cell::new(count(checkpoint)) };
        Ok(contract::Writer::new(writer))
    }

    fn commit(&self, token: types::State) -> Result<contract::Committed, types::Error> {
        deeds::at("commit", &self.behaviour)?;
        let rows = count(token);
        let rows = match self.behaviour.as_str() {
            "commit_fewer" => rows - 1,
            "commit_more" => u64::MAX,
            _ => rows,
        };
        let size = self.behaviour.starts_with("sizes_most").then_some(u64::MAX);
        Ok(contract::Committed { rows, bytes: size, parts: size })
    }

    fn sweep(&self, _: String, _: Vec<types::State>) -> Result<(), types::Error> {
        deeds::at("sweep", &self.behaviour)
    }
}

impl contract::GuestWriter for Writer {
    fn write(&self, batch: Vec<u8>) -> Result<(), types::Error> {
        deeds::at("write", &self.behaviour)?;
        let rows: usize =
            Received::new(batch).batches()?.iter().map(|batch| batch.num_rows()).sum();
        self.rows.set(self.rows.get() + rows as u64);
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<types::State>, types::Error> {
        deeds::at("checkpoint", &self.behaviour)?;
        Ok(match self.behaviour.as_str() {
            "checkpoint_large" => Some(vec![7; 1 << 20]),
            slow if slow.starts_with("slow") => Some(self.rows.get().to_le_bytes().to_vec()),
            _ => None,
        })
    }

    fn prepare(&self) -> Result<contract::Staged, types::Error> {
        deeds::at("prepare", &self.behaviour)?;
        let rows = match self.behaviour.as_str() {
            "prepare_fewer" => self.rows.get() - 1,
            "prepare_more" => u64::MAX,
            _ => self.rows.get(),
        };
        let token = match self.behaviour.as_str() {
            "token_large" => vec![7; 1 << 20],
            _ => rows.to_le_bytes().to_vec(),
        };
        let bytes = self.behaviour.starts_with("sizes_most").then_some(u64::MAX);
        Ok(contract::Staged { token, rows, bytes })
    }

    fn abort(&self) {
        // There is nobody to answer to.
        let _ = deeds::at("abort", &self.behaviour);
    }
}

/// The count that a state or a token holds.
fn count(state: types::State) -> u64 {
    state.try_into().map(u64::from_le_bytes).unwrap_or_default()
}
