//! What a Home and a Store promise each other and the engine.
//!
//! ```text
//!            open          next, next, …           write, write, …         stage      publish
//!   Home ───────────▶ Reader ──────────▶ engine ─────────────────▶ Writer ─────▶ Manifest ─────▶ Store
//!                                          │                                        │              │
//!                                          └──────────── journal: begun, staged ────┴── success ◀──┘
//! ```
//!
//! The engine knows no kind. It opens a Reader, begins a Writer, moves [`Batch`]es between them,
//! and keeps the order that makes a run safe: everything is *staged* (durable, invisible), that is
//! journalled, then *published* (visible, all at once), then success is journalled. A
//! [`Manifest`] is all that a fresh process needs to finish or to discard what a crash left.
//!
//! A load that takes long need not begin anew after a crash. Where the Reader has a state to go on
//! from ([`Reader::resume`]) and the Writer can make durable what it has so far
//! ([`Writer::checkpoint`]), the engine now and then journals both together. The next attempt, or
//! the next run, opens a Reader from that state and a Writer behind those rows
//! ([`Store::resume`]). Either side may refuse; then everything is loaded again.
//!
//! A Store may say what it would take instead of rows: its [`Terms`]. The engine hands them to
//! the Home with the [`ReadRequest`], and passes on the [`Parcel`]s of a Reader that agrees,
//! without knowing what they are. Staging, counting and watermarks are the same for both.

mod batch;
mod context;
mod guest;
mod home;
mod kind;
mod progress;
mod store;

pub use batch::{Batch, Delivery, Parcel, Tracking};
pub use context::{Context, Durability, RunIds};
pub use guest::{Guest, Rights};
pub use home::{Home, ReadRequest, Reader, Since, SourcePlan};
pub use kind::{Connections, HomeKind, KindSource, Kinds, Site, StoreKind, Wanted};
pub use progress::{Portion, Progress};
pub use store::{
    BoundaryRequest, Clash, DestinationPlan, LoadRequest, Manifest, Mode, Published, Staged, Store,
    StorePlanRequest, Terms, Territory, Writer,
};

/// One thing that `hygge debug` looked at, and what it found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was looked at: `source data/in`, `destination data/out`.
    pub subject: String,
    /// `None` when all is well.
    pub fault: Option<std::sync::Arc<crate::fault::Fault>>,
    /// A few words when all is well: `3 files, 6,001,215 rows`.
    pub note: String,
}
