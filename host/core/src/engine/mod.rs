//! Runs a plan: entities side by side, each staged, journalled, published, recorded.
//!
//! - [`run`] is the whole of a `hygge go`: recovery first, then every entity within the
//!   concurrency and the byte budget.
//! - `entity` makes one entity succeed, with retries; `attempt` is one try, in the order that
//!   makes a crash at any point harmless; `flow` moves the batches.
//! - [`event`] is what listeners hear. The engine never prints.

mod attempt;
mod coordinator;
mod entity;
pub mod event;
mod flow;
mod recovery;
mod stall;

pub use coordinator::run;
