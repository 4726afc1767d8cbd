//! How many requests may be under way, or have answers that wait to be read.

use std::cell::Cell;
use std::rc::Rc;

/// Room for so many requests at a time, of one table.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    most: usize,
    taken: Rc<Cell<usize>>,
}

/// A request's place in a room, until this is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Rc<Cell<usize>>);

impl Room {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, taken: Rc::default() }
    }

    /// How many requests it is for.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Whether there is room for one more.
    pub(crate) fn is_free(&self) -> bool {
        self.taken.get() < self.most
    }

    /// A place for a request that could wait, if there is one.
    pub(crate) fn seat(&self) -> Option<Seat> {
        self.is_free().then(|| self.seat_now())
    }

    /// A place for a request without which nothing goes on.
    pub(crate) fn seat_now(&self) -> Seat {
        self.taken.set(self.taken.get() + 1);
        Seat(Rc::clone(&self.taken))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
