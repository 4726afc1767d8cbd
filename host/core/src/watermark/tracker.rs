//! What an incremental load lets through, and how far it came.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use arrow_schema::Schema;
use arrow_select::filter::filter_record_batch;

use super::column::{Class, Column, describe};
use super::{KeySet, Watermark, WatermarkSpec, key_hashes};
use crate::fault::Fault;
use crate::project::keys::nearest;

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int64Type, TimestampMicrosecondType};
    use arrow_array::{Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow_schema::{DataType, Field, TimeUnit};
    use proptest::prelude::*;

    use super::*;
    use crate::fault::FaultKind;

    fn spec() -> WatermarkSpec {
        WatermarkSpec { primary_key: "id".to_owned(), column: "changed".to_owned() }
    }

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("changed", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        ])
    }

    type Rows = Vec<(i64, Option<i64>)>;

    fn batch(rows: &[(i64, Option<i64>)]) -> RecordBatch {
        let ids = Int64Array::from_iter_values(rows.iter().map(|row| row.0));
        let changed = TimestampMicrosecondArray::from_iter(rows.iter().map(|row| row.1));
        RecordBatch::try_new(Arc::new(schema()), vec![Arc::new(ids), Arc::new(changed)]).unwrap()
    }

    fn rows(batch: &RecordBatch) -> Rows {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let changed = batch.column(1).as_primitive::<TimestampMicrosecondType>();
        ids.values().iter().copied().zip(changed.iter()).collect()
    }

    fn micros(value: i64) -> Watermark {
        let array = TimestampMicrosecondArray::from(vec![value]);
        super::super::max_of("changed", &array).unwrap().unwrap()
    }

    /// One load of `source` in batches of `size`: what landed, and how far it came.
    fn load(source: &[(i64, Option<i64>)], size: usize, last: Option<&Tracked>) -> (Rows, Tracked) {
        let since = last.and_then(|last| last.watermark.clone());
        let landed = last.and_then(|last| last.boundary.clone()).unwrap_or_default();
        let mut tracker = Tracker::new(&spec(), &schema(), since, landed).unwrap();
        let mut out = Vec::new();
        for part in source.chunks(size) {
            out.extend(rows(&tracker.observe(batch(part)).unwrap()));
        }
        (out, tracker.finish())
    }

    #[test]
    fn a_row_committed_late_with_the_last_watermark_lands_once() {
        let (first, tracked) = load(&[(1, Some(5)), (2, Some(9)), (3, Some(9))], 2, None);
        assert_eq!(first.len(), 3);
        assert_eq!(tracked.watermark, Some(micros(9)));
        let source = [(1, Some(5)), (2, Some(9)), (3, Some(9)), (4, Some(9))];
        let (second, tracked) = load(&source, 3, Some(&tracked));
        assert_eq!(second, [(4, Some(9))]);
        assert_eq!(tracked.dropped, 3);
        assert_eq!(tracked.watermark, Some(micros(9)));
        assert_eq!(tracked.boundary.as_ref().unwrap().hashes.len(), 3);
        let (third, tracked) = load(&source, 1, Some(&tracked));
        assert_eq!(third, []);
        // Nothing came: all is as it was.
        assert_eq!(tracked.watermark, Some(micros(9)));
        assert_eq!(tracked.boundary.unwrap().hashes.len(), 3);
    }

    #[test]
    fn a_higher_watermark_forgets_the_keys_of_the_last() {
        let (_, tracked) = load(&[(1, Some(5)), (2, Some(5))], 2, None);
        let (landed, tracked) =
            load(&[(1, Some(5)), (2, Some(5)), (3, Some(6))], 9, Some(&tracked));
        assert_eq!(landed, [(3, Some(6))]);
        assert_eq!(tracked.boundary.unwrap().hashes.len(), 1);
    }

    #[test]
    fn null_passes_in_a_full_load_alone() {
        let source = [(1, None), (2, Some(3))];
        let (landed, tracked) = load(&source, 9, None);
        assert_eq!(landed.len(), 2);
        assert_eq!(tracked.nulls, 0);
        let (landed, tracked) = load(&[(1, None), (3, None), (4, Some(4))], 9, Some(&tracked));
        assert_eq!(landed, [(4, Some(4))]);
        assert_eq!((tracked.dropped, tracked.nulls), (2, 2));
    }

    #[test]
    fn nothing_dropped_is_nothing_copied() {
        let since = Some(micros(1));
        let mut tracker = Tracker::new(&spec(), &schema(), since, KeySet::default()).unwrap();
        let given = batch(&[(1, Some(1)), (2, Some(2))]);
        let before = given.column(0).to_data().buffers()[0].as_ptr();
        let kept = tracker.observe(given).unwrap();
        assert_eq!(kept.column(0).to_data().buffers()[0].as_ptr(), before);
    }

    #[test]
    fn rows_that_land_anyway_are_followed_by_the_names_of_their_columns() {
        let (_, last) = load(&[(1, Some(5)), (2, Some(5))], 2, None);
        let landed = last.boundary.clone().unwrap();
        let mut tracker =
            Tracker::new(&spec(), &schema(), last.watermark.clone(), landed.clone()).unwrap();
        let turned = |rows: &[(i64, Option<i64>)]| batch(rows).project(&[1, 0]).unwrap();
        tracker.follow(turned(&[(3, Some(6)), (4, Some(7))])).unwrap();
        // What is given in full goes on being understood.
        assert_eq!(tracker.observe(batch(&[(5, Some(7)), (1, Some(5))])).unwrap().num_rows(), 1);
        let tracked = tracker.finish();
        assert_eq!(tracked.watermark, Some(micros(7)));
        assert_eq!(tracked.boundary.unwrap().hashes.len(), 2);

        for wrong in [(1, Some(5)), (9, Some(4)), (9, None)] {
            let mut tracker =
                Tracker::new(&spec(), &schema(), last.watermark.clone(), landed.clone()).unwrap();
            let fault = tracker.follow(turned(&[(3, Some(6)), wrong])).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Data, "{wrong:?}");
        }
        let mut tracker = Tracker::new(&spec(), &schema(), None, KeySet::default()).unwrap();
        let fault = tracker.follow(batch(&[(1, None)]).project(&[1]).unwrap()).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Bug);
    }

    #[test]
    fn an_empty_load_has_no_watermark() {
        let (_, tracked) = load(&[], 1, None);
        assert_eq!(tracked.watermark, None);
        assert_eq!(tracked.boundary, Some(KeySet::default()));
        let (_, tracked) = load(&[(1, None)], 1, None);
        assert_eq!(tracked.watermark, None);
    }

    #[test]
    fn a_missing_column_is_named_with_its_nearest() {
        let mut wrong = spec();
        wrong.column = "chnaged".to_owned();
        let fault = Tracker::new(&wrong, &schema(), None, KeySet::default()).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(fault.to_string().contains("`watermark_column` names `chnaged`"));
        assert_eq!(fault.help(), Some("did you mean `changed`?"));
        let mut wrong = spec();
        wrong.primary_key = "id, zzz".to_owned();
        let fault = Tracker::new(&wrong, &schema(), None, KeySet::default()).unwrap_err();
        assert_eq!(fault.help(), Some("its columns are: id, changed"));
        wrong.primary_key = " ".to_owned();
        assert!(Tracker::new(&wrong, &schema(), None, KeySet::default()).is_err());
    }

    #[test]
    fn a_watermark_of_another_type_is_refused_before_anything_is_read() {
        let fault = Tracker::new(&spec(), &schema(), Some(Watermark::Int(3)), KeySet::default())
            .unwrap_err();
        assert!(fault.to_string().contains("`3`, is a whole number"), "{fault}");
    }

    #[test]
    fn more_ties_than_are_remembered_land_but_leave_no_boundary() {
        let mut tracker =
            Tracker::with_limit(&spec(), &schema(), None, KeySet::default(), 2).unwrap();
        let ties: Rows = (0..3).map(|id| (id, Some(7))).collect();
        assert_eq!(tracker.observe(batch(&ties)).unwrap().num_rows(), 3);
        assert_eq!(tracker.observe(batch(&ties)).unwrap().num_rows(), 3);
        let tracked = tracker.finish();
        assert_eq!((tracked.watermark, tracked.boundary), (Some(micros(7)), None));

        // A higher watermark makes the boundary known again.
        let mut tracker =
            Tracker::with_limit(&spec(), &schema(), None, KeySet::default(), 2).unwrap();
        tracker.observe(batch(&ties)).unwrap();
        tracker.observe(batch(&[(9, Some(8))])).unwrap();
        assert_eq!(tracker.finish().boundary.unwrap().hashes.len(), 1);

        // Old and new ones together count too.
        let (_, last) = load(&ties[..2], 9, None);
        let landed = last.boundary.unwrap();
        let mut tracker =
            Tracker::with_limit(&spec(), &schema(), last.watermark, landed.clone(), 2).unwrap();
        assert_eq!(tracker.observe(batch(&ties)).unwrap().num_rows(), 1);
        assert_eq!(tracker.finish().boundary, None);

        let since = Some(micros(7));
        let fault = Tracker::with_limit(&spec(), &schema(), since, landed, 1).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Config);
    }

    #[test]
    fn text_watermarks_and_composite_keys_work() {
        let make = |rows: &[(&str, &str)]| {
            let column = |values: Vec<&str>| -> arrow_array::ArrayRef {
                Arc::new(StringArray::from(values))
            };
            RecordBatch::try_from_iter([
                ("a", column(rows.iter().map(|row| row.0).collect())),
                ("changed", column(rows.iter().map(|row| row.1).collect())),
            ])
            .unwrap()
        };
        let spec =
            WatermarkSpec { primary_key: "a, changed".to_owned(), column: "changed".to_owned() };
        let first = make(&[("x", "v1"), ("y", "v2")]);
        let mut tracker = Tracker::new(&spec, &first.schema(), None, KeySet::default()).unwrap();
        let schema = first.schema();
        tracker.observe(first).unwrap();
        let tracked = tracker.finish();
        let landed = tracked.boundary.unwrap();
        let mut tracker = Tracker::new(&spec, &schema, tracked.watermark, landed).unwrap();
        let kept = tracker.observe(make(&[("x", "v1"), ("y", "v2"), ("z", "v2")])).unwrap();
        assert_eq!(kept.column(0).as_string::<i32>().value(0), "z");
        assert_eq!(kept.num_rows(), 1);
    }

    proptest! {
        /// Rows appear over time with watermarks that never fall below the highest one seen, but
        /// often tie with it. However the source orders and cuts them, all loads together land
        /// exactly the rows of one load at the end.
        #[test]
        fn incremental_loads_land_what_one_full_load_would(
            steps in prop::collection::vec(prop::collection::vec(0_i64..3, 0..12), 1..8),
            size in 1_usize..7,
            reversed in any::<bool>(),
        ) {
            let mut source: Rows = Vec::new();
            let mut landed: BTreeMap<i64, usize> = BTreeMap::new();
            let mut last: Option<Tracked> = None;
            let mut top = 0;
            for step in steps {
                let base = top;
                for lift in step {
                    top = top.max(base + lift);
                    source.push((source.len() as i64, Some(base + lift)));
                }
                let mut seen = source.clone();
                if reversed {
                    seen.reverse();
                }
                let (out, tracked) = load(&seen, size, last.as_ref());
                prop_assert_eq!(out.len() as u64 + tracked.dropped, seen.len() as u64);
                for (id, _) in out {
                    *landed.entry(id).or_default() += 1;
                }
                last = Some(tracked);
            }
            let expected: BTreeMap<i64, usize> =
                source.iter().map(|(id, _)| (*id, 1)).collect();
            prop_assert_eq!(landed, expected);
        }
    }
}
