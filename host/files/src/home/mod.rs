//! Files as a Home.
//!
//! ```text
//!   listing ──▶ which files ──▶ parquet: footers ─┐                    ┌─ lanes decode columns ─┐
//!                          └──▶ text: samples ────┴─▶ unify: a schema ─┤                        ├─▶ feed
//!                                                                      └─ blocks of lines parse ┘
//! ```

mod adapt;
mod config;
mod feed;
mod files;
mod listing;
pub(crate) mod parquet;
pub(crate) mod source;
mod text;
mod unify;
pub(crate) mod weight;

use hygge_core::contract::HomeKind;

pub use self::config::{LocalKeys, ParquetKeys, ReadOptions};
pub use self::text::options::FormatOptions;

/// The kinds of Homes that read files: `parquet` and `local`.
pub fn kinds() -> Vec<Box<dyn HomeKind>> {
    vec![Box::new(config::Parquet), Box::new(config::Local)]
}
