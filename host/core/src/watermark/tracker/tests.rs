//! What passes, what is remembered, and that loads add up.

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
    crate::watermark::max_of("changed", &array).unwrap().unwrap()
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
    let (landed, tracked) = load(&[(1, Some(5)), (2, Some(5)), (3, Some(6))], 9, Some(&tracked));
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
    let fault =
        Tracker::new(&spec(), &schema(), Some(Watermark::Int(3)), KeySet::default()).unwrap_err();
    assert!(fault.to_string().contains("`3`, is a whole number"), "{fault}");
}

#[test]
fn more_ties_than_are_remembered_land_but_leave_no_boundary() {
    let mut tracker = Tracker::with_limit(&spec(), &schema(), None, KeySet::default(), 2).unwrap();
    let ties: Rows = (0..3).map(|id| (id, Some(7))).collect();
    assert_eq!(tracker.observe(batch(&ties)).unwrap().num_rows(), 3);
    assert_eq!(tracker.observe(batch(&ties)).unwrap().num_rows(), 3);
    let tracked = tracker.finish();
    assert_eq!((tracked.watermark, tracked.boundary), (Some(micros(7)), None));

    // A higher watermark makes the boundary known again.
    let mut tracker = Tracker::with_limit(&spec(), &schema(), None, KeySet::default(), 2).unwrap();
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
        let column =
            |values: Vec<&str>| -> arrow_array::ArrayRef { Arc::new(StringArray::from(values)) };
        RecordBatch::try_from_iter([
            ("a", column(rows.iter().map(|row| row.0).collect())),
            ("changed", column(rows.iter().map(|row| row.1).collect())),
        ])
        .unwrap()
    };
    let spec = WatermarkSpec { primary_key: "a, changed".to_owned(), column: "changed".to_owned() };
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

proptest! {
    /// A load that is cut anywhere, written down and gone on with by another tracker comes to
    /// what it would have come to in one go: ties, dropped rows and nulls included.
    #[test]
    fn a_load_that_is_cut_comes_to_the_same(
        first in prop::collection::vec((0_i64..40, prop::option::of(0_i64..4)), 0..20),
        second in prop::collection::vec((0_i64..40, prop::option::of(2_i64..6)), 0..30),
        cut in 0_usize..30,
        incremental in any::<bool>(),
        limit in 1_usize..20,
    ) {
        let (_, last) = load(&first, 7, None);
        let fits = last.boundary.as_ref().is_none_or(|keys| keys.hashes.len() <= limit);
        let last = (incremental && fits).then_some(last);
        let begun = || {
            let since = last.as_ref().and_then(|last| last.watermark.clone());
            let landed = last.as_ref().and_then(|last| last.boundary.clone()).unwrap_or_default();
            Tracker::with_limit(&spec(), &schema(), since, landed, limit).unwrap()
        };
        let (before, after) = second.split_at(cut.min(second.len()));
        let mut whole = begun();
        let mut landed = rows(&whole.observe(batch(before)).unwrap());
        landed.extend(rows(&whole.observe(batch(after)).unwrap()));

        let mut cut_short = begun();
        let mut pieces = rows(&cut_short.observe(batch(before)).unwrap());
        let text = serde_json::to_string(&cut_short.snapshot().unwrap()).unwrap();
        drop(cut_short);
        let mut goes_on = begun();
        goes_on.restore(&serde_json::from_str(&text).unwrap()).unwrap();
        pieces.extend(rows(&goes_on.observe(batch(after)).unwrap()));
        prop_assert_eq!(pieces, landed);
        prop_assert_eq!(goes_on.finish(), whole.finish());
    }
}

#[test]
fn a_damaged_snapshot_is_refused_and_changes_nothing() {
    let mut tracker = Tracker::new(&spec(), &schema(), None, KeySet::default()).unwrap();
    tracker.observe(batch(&[(1, Some(3)), (2, Some(3))])).unwrap();
    let text = serde_json::to_string(&tracker.snapshot().unwrap()).unwrap();
    for (right, wrong) in [("datetime", "colour"), ("1970", "x"), ("\"keys\":\"", "\"keys\":\"f")] {
        assert!(text.contains(right), "{text}");
        let damaged = serde_json::from_str(&text.replacen(right, wrong, 1)).unwrap();
        let before = tracker.snapshot();
        assert!(tracker.restore(&damaged).is_err(), "{wrong}");
        assert_eq!(tracker.snapshot(), before);
    }
}

#[test]
fn more_ties_than_are_worth_writing_down_make_no_snapshot() {
    let mut tracker = Tracker::new(&spec(), &schema(), None, KeySet::default()).unwrap();
    let ties: Rows = (0..70_000).map(|id| (id, Some(7))).collect();
    tracker.observe(batch(&ties)).unwrap();
    assert_eq!(tracker.snapshot(), None);
    tracker.observe(batch(&[(1, Some(8))])).unwrap();
    assert!(tracker.snapshot().is_some());
}
