//! In the making.

pub mod ipc;
pub mod schema;

mod refused;
