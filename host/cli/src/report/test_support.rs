//! What the tests of the report share.

use std::time::Duration;

use hygge_core::contract::Mode;
use hygge_core::engine::event::{EntityName, EntityReport, Outcome};

/// A name.
pub(crate) fn name(flow: &str, entity: &str) -> EntityName {
    EntityName { flow: flow.into(), entity: entity.into() }
}

/// An entity that landed.
pub(crate) fn success(flow: &str, entity: &str, rows: u64) -> EntityReport {
    EntityReport {
        name: name(flow, entity),
        index: 1,
        of: 3,
        outcome: Outcome::Success,
        source: format!("data/in/{entity}"),
        destination: format!("data/out/{entity}"),
        mode: Mode::Replace,
        rows,
        bytes: rows * 10,
        parts: 2,
        elapsed: Duration::from_millis(1500),
        watermark: None,
        how: None,
        warnings: Vec::new(),
    }
}
