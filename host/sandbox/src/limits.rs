//! How much one instance may have, and what it was denied.

use std::sync::Arc;

use hygge_core::budget::{Permit, Share};
use wasmtime::ResourceLimiter;

use crate::policy::Policy;

/// Elements that all tables of an instance may have together.
const TABLE_ELEMENTS: usize = 1_000_000;
/// What the engine keeps for an element of a table.
const BYTES_OF_ELEMENT: usize = size_of::<usize>();
/// Core instances, tables and memories that a component may be made of.
const PARTS: usize = 200;

/// Something that an instance asked for and did not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// More memory than its policy has, or than the machine had.
    Memory,
    /// Larger tables.
    Tables,
}

/// Counts what an instance holds, and charges it to the memory budget of its entity.
pub(crate) struct Limits {
    most_memory: usize,
    memory: usize,
    elements: usize,
    /// The growth that was just allowed, until it is known whether it came true.
    allowed: usize,
    denied: Option<Denied>,
    /// Everything counted here, in the run's budget; none where no run is under way.
    charged: Option<Permit>,
}

impl Limits {
    pub(crate) fn new(policy: &Policy, budget: Option<&Arc<Share>>) -> Self {
        Self {
            most_memory: policy.memory,
            memory: 0,
            elements: 0,
            allowed: 0,
            denied: None,
            charged: budget.map(|share| share.charge(0)),
        }
    }

    /// What was denied last.
    pub(crate) fn denied(&self) -> Option<Denied> {
        self.denied
    }

    fn charge(&mut self) {
        if let Some(permit) = &mut self.charged {
            permit.resize(self.memory + self.elements * BYTES_OF_ELEMENT);
        }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let fits = self.memory.saturating_add(more) <= self.most_memory;
        if !fits || maximum.is_some_and(|maximum| desired > maximum) {
            self.denied = Some(Denied::Memory);
            self.allowed = 0;
            return Ok(false);
        }
        self.memory += more;
        self.allowed = more;
        self.charge();
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory -= std::mem::take(&mut self.allowed);
        self.denied = Some(Denied::Memory);
        self.charge();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.elements.saturating_add(more) > TABLE_ELEMENTS {
            self.denied = Some(Denied::Tables);
            return Ok(false);
        }
        self.elements += more;
        self.charge();
        Ok(true)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use hygge_core::budget::Budget;

    use super::*;

    const PAGE: usize = 65536;

    #[test]
    fn all_memories_count_together_and_what_is_denied_is_remembered() {
        let policy = Policy { memory: 10 * PAGE, ..Policy::default() };
        let mut limits = Limits::new(&policy, None);
        assert!(limits.memory_growing(0, 6 * PAGE, None).unwrap());
        assert!(limits.memory_growing(0, 4 * PAGE, None).unwrap());
        assert_eq!(limits.denied(), None);
        assert!(!limits.memory_growing(6 * PAGE, 7 * PAGE, None).unwrap());
        assert_eq!(limits.denied(), Some(Denied::Memory));
    }

    #[test]
    fn what_an_instance_holds_is_charged_and_given_back() {
        let budget = Budget::new(1 << 30);
        let share = budget.share();
        let mut limits = Limits::new(&Policy::default(), Some(&share));
        assert!(limits.memory_growing(0, 6 * PAGE, None).unwrap());
        assert!(limits.table_growing(0, 10, None).unwrap());
        assert_eq!(budget.used(), 6 * PAGE + 10 * BYTES_OF_ELEMENT);
        assert!(limits.memory_growing(6 * PAGE, 8 * PAGE, None).unwrap());
        limits.memory_grow_failed(wasmtime::Error::msg("no room")).unwrap();
        assert_eq!(budget.used(), 6 * PAGE + 10 * BYTES_OF_ELEMENT);
        drop(limits);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn tables_end_somewhere() {
        let mut limits = Limits::new(&Policy::default(), None);
        assert!(!limits.table_growing(0, usize::MAX, None).unwrap());
        assert_eq!(limits.denied(), Some(Denied::Tables));
    }
}
