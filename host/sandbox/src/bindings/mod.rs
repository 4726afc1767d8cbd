//! The contract as generated from `wit/`, one module for each released version.
//!
//! The rest of the crate speaks to connectors through the traits in [`guest`](crate::guest) alone,
//! which a module here implements for its version.

pub(crate) mod v0_1;
