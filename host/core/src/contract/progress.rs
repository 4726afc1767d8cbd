//! How far a load is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::event::{EntityName, Event, Listener, Silent};

/// How far one attempt at an entity is. Whoever moves something tells it here: that is what the
/// user sees, and what keeps the attempt from being given up as stalled.
///
/// The engine itself counts rows that go from a Reader to a Writer in batches. The rows of a
/// [`Parcel`](super::Parcel) may take long on their way: its Writer counts them as they move, with
/// [`portion`](Self::portion). Cheap to clone.
#[derive(Clone)]
pub struct Progress {
    state: Arc<State>,
}

struct State {
    name: Option<EntityName>,
    listener: Arc<dyn Listener>,
    /// When something last moved.
    last: Mutex<Instant>,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Of `name`, told to `listener`.
    pub fn new(name: Option<EntityName>, listener: Arc<dyn Listener>) -> Self {
        let last = Mutex::new(Instant::now());
        let (rows, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { state: Arc::new(State { name, listener, last, rows, bytes }) }
    }

    /// Told to nobody.
    pub fn silent() -> Self {
        Self::new(None, Arc::new(Silent))
    }

    /// Something moved, if only a part of a row.
    pub fn mark(&self) {
        *self.state.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// So many more rows have moved, of so many bytes.
    pub fn advance(&self, rows: u64, bytes: u64) {
        self.mark();
        let rows = self.state.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let bytes = self.state.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(name) = &self.state.name {
            self.state.listener.event(&Event::Progress { name: name.clone(), rows, bytes });
        }
    }

    /// Counts rows that move little by little.
    pub fn portion(&self, rows: u64, bytes: u64) -> Portion {
        Portion { progress: self.clone(), rows, bytes, told: (0, 0) }
    }

    /// How long nothing has moved.
    pub(crate) fn idle(&self) -> Duration {
        self.state.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = self.state.rows.load(Ordering::Relaxed);
        f.debug_struct("Progress").field("rows", &rows).finish_non_exhaustive()
    }
}

/// Rows that move little by little.
#[derive(Debug)]
pub struct Portion {
    progress: Progress,
    rows: u64,
    bytes: u64,
    /// What has been told of each.
    told: (u64, u64),
}

impl Portion {
    /// `done` of `all` is done, in whatever unit.
    pub fn reached(&mut self, done: u64, all: u64) {
        let of = |whole: u64| match all {
            0 => whole,
            all => (u128::from(whole) * u128::from(done.min(all)) / u128::from(all)) as u64,
        };
        let now = (of(self.rows).max(self.told.0), of(self.bytes).max(self.told.1));
        self.progress.advance(now.0 - self.told.0, now.1 - self.told.1);
        self.told = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(u64, u64)>>);

    impl Listener for Heard {
        fn event(&self, event: &Event) {
            if let Event::Progress { rows, bytes, .. } = event {
                self.0.lock().unwrap().push((*rows, *bytes));
            }
        }
    }

    #[test]
    fn portions_add_up_to_what_they_are_portions_of() {
        let heard = Arc::new(Heard::default());
        let name = EntityName { flow: "f".into(), entity: "e".into() };
        let progress = Progress::new(Some(name), Arc::<Heard>::clone(&heard));
        progress.advance(1, 5);
        let (mut one, mut other) = (progress.portion(10, 100), progress.portion(u64::MAX / 2, 0));
        one.reached(1, 3);
        one.reached(2, 3);
        // What is behind what was told is not told again.
        one.reached(1, 3);
        one.reached(4, 3);
        other.reached(0, 0);
        let all = u64::MAX / 2 + 11;
        let expected = [(1, 5), (4, 38), (7, 71), (7, 71), (11, 105), (all, 105)];
        assert_eq!(*heard.0.lock().unwrap(), expected);
    }
}
