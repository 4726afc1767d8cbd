//! Connectors: WebAssembly components that are Homes and Stores, run in a sandbox.
//!
//! ```text
//!            manifest                compiled once           one instance for every split
//! Connector ──────────▶ kinds        in a run, cached        ┌─▶ HomeGuest ─▶ chunks ─┐
//!     │                   │      Loaded ◀── cache            ├─▶ HomeGuest ─▶ chunks ─┼─▶ Reader
//!     └───────────────────┴─▶ Home ──┴──▶ Machine ───────────┴─▶ …                    ┘
//! ```
//!
//! A [`Connector`] is one component with a [`Policy`]: what it may use and reach. Its kinds are
//! Homes and Stores like any other. Everything a guest does is bounded: memory and tables by
//! `limits`, CPU time and waiting by `meter`, what crosses the boundary by the engine and by
//! [`ipc`], what it says by `imports::log`. Guests run on threads of their own.

pub mod cache;
pub mod compile;
pub mod engine;
pub mod ipc;
pub mod kinds;
pub mod ndjson;
pub mod policy;
pub mod schema;

mod bindings;
mod component;
mod fault;
mod guest;
mod home;
mod imports;
mod instance;
mod job;
mod limits;
mod meter;
mod refused;
mod rights;
mod store;
mod text;
mod ticker;

pub use component::{Connector, Source};
pub use engine::{Sandbox, SandboxOptions};
pub use policy::{Policy, PolicyKeys};
pub use rights::asks;
