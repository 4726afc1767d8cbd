//! The heart of hygge: what a project is, what Homes and Stores promise, how a run goes, and what
//! is remembered of it. This crate knows no kind of Home or Store.
//!
//! - [`project`] reads YAML into a typed plan and reports every mistake with its place.
//! - [`contract`] is what kinds implement: [`Home`](contract::Home), [`Store`](contract::Store).
//! - [`engine`] runs a plan and tells listeners what happens.
//! - [`journal`] remembers runs, watermarks and what is staged.
//! - [`budget`], [`heap`] and [`cpu`] share memory and cores among all of it.

pub mod budget;
pub mod contract;
pub mod cpu;
pub mod engine;
pub mod fault;
pub mod heap;
pub mod journal;
pub mod project;
pub mod watermark;
