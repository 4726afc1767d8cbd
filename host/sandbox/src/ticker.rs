//! The clock that interrupts guests.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hygge_core::fault::{Fault, FaultKind};
use wasmtime::Engine;

/// How long a guest may keep its thread before it is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Advances the engine's epoch while there are instances; sleeps while there are none.
pub(crate) struct Ticker(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<Ticking>,
    changed: Condvar,
}

#[derive(Default)]
struct Ticking {
    instances: usize,
    over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Ticking> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> Result<Self, Fault> {
        let shared = Arc::new(Shared::default());
        let weak = engine.weak();
        let ticking = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("hygge-tick".to_owned())
            .spawn(move || {
                while wait(&ticking) {
                    let Some(engine) = weak.upgrade() else { return };
                    engine.increment_epoch();
                }
            })
            .map_err(|error| {
                Fault::new(FaultKind::Resource, "cannot start threads for connectors")
                    .because(error)
            })?;
        Ok(Self(shared))
    }

    /// Ticks as long as what this returns lives.
    pub(crate) fn keep(&self) -> Kept {
        self.0.state().instances += 1;
        self.0.changed.notify_one();
        Kept(Arc::clone(&self.0))
    }
}

/// Waits for the next tick. False when there will be none: an instance that outlives the ticker,
/// because it is being ended, has to be interrupted still.
fn wait(shared: &Shared) -> bool {
    let mut state = shared.state();
    while state.instances == 0 {
        if state.over {
            return false;
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    drop(state);
    std::thread::sleep(TICK);
    true
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.changed.notify_one();
    }
}

/// A reason to tick.
pub(crate) struct Kept(Arc<Shared>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.state().instances -= 1;
    }
}
