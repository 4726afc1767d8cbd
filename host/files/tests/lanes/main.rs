//! Parquet to Parquet: whatever lane a table takes, what lands is what decoding would have landed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod damage;
mod incremental;
mod load;
mod matrix;
mod mixed;
mod polish;
// The other tests use the rest of it.
#[allow(dead_code)]
#[path = "../home/support.rs"]
mod support;
mod tables;
