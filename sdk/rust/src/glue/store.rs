//! A [`Store`] as the contract has it.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::batch::Received;
use crate::bindings::store::exports::hygge::connector::store as contract;
use crate::bindings::types;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::state;
use crate::store::{Committed, Keep, KeptBy, Load, Mode, Staged, Store, Writer};

/// A Store that a component exports.
#[derive(Debug)]
pub struct StoreConnector<S>(PhantomData<S>);

/// A connection to the destination.
#[derive(Debug)]
pub struct StoreSession<S>(S);

/// A load under way.
#[derive(Debug)]
pub struct StoreWriter<W>(RefCell<W>);

/// Tokens and checkpoints are told apart in the journal, because `sweep` is given both.
type Kept<W> = Keep<<W as Writer>::Token, <W as Writer>::Checkpoint>;

impl<S: Store> StoreSession<S> {
    pub(crate) fn open(config: &str, context: Vec<(String, String)>) -> Result<Self> {
        super::tell_panics();
        Ok(Self(S::open(super::config(config)?, &Context::new(context))?))
    }

    pub(crate) fn store(&self) -> &S {
        &self.0
    }

    pub(crate) fn begin(&self, load: Load) -> Result<StoreWriter<S::Writer>> {
        Ok(StoreWriter(RefCell::new(self.0.begin(load)?)))
    }

    pub(crate) fn resume(&self, load: Load, checkpoint: &[u8]) -> Result<StoreWriter<S::Writer>> {
        match state::decode::<KeptBy<S>>(checkpoint)? {
            Keep::Checkpoint(checkpoint) => {
                Ok(StoreWriter(RefCell::new(self.0.resume(load, checkpoint)?)))
            }
            Keep::Token(_) => Err(Error::missing("a load that is prepared cannot be gone on with")),
        }
    }

    pub(crate) fn commit(&self, token: &[u8]) -> Result<Committed> {
        match state::decode::<KeptBy<S>>(token)? {
            Keep::Token(token) => self.0.commit(token),
            Keep::Checkpoint(_) => Err(Error::missing("a load that is not prepared has no token")),
        }
    }

    pub(crate) fn sweep(&self, table: &str, keep: &[Vec<u8>]) -> Result<()> {
        let keep = keep.iter().map(|kept| state::decode(kept)).collect::<Result<_>>()?;
        self.0.sweep(table, keep)
    }
}

impl<W: Writer> StoreWriter<W> {
    pub(crate) fn write(&self, batch: Vec<u8>) -> Result<()> {
        self.0.borrow_mut().write(Received::new(batch))
    }

    pub(crate) fn checkpoint(&self) -> Result<Option<Vec<u8>>> {
        let checkpoint = self.0.borrow_mut().checkpoint()?;
        checkpoint.map(|own| state::encode(&Kept::<W>::Checkpoint(own))).transpose()
    }

    pub(crate) fn prepare(&self) -> Result<Staged<Vec<u8>>> {
        let staged = self.0.borrow_mut().prepare()?;
        let token = state::encode(&Kept::<W>::Token(staged.token))?;
        Ok(Staged { token, rows: staged.rows, bytes: staged.bytes })
    }

    pub(crate) fn abort(&self) {
        self.0.borrow_mut().abort();
    }
}

impl<S: Store> contract::Guest for StoreConnector<S> {
    type Session = StoreSession<S>;
    type Writer = StoreWriter<S::Writer>;
}

impl<S: Store> contract::GuestSession for StoreSession<S> {
    fn open(config: String, context: types::Named) -> Result<contract::Session, types::Error> {
        Ok(contract::Session::new(StoreSession::<S>::open(&config, context)?))
    }

    fn check(&self) -> Result<String, types::Error> {
        Ok(self.store().check()?)
    }

    fn begin(&self, load: contract::Load) -> Result<contract::Writer, types::Error> {
        Ok(contract::Writer::new(StoreSession::begin(self, load.try_into()?)?))
    }

    fn resume(
        &self,
        load: contract::Load,
        checkpoint: types::State,
    ) -> Result<contract::Writer, types::Error> {
        Ok(contract::Writer::new(StoreSession::resume(self, load.try_into()?, &checkpoint)?))
    }

    fn commit(&self, token: types::State) -> Result<contract::Committed, types::Error> {
        let Committed { rows, bytes, parts } = StoreSession::commit(self, &token)?;
        Ok(contract::Committed { rows, bytes, parts })
    }

    fn sweep(&self, table: String, keep: Vec<types::State>) -> Result<(), types::Error> {
        Ok(StoreSession::sweep(self, &table, &keep)?)
    }
}

impl<W: Writer> contract::GuestWriter for StoreWriter<W> {
    fn write(&self, batch: Vec<u8>) -> Result<(), types::Error> {
        Ok(StoreWriter::write(self, batch)?)
    }

    fn checkpoint(&self) -> Result<Option<types::State>, types::Error> {
        Ok(StoreWriter::checkpoint(self)?)
    }

    fn prepare(&self) -> Result<contract::Staged, types::Error> {
        let Staged { token, rows, bytes } = StoreWriter::prepare(self)?;
        Ok(contract::Staged { token, rows, bytes })
    }

    fn abort(&self) {
        StoreWriter::abort(self);
    }
}

impl TryFrom<contract::Load> for Load {
    type Error = Error;

    fn try_from(load: contract::Load) -> Result<Self> {
        let mode = match load.mode.as_str() {
            "replace" => Mode::Replace,
            "append" => Mode::Append,
            other => {
                return Err(Error::config(format!(
                    "this connector does not know how to `{other}` a table"
                )));
            }
        };
        Ok(Self {
            table: load.table,
            schema: Received::new(load.schema),
            mode,
            keys: load.keys,
            run_id: load.run_id,
            options: load.options,
        })
    }
}
