//! Stores: where tables are written to.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::Received;
use crate::context::Context;
use crate::error::{Error, Result};

/// A place that tables are written to.
///
/// ```text
/// open ─▶ Store ─▶ begin ─▶ Writer ─▶ write, write, … prepare ─▶ token
///                                                                  │ journalled by the host
/// open ─▶ Store (perhaps in another process) ─▶ commit ◀───────────┘
/// ```
///
/// Nothing is visible before `commit`, and then everything at once. The host calls `commit` again
/// when it does not know whether an earlier call came through.
pub trait Store: Sized + 'static {
    /// The keys of the user's `store:`.
    type Config: DeserializeOwned;
    /// Writes one load.
    type Writer: Writer;

    /// Opens a session.
    fn open(config: Self::Config, context: &Context) -> Result<Self>;

    /// Looks whether the destination can be reached and written to, without changing it. Answers
    /// with a few words for the user.
    fn check(&self) -> Result<String> {
        Ok("opened".to_owned())
    }

    /// Begins a load. What earlier loads of this table staged is left as it is.
    fn begin(&self, load: Load) -> Result<Self::Writer>;

    /// Goes on with a load right after the rows that `checkpoint` made durable; what was written
    /// after them is discarded. A `missing` error when they are gone: the host begins anew.
    fn resume(
        &self,
        load: Load,
        checkpoint: <Self::Writer as Writer>::Checkpoint,
    ) -> Result<Self::Writer> {
        let _ = checkpoint;
        Err(Error::missing(format!("what was staged for `{}` cannot be gone on with", load.table)))
    }

    /// Makes staged rows visible, all at once. Calling it again changes nothing and gives the same
    /// answer. A `missing` error when the token's rows are neither staged nor visible.
    fn commit(&self, token: <Self::Writer as Writer>::Token) -> Result<Committed>;

    /// Removes what is staged for the table, except what `keep` needs.
    fn sweep(&self, table: &str, keep: Vec<KeptBy<Self>>) -> Result<()>;
}

/// What a store's tokens and checkpoints are, for [`Store::sweep`].
pub type KeptBy<S> =
    Keep<<<S as Store>::Writer as Writer>::Token, <<S as Store>::Writer as Writer>::Checkpoint>;

/// A load under way. Dropping it leaves what it staged for [`Store::sweep`].
pub trait Writer: 'static {
    /// What [`Store::commit`] needs to know, in whatever process.
    type Token: Serialize + DeserializeOwned;
    /// What [`Store::resume`] needs to know. `()` if loads cannot be gone on with.
    type Checkpoint: Serialize + DeserializeOwned;

    /// Takes rows.
    fn write(&mut self, batch: Received) -> Result<()>;

    /// Makes everything written so far durable, so that [`Store::resume`] can go on after it. None
    /// where that is not possible.
    fn checkpoint(&mut self) -> Result<Option<Self::Checkpoint>> {
        Ok(None)
    }

    /// Makes everything durable, yet not visible. It survives a crash of any process.
    fn prepare(&mut self) -> Result<Staged<Self::Token>>;

    /// Gives up: removes everything this load staged.
    fn abort(&mut self);
}

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Load {
    /// The table: the name of the entity in the user's flow.
    pub table: String,
    /// The columns: an Arrow IPC stream that holds a schema and no batch.
    pub schema: Received,
    /// What becomes of the rows that are there.
    pub mode: Mode,
    /// The columns that tell one row from another, if the user named some.
    pub keys: Vec<String>,
    /// Names this load: no other load of the table has it.
    pub run_id: String,
    /// What a host says beyond that. `follows` names the run whose success this load follows, where
    /// that is known: it is the same for every attempt at this load, in whatever process, until one
    /// succeeds. What a destination is to take once can be named after it.
    pub options: Vec<(String, String)>,
}

impl Load {
    /// What a host says of this load under a name.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// What becomes of the rows that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The new rows become the whole table.
    Replace,
    /// The new rows are added.
    Append,
}

/// Something staged that [`Store::sweep`] must keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep<T, C> {
    /// What a load prepared.
    Token(T),
    /// What an unfinished load made durable.
    Checkpoint(C),
}

/// What is staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged<T> {
    pub(crate) token: T,
    pub(crate) rows: u64,
    pub(crate) bytes: Option<u64>,
}

impl<T> Staged<T> {
    /// `rows` are counted from what was written rather than from what was handed in.
    pub fn new(token: T, rows: u64) -> Self {
        Self { token, rows, bytes: None }
    }

    /// How many bytes they take.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }
}

/// What has become visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    pub(crate) rows: u64,
    pub(crate) bytes: Option<u64>,
    pub(crate) parts: Option<u64>,
}

impl Committed {
    /// `rows` of this load, counted at the destination.
    pub fn new(rows: u64) -> Self {
        Self { rows, bytes: None, parts: None }
    }

    /// How many bytes they take.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// How many files, objects or parts.
    #[must_use]
    pub fn parts(mut self, parts: u64) -> Self {
        self.parts = Some(parts);
        self
    }
}
