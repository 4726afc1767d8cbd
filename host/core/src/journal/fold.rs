//! Moving runs from the log into the journal files.
//!
//! Safe at every point: a row that is already in its file is not added again, and the log gives
//! up a row only after its file has it.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use indexmap::IndexMap;

use super::boundary::Owner;
use super::error::JournalError;
use super::log::FinishedRecord;
use super::record::Row;
use super::table::{self, RowId};
use super::{Inner, Status};
use crate::engine::event::EntityName;

impl Inner {
    /// Folds what has finished. The first error is the answer, after every file was tried.
    pub(super) fn fold(&self) -> Result<(), JournalError> {
        let _one_at_a_time = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.log()?;
        let finished = log.live().finished.clone();
        let mut by_journal: IndexMap<Option<&str>, Vec<&FinishedRecord>> = IndexMap::new();
        for record in &finished {
            by_journal.entry(record.journal.as_deref()).or_default().push(record);
        }
        let mut first_error = None;
        let mut folded = Vec::new();
        for (journal, records) in by_journal {
            let rows: Vec<&Row> = records.iter().map(|record| &record.run).collect();
            match table::append(&self.folder(journal), &rows, self.durability) {
                Ok(()) => {
                    self.clean_boundaries(journal, &rows);
                    let journal = journal.map(str::to_owned);
                    folded.extend(rows.into_iter().map(|row| (journal.clone(), RowId::of(row))));
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        log.forget(folded)?;
        first_error.map_or(Ok(()), Err)
    }

    /// Removes the boundaries that newer successes have made useless. Those of loads that are
    /// pending will be wanted.
    fn clean_boundaries(&self, journal: Option<&str>, rows: &[&Row]) {
        let Ok(index) = self.index(journal) else { return };
        let pending: Vec<String> = self.with_live(|live| live.pending.keys().cloned().collect());
        let names: HashMap<Owner, EntityName> = rows
            .iter()
            .filter(|row| row.status == Status::Success.as_str())
            .map(|row| EntityName {
                flow: row.flow.as_str().into(),
                entity: row.entity.as_str().into(),
            })
            .map(|name| (Owner::new(journal, &name), name))
            .collect();
        for (owner, name) in names {
            let mut keep: HashSet<&str> = pending.iter().map(String::as_str).collect();
            keep.extend(index.latest(&name).map(|run| run.ids.entity.as_str()));
            self.boundaries.clean(&owner, &keep);
        }
    }
}
