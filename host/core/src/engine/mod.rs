//! Runs a plan: entities side by side, each staged, journalled, published, recorded.

pub mod event;
