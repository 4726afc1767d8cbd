//! Where data lives.

use std::fmt::Debug;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;

use super::{Context, Delivery, Finding, Guest, Terms};
use crate::fault::Fault;
use crate::watermark::Watermark;

/// Where one entity's data lives. Made from configuration without touching anything outside.
#[async_trait]
pub trait Home: Send + Sync + Debug {
    /// Where it is, for people: a path, `server/database.table`.
    fn location(&self) -> String;

    /// Where a journal kept with this Home (`location: home`) would be, if it is a local folder.
    fn journal_folder(&self) -> Option<std::path::PathBuf> {
        None
    }

    /// The connector it is made of, where it is no part of hygge itself.
    fn guest(&self) -> Option<Guest> {
        None
    }

    /// Looks whether it can be read, and says what is there. For `hygge debug`.
    async fn check(&self) -> Result<Finding, Fault>;

    /// What a run would read. For `--dry-run`: no side effects, no connection; `None` where
    /// that cannot be known without one.
    async fn plan(&self, request: &ReadRequest) -> Result<Option<SourcePlan>, Fault>;

    /// Begins to read.
    async fn open(
        &self,
        request: &ReadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Reader>, Fault>;
}

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct ReadRequest {
    /// Rows from this value on; `None` for all rows.
    pub since: Option<Since>,
    /// The column whose highest value will be the next watermark. It must exist.
    pub watermark_column: Option<String>,
    /// The columns that tell one row from another, where a watermark is followed. The engine
    /// reports those that do not exist.
    pub key_columns: Vec<String>,
    /// What the Store would take instead of rows. A Home that does not know these terms, or has
    /// nothing better than rows, gives rows.
    pub terms: Option<Terms>,
    /// A state that [`Reader::resume`] gave for this very request: only the rows after it are
    /// wanted. A Home that cannot go on from it any more (the source changed, a cursor expired)
    /// says so in [`open`](Home::open) with a fault, [`Missing`](crate::fault::FaultKind::Missing)
    /// if it has no better one; it never gives other rows than those. Homes whose readers give no
    /// states need not look at it.
    pub resume: Option<serde_json::Value>,
}

/// Where an incremental run goes on.
///
/// The reader must give every row whose `column` is **at or above** `value`, and may give others:
/// the engine filters exactly, and drops rows at `value` itself that landed before. A reader uses
/// it to leave out what it can cheaply tell apart (row groups, partitions, an index).
#[derive(Clone, Debug, PartialEq)]
pub struct Since {
    /// The watermark column.
    pub column: String,
    /// The last watermark.
    pub value: Watermark,
}

/// What a run would read.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// The columns.
    pub schema: SchemaRef,
    /// How many rows, if metadata tells. With [`ReadRequest::since`]: at most this many.
    pub rows: Option<u64>,
    /// How many bytes there are to read, if known.
    pub bytes: Option<u64>,
    /// A few words: `4 files`.
    pub note: String,
}

/// A table being read, once, from beginning to end.
///
/// `next` is a pull: nothing is read far ahead of it. A reader charges every batch to
/// [`Context::memory`] before giving it out, keeps all decoding on [`Context::cpu`], and verifies
/// what its source promised (a row count in a footer, say) before it answers `None`.
#[async_trait]
pub trait Reader: Send {
    /// The columns of every batch.
    fn schema(&self) -> SchemaRef;

    /// How many rows there will be, if known: for progress. Of a reader that goes on from a
    /// [`resume`](ReadRequest::resume) state, those that are still to come.
    fn rows_expected(&self) -> Option<u64> {
        None
    }

    /// The next rows, or a parcel of them on the terms of the request; `None` at the end.
    async fn next(&mut self) -> Result<Option<Delivery>, Fault>;

    /// The state from which a fresh reader of the same request, perhaps in another process, gives
    /// exactly the rows after all that [`next`](Self::next) has given out so far: none of them
    /// again, none left out. What was read ahead but not given out counts as not read. `None`
    /// where there is no such state, or not at this point.
    ///
    /// Asked for between two calls of `next`, now and then: it should cost little. It is
    /// journalled once those rows are durable, so it must hold no secret, be small (some KB), and
    /// stay readable by later versions.
    fn resume(&self) -> Option<serde_json::Value> {
        None
    }
}
