//! What the host gives to connectors.

pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod wasi;
pub(crate) mod wasi_http;

use std::sync::Arc;

use hygge_http::Connection;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::v0_1::generated::hygge::connector;
use crate::job::Job;
use crate::limits::Limits;
use crate::meter::Meter;

use self::wasi_http::WasiHttp;

/// What the host keeps for one instance.
pub(crate) struct State {
    pub limits: Limits,
    /// The host's side of the handles that the instance holds.
    pub table: ResourceTable,
    pub wasi: WasiCtx,
    pub wasi_http: WasiHttp,
    /// The way out to the network.
    pub http: Arc<Connection>,
    pub job: Arc<Job>,
    pub meter: Arc<Meter>,
}

impl State {
    /// The connector got on, as far as the host can see.
    pub(crate) fn got_on(&self) {
        self.meter.mark();
        self.job.progress.mark();
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Links what a component may import. WASI only where it is imported.
pub(crate) fn link(linker: &mut Linker<State>, wasi: bool) -> wasmtime::Result<()> {
    connector::types::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    connector::host::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    connector::http::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    if wasi {
        wasmtime_wasi::p2::add_to_linker_async(linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    }
    Ok(())
}
