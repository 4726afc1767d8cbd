//! The budget of a run.

use std::time::Duration;

use arrow_array::{Array, RecordBatch};

use super::Subject;
use super::reading::next;
use crate::{Bench, Held, Seen, Tally, does_not_apply, holds};

/// A reader that gives nothing for so long waits for memory.
const WAITS: Duration = Duration::from_millis(500);

/// The smallest budget that is tried.
const LEAST: usize = 64 * 1024;

/// The bytes that the values of a batch take, wherever else their buffers are used.
fn bytes(rows: &RecordBatch) -> usize {
    let sizes = rows.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    sizes.map(|size| size.unwrap_or(0)).sum()
}

pub(super) async fn held_back(subject: &Subject, bench: &Bench) -> Held {
    let run = bench.run();
    let mut reader = subject.home.open(&subject.request, run.context()).await?;
    let (mut whole, mut largest, mut tally) = (0, 0, Tally::default());
    while let Some(batch) = next(reader.as_mut()).await? {
        let (size, charged) = (bytes(&batch.rows), batch.permit.bytes());
        if charged * 2 + 1024 < size {
            return Err(Seen(format!("{charged} bytes were charged for rows of {size} bytes")));
        }
        whole += size;
        largest = largest.max(charged);
        tally.add(&batch.rows)?;
    }
    drop(reader);
    run.all_given_back().await?;

    let limit = (whole / 8).max(LEAST);
    if limit + largest > whole / 2 {
        return does_not_apply(format!("{whole} bytes in all are too few to tell"));
    }
    // Whoever keeps what he is given is given no more, once the budget is used up.
    let run = bench.run_within(limit);
    let mut reader = subject.home.open(&subject.request, run.context()).await?;
    let mut kept = Vec::new();
    let mut held = 0;
    // A call that is given up may lose rows: this reader is not read on.
    while let Ok(given) = tokio::time::timeout(WAITS, next(reader.as_mut())).await {
        let Some(batch) = given? else {
            return Err(Seen(format!(
                "all {tally} were given out, {held} bytes of them kept, with a budget of {limit}"
            )));
        };
        held += batch.permit.bytes();
        kept.push(batch);
    }
    if held > limit * 2 + largest * 2 {
        return Err(Seen(format!("{held} bytes were given out with a budget of {limit}")));
    }
    drop((reader, kept));
    run.all_given_back().await?;
    holds(format!("{held} bytes with a budget of {limit}, of {whole} in all"))
}
