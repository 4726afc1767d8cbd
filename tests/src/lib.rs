//! What the end-to-end suites share: a project in a temporary folder, the `hygge` binary under
//! test, tables to move and readers to check them with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod apart;
pub mod api;
pub mod cpu_time;
pub mod guest;
pub mod independent;
pub mod memory;
pub mod mount;
pub mod project;
pub mod random;
pub mod table;
pub mod tpch;
pub mod web;
