//! In the making.

pub mod cache;
pub mod compile;
pub mod ipc;
pub mod ndjson;
pub mod schema;

mod refused;
