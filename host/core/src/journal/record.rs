//! One entity's run, as the journal remembers it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::contract::RunIds;
use crate::engine::event::EntityName;
use crate::project::plan::RunType;
use crate::watermark::{Watermark, WatermarkSpec};

/// What the column `coordinator` always says.
pub(super) const COORDINATOR: &str = "coordinator";

/// How a run of an entity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// All rows are at the destination.
    Success,
    /// It failed.
    Fail,
    /// It was not run.
    Skip,
}

impl Status {
    /// The journal's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Success, Self::Fail, Self::Skip].into_iter().find(|status| status.as_str() == text)
    }
}

/// One run of one entity: a row of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityRun {
    /// Which entity.
    pub name: EntityName,
    /// Ids of the run, of its flow's run and of the whole run.
    pub ids: RunIds,
    /// When it began. Times are kept to the microsecond.
    pub start_time: Timestamp,
    /// When it ended.
    pub finish_time: Timestamp,
    /// How it ended.
    pub status: Status,
    /// What was asked for.
    pub run_type: RunType,
    /// Rows that landed.
    pub rows: u64,
    /// How long it took.
    pub duration: Duration,
    /// The key and the watermark column as configured for this run.
    pub spec: Option<WatermarkSpec>,
    /// The highest watermark that has landed.
    pub watermark: Option<Watermark>,
    /// What went wrong, or what is worth remembering.
    pub message: Option<String>,
}

impl EntityRun {
    /// A run that begins. Until [`finish`](Self::finish) it counts as failed.
    pub fn begin(
        name: EntityName,
        ids: RunIds,
        start: Timestamp,
        run_type: RunType,
        spec: Option<WatermarkSpec>,
    ) -> Self {
        let start = to_micros(start);
        Self {
            name,
            ids,
            start_time: start,
            finish_time: start,
            status: Status::Fail,
            run_type,
            rows: 0,
            duration: Duration::ZERO,
            spec,
            watermark: None,
            message: None,
        }
    }

    /// The run ends now.
    pub fn finish(&mut self, status: Status) {
        self.finish_at(Timestamp::now(), status);
    }

    pub(super) fn finish_at(&mut self, time: Timestamp, status: Status) {
        self.finish_time = to_micros(time);
        self.duration =
            self.finish_time.duration_since(self.start_time).try_into().unwrap_or_default();
        self.status = status;
    }
}

/// The ids of an entity's run, from the times at which the whole run, the flow and the entity
/// began.
pub fn run_ids(
    name: &EntityName,
    coordinator_start: Timestamp,
    flow_start: Timestamp,
    entity_start: Timestamp,
) -> RunIds {
    RunIds {
        coordinator: coordinator_run_id(coordinator_start),
        flow: hashed(&[COORDINATOR, &name.flow, &time_text(flow_start)]),
        entity: hashed(&[COORDINATOR, &name.flow, &name.entity, &time_text(entity_start)]),
    }
}

/// The id of a whole run, from the time at which it began.
pub fn coordinator_run_id(start: Timestamp) -> String {
    hashed(&[COORDINATOR, &time_text(start)])
}

/// The first 32 hexadecimal digits of the SHA-256 of `parts`, joined by `|`.
pub(super) fn hashed(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("|"));
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn to_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// A time as the journal writes it: ISO 8601, microseconds, `+00:00`.
pub(super) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// Reads a time of the journal; without an offset it is UTC.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    })
}

/// A run in the words of the journal: a row of the Parquet file and a record of the log alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) entity_run_id: String,
    pub(super) coordinator_run_id: String,
    pub(super) flow_run_id: String,
    pub(super) flow: String,
    pub(super) entity: String,
    pub(super) start_time: String,
    pub(super) finish_time: String,
    pub(super) status: String,
    pub(super) run_type: String,
    pub(super) row_count: Option<i64>,
    pub(super) duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) primary_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) watermark_column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) watermark_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) watermark: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

impl From<&EntityRun> for Row {
    fn from(run: &EntityRun) -> Self {
        let watermark = run.watermark.as_ref();
        Self {
            entity_run_id: run.ids.entity.clone(),
            coordinator_run_id: run.ids.coordinator.clone(),
            flow_run_id: run.ids.flow.clone(),
            flow: run.name.flow.to_string(),
            entity: run.name.entity.to_string(),
            start_time: time_text(run.start_time),
            finish_time: time_text(run.finish_time),
            status: run.status.as_str().to_owned(),
            run_type: run.run_type.as_str().to_owned(),
            row_count: Some(i64::try_from(run.rows).unwrap_or(i64::MAX)),
            duration: Some(run.duration.as_secs_f64()),
            primary_key: run.spec.as_ref().map(|spec| spec.primary_key.clone()),
            watermark_column: run.spec.as_ref().map(|spec| spec.column.clone()),
            watermark_type: watermark.map(|watermark| watermark.type_name().to_owned()),
            watermark: watermark.map(ToString::to_string),
            message: run.message.clone(),
        }
    }
}

/// What is wrong with a row; the text says in which column.
impl TryFrom<Row> for EntityRun {
    type Error = String;

    fn try_from(row: Row) -> Result<Self, String> {
        let time = |column: &str, text: &str| {
            parse_time(text).ok_or_else(|| format!("`{text}` in `{column}` is not a time"))
        };
        let finish_time = time("finish_time", &row.finish_time)?;
        let start_time = match row.start_time.as_str() {
            "" => finish_time,
            text => time("start_time", text)?,
        };
        let status = Status::parse(&row.status).ok_or_else(|| {
            format!("`{}` in `status` is none of success, fail, skip", row.status)
        })?;
        let run_type = [RunType::FullDrop, RunType::Incremental]
            .into_iter()
            .find(|run_type| run_type.as_str() == row.run_type)
            .ok_or_else(|| {
                format!("`{}` in `run_type` is none of full_drop, incremental", row.run_type)
            })?;
        let watermark = row
            .watermark
            .map(|text| Watermark::parse(row.watermark_type.as_deref().unwrap_or("string"), &text))
            .transpose()
            .map_err(|error| format!("{error} (in `watermark`)"))?;
        Ok(Self {
            name: EntityName { flow: row.flow.into(), entity: row.entity.into() },
            ids: RunIds {
                coordinator: row.coordinator_run_id,
                flow: row.flow_run_id,
                entity: row.entity_run_id,
            },
            start_time,
            finish_time,
            status,
            run_type,
            rows: row.row_count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default(),
            // A float has no room for the nanoseconds of a long run: microseconds are exact.
            duration: row
                .duration
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .and_then(|exact| u64::try_from((exact.as_nanos() + 500) / 1_000).ok())
                .map(Duration::from_micros)
                .unwrap_or_default(),
            spec: row.watermark_column.map(|column| WatermarkSpec {
                primary_key: row.primary_key.unwrap_or_default(),
                column,
            }),
            watermark,
            message: row.message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> EntityRun {
        let name = EntityName { flow: "example_flow".into(), entity: "users".into() };
        let start: Timestamp = "2026-11-21T02:06:07.1223489Z".parse().unwrap();
        let spec = WatermarkSpec { primary_key: "id".into(), column: "updated_at".into() };
        let ids = run_ids(&name, start, start, start);
        let mut run = EntityRun::begin(name, ids, start, RunType::Incremental, Some(spec));
        run.finish_at("2026-11-21T02:06:08Z".parse().unwrap(), Status::Success);
        run.rows = 7;
        run.watermark = Some(Watermark::guess("2026-01-01T00:41:39"));
        run
    }

    #[test]
    fn a_run_survives_its_words() {
        let run = run();
        let row = Row::from(&run);
        assert_eq!(row.start_time, "2026-11-21T02:06:07.122348+00:00");
        assert_eq!(row.finish_time, "2026-11-21T02:06:08.000000+00:00");
        assert_eq!(row.watermark.as_deref(), Some("2026-01-01T00:41:39"));
        assert_eq!(row.duration, Some(0.877_652));
        let json = serde_json::to_string(&row).unwrap();
        let back: Row = serde_json::from_str(&json).unwrap();
        assert_eq!(EntityRun::try_from(back).unwrap(), run);
    }

    #[test]
    fn ids_are_hashes_of_names_and_times() {
        let ids = run().ids;
        assert_eq!(
            ids.entity,
            hashed(&["coordinator|example_flow|users|2026-11-21T02:06:07.122348+00:00"])
        );
        assert_eq!(ids.entity.len(), 32);
        assert_ne!(ids.flow, ids.coordinator);
    }

    #[test]
    fn words_without_meaning_are_told() {
        let wrong = |change: fn(&mut Row)| {
            let mut row = Row::from(&run());
            change(&mut row);
            EntityRun::try_from(row).unwrap_err()
        };
        assert!(wrong(|row| row.status = "done".into()).contains("`done` in `status`"));
        assert!(wrong(|row| row.finish_time = "now".into()).contains("`now` in `finish_time`"));
        assert!(wrong(|row| row.run_type = "all".into()).contains("`all` in `run_type`"));
        assert!(wrong(|row| row.watermark = Some("x".into())).contains("(in `watermark`)"));
    }

    #[test]
    fn a_time_without_an_offset_is_utc() {
        assert_eq!(parse_time("2026-01-01T00:00:00.5"), parse_time("2026-01-01T01:00:00.5+01:00"));
        assert_eq!(parse_time(""), None);
    }
}
