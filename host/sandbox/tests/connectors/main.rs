//! Connectors written by hand, in the text format of WebAssembly: what a guest can do to its host
//! is in plain sight.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod home;
mod limits;
mod raw;
mod released;
mod store;
mod support;
