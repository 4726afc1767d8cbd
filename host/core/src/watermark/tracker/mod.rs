//! What an incremental load lets through, and how far it came.

mod snapshot;
#[cfg(test)]
mod tests;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use arrow_schema::Schema;
use arrow_select::filter::filter_record_batch;

use super::column::{Class, Column, describe};
use super::{KeySet, Watermark, WatermarkSpec, key_hashes};
use crate::fault::Fault;
use crate::project::keys::nearest;

pub use snapshot::Snapshot;

/// How many keys of rows that share the highest watermark are remembered.
///
/// This many take about 75 MB in memory and 56 MB on disk; a set grows by doubling, and one more
/// would double it. A load of more such rows still lands whole: only its boundary is not known
/// ([`Tracked::boundary`]), so that the next incremental load has to ask the Store for it.
pub const MAX_BOUNDARY_KEYS: usize = 3_500_000;

/// Lets through the rows of an incremental load that are new, and remembers how far it came.
///
/// Rows at or above the last watermark pass, except those at exactly the last watermark whose key
/// landed before. A row that is changed without its watermark growing is therefore not seen as
/// changed. Rows of one load are never compared with each other: a source that gives a row twice
/// gets it twice.
#[derive(Debug)]
pub struct Tracker {
    column: String,
    keys: Vec<String>,
    places: Places,
    since: Option<Watermark>,
    landed: KeySet,
    /// The highest watermark that passed.
    max: Option<Watermark>,
    /// The keys of the rows that passed with it.
    at_max: KeySet,
    /// Whether more rows share `max` than keys are remembered.
    too_many: bool,
    limit: usize,
    dropped: u64,
    nulls: u64,
}

/// Where the watermark and the key are among the columns of a batch.
#[derive(Debug)]
struct Places {
    column: usize,
    keys: Vec<usize>,
}

/// How far a load came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The highest watermark of all loads; that of the last one when nothing new came.
    pub watermark: Option<Watermark>,
    /// The keys of all landed rows that have exactly this watermark. `None` when there are more
    /// than [`MAX_BOUNDARY_KEYS`].
    pub boundary: Option<KeySet>,
    /// Rows that were not let through.
    pub dropped: u64,
    /// How many of these because their watermark is null.
    pub nulls: u64,
}

impl Tracker {
    /// Tracks a load of rows of `schema` that goes on from `since`, where `landed` has the keys
    /// of the rows that landed with exactly this watermark. Without `since` everything passes.
    pub fn new(
        spec: &WatermarkSpec,
        schema: &Schema,
        since: Option<Watermark>,
        landed: KeySet,
    ) -> Result<Self, Fault> {
        Self::with_limit(spec, schema, since, landed, MAX_BOUNDARY_KEYS)
    }

    fn with_limit(
        spec: &WatermarkSpec,
        schema: &Schema,
        since: Option<Watermark>,
        landed: KeySet,
        limit: usize,
    ) -> Result<Self, Fault> {
        let column_index = find(schema, &spec.column, "watermark_column")?;
        let class = Class::of(&spec.column, schema.field(column_index).data_type())?;
        if let Some(since) = &since {
            if !class.holds(since) {
                return Err(Fault::config(format!(
                    "the last watermark of `{}`, `{since}`, is {}, but the column is {} now",
                    spec.column,
                    describe(since),
                    class.describe()
                ))
                .with_help("load this entity once in full: `hygge go --full-drop --entity …`"));
            }
            if landed.hashes.len() > limit {
                return Err(Fault::config(format!(
                    "more than {limit} rows share the last watermark of `{}`, `{since}`: too many \
                     to tell which of them landed",
                    spec.column
                ))
                .with_help(
                    "choose a watermark column with finer steps, or load this entity with \
                     `run_type: full_drop`",
                ));
            }
        }
        let keys = spec.key_columns();
        if keys.is_empty() {
            return Err(Fault::config("`primary_key` under `watermark` names no column")
                .with_help("name the column, or the columns, that tell one row from another"));
        }
        let key_indices = keys
            .iter()
            .map(|name| find(schema, name, "primary_key"))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            column: spec.column.clone(),
            keys,
            places: Places { column: column_index, keys: key_indices },
            max: None,
            at_max: KeySet::default(),
            too_many: false,
            limit,
            landed: if since.is_some() { landed } else { KeySet::default() },
            since,
            dropped: 0,
            nulls: 0,
        })
    }

    /// Takes rows and gives back those that should land, in their order. Rows whose watermark is
    /// null pass in a load of everything; later they can never be told from old ones and are
    /// dropped, see [`nulls`](Self::nulls).
    pub fn observe(&mut self, batch: RecordBatch) -> Result<RecordBatch, Fault> {
        let passed = match self.since.clone() {
            Some(since) => self.filter(batch, &since)?,
            None => batch,
        };
        self.remember(&passed)?;
        Ok(passed)
    }

    /// Takes rows that land whatever is said here, of which only the watermark and key columns
    /// are given. A row that should not land was promised not to be among them: a fault.
    pub fn follow(&mut self, columns: RecordBatch) -> Result<(), Fault> {
        let schema = columns.schema();
        let place = |name: &String| {
            schema.index_of(name).map_err(|_| {
                Fault::bug(format!("rows to be followed came without their column `{name}`"))
            })
        };
        let theirs = Places {
            column: place(&self.column)?,
            keys: self.keys.iter().map(place).collect::<Result<_, _>>()?,
        };
        let rows = columns.num_rows();
        let own = std::mem::replace(&mut self.places, theirs);
        let passed = self.observe(columns);
        self.places = own;
        if passed?.num_rows() == rows {
            return Ok(());
        }
        Err(Fault::data(format!(
            "the statistics of the source say that all its new rows have a higher `{}` than the \
             last watermark, but some have not",
            self.column
        ))
        .with_help("write the source again: what it says of its own rows is wrong"))
    }

    /// Rows dropped so far because their watermark is null.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// About how many bytes the remembered keys take, for the memory budget.
    pub fn memory(&self) -> usize {
        // A set keeps one byte beside each slot, and an eighth of its slots free.
        (self.landed.hashes.capacity() + self.at_max.hashes.capacity()) * (16 + 1) * 8 / 7
    }

    /// How far it came.
    pub fn finish(self) -> Tracked {
        let Self { since, max, mut landed, at_max, mut too_many, .. } = self;
        let (watermark, boundary) = if max.is_none() || max == since {
            landed.hashes.extend(at_max.hashes);
            (max.or(since), landed)
        } else {
            (max, at_max)
        };
        too_many |= boundary.hashes.len() > self.limit;
        Tracked {
            watermark,
            boundary: (!too_many).then_some(boundary),
            dropped: self.dropped,
            nulls: self.nulls,
        }
    }

    fn filter(&mut self, batch: RecordBatch, since: &Watermark) -> Result<RecordBatch, Fault> {
        let column = Column::of(&self.column, self.watermarks(&batch)?)?;
        let mut keep = column.at_least(since)?;
        self.nulls += column.nulls() as u64;
        if !self.landed.hashes.is_empty() {
            let boundary = column.equal(since)?;
            if boundary.count_set_bits() > 0 {
                keep = self.without_landed(&batch, keep, boundary)?;
            }
        }
        let dropped = batch.num_rows() - keep.count_set_bits();
        if dropped == 0 {
            return Ok(batch);
        }
        self.dropped += dropped as u64;
        select(&batch, keep)
    }

    /// Takes out of `keep` the rows of `boundary` whose key landed before.
    fn without_landed(
        &self,
        batch: &RecordBatch,
        keep: BooleanBuffer,
        boundary: BooleanBuffer,
    ) -> Result<BooleanBuffer, Fault> {
        let hashes = self.keys(batch, boundary.clone())?;
        let mut kept = BooleanBufferBuilder::new(keep.len());
        kept.append_buffer(&keep);
        for (row, hash) in boundary.set_indices().zip(&hashes) {
            if self.landed.hashes.contains(hash) {
                kept.set_bit(row, false);
            }
        }
        Ok(kept.finish())
    }

    fn remember(&mut self, passed: &RecordBatch) -> Result<(), Fault> {
        let column = Column::of(&self.column, self.watermarks(passed)?)?;
        let Some(highest) = column.max()? else { return Ok(()) };
        let order = self.max.as_ref().map(|max| highest.cmp(max));
        match order {
            Some(std::cmp::Ordering::Less) => return Ok(()),
            Some(std::cmp::Ordering::Equal) => {}
            Some(std::cmp::Ordering::Greater) | None => {
                self.too_many = false;
                self.at_max.hashes.clear();
            }
        }
        if !self.too_many {
            let hashes = self.keys(passed, column.equal(&highest)?)?;
            self.at_max.hashes.extend(hashes);
            if self.at_max.hashes.len() > self.limit {
                self.too_many = true;
                self.at_max = KeySet::default();
            }
        }
        self.max = Some(highest);
        Ok(())
    }

    fn watermarks<'a>(&self, batch: &'a RecordBatch) -> Result<&'a dyn arrow_array::Array, Fault> {
        batch
            .columns()
            .get(self.places.column)
            .map(AsRef::as_ref)
            .ok_or_else(|| Fault::bug("a batch has fewer columns than its schema announced"))
    }

    fn keys(&self, batch: &RecordBatch, rows: BooleanBuffer) -> Result<Vec<[u8; 16]>, Fault> {
        let columns = batch.project(&self.places.keys).map_err(|error| {
            Fault::bug("a batch has fewer columns than its schema announced").because(error)
        })?;
        let columns = select(&columns, rows)?;
        let all: Vec<usize> = (0..columns.num_columns()).collect();
        key_hashes(&columns, &all)
    }
}

fn select(batch: &RecordBatch, rows: BooleanBuffer) -> Result<RecordBatch, Fault> {
    filter_record_batch(batch, &BooleanArray::new(rows, None))
        .map_err(|error| Fault::bug("rows could not be selected").because(error))
}

fn find(schema: &Schema, name: &str, key: &str) -> Result<usize, Fault> {
    if let Ok(index) = schema.index_of(name) {
        return Ok(index);
    }
    let fault = Fault::config(format!("`{key}` names `{name}`, but the source has no such column"));
    let columns = || schema.fields().iter().map(|field| field.name().as_str());
    Err(match nearest(name, columns()) {
        Some(near) => fault.with_help(format!("did you mean `{near}`?")),
        None => fault
            .with_help(format!("its columns are: {}", columns().collect::<Vec<_>>().join(", "))),
    })
}
