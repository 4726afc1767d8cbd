//! Rows across the boundary: Arrow IPC streams in and out of a sandbox.
//!
//! A guest is not trusted: [`decode`] takes nothing on its word. What a stream claims of itself
//! (lengths, counts, offsets) is compared with the bytes that are there before anything is
//! allocated or read by it, and what comes out is as valid as an array made by the host. Buffers
//! stay where they arrived: columns point into the received bytes.
//!
//! ```text
//! bytes ─▶ frames (messages that lie within the bytes)
//!            ├─ schema ─▶ equal to what was announced?
//!            ├─ dictionary, record batch ─▶ claims (nodes and buffers that lie within the body)
//!            │                                └▶ arrays (offsets, UTF-8, keys, nulls)
//!            │                                      └▶ expansion (no small batch that is huge)
//!            └─ end marker, and nothing behind it
//! ```

mod claims;
mod decode;
mod encode;
mod expansion;
mod frames;
#[cfg(test)]
mod tests;

pub use decode::{decode, decode_schema};
pub use encode::{encode, schema_bytes};
