//! Runs a plan: entities side by side, each staged, journalled, published, recorded.
//!
//! - [`run`] is the whole of a `hygge go`: recovery first, then every entity within the
//!   concurrency and the byte budget.
//! - `entity` makes one entity succeed, with retries; `attempt` is one try, in the order that
//!   makes a crash at any point harmless; `ends` opens its two ends, `flow` moves the batches
//!   between them, `checkpoint` is how a load goes on that was cut short.
//! - [`event`] is what listeners hear. The engine never prints.

mod attempt;
mod checkpoint;
mod coordinator;
mod ends;
mod entity;
pub mod event;
mod flow;
mod recovery;
mod stall;
#[cfg(test)]
mod tests;

pub use coordinator::run;
