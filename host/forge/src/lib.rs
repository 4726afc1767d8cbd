//! Makes connectors, and reads what they say of themselves.
//!
//! A connector is one WebAssembly component. Its way from a crate to a file:
//!
//! ```text
//! toolchain::find ─▶ build: cargo ─▶ core module ─▶ wrap ─▶ strip ─▶ manifest::embed ─▶ x.wasm
//! ```
//!
//! and from a file back to what can be known without running it: [`world::exports`] says which
//! worlds of the contract it serves and what it imports, [`manifest::Manifest::read`] what its
//! author says of it, [`Digest`] which file it is.

pub mod author;
pub mod build;
pub mod manifest;
pub mod section;
pub mod toolchain;
pub mod world;
pub mod wrap;

mod cargo;
mod digest;
mod error;

pub use digest::Digest;
pub use error::ForgeError;
