//! What ran, when, and how it ended.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use jiff::Timestamp;

use super::error::JournalError;
use super::record::{EntityRun, Status};
use super::{Inner, Journal, table};

/// Which runs to show.
#[derive(Clone, Debug, Default)]
pub struct HistoryFilter {
    /// Of this flow alone.
    pub flow: Option<String>,
    /// Of this entity alone.
    pub entity: Option<String>,
    /// At most so many, the newest.
    pub last: Option<usize>,
}

impl HistoryFilter {
    fn takes(&self, flow: &str, entity: &str) -> bool {
        self.flow.as_deref().is_none_or(|wanted| wanted == flow)
            && self.entity.as_deref().is_none_or(|wanted| wanted == entity)
    }
}

/// The newest runs, each once, in order.
struct Newest {
    runs: BTreeMap<(Timestamp, String, Status), EntityRun>,
    most: usize,
}

impl Newest {
    fn add(&mut self, run: EntityRun) {
        let key = (run.finish_time, run.ids.entity.clone(), run.status);
        self.runs.insert(key, run);
        if self.runs.len() > self.most {
            self.runs.pop_first();
        }
    }
}

impl Journal {
    /// Runs from the journals in `folders`, from the project's own one and from the log, newest
    /// last.
    pub async fn history(
        &self,
        filter: HistoryFilter,
        folders: Vec<PathBuf>,
    ) -> Result<Vec<EntityRun>, JournalError> {
        self.inner.clone().blocking(move |inner| inner.history(&filter, &folders)).await
    }
}

impl Inner {
    fn history(
        &self,
        filter: &HistoryFilter,
        folders: &[PathBuf],
    ) -> Result<Vec<EntityRun>, JournalError> {
        let most = filter.last.unwrap_or(usize::MAX);
        let mut newest = Newest { runs: BTreeMap::new(), most };
        // The log first: what is folded meanwhile is then seen twice, not never.
        let logged: Vec<_> = self.with_live(|live| live.finished.clone());
        let mut sources = HashSet::from([self.folder(None)]);
        for record in logged {
            sources.insert(self.folder(record.journal.as_deref()));
            if filter.takes(&record.run.flow, &record.run.entity) {
                let run = EntityRun::try_from(record.run)
                    .map_err(|reason| JournalError::damaged(&self.log_path(), reason))?;
                newest.add(run);
            }
        }
        for folder in folders {
            sources.insert(self.folder(self.relative(Some(folder))?.as_deref()));
        }
        for folder in sources {
            table::read(&folder, |row| {
                if filter.takes(&row.flow, &row.entity) {
                    newest.add(EntityRun::try_from(row)?);
                }
                Ok(())
            })?;
        }
        Ok(newest.runs.into_values().collect())
    }
}
