//! Where data settles.

use std::any::Any;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Batch, Context, Finding, Guest, Parcel};
use crate::fault::Fault;
use crate::watermark::{KeySet, Watermark};

/// Where one entity's data settles. Made from configuration without touching anything outside.
///
/// All changes become visible in [`publish`](Store::publish) alone, all at once: at every instant
/// a reader sees the table as it was or as it will be, never a part.
#[async_trait]
pub trait Store: Send + Sync + Debug {
    /// Where it is, for people.
    fn location(&self) -> String;

    /// Where a journal kept with this Store (`location: store`) would be, if it is a local
    /// folder: the flow's path, not the entity's.
    fn journal_folder(&self) -> Option<PathBuf> {
        None
    }

    /// What this Store claims as its own, so that two entities never write to one place.
    fn territory(&self) -> Territory;

    /// The connector it is made of, where it is no part of hygge itself.
    fn guest(&self) -> Option<Guest> {
        None
    }

    /// Looks whether it can be written to, without changing it. For `hygge debug`.
    async fn check(&self) -> Result<Finding, Fault>;

    /// What a run would do. For `--dry-run`: no side effects, no connection.
    async fn plan(&self, request: &StorePlanRequest) -> Result<DestinationPlan, Fault>;

    /// What this Store would take instead of rows, or why it takes rows alone: for Homes that
    /// know these terms. Pure, as configuration is.
    fn terms(&self, mode: Mode) -> Option<Terms> {
        let _ = mode;
        None
    }

    /// Prepares to take rows of `load.schema`. Nothing of it is visible.
    async fn begin(
        &self,
        load: &LoadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault>;

    /// Goes on with a load that was cut short, right behind the rows that a
    /// [`checkpoint`](Writer::checkpoint) made durable; what was written after them is discarded.
    /// Possible from a fresh process and more than once: until the load is staged, or a further
    /// checkpoint is journalled, `from` must stay as it is.
    ///
    /// `load` is that of the `begin` before, and so is the configuration. The load now belongs to
    /// the run of `context`, whose id its manifests bear; `from` bears that of the run before.
    ///
    /// # Errors
    /// [`Missing`](crate::fault::FaultKind::Missing) when the rows are no longer there, or not as
    /// they were: the engine then begins anew.
    async fn resume(
        &self,
        load: &LoadRequest,
        from: &Manifest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        let _ = (load, context);
        Err(Fault::missing(format!("{} cannot go on with an interrupted load", from.staging)))
    }

    /// Makes staged rows visible, all at once. Idempotent, and possible from a fresh process:
    /// the manifest is all it needs. Answers with what is now at the destination, counted there.
    async fn publish(&self, manifest: &Manifest) -> Result<Published, Fault>;

    /// Removes what `publish` and earlier crashes left behind for this entity: staging of other
    /// runs, the previous table, markers. Called with no load of this entity under way, after
    /// success is journalled, after a failed attempt, and at the start of a run. Must not touch
    /// what `keep` needs: a staged manifest, or a checkpoint.
    async fn sweep(&self, keep: Option<&Manifest>) -> Result<(), Fault>;

    /// The keys of the rows at the destination whose watermark column is exactly `request.value`:
    /// rows that landed before and must not land twice. `None` where the Store cannot tell.
    async fn keys_at(&self, request: &BoundaryRequest) -> Result<Option<KeySet>, Fault> {
        let _ = request;
        Ok(None)
    }
}

/// A load under way. Dropping it without [`stage`](Writer::stage) leaves staging behind for
/// [`Store::sweep`]; [`abort`](Writer::abort) removes it at once, and [`leave`](Writer::leave)
/// keeps what the last [`checkpoint`](Writer::checkpoint) made durable.
#[async_trait]
pub trait Writer: Send {
    /// Takes rows. They may be buffered within the memory budget.
    async fn write(&mut self, batch: Batch) -> Result<(), Fault>;

    /// Takes a parcel that was made on the Store's [`Terms`]. Only a Store that has such terms
    /// is given one. Its rows count as moved when [`Context::progress`] is told so.
    async fn take(&mut self, parcel: Parcel) -> Result<(), Fault> {
        drop(parcel);
        Err(Fault::bug("a parcel was given to a store that takes rows alone"))
    }

    /// Makes everything written so far durable (as far as [`Context::durability`] says) and still
    /// invisible, so that [`Store::resume`] can go on behind it; the load goes on. The manifest
    /// has the rows of the whole load, counted from what was written. It may be journalled or
    /// not: what an earlier checkpoint names must stay as it is meanwhile.
    ///
    /// `None` where this Store cannot do that, or cannot at this point.
    async fn checkpoint(&mut self) -> Result<Option<Manifest>, Fault> {
        Ok(None)
    }

    /// Makes everything written durable (as far as [`Context::durability`] says) yet invisible.
    /// After a fault, what the last checkpoint made durable is still there.
    async fn stage(self: Box<Self>) -> Result<Staged, Fault>;

    /// Gives up and removes everything written.
    async fn abort(self: Box<Self>);

    /// Stops, and keeps what the last [`checkpoint`](Self::checkpoint) (or the one that this load
    /// goes on from) made durable. Nothing of this writer is at work any more when it returns.
    async fn leave(self: Box<Self>) {}
}

/// What a Store would take instead of rows. Opaque to the engine: a Home knows terms by their
/// `name`, and their `detail` by its type.
#[derive(Clone)]
pub struct Terms {
    /// What kind of parcels these terms are about.
    pub name: &'static str,
    /// What the Store asks of them.
    pub detail: Arc<dyn Any + Send + Sync>,
}

impl Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terms").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether rows replace the table or are added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The new rows replace the whole table.
    Replace,
    /// The new rows are added.
    Append,
}

/// What a Writer is asked to take.
#[derive(Clone, Debug)]
pub struct LoadRequest {
    /// The columns of every batch.
    pub schema: SchemaRef,
    /// Replace or append.
    pub mode: Mode,
    /// The run whose success this load follows: the same for every attempt at it, in whatever
    /// process, until one succeeds. `None` where no journal tells.
    pub follows: Option<String>,
}

/// What [`Store::plan`] is asked.
#[derive(Clone, Debug)]
pub struct StorePlanRequest {
    /// The columns that would be written, if the Home could tell.
    pub schema: Option<SchemaRef>,
    /// Replace or append.
    pub mode: Mode,
}

/// What a run would do to the destination.
#[derive(Clone, Debug, Default)]
pub struct DestinationPlan {
    /// The columns there now; `None` when there is no table yet.
    pub current: Option<Arc<Schema>>,
    /// The columns after the run (after polish), if they can be told.
    pub future: Option<Arc<Schema>>,
    /// Rows there now, if metadata tells.
    pub rows: Option<u64>,
    /// A few words on how: `swap 4 files`, `append after 00000000000000000003.parquet`.
    pub note: String,
}

/// What was staged: all that a fresh process needs to publish or to discard it, or, of a
/// [`checkpoint`](Writer::checkpoint), to go on behind it.
///
/// Journalled before publish, so it must stay readable by later versions of hygge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The entity run that staged it.
    pub entity_run_id: String,
    /// Replace or append.
    pub mode: Mode,
    /// Rows staged.
    pub rows: u64,
    /// Where the staged data is, for a message when no Store of the project knows it any more.
    pub staging: String,
    /// What the kind needs to know; opaque to the engine.
    pub detail: serde_json::Value,
}

/// Everything written is durable, none of it visible.
#[derive(Clone, Debug)]
pub struct Staged {
    /// For the journal and for [`Store::publish`].
    pub manifest: Manifest,
    /// Rows staged, counted from what was written (footers, server answers), not from what was
    /// handed in.
    pub rows: u64,
    /// Bytes staged.
    pub bytes: u64,
}

/// The rows are visible.
#[derive(Clone, Debug)]
pub struct Published {
    /// Rows of this load found at the destination, counted there.
    pub rows: u64,
    /// Bytes of this load at the destination.
    pub bytes: u64,
    /// Files (or parts) of this load.
    pub parts: u64,
}

/// Asks for the keys of rows that landed with exactly this watermark.
#[derive(Clone, Debug)]
pub struct BoundaryRequest {
    /// The columns that make up the key, as named at the source.
    pub key: Vec<String>,
    /// The watermark column, as named at the source.
    pub column: String,
    /// The watermark.
    pub value: Watermark,
}

/// What a Store claims for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Territory {
    /// A folder and everything below it. Absolute, with no `.` or `..` left.
    Folder(PathBuf),
    /// Something named on a server; equal names clash, others do not.
    Name(String),
}

/// How two territories get in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// They are the same place.
    Same,
    /// The first lies within the second.
    Within,
    /// The second lies within the first.
    Around,
}

impl Territory {
    /// Whether writing here and there would touch the same data.
    pub fn clash(&self, other: &Self) -> Option<Clash> {
        match (self, other) {
            (Self::Folder(a), Self::Folder(b)) if a == b => Some(Clash::Same),
            (Self::Folder(a), Self::Folder(b)) if a.starts_with(b) => Some(Clash::Within),
            (Self::Folder(a), Self::Folder(b)) if b.starts_with(a) => Some(Clash::Around),
            (Self::Name(a), Self::Name(b)) if a == b => Some(Clash::Same),
            _ => None,
        }
    }
}
