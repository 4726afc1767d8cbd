//! Homes: where tables are read from.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::context::Context;
use crate::error::Result;
use crate::schema::Schema;

/// A place that tables are read from.
///
/// ```text
/// open ─▶ Home ─┬─▶ schema     what columns it has
///               ├─▶ plan       how the work may be split
///               └─▶ read ─▶ Reader ─▶ next, next, … None
/// ```
///
/// Every split is read in an instance of its own, several side by side: nothing is shared between
/// them but what `plan` puts into a split. An instance may be thrown away between any two calls.
pub trait Home: Sized + 'static {
    /// The keys of the user's `home:`. Give it `#[serde(deny_unknown_fields)]`, or describe the
    /// keys in `connector.toml`: then the host checks them and names the user's line.
    type Config: DeserializeOwned;
    /// What [`Home::read`] needs to know of a unit of work: everything, the query included.
    type Split: Serialize + DeserializeOwned;
    /// Reads one split.
    type Reader: Reader;

    /// Opens a session. Should not do much: what is wrong with the other side is found by
    /// [`Home::check`] and by reading.
    fn open(config: Self::Config, context: &Context) -> Result<Self>;

    /// Looks whether the source can be reached, without reading a table. Answers with a few words
    /// for the user, such as `42 tables`.
    fn check(&self) -> Result<String> {
        Ok("opened".to_owned())
    }

    /// The tables there are.
    fn tables(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// The columns that reading will give.
    fn schema(&self, query: &Query) -> Result<Schema>;

    /// Splits the work: the same answer while the source does not change. A connector with
    /// nothing to split says `Ok(vec![Split::new("all", query.clone())])`.
    fn plan(&self, query: &Query) -> Result<Vec<Split<Self::Split>>>;

    /// Begins to read a split, or goes on after `resume`.
    fn read(
        &self,
        split: Self::Split,
        resume: Option<<Self::Reader as Reader>::State>,
    ) -> Result<Self::Reader>;
}

/// Reads one split.
pub trait Reader: 'static {
    /// What it needs to go on after a chunk. `()` if it cannot go on: then give none.
    type State: Serialize + DeserializeOwned;

    /// The next rows, about `target_bytes` of them; none at the end.
    fn next(&mut self, target_bytes: usize) -> Result<Option<Chunk<Self::State>>>;
}

/// What to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The table: the name of the entity in the user's flow.
    pub table: String,
    /// The columns to give, in this order; all of them when none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Where an incremental load goes on. Ignoring it is correct, and slow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Watermark>,
}

impl Query {
    /// All of a table.
    pub fn table(name: impl Into<String>) -> Self {
        Self { table: name.into(), ..Self::default() }
    }
}

/// Where an incremental load goes on: with every row whose column is **at or above** the value.
/// Giving more is allowed: the host leaves out what landed before, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The column.
    pub column: String,
    /// The value: digits for `int` and `decimal`, RFC 3339 for `timestamp` and `date`.
    pub value: String,
    /// `int`, `decimal`, `timestamp`, `date`, `string`, or what later hosts know.
    pub kind: String,
}

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<T> {
    pub(crate) id: String,
    pub(crate) spec: T,
    pub(crate) rows: Option<u64>,
    pub(crate) bytes: Option<u64>,
}

impl<T> Split<T> {
    /// A unit of work. `id` names it in messages; no other split of the plan has it.
    pub fn new(id: impl Into<String>, spec: T) -> Self {
        Self { id: id.into(), spec, rows: None, bytes: None }
    }

    /// It has exactly this many rows. The host checks it.
    #[must_use]
    pub fn rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// It will give about this many bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }
}

/// Rows, and where to go on after them.
#[derive(Clone, Debug)]
pub struct Chunk<S> {
    pub(crate) batch: Batch,
    pub(crate) resume: Option<S>,
}

impl<S> Chunk<S> {
    /// Rows after which the split cannot be gone on with.
    pub fn new(batch: Batch) -> Self {
        Self { batch, resume: None }
    }

    /// Rows, and the state from which [`Home::read`] gives exactly the rows after them.
    pub fn resumable(batch: Batch, state: S) -> Self {
        Self { batch, resume: Some(state) }
    }
}
