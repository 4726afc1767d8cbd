//! One instance of a component: its memory, its calls, its end.

use std::sync::Arc;

use hygge_core::fault::Fault;
use hygge_http::Connection;
use wasmtime::UpdateDeadline;
use wasmtime::component::ResourceTable;

use crate::component::Loaded;
use crate::engine::Machine;
use crate::fault;
use crate::guest::GuestError;
use crate::imports::State;
use crate::imports::http::Errand;
use crate::imports::wasi_http::WasiHttp;
use crate::job::Job;
use crate::limits::Limits;
use crate::meter::{Meter, Stop};
use crate::ticker::Kept;

/// An instance. Dropping it frees everything without running anything of the guest, destructors
/// included: whatever state it is in, it cannot do harm by its end.
pub(crate) struct Instance {
    pub(crate) store: wasmtime::Store<State>,
    job: Arc<Job>,
    meter: Arc<Meter>,
    /// Set while a call is under way and after one that did not end well: a call that was dropped
    /// or that trapped leaves the guest in a state in which nothing may run any more.
    spent: bool,
    _ticking: Kept,
}

impl Instance {
    /// Makes an instance. Runs what the guest does at its start, within the limits of a call.
    pub(crate) async fn start(
        machine: &Machine,
        loaded: &Loaded,
        job: &Arc<Job>,
    ) -> Result<(Self, wasmtime::component::Instance), Fault> {
        let policy = job.policy();
        let meter = Meter::new(policy, job.overdue);
        let mut table = ResourceTable::new();
        table.set_max_capacity(policy.handles);
        let http = Arc::new(Connection::new(&machine.http, Arc::clone(&job.client.net)));
        let errand = Errand::new(job, &meter);
        let state = State {
            limits: Limits::new(policy, job.memory.as_ref()),
            table,
            wasi: crate::imports::wasi::context(job),
            wasi_http: WasiHttp::new(&http, errand),
            http,
            job: Arc::clone(job),
            meter: Arc::clone(&meter),
        };
        let mut store = wasmtime::Store::new(&machine.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(policy.crossing());
        store.set_max_component_handles(policy.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            if store.data().meter.is_out_of_cpu() {
                return Err(crate::meter::OutOfCpu.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        let mut instance = Self {
            store,
            job: Arc::clone(job),
            meter,
            spent: false,
            _ticking: machine.ticker.keep(),
        };
        let (job, meter) = instance.begin()?;
        let made = loaded.pre.instantiate_async(&mut instance.store);
        let made = meter.watch(&job.cancel, made).await;
        let made = instance.end("start", made)?;
        Ok((instance, made))
    }

    /// Before a call. Used by [`ask!`](crate::instance::ask).
    pub(crate) fn begin(&mut self) -> Result<(Arc<Job>, Arc<Meter>), Fault> {
        if std::mem::replace(&mut self.spent, true) {
            return Err(Fault::bug(format!(
                "connector `{}` was called after its end",
                self.job.connector()
            )));
        }
        Ok((Arc::clone(&self.job), Arc::clone(&self.meter)))
    }

    /// After a call. Used by [`ask!`](crate::instance::ask).
    pub(crate) fn end<T>(&mut self, export: &str, outcome: Result<T, Stop>) -> Result<T, Fault> {
        match outcome {
            Ok(value) => {
                self.spent = false;
                Ok(value)
            }
            Err(stop) => {
                let denied = self.store.data().limits.denied();
                Err(fault::stopped(&self.job, export, stop, denied))
            }
        }
    }

    /// Finds the exports of what was instantiated here.
    pub(crate) fn load<T>(
        &mut self,
        load: impl FnOnce(&mut wasmtime::Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let loaded = load(&mut self.store);
        loaded.map_err(|error| fault::stopped(&self.job, "start", Stop::Trap(error), None))
    }

    /// What a call answered, of one that may answer with an error.
    pub(crate) fn answer<T, E: Into<GuestError>>(&self, answer: Result<T, E>) -> Result<T, Fault> {
        answer.map_err(|error| fault::answered(&self.job, &error.into()))
    }

    /// The work this instance is for.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }
}

/// Makes one call into an instance, within its limits.
macro_rules! ask {
    ($instance:expr, $export:literal, $call:expr) => {{
        let (job, meter) = $instance.begin()?;
        let outcome = meter.watch(&job.cancel, $call).await;
        $instance.end($export, outcome)?
    }};
}
pub(crate) use ask;
