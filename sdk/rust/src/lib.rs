#![doc = include_str!("../README.md")]

// Generated code; what it exports over the boundary is unsafe by nature and documented in `wit/`.
#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, rust_2018_idioms)]
#[doc(hidden)]
pub mod bindings;
pub mod calendar;
#[doc(hidden)]
pub mod glue;
pub mod host;
pub mod http;
pub mod log;
pub mod paginate;
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub mod testing;

mod batch;
mod context;
mod error;
mod home;
mod imports;
#[cfg(feature = "json")]
mod lines;
mod rows;
mod schema;
mod state;
mod store;
#[cfg(feature = "json")]
mod utc;

pub use batch::{Batch, Received};
pub use context::Context;
pub use error::{Error, Fault, Result};
pub use home::{Chunk, Home, Query, Reader, Split, Watermark};
pub use rows::Rows;
pub use schema::{Field, Schema, Type};
pub use store::{Committed, Keep, KeptBy, Load, Mode, Staged, Store, Writer};
