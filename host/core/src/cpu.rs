//! Where work that keeps a core busy goes, away from the threads of the async reactor.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::fault::Fault;

/// Runs work that keeps a core busy, at most as many pieces at once as there are cores.
///
/// Cheap to clone. Must be used inside a tokio runtime.
#[derive(Clone, Debug)]
pub struct Cpu {
    cores: usize,
    slots: Arc<Semaphore>,
}

impl Cpu {
    /// As many pieces at once as this process may use cores.
    pub fn new() -> Self {
        Self::with_cores(std::thread::available_parallelism().map_or(2, usize::from))
    }

    /// At most `cores` pieces at once.
    pub fn with_cores(cores: usize) -> Self {
        let cores = cores.max(1);
        Self { cores, slots: Arc::new(Semaphore::new(cores)) }
    }

    /// How many pieces run at once.
    pub fn cores(&self) -> usize {
        self.cores
    }

    /// Runs `work` as soon as a core is free. A panic in it becomes a fault.
    ///
    /// `work` must not wait for other work on this pool.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Fault>
    where
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| Fault::bug("the CPU pool was closed"))?;
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        })
        .await
        .map_err(panicked)?
    }

    /// Runs `work` that mostly waits for the disk: not counted against the cores.
    pub async fn run_io<T, F>(&self, work: F) -> Result<T, Fault>
    where
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        tokio::task::spawn_blocking(work).await.map_err(panicked)?
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

fn panicked(error: tokio::task::JoinError) -> Fault {
    let said = match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "no message".to_owned()),
        Err(_) => return Fault::cancelled(),
    };
    Fault::bug(format!("a task panicked: {said}"))
}
