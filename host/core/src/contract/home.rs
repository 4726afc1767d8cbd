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

    /// How many rows there will be, if known: for progress.
    fn rows_expected(&self) -> Option<u64> {
        None
    }

    /// The next rows, or a parcel of them on the terms of the request; `None` at the end.
    async fn next(&mut self) -> Result<Option<Delivery>, Fault>;
}
