//! Calls into a Store of contract 0.1.

use async_trait::async_trait;
use hygge_core::fault::Fault;
use wasmtime::component::{InstancePre, ResourceAny};

use super::generated::exports::hygge::connector::store;
use crate::guest::{Committed, Load, Prepared, StoreGuest};
use crate::imports::State;
use crate::instance::{Instance, ask};

/// Where a component's exports are.
#[derive(Clone)]
pub(crate) struct Exports(store::GuestIndices);

impl Exports {
    pub(crate) fn find(pre: &InstancePre<State>) -> wasmtime::Result<Self> {
        store::GuestIndices::new(pre).map(Self)
    }
}

/// A session, and the writer of the load under way.
pub(crate) struct StoreCalls {
    instance: Instance,
    guest: store::Guest,
    session: ResourceAny,
    writer: Option<ResourceAny>,
}

impl StoreCalls {
    /// Opens a session in a fresh instance.
    pub(crate) async fn open(
        mut instance: Instance,
        made: &wasmtime::component::Instance,
        exports: &Exports,
    ) -> Result<Box<dyn StoreGuest>, Fault> {
        let guest = instance.load(|store| exports.0.load(store, made))?;
        let (config, about) = (instance.job().config(), instance.job().about());
        let session = ask!(
            instance,
            "store.session.open",
            guest.session().call_open(&mut instance.store, &config, &about)
        );
        let session = instance.answer(session)?;
        Ok(Box::new(Self { instance, guest, session, writer: None }))
    }

    fn writer(&self) -> Result<ResourceAny, Fault> {
        self.writer.ok_or_else(|| Fault::bug("no load is under way"))
    }
}

#[async_trait]
impl StoreGuest for StoreCalls {
    async fn check(&mut self) -> Result<String, Fault> {
        let Self { instance, guest, session, .. } = self;
        let answer = ask!(
            instance,
            "store.session.check",
            guest.session().call_check(&mut instance.store, *session)
        );
        instance.answer(answer)
    }

    async fn begin(&mut self, load: &Load) -> Result<(), Fault> {
        let Self { instance, guest, session, writer } = self;
        let load = load.into();
        let answer = ask!(
            instance,
            "store.session.begin",
            guest.session().call_begin(&mut instance.store, *session, &load)
        );
        *writer = Some(instance.answer(answer)?);
        Ok(())
    }

    async fn resume(&mut self, load: &Load, checkpoint: &[u8]) -> Result<(), Fault> {
        let Self { instance, guest, session, writer } = self;
        let (load, checkpoint) = (load.into(), checkpoint.to_vec());
        let answer = ask!(
            instance,
            "store.session.resume",
            guest.session().call_resume(&mut instance.store, *session, &load, &checkpoint)
        );
        *writer = Some(instance.answer(answer)?);
        Ok(())
    }

    async fn write(&mut self, stream: Vec<u8>) -> Result<(), Fault> {
        let writer = self.writer()?;
        let Self { instance, guest, .. } = self;
        let answer = ask!(
            instance,
            "store.writer.write",
            guest.writer().call_write(&mut instance.store, writer, &stream)
        );
        instance.answer(answer)
    }

    async fn checkpoint(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let writer = self.writer()?;
        let Self { instance, guest, .. } = self;
        let answer = ask!(
            instance,
            "store.writer.checkpoint",
            guest.writer().call_checkpoint(&mut instance.store, writer)
        );
        instance.answer(answer)
    }

    async fn prepare(&mut self) -> Result<Prepared, Fault> {
        let writer = self.writer()?;
        let Self { instance, guest, .. } = self;
        let answer = ask!(
            instance,
            "store.writer.prepare",
            guest.writer().call_prepare(&mut instance.store, writer)
        );
        let staged = instance.answer(answer)?;
        Ok(Prepared { token: staged.token, rows: staged.rows, bytes: staged.bytes })
    }

    async fn abort(&mut self) -> Result<(), Fault> {
        let writer = self.writer()?;
        let Self { instance, guest, .. } = self;
        ask!(
            instance,
            "store.writer.abort",
            guest.writer().call_abort(&mut instance.store, writer)
        );
        Ok(())
    }

    async fn commit(&mut self, token: &[u8]) -> Result<Committed, Fault> {
        let Self { instance, guest, session, .. } = self;
        let token = token.to_vec();
        let answer = ask!(
            instance,
            "store.session.commit",
            guest.session().call_commit(&mut instance.store, *session, &token)
        );
        let done = instance.answer(answer)?;
        Ok(Committed { rows: done.rows, bytes: done.bytes, parts: done.parts })
    }

    async fn sweep(&mut self, table: &str, keep: &[Vec<u8>]) -> Result<(), Fault> {
        let Self { instance, guest, session, .. } = self;
        let answer = ask!(
            instance,
            "store.session.sweep",
            guest.session().call_sweep(&mut instance.store, *session, table, keep)
        );
        instance.answer(answer)
    }
}

impl From<&Load> for store::Load {
    fn from(load: &Load) -> Self {
        Self {
            table: load.table.clone(),
            schema: load.schema.clone(),
            mode: load.mode.to_owned(),
            keys: Vec::new(),
            run_id: load.run_id.clone(),
            options: load.follows.iter().map(|run| ("follows".to_owned(), run.clone())).collect(),
        }
    }
}
