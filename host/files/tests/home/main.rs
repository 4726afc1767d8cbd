//! Files as Homes, read through the contract alone.

#![allow(clippy::unwrap_used, clippy::panic)]

mod csv;
mod listing;
mod ndjson;
mod parquet_damage;
mod parquet_limits;
mod parquet_many;
mod parquet_types;
mod support;
