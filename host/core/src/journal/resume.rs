//! Where an incremental load goes on.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::boundary::Owner;
use super::error::JournalError;
use super::record::{EntityRun, Row, Status, run_ids};
use super::table::{self, Stamp};
use super::{Inner, Journal};
use crate::engine::event::EntityName;
use crate::project::plan::RunType;
use crate::watermark::{KeySet, Watermark, WatermarkSpec};

const SET_BY_HAND: &str = "watermark set by hand";
const CLEARED_BY_HAND: &str = "watermark cleared by hand";

/// The last run of an entity that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct LastSuccess {
    /// The run.
    pub run: EntityRun,
    /// How far it came.
    pub watermark: Option<Watermark>,
    /// The keys of the rows that landed with exactly this watermark, if they are remembered.
    pub boundary: Option<KeySet>,
}

/// How an incremental load begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Resume {
    /// From this watermark on, with the keys of the rows that landed with exactly it; `None`
    /// where these are not remembered and the Store has to be asked.
    Since(Watermark, Option<KeySet>),
    /// With everything, although there were runs before.
    Full {
        /// Why, for a warning.
        why: String,
    },
    /// With everything: nothing has landed yet.
    First,
}

/// The last success of every entity in one journal file.
#[derive(Debug)]
pub(super) struct Index {
    stamp: Stamp,
    latest: HashMap<EntityName, (Timestamp, EntityRun)>,
}

impl Index {
    fn read(folder: &Path) -> Result<Self, JournalError> {
        let stamp = Stamp::of(folder);
        // A row is looked at closely only once it is known to be the last of its entity: what is
        // wrong with older ones does no harm.
        let mut rows: HashMap<EntityName, (Timestamp, Row)> = HashMap::new();
        table::read(folder, |row| {
            if row.status == Status::Success.as_str() {
                let finished = super::record::parse_time(&row.finish_time).ok_or_else(|| {
                    format!("`{}` in `finish_time` is not a time", row.finish_time)
                })?;
                let name = EntityName {
                    flow: row.flow.as_str().into(),
                    entity: row.entity.as_str().into(),
                };
                match rows.get(&name) {
                    Some((last, _)) if *last > finished => {}
                    _ => {
                        rows.insert(name, (finished, row));
                    }
                }
            }
            Ok(())
        })?;
        let latest = rows
            .into_iter()
            .map(|(name, (finished, row))| {
                let run = EntityRun::try_from(row).map_err(|reason| {
                    let path = table::path_in(folder);
                    JournalError::damaged(
                        &path,
                        format!("the last run of {}: {reason}", name.label()),
                    )
                })?;
                Ok((name, (finished, run)))
            })
            .collect::<Result<_, JournalError>>()?;
        Ok(Self { stamp, latest })
    }

    pub(super) fn latest(&self, name: &EntityName) -> Option<&EntityRun> {
        self.latest.get(name).map(|(_, run)| run)
    }
}

impl Journal {
    /// The last run of an entity that succeeded, by the time it ended.
    pub async fn last_success(
        &self,
        name: &EntityName,
        journal_folder: Option<&Path>,
    ) -> Result<Option<LastSuccess>, JournalError> {
        let journal = self.inner.relative(journal_folder)?;
        let name = name.clone();
        self.inner
            .clone()
            .blocking(move |inner| {
                let Some(run) = inner.last_run(&name, journal.as_deref())? else {
                    return Ok(None);
                };
                let owner = Owner::new(journal.as_deref(), &name);
                let boundary = inner.boundaries.read(&owner, &run.ids.entity);
                Ok(Some(LastSuccess { watermark: run.watermark.clone(), boundary, run }))
            })
            .await
    }

    /// Where an incremental load of an entity goes on: at the watermark of the last success, if
    /// that was recorded for today's key and watermark column.
    pub async fn resume_from(
        &self,
        name: &EntityName,
        journal_folder: Option<&Path>,
        spec: &WatermarkSpec,
    ) -> Result<Resume, JournalError> {
        let Some(last) = self.last_success(name, journal_folder).await? else {
            return Ok(Resume::First);
        };
        let run = &last.run;
        let full = |why: String| Ok(Resume::Full { why });
        let Some(then) = &run.spec else {
            return full("the last run recorded no watermark: everything is loaded".to_owned());
        };
        if then.column != spec.column {
            return full(format!(
                "the watermark column was `{}` and is `{}` now: everything is loaded",
                then.column, spec.column
            ));
        }
        if then.key_columns() != spec.key_columns() {
            return full(format!(
                "the primary key was `{}` and is `{}` now: everything is loaded",
                then.primary_key, spec.primary_key
            ));
        }
        match last.watermark {
            Some(watermark) => Ok(Resume::Since(watermark, last.boundary)),
            None if run.message.as_deref() == Some(CLEARED_BY_HAND) => {
                full("the watermark was cleared by hand: everything is loaded".to_owned())
            }
            None if run.rows == 0 => Ok(Resume::First),
            None => full(format!(
                "the last run found no value in `{}`: everything is loaded",
                spec.column
            )),
        }
    }

    /// Lets the next incremental load of an entity go on at `value`.
    pub async fn set_watermark(
        &self,
        name: &EntityName,
        journal_folder: Option<&Path>,
        spec: &WatermarkSpec,
        value: Watermark,
    ) -> Result<(), JournalError> {
        self.record_by_hand(name, journal_folder, spec, Some(value), SET_BY_HAND).await
    }

    /// Lets the next incremental load of an entity begin with everything.
    pub async fn clear_watermark(
        &self,
        name: &EntityName,
        journal_folder: Option<&Path>,
        spec: &WatermarkSpec,
    ) -> Result<(), JournalError> {
        self.record_by_hand(name, journal_folder, spec, None, CLEARED_BY_HAND).await
    }

    /// A row like any other, so that it means the same to whoever reads the journal.
    async fn record_by_hand(
        &self,
        name: &EntityName,
        journal_folder: Option<&Path>,
        spec: &WatermarkSpec,
        watermark: Option<Watermark>,
        message: &str,
    ) -> Result<(), JournalError> {
        let now = Timestamp::now();
        let ids = run_ids(name, now, now, now);
        let mut run =
            EntityRun::begin(name.clone(), ids, now, RunType::Incremental, Some(spec.clone()));
        run.finish_at(now, Status::Success);
        run.watermark = watermark;
        run.message = Some(message.to_owned());
        self.finished(run, journal_folder, None).await?;
        self.fold().await
    }
}

impl Inner {
    /// The last success in the journal file and the log.
    fn last_run(
        &self,
        name: &EntityName,
        journal: Option<&str>,
    ) -> Result<Option<EntityRun>, JournalError> {
        // The log first: what is folded meanwhile is then seen twice, not never.
        let logged: Vec<Row> = self.with_live(|live| {
            live.finished
                .iter()
                .filter(|record| record.journal.as_deref() == journal)
                .map(|record| &record.run)
                .filter(|row| {
                    *row.flow == *name.flow
                        && *row.entity == *name.entity
                        && row.status == Status::Success.as_str()
                })
                .cloned()
                .collect()
        });
        let mut last = self.index(journal)?.latest(name).cloned();
        for row in logged {
            let run = EntityRun::try_from(row)
                .map_err(|reason| JournalError::damaged(&self.log_path(), reason))?;
            if last.as_ref().is_none_or(|last| last.finish_time <= run.finish_time) {
                last = Some(run);
            }
        }
        Ok(last)
    }

    /// The last successes in a journal file, read again only when the file has changed.
    pub(super) fn index(&self, journal: Option<&str>) -> Result<Arc<Index>, JournalError> {
        let folder = self.folder(journal);
        let mut indices = self.indices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = indices.get(&folder)
            && index.stamp == Stamp::of(&folder)
        {
            return Ok(Arc::clone(index));
        }
        let index = Arc::new(Index::read(&folder)?);
        indices.insert(folder, Arc::clone(&index));
        Ok(index)
    }

    /// Moves the end of a run behind that of the last success, where a clock that was set back
    /// has put it before.
    pub(super) fn after_the_last(&self, mut run: EntityRun, journal: Option<&str>) -> EntityRun {
        // If the journal cannot be read, the run is still worth recording.
        if let Ok(Some(last)) = self.last_run(&run.name, journal)
            && last.finish_time >= run.finish_time
            && last.ids.entity != run.ids.entity
            && let Ok(later) = last.finish_time.checked_add(SignedDuration::from_micros(1))
        {
            run.finish_time = later;
        }
        run
    }
}
