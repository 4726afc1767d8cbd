//! How far the splits of a plan have been given out.

use hygge_core::fault::Fault;

use crate::fault;
use crate::guest::Split;
use crate::job::Job;
use crate::text::clean;

/// Chunks in a row that may hold no rows.
const MOST_EMPTY: u32 = 10_000;

/// A split, and how far it has been given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The split.
    pub split: Split,
    /// The state from which the rest can be read; `None` from the beginning.
    pub state: Option<Vec<u8>>,
    /// Rows given out, in this reading and those it goes on from.
    pub rows: u64,
    /// Rows given out up to `state`.
    pub rows_at_state: u64,
    /// Whether all of it has been given out.
    pub done: bool,
    /// Chunks without rows since the last row.
    pub empty: u32,
}

impl Progress {
    /// Of a plan of which nothing has been read.
    pub(super) fn of_plan(plan: Vec<Split>) -> Vec<Self> {
        plan.into_iter().map(|split| Self::at(split, None, 0, false)).collect()
    }

    /// Of a split that was given out up to a state.
    pub(super) fn at(split: Split, state: Option<Vec<u8>>, rows: u64, done: bool) -> Self {
        Self { split, state, rows, rows_at_state: rows, done, empty: 0 }
    }

    /// Whether there is a state for exactly what has been given out.
    pub(super) fn can_go_on(&self) -> bool {
        self.done || self.rows == self.rows_at_state
    }

    /// Rows have been given out.
    pub(super) fn gave(&mut self, job: &Job, rows: u64) -> Result<(), Fault> {
        self.rows += rows;
        self.empty = 0;
        match self.split.rows {
            Some(said) if self.rows > said => Err(self.lied(job, said, "more than that")),
            _ => Ok(()),
        }
    }

    /// A chunk came that holds no rows.
    pub(super) fn gave_none(&mut self, job: &Job) -> Result<(), Fault> {
        self.empty += 1;
        if self.empty <= MOST_EMPTY {
            return Ok(());
        }
        let what = format!(
            "gave {MOST_EMPTY} chunks without a row for split `{}` of `{}`",
            clean(&self.split.id, 100),
            job.client.entity
        );
        Err(fault::broke(job, "home.reader.next", &what))
    }

    /// All rows of a chunk have been given out, and this is the state after them.
    pub(super) fn reached(&mut self, state: Option<Vec<u8>>) {
        if let Some(state) = state {
            self.state = Some(state);
            self.rows_at_state = self.rows;
        }
    }

    /// There are no more rows.
    pub(super) fn ended(&mut self, job: &Job) -> Result<(), Fault> {
        if let Some(said) = self.split.rows
            && said != self.rows
        {
            return Err(self.lied(job, said, &self.rows.to_string()));
        }
        self.done = true;
        Ok(())
    }

    fn lied(&self, job: &Job, said: u64, gave: &str) -> Fault {
        let id = clean(&self.split.id, 100);
        let what = format!(
            "said that split `{id}` of `{}` has {said} rows and gave {gave}",
            job.client.entity
        );
        fault::broke(job, "home.reader.next", &what)
    }
}
