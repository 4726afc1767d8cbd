//! A [`Home`] as the contract has it.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::batch::Batch;
use crate::bindings::home::exports::hygge::connector::home as contract;
use crate::bindings::types;
use crate::context::Context;
use crate::error::Result;
use crate::home::{Home, Query, Reader, Split, Watermark};
use crate::schema::Schema;
use crate::state;

/// A Home that a component exports.
#[derive(Debug)]
pub struct HomeConnector<H>(PhantomData<H>);

/// A connection to the source.
#[derive(Debug)]
pub struct HomeSession<H>(H);

/// A split being read.
#[derive(Debug)]
pub struct HomeReader<R>(RefCell<R>);

impl<H: Home> HomeSession<H> {
    pub(crate) fn open(config: &str, context: Vec<(String, String)>) -> Result<Self> {
        super::tell_panics();
        Ok(Self(H::open(super::config(config)?, &Context::new(context))?))
    }

    pub(crate) fn home(&self) -> &H {
        &self.0
    }

    pub(crate) fn plan(&self, query: &Query) -> Result<Vec<Split<Vec<u8>>>> {
        let splits = self.0.plan(query)?;
        splits
            .into_iter()
            .map(|split| {
                let spec = state::encode(&split.spec)?;
                Ok(Split { id: split.id, spec, rows: split.rows, bytes: split.bytes })
            })
            .collect()
    }

    pub(crate) fn read(&self, spec: &[u8], resume: Option<&[u8]>) -> Result<HomeReader<H::Reader>> {
        let resume = resume.map(state::decode).transpose()?;
        Ok(HomeReader(RefCell::new(self.0.read(state::decode(spec)?, resume)?)))
    }
}

impl<R: Reader> HomeReader<R> {
    pub(crate) fn next(&self, target_bytes: usize) -> Result<Option<(Batch, Option<Vec<u8>>)>> {
        let Some(chunk) = self.0.borrow_mut().next(target_bytes)? else { return Ok(None) };
        let resume = chunk.resume.as_ref().map(state::encode).transpose()?;
        Ok(Some((chunk.batch, resume)))
    }
}

impl<H: Home> contract::Guest for HomeConnector<H> {
    type Session = HomeSession<H>;
    type Reader = HomeReader<H::Reader>;
}

impl<H: Home> contract::GuestSession for HomeSession<H> {
    fn open(config: String, context: types::Named) -> Result<contract::Session, types::Error> {
        Ok(contract::Session::new(HomeSession::<H>::open(&config, context)?))
    }

    fn check(&self) -> Result<String, types::Error> {
        Ok(self.home().check()?)
    }

    fn tables(&self) -> Result<Vec<String>, types::Error> {
        Ok(self.home().tables()?)
    }

    fn schema(&self, query: contract::Query) -> Result<types::Schema, types::Error> {
        Ok(Schema::into_contract(self.home().schema(&query.into())?)?)
    }

    fn plan(&self, query: contract::Query) -> Result<Vec<contract::Split>, types::Error> {
        let splits = HomeSession::plan(self, &query.into())?;
        Ok(splits
            .into_iter()
            .map(|split| contract::Split {
                id: split.id,
                spec: split.spec,
                rows: split.rows,
                bytes: split.bytes,
            })
            .collect())
    }

    fn read(
        &self,
        split: contract::Split,
        resume: Option<types::State>,
    ) -> Result<contract::Reader, types::Error> {
        Ok(contract::Reader::new(HomeSession::read(self, &split.spec, resume.as_deref())?))
    }
}

impl<R: Reader> contract::GuestReader for HomeReader<R> {
    fn next(&self, target_bytes: u32) -> Result<Option<contract::Chunk>, types::Error> {
        let next = HomeReader::next(self, target_bytes as usize)?;
        Ok(next.map(|(batch, resume)| contract::Chunk { batch: batch.into(), resume }))
    }
}

impl From<contract::Query> for Query {
    fn from(query: contract::Query) -> Self {
        let since = query.since.map(|since| Watermark {
            column: since.column,
            value: since.value,
            kind: since.kind,
        });
        Self { table: query.table, columns: query.columns, since }
    }
}
