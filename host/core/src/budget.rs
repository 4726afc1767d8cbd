//! One byte budget for a run, shared by everything that holds data.
//!
//! Readers *wait* for their bytes, so data already in memory bounds what is read next. Writers
//! *charge* what they buffer without waiting: they must always be able to finish what they have
//! been given. An entity that holds no rows in flight is never made to wait: every entity can
//! always move one batch, so the budget cannot bring a run to a standstill.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The bytes a run may hold.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    shares: AtomicUsize,
    freed: Notify,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: limit.max(1),
            used: AtomicUsize::new(0),
            shares: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    /// A part of the budget for one entity. Its size follows from how many there are.
    pub fn share(self: &Arc<Self>) -> Arc<Share> {
        self.shares.fetch_add(1, Ordering::AcqRel);
        Arc::new(Share { budget: Arc::clone(self), in_flight: AtomicUsize::new(0) })
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
        self.freed.notify_waiters();
    }
}

/// One entity's part of the [`Budget`].
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    /// Bytes of rows read and not yet taken over by the writer.
    in_flight: AtomicUsize,
}

impl Share {
    /// What this entity should stay under, in bytes: the budget divided by the entities that run.
    /// It changes as entities start and finish.
    pub fn size(&self) -> usize {
        self.budget.limit / self.budget.shares.load(Ordering::Acquire).max(1)
    }

    /// Waits until `bytes` fit into the budget and takes them for rows on their way. Never waits
    /// when this entity has no other rows on their way.
    pub async fn acquire(self: &Arc<Self>, bytes: usize) -> Permit {
        loop {
            let freed = self.budget.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_take(bytes) {
                return Permit { share: Arc::clone(self), bytes, in_flight: true };
            }
            freed.await;
        }
    }

    fn try_take(&self, bytes: usize) -> bool {
        if self.in_flight.load(Ordering::Acquire) == 0 {
            self.budget.used.fetch_add(bytes, Ordering::AcqRel);
        } else {
            let fits = self.budget.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                (used + bytes <= self.budget.limit).then_some(used + bytes)
            });
            if fits.is_err() {
                return false;
            }
        }
        self.in_flight.fetch_add(bytes, Ordering::AcqRel);
        true
    }

    /// Takes `bytes` for what a writer buffers, without waiting.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> Permit {
        self.budget.used.fetch_add(bytes, Ordering::AcqRel);
        Permit { share: Arc::clone(self), bytes, in_flight: false }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.shares.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Bytes held of a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    share: Arc<Share>,
    bytes: usize,
    in_flight: bool,
}

impl Permit {
    /// How many bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes how many bytes are held, without waiting.
    pub fn resize(&mut self, bytes: usize) {
        if bytes >= self.bytes {
            let more = bytes - self.bytes;
            self.share.budget.used.fetch_add(more, Ordering::AcqRel);
            if self.in_flight {
                self.share.in_flight.fetch_add(more, Ordering::AcqRel);
            }
        } else {
            self.release(self.bytes - bytes);
        }
        self.bytes = bytes;
    }

    fn release(&self, bytes: usize) {
        if self.in_flight {
            self.share.in_flight.fetch_sub(bytes, Ordering::AcqRel);
        }
        self.share.budget.give_back(bytes);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_reader_waits_until_bytes_are_given_back() {
        let budget = Budget::new(100);
        let share = budget.share();
        let first = share.acquire(80).await;
        let waiting = tokio::spawn({
            let share = Arc::clone(&share);
            async move { share.acquire(80).await.bytes() }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        drop(first);
        assert_eq!(waiting.await.ok(), Some(80));
    }

    #[tokio::test]
    async fn an_entity_with_nothing_in_flight_never_waits() {
        let budget = Budget::new(100);
        let (a, b) = (budget.share(), budget.share());
        let _all = a.acquire(1000).await;
        let one = b.acquire(50).await;
        assert_eq!(one.bytes(), 50);
        assert_eq!(budget.used(), 1050);
    }

    #[tokio::test]
    async fn shares_divide_the_budget() {
        let budget = Budget::new(100);
        let a = budget.share();
        assert_eq!(a.size(), 100);
        let b = budget.share();
        assert_eq!(a.size(), 50);
        drop(b);
        assert_eq!(a.size(), 100);
        let mut held = a.charge(10);
        held.resize(30);
        assert_eq!(budget.used(), 30);
        held.resize(5);
        drop(held);
        assert_eq!(budget.used(), 0);
    }
}
