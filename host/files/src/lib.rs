//! Files on local disks as Homes and Stores: Parquet, CSV and NDJSON.

mod cell;
mod format;
pub mod home;
mod lane;
pub mod polish;
mod routes;
pub mod store;
mod stored;
mod terms;
