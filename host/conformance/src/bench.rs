//! Where a Home or a Store is put to be examined.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hygge_core::budget::Budget;
use hygge_core::contract::{Context, Durability, RunIds};
use hygge_core::cpu::Cpu;
use hygge_core::engine::event::{EntityName, Listener, Notices, Silent};
use tokio_util::sync::CancellationToken;

/// Makes the contexts that Homes and Stores run in, with the cores of this machine.
#[derive(Clone)]
pub struct Bench {
    flow: String,
    entity: String,
    memory: usize,
    patience: Duration,
    release: Duration,
    cpu: Cpu,
    listener: Arc<dyn Listener>,
    runs: Arc<AtomicU64>,
}

impl Bench {
    /// For the entity of this name, with this many bytes of memory.
    pub fn new(flow: &str, entity: &str, memory: usize) -> Self {
        Self {
            flow: flow.to_owned(),
            entity: entity.to_owned(),
            memory,
            patience: Duration::from_secs(60),
            release: Duration::from_secs(5),
            cpu: Cpu::new(),
            listener: Arc::new(Silent),
            runs: Arc::default(),
        }
    }

    /// Waits so long for a point before it counts as failed.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits so long for memory to be given back: a task that was told to stop may need a moment.
    #[must_use]
    pub fn with_release(mut self, release: Duration) -> Self {
        self.release = release;
        self
    }

    /// Tells notices to `listener`.
    #[must_use]
    pub fn with_listener(mut self, listener: Arc<dyn Listener>) -> Self {
        self.listener = listener;
        self
    }

    /// How long a point may take.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// A run of its own: with a budget, an id and a way to cancel it.
    pub(crate) fn run(&self) -> Run {
        self.run_within(self.memory)
    }

    /// A run with another budget.
    pub(crate) fn run_within(&self, memory: usize) -> Run {
        let number = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let budget = Budget::new(memory);
        let name = EntityName {
            flow: Arc::from(self.flow.as_str()),
            entity: Arc::from(self.entity.as_str()),
        };
        let context = Context {
            flow: self.flow.clone(),
            entity: self.entity.clone(),
            run: RunIds {
                coordinator: format!("conformance-{}-{number}", std::process::id()),
                flow: format!("conformance-flow-{}-{number}", std::process::id()),
                entity: format!("conformance-entity-{}-{number}", std::process::id()),
            },
            memory: budget.share(),
            cpu: self.cpu.clone(),
            cancel: CancellationToken::new(),
            durability: Durability::Process,
            progress: hygge_core::contract::Progress::silent(),
            notices: Notices::new(Some(name), Arc::clone(&self.listener)),
        };
        Run { budget, context: Arc::new(context), release: self.release }
    }
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench")
            .field("flow", &self.flow)
            .field("entity", &self.entity)
            .finish_non_exhaustive()
    }
}

/// One run on the bench.
pub(crate) struct Run {
    budget: Arc<Budget>,
    context: Arc<Context>,
    release: Duration,
}

impl Run {
    /// What a Home or a Store gets to see of it.
    pub(crate) fn context(&self) -> Arc<Context> {
        Arc::clone(&self.context)
    }

    /// Cancels it.
    pub(crate) fn cancel(&self) {
        self.context.cancel.cancel();
    }

    /// Waits until all bytes are given back. The error is how many were not.
    pub(crate) async fn all_given_back(&self) -> Result<(), String> {
        const PAUSE: Duration = Duration::from_millis(5);
        let free = async {
            while self.budget.used() > 0 {
                tokio::time::sleep(PAUSE).await;
            }
        };
        match tokio::time::timeout(self.release, free).await {
            Ok(()) => Ok(()),
            Err(_) => {
                Err(format!("{} bytes of the budget were not given back", self.budget.used()))
            }
        }
    }
}
