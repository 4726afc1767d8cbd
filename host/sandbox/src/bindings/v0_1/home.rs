//! Calls into a Home of contract 0.1.

use async_trait::async_trait;
use hygge_core::fault::Fault;
use wasmtime::component::{InstancePre, ResourceAny};

use super::generated::exports::hygge::connector::home;
use super::generated::hygge::connector::types;
use crate::guest::{Chunk, HomeGuest, Query, Rows, Split};
use crate::imports::State;
use crate::instance::{Instance, ask};
use crate::schema::Announced;

/// Where a component's exports are.
#[derive(Clone)]
pub(crate) struct Exports(home::GuestIndices);

impl Exports {
    pub(crate) fn find(pre: &InstancePre<State>) -> wasmtime::Result<Self> {
        home::GuestIndices::new(pre).map(Self)
    }
}

/// A session, and the reader of the split it reads.
pub(crate) struct HomeCalls {
    instance: Instance,
    guest: home::Guest,
    session: ResourceAny,
    reader: Option<ResourceAny>,
}

impl HomeCalls {
    /// Opens a session in a fresh instance.
    pub(crate) async fn open(
        mut instance: Instance,
        made: &wasmtime::component::Instance,
        exports: &Exports,
    ) -> Result<Box<dyn HomeGuest>, Fault> {
        let guest = instance.load(|store| exports.0.load(store, made))?;
        let (config, about) = (instance.job().config(), instance.job().about());
        let session = ask!(
            instance,
            "home.session.open",
            guest.session().call_open(&mut instance.store, &config, &about)
        );
        let session = instance.answer(session)?;
        Ok(Box::new(Self { instance, guest, session, reader: None }))
    }
}

#[async_trait]
impl HomeGuest for HomeCalls {
    async fn check(&mut self) -> Result<String, Fault> {
        let Self { instance, guest, session, .. } = self;
        let answer = ask!(
            instance,
            "home.session.check",
            guest.session().call_check(&mut instance.store, *session)
        );
        instance.answer(answer)
    }

    async fn tables(&mut self) -> Result<Vec<String>, Fault> {
        let Self { instance, guest, session, .. } = self;
        let answer = ask!(
            instance,
            "home.session.tables",
            guest.session().call_tables(&mut instance.store, *session)
        );
        instance.answer(answer)
    }

    async fn schema(&mut self, query: &Query) -> Result<Announced, Fault> {
        let Self { instance, guest, session, .. } = self;
        let query = query.into();
        let answer = ask!(
            instance,
            "home.session.schema",
            guest.session().call_schema(&mut instance.store, *session, &query)
        );
        Ok(match instance.answer(answer)? {
            types::Schema::Arrow(bytes) => Announced::Arrow(bytes),
            types::Schema::Json(text) => Announced::Json(text),
        })
    }

    async fn plan(&mut self, query: &Query) -> Result<Vec<Split>, Fault> {
        let Self { instance, guest, session, .. } = self;
        let query = query.into();
        let answer = ask!(
            instance,
            "home.session.plan",
            guest.session().call_plan(&mut instance.store, *session, &query)
        );
        Ok(instance.answer(answer)?.into_iter().map(Split::from).collect())
    }

    async fn read(&mut self, split: &Split, resume: Option<&[u8]>) -> Result<(), Fault> {
        let Self { instance, guest, session, reader } = self;
        let split = home::Split {
            id: split.id.clone(),
            spec: split.spec.clone(),
            rows: split.rows,
            bytes: split.bytes,
        };
        let resume = resume.map(<[u8]>::to_vec);
        let answer = ask!(
            instance,
            "home.session.read",
            guest.session().call_read(&mut instance.store, *session, &split, resume.as_ref())
        );
        *reader = Some(instance.answer(answer)?);
        Ok(())
    }

    async fn next(&mut self, target_bytes: u32) -> Result<Option<Chunk>, Fault> {
        let Self { instance, guest, reader, .. } = self;
        let reader = reader.ok_or_else(|| Fault::bug("no split is being read"))?;
        let answer = ask!(
            instance,
            "home.reader.next",
            guest.reader().call_next(&mut instance.store, reader, target_bytes)
        );
        Ok(instance.answer(answer)?.map(|chunk| Chunk {
            rows: match chunk.batch {
                types::Batch::Arrow(bytes) => Rows::Arrow(bytes),
                types::Batch::Ndjson(bytes) => Rows::Ndjson(bytes),
            },
            resume: chunk.resume,
        }))
    }
}

impl From<&Query> for home::Query {
    fn from(query: &Query) -> Self {
        Self {
            table: query.table.clone(),
            columns: None,
            since: query.since.as_ref().map(|since| home::Watermark {
                column: since.column.clone(),
                value: since.value.clone(),
                kind: since.kind.to_owned(),
            }),
            options: Vec::new(),
        }
    }
}

impl From<home::Split> for Split {
    fn from(split: home::Split) -> Self {
        Self { id: split.id, spec: split.spec, rows: split.rows, bytes: split.bytes }
    }
}
