//! How fast rows become streams and streams become rows.
//!
//! `cargo bench -p hygge-sandbox --bench boundary` prints gigabytes a second, the best of several
//! rounds, for batches of plain columns and of text.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use hygge_sandbox::ipc::{decode, encode};

fn main() {
    // Compiled along with the tests, but no test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<8} {:>7} {:>12} {:>12}", "columns", "MiB", "encode GB/s", "decode GB/s");
    for (name, table) in [("plain", plain as fn(usize) -> RecordBatch), ("text", text)] {
        for size in [1, 2, 4] {
            let rows = table(size << 20);
            let schema = rows.schema();
            let stream = encode(&rows).unwrap_or_default();
            let encoded = speed(stream.len(), || (), |()| encode(black_box(&rows)).is_ok());
            let decoded = speed(
                stream.len(),
                || stream.clone(),
                |stream| decode(black_box(stream), &schema, "x").is_ok(),
            );
            println!("{name:<8} {size:>7} {encoded:>12.1} {decoded:>12.1}");
        }
    }
}

/// Four columns that take about `bytes` together.
fn plain(bytes: usize) -> RecordBatch {
    let rows = (bytes / 28) as i32;
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from_iter_values((0..rows).map(i64::from)))),
        ("count", Arc::new(Int32Array::from_iter_values(0..rows))),
        ("price", Arc::new(Float64Array::from_iter_values((0..rows).map(f64::from)))),
        ("next", Arc::new(Int64Array::from_iter_values((0..rows).map(i64::from)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap_or_else(|error| unreachable!("{error}"))
}

fn text(bytes: usize) -> RecordBatch {
    let words = (0..bytes / 24).map(|row| format!("customer {row:010}"));
    let columns: [(&str, ArrayRef); 1] = [("name", Arc::new(StringArray::from_iter_values(words)))];
    RecordBatch::try_from_iter(columns).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Gigabytes a second at which `work` goes through `bytes`. Making what it works on does not count.
fn speed<T>(bytes: usize, make: impl Fn() -> T, work: impl Fn(T) -> bool) -> f64 {
    const ROUNDS: usize = 200;
    let best = (0..ROUNDS).map(|_| {
        let input = make();
        let start = Instant::now();
        assert!(work(input));
        start.elapsed().as_secs_f64()
    });
    bytes as f64 / best.fold(f64::INFINITY, f64::min) / 1e9
}
