//! Good streams with bytes changed at random. Each is either refused, or becomes arrays that are
//! valid in every respect; and none makes the host take more memory than a few times its size.
//!
//! One test alone: it watches all memory of its process. `HYGGE_SEED` replays a run.

#![expect(unsafe_code, reason = "a global allocator is unsafe by its trait")]
#![expect(clippy::unwrap_used, reason = "a test, with helpers beside it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::types::{Int8Type, Int16Type};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Decimal128Array, DictionaryArray,
    FixedSizeBinaryArray, Float64Array, Int16Array, Int64Array, LargeStringArray, ListViewArray,
    NullArray, RecordBatch, RunArray, StringArray, StringViewArray, StructArray,
};
use arrow_schema::{DataType, Field};
use hygge_sandbox::ipc::{decode, decode_schema, encode};
use hygge_sandbox::ndjson;
use hygge_sandbox::schema::{Announced, announced};

struct Watched;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract of this method, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// The most memory that `work` held at one time, beyond what was held before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let done = work();
    (done, PEAK.load(Ordering::Relaxed).saturating_sub(before))
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

const ROWS: usize = 24;

fn columns() -> Vec<ArrayRef> {
    let words = || (0..ROWS).map(|row| (row % 5 > 0).then(|| "word ".repeat(row % 7)));
    let mut lists = ListBuilder::new(Int32Builder::new());
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for row in 0..ROWS as i32 {
        lists.values().append_slice(&vec![row; row as usize % 4]);
        lists.append(row % 3 > 0);
        maps.keys().append_value(row.to_string());
        maps.values().append_value(row);
        maps.append(row % 3 > 0).unwrap();
    }
    let ids = || Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let decimals = Decimal128Array::from_iter_values(0..ROWS as i128);
    let ends = Int16Array::from(vec![5, 9, ROWS as i16]);
    let item = Arc::new(Field::new("item", DataType::Int64, false));
    let views = (0..ROWS as i32).map(|row| row / 2).collect::<Vec<_>>();
    vec![
        ids(),
        Arc::new(
            (0..ROWS).map(|row| (row % 3 > 0).then_some(row % 2 > 0)).collect::<BooleanArray>(),
        ),
        Arc::new(
            (0..ROWS).map(|row| (row % 4 > 0).then_some(row as f64)).collect::<Float64Array>(),
        ),
        Arc::new(decimals.with_precision_and_scale(38, 2).unwrap()),
        Arc::new(words().collect::<StringArray>()),
        Arc::new(words().collect::<LargeStringArray>()),
        Arc::new(words().collect::<StringViewArray>()),
        Arc::new(words().map(|word| word.map(String::into_bytes)).collect::<BinaryViewArray>()),
        Arc::new(FixedSizeBinaryArray::try_from_iter((0..ROWS).map(|row| [row as u8; 5])).unwrap()),
        Arc::new(
            words()
                .collect::<Vec<_>>()
                .iter()
                .map(Option::as_deref)
                .collect::<DictionaryArray<Int8Type>>(),
        ),
        Arc::new(lists.finish()),
        Arc::new(maps.finish()),
        Arc::new(StructArray::from(vec![(
            Arc::new(Field::new("x", DataType::Int64, false)),
            ids() as ArrayRef,
        )])),
        Arc::new(
            RunArray::<Int16Type>::try_new(&ends, &StringArray::from(vec!["a", "b", "c"])).unwrap(),
        ),
        Arc::new(ListViewArray::new(item, views.into(), vec![1; ROWS].into(), ids(), None)),
        Arc::new(NullArray::new(ROWS)),
    ]
}

/// Changes one to four places of `bytes`.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(10) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.next() as u8),
            2 => {
                if at < bytes.len() {
                    bytes.remove(at);
                }
            }
            3..=5 => {
                // A word of lengths, offsets and counts.
                const TELLING: [u64; 8] =
                    [0, 1, u64::MAX, i64::MAX as u64, i32::MAX as u64, 1 << 31, 1 << 40, 25];
                let word = TELLING[random.below(TELLING.len())].to_le_bytes();
                let width = [4, 8][random.below(2)];
                let at = at / width * width;
                if let Some(place) = bytes.get_mut(at..at + width) {
                    place.copy_from_slice(&word[..width]);
                }
            }
            6 => {
                let from = random.below(bytes.len());
                let length = random.below(64).min(bytes.len() - from.max(at));
                bytes.copy_within(from..from + length, at);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}

#[test]
fn damaged_streams_are_refused_or_still_valid() {
    let seed = std::env::var("HYGGE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |now| now.as_nanos() as u64)
    });
    println!("HYGGE_SEED={seed}");
    let rounds = std::env::var("HYGGE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1500);
    let mut random = Random(seed);
    let columns = columns();
    let all = columns.iter().enumerate().map(|(at, column)| (format!("c{at}"), Arc::clone(column)));
    let mut tables: Vec<_> = columns
        .iter()
        .map(|column| RecordBatch::try_from_iter([("c", Arc::clone(column))]).unwrap())
        .collect();
    tables.push(RecordBatch::try_from_iter(all).unwrap());
    let (mut taken, mut refused) = (0, 0);
    for rows in &tables {
        let schema = rows.schema();
        let good = encode(rows).unwrap();
        assert_eq!(decode(good.clone(), &schema, "x").unwrap(), std::slice::from_ref(rows));
        for _ in 0..rounds {
            let mut bad = good.clone();
            damage(&mut bad, &mut random);
            let size = bad.len();
            let (decoded, peak) = peak(|| decode(bad, &schema, "x"));
            assert!(peak < 4 * size + (64 << 10), "{peak} bytes for a stream of {size}");
            match decoded {
                Ok(batches) => {
                    taken += 1;
                    for rows in batches {
                        assert_eq!(rows.schema(), schema);
                        for column in rows.columns() {
                            column.to_data().validate_full().unwrap();
                        }
                    }
                }
                Err(fault) => {
                    refused += 1;
                    // A panic of Arrow's reader would be caught, but there should be none.
                    assert!(!fault.to_string().contains("its reader does not know"), "{schema}");
                }
            }
        }
        schemas(&good, rounds / 4, &mut random);
    }
    lines(rounds, &mut random);
    println!("{taken} taken, {refused} refused");
    assert!(taken > 0 && refused > taken);
}

/// Damaged schemas.
fn schemas(stream: &[u8], rounds: usize, random: &mut Random) {
    let head = u32::from_le_bytes([stream[4], stream[5], stream[6], stream[7]]) as usize + 8;
    let good = [&stream[..head], &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]].concat();
    decode_schema(good.clone(), "x").unwrap();
    for _ in 0..rounds {
        let mut bad = good.clone();
        damage(&mut bad, random);
        let (decoded, peak) = peak(|| announced(Announced::Arrow(bad), "x"));
        assert!(peak < 1 << 20, "{peak} bytes for a schema");
        if let Err(fault) = decoded {
            assert!(!fault.to_string().contains("its reader does not know"), "{fault}");
        }
    }
}

/// Damaged lines of JSON.
fn lines(rounds: usize, random: &mut Random) {
    let text = r#"[{"name": "a", "type": "int64"}, {"name": "b", "type": "decimal(10,2)"},
        {"name": "c", "type": "timestamp_utc"}, {"name": "d", "type": "json"},
        {"name": "e", "type": "list<float64>"}, {"name": "f", "type": [{"name": "x", "type": "binary"}]}]"#;
    let schema = announced(Announced::Json(text.to_owned()), "x").unwrap();
    let good = concat!(
        r#"{"a": 1, "b": "2.50", "c": "2026-01-31T13:30:00Z", "d": {"x": [1, "\u00e4"]}, "e": [1e5], "f": {"x": "00ff"}}"#,
        "\n",
        r#"{"a": null, "b": 1e2, "d": [[[]]], "e": [], "f": {}}"#,
        "\n"
    );
    assert_eq!(ndjson::decode(good.into(), &schema, "x").unwrap()[0].num_rows(), 2);
    for _ in 0..rounds {
        let mut bad = good.as_bytes().to_vec();
        damage(&mut bad, random);
        let (decoded, peak) = peak(|| ndjson::decode(bad, &schema, "x"));
        assert!(peak < 1 << 20, "{peak} bytes for a few lines");
        for column in decoded.iter().flatten().flat_map(|rows| rows.columns()) {
            column.to_data().validate_full().unwrap();
        }
    }
}
