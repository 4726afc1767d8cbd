//! What a connector can be asked, whatever version of the contract it was built for.

use async_trait::async_trait;
use hygge_core::fault::Fault;

use crate::schema::Announced;

/// A session with a connector that is a Home, in an instance of its own.
///
/// After any fault, and after a call that was dropped, the instance is gone.
#[async_trait]
pub(crate) trait HomeGuest: Send {
    /// Looks whether the source can be read.
    async fn check(&mut self) -> Result<String, Fault>;
    /// The tables there are.
    async fn tables(&mut self) -> Result<Vec<String>, Fault>;
    /// The columns that reading will give.
    async fn schema(&mut self, query: &Query) -> Result<Announced, Fault>;
    /// Splits the work.
    async fn plan(&mut self, query: &Query) -> Result<Vec<Split>, Fault>;
    /// Begins to read a split, or goes on after a state.
    async fn read(&mut self, split: &Split, resume: Option<&[u8]>) -> Result<(), Fault>;
    /// The next rows of the split being read.
    async fn next(&mut self, target_bytes: u32) -> Result<Option<Chunk>, Fault>;
}

/// A session with a connector that is a Store, in an instance of its own.
///
/// After any fault, and after a call that was dropped, the instance is gone.
#[async_trait]
pub(crate) trait StoreGuest: Send {
    /// Looks whether the destination can be written to.
    async fn check(&mut self) -> Result<String, Fault>;
    /// Begins a load.
    async fn begin(&mut self, load: &Load) -> Result<(), Fault>;
    /// Goes on with a load after a checkpoint.
    async fn resume(&mut self, load: &Load, checkpoint: &[u8]) -> Result<(), Fault>;
    /// Gives rows to the load under way: one IPC stream.
    async fn write(&mut self, stream: Vec<u8>) -> Result<(), Fault>;
    /// Makes what was written durable, so that the load can go on after it.
    async fn checkpoint(&mut self) -> Result<Option<Vec<u8>>, Fault>;
    /// Makes everything durable, yet not visible.
    async fn prepare(&mut self) -> Result<Prepared, Fault>;
    /// Removes what the load under way staged.
    async fn abort(&mut self) -> Result<(), Fault>;
    /// Makes staged rows visible.
    async fn commit(&mut self, token: &[u8]) -> Result<Committed, Fault>;
    /// Removes what is staged for the table, except what `keep` needs.
    async fn sweep(&mut self, table: &str, keep: &[Vec<u8>]) -> Result<(), Fault>;
}

/// What to read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// The table.
    pub table: String,
    /// Where an incremental load goes on.
    pub since: Option<Watermark>,
}

/// A watermark as the contract writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// The column.
    pub column: String,
    /// The value, as text.
    pub value: String,
    /// What the value is.
    pub kind: &'static str,
}

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Names it in messages and in the journal.
    pub id: String,
    /// What `read` needs to know.
    pub spec: Vec<u8>,
    /// How many rows it has, if that is known exactly.
    pub rows: Option<u64>,
    /// About how many bytes it will give.
    pub bytes: Option<u64>,
}

/// Rows, and where to go on after them.
pub(crate) struct Chunk {
    /// The rows.
    pub rows: Rows,
    /// The state after them.
    pub resume: Option<Vec<u8>>,
}

/// Rows as they crossed the boundary: nothing about them is known to be true.
pub(crate) enum Rows {
    /// An Arrow IPC stream.
    Arrow(Vec<u8>),
    /// JSON objects, one a line.
    Ndjson(Vec<u8>),
}

impl Rows {
    /// The bytes they take.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Arrow(bytes) | Self::Ndjson(bytes) => bytes.capacity(),
        }
    }
}

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// The table.
    pub table: String,
    /// The columns: an IPC stream that holds a schema alone.
    pub schema: Vec<u8>,
    /// `replace` or `append`.
    pub mode: &'static str,
    /// Names this load.
    pub run_id: String,
    /// The run whose success it follows, if that is known.
    pub follows: Option<String>,
}

/// What is staged.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// All that `commit` needs.
    pub token: Vec<u8>,
    /// Rows staged.
    pub rows: u64,
    /// Bytes staged, if known.
    pub bytes: Option<u64>,
}

/// What has become visible.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    /// Rows of this load at the destination.
    pub rows: u64,
    /// Their bytes, if known.
    pub bytes: Option<u64>,
    /// How many parts, if there are such.
    pub parts: Option<u64>,
}

/// An error that a connector answered with, as it was given.
#[derive(Clone, Debug)]
pub(crate) struct GuestError {
    /// What sort it is.
    pub sort: Sort,
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// How long to wait at least.
    pub retry_after_ms: Option<u64>,
}

/// The sorts of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The user's configuration is wrong.
    Config,
    /// Credentials.
    Auth,
    /// Not there.
    Missing,
    /// Too many requests.
    Throttled,
    /// May pass.
    Transient,
    /// Data that cannot be read or taken.
    Data,
    /// The host asked to stop.
    Cancelled,
    /// A mistake in the connector.
    Bug,
}
