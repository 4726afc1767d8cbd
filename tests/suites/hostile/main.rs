//! Connectors that misbehave: each is contained and named, and nobody else notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod deeds;
mod files;
mod network;
mod run;
mod stopped;
mod uploads;
mod wasi_http;
