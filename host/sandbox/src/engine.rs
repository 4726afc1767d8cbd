//! What all connectors of a run share: the engine that compiles and runs them, the threads they
//! run on, and the clock that interrupts them.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{AbortHandle, Aborted, abortable};
use hygge_core::fault::{Fault, FaultKind};
use hygge_http::{Http, Proxies};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use wasmtime::{Config, Engine};

use crate::cache::Cache;
use crate::ticker::Ticker;

/// The stack that a guest's own calls may take.
const WASM_STACK: usize = 1 << 20;
/// The whole stack of a call into a guest: its own part, and room for what the host does in it.
const CALL_STACK: usize = 2 << 20;

/// The name of threads that guests run on.
const GUEST: &str = "hygge-guest";

/// After how many turns of its tasks a thread looks what has happened to its connections. A guest
/// that computes has a turn with every tick, and should not keep them waiting.
const LOOK_OUT: u32 = 8;

/// See [`beat`]: less than the second after which whoever waits for an answer looks around.
const BEAT: Duration = Duration::from_millis(500);

/// How a [`Sandbox`] is set up.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// Where compiled connectors are kept; by default the user's cache folder.
    pub cache_dir: Option<PathBuf>,
}

/// Where connectors run. One serves a whole run; cheap to make and to clone: nothing of it exists
/// before the first connector is used.
#[derive(Clone, Debug, Default)]
pub struct Sandbox(Arc<Lazy>);

#[derive(Debug, Default)]
struct Lazy {
    options: SandboxOptions,
    machine: Mutex<Option<Arc<Machine>>>,
}

impl Sandbox {
    /// A sandbox.
    pub fn new(options: SandboxOptions) -> Self {
        Self(Arc::new(Lazy { options, machine: Mutex::default() }))
    }

    pub(crate) fn machine(&self) -> Result<Arc<Machine>, Fault> {
        let mut machine = self.0.machine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machine) = &*machine {
            return Ok(Arc::clone(machine));
        }
        let made = Arc::new(Machine::new(&self.0.options)?);
        *machine = Some(Arc::clone(&made));
        Ok(made)
    }
}

/// A sandbox in use.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) cache: Cache,
    pub(crate) ticker: Ticker,
    /// What sends requests for connectors, on threads of its own.
    pub(crate) http: Http,
    /// Guests run on threads of their own: one that keeps its thread busy holds up other guests
    /// for a tick at most, and the run not at all.
    runtime: Option<Runtime>,
}

impl Machine {
    fn new(options: &SandboxOptions) -> Result<Self, Fault> {
        let engine = engine().map_err(|error| {
            Fault::new(FaultKind::Resource, "connectors cannot run on this machine")
                .because(error.root_cause().to_string())
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name(GUEST)
            .enable_time()
            .build()
            .map_err(no_threads)?;
        runtime.spawn(beat());
        let ticker = Ticker::start(&engine)?;
        let cache = Cache::new(options.cache_dir.clone());
        let http = Http::new(Proxies::from_env())?;
        Ok(Self { engine, cache, ticker, http, runtime: Some(runtime) })
    }

    /// Runs `work` on the threads of guests. Dropping the future ends it at its next `await`.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        self.spawn(work)?.join().await
    }

    /// Runs `work` that lasts on a thread of its own, where its connections can live as well: an
    /// answer that it waits for wakes that thread and no other. Threads that share their work would
    /// wake one another, thousands of times in a second.
    pub(crate) fn spawn_alone<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<Running<T>, Fault> {
        let mut alone = tokio::runtime::Builder::new_current_thread();
        let runtime = alone.event_interval(LOOK_OUT).enable_all().build().map_err(no_threads)?;
        let (work, stop) = abortable(work);
        let (tell, told) = oneshot::channel();
        let thread = std::thread::Builder::new().name(GUEST.to_owned());
        let running = thread.spawn(move || {
            // As a task it is woken by other tasks without a look at the outside world.
            let done = runtime.block_on(runtime.spawn(work));
            // Nobody waits for a name that is still being looked up.
            runtime.shutdown_background();
            // Who has stopped waiting meanwhile does not miss it.
            let _ = tell.send(match done {
                Ok(Ok(done)) => done,
                Ok(Err(Aborted)) => Err(Fault::cancelled()),
                Err(_) => Err(Fault::bug("a task of the sandbox panicked")),
            });
        });
        running.map_err(no_threads)?;
        Ok(Running { told, stop })
    }

    /// As [`run`](Self::run), without waiting.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<Running<T>, Fault> {
        let (work, stop) = abortable(work);
        let (tell, told) = oneshot::channel();
        self.runtime()?.spawn(async move {
            let done = work.await.unwrap_or_else(|Aborted| Err(Fault::cancelled()));
            let _ = tell.send(done);
        });
        Ok(Running { told, stop })
    }

    fn runtime(&self) -> Result<&Runtime, Fault> {
        self.runtime.as_ref().ok_or_else(|| Fault::bug("the sandbox was taken down too early"))
    }
}

/// Keeps a timer going that is nearer than those of requests. Whoever sets the nearest timer of all
/// wakes a thread that waits, only for it to wait anew until then; without this, with every request.
async fn beat() {
    let mut beat = tokio::time::interval(BEAT);
    loop {
        beat.tick().await;
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The last holder may be a task of any runtime, where waiting for threads is forbidden.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

/// Work under way; ends when this is dropped.
pub(crate) struct Running<T> {
    told: oneshot::Receiver<Result<T, Fault>>,
    stop: AbortHandle,
}

impl<T> Running<T> {
    /// Waits for what comes of it.
    pub(crate) async fn join(mut self) -> Result<T, Fault> {
        let told = (&mut self.told).await;
        told.unwrap_or_else(|_| Err(Fault::bug("a task of the sandbox was lost")))
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.stop.abort();
    }
}

fn no_threads(error: std::io::Error) -> Fault {
    Fault::new(FaultKind::Resource, "cannot start threads for connectors").because(error)
}

/// An engine with what components of today need, and nothing beyond.
///
/// Every linear memory reserves 4 GiB of address space, which makes nearly all bounds checks free;
/// only what a guest touches takes memory. Fifty instances reserve 200 GiB of the 128 TiB there
/// are.
pub fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(CALL_STACK)
        .memory_init_cow(true)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false);
    Engine::new(&config)
}
