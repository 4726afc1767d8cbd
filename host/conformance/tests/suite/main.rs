//! The suite finds each fault that a Home or a Store may have, and none in those without.

#![allow(clippy::unwrap_used, clippy::panic)]

mod home;
mod store;

use hygge_conformance::{Bench, Outcome, Point};
use std::time::Duration;

fn bench() -> Bench {
    Bench::new("shop", "orders", 8 << 20).with_patience(Duration::from_secs(20))
}

/// For what is known to fail.
fn impatient() -> Bench {
    bench().with_release(Duration::from_millis(200))
}

/// The names of the points that failed.
fn failed(points: &[Point]) -> Vec<&'static str> {
    let failed = points.iter().filter(|point| matches!(point.outcome, Outcome::Failed(_)));
    failed.map(|point| point.name).collect()
}
