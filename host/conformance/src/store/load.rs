//! Loads of sample rows, and a look at what became of them.

use std::ops::Range;
use std::sync::Arc;

use hygge_core::contract::{
    Batch, Context, Delivery, LoadRequest, Manifest, Mode, Published, ReadRequest, Staged, Store,
    Writer,
};
use hygge_core::fault::{Fault, FaultKind};

use super::Subject;
use crate::bench::Run;
use crate::{Bench, Seen, Tally, sample, sample_schema};

/// Rows of one batch.
const BATCH: u64 = 40;

/// What a load of sample rows is asked for.
pub(super) fn request(mode: Mode) -> LoadRequest {
    LoadRequest { schema: sample_schema(), mode, follows: None }
}

/// These sample rows.
pub(super) fn tally(rows: Range<u64>) -> Result<Tally, Seen> {
    let mut tally = Tally::default();
    tally.add(&sample(rows.start, rows.end - rows.start))?;
    Ok(tally)
}

/// Writes these sample rows, batch by batch.
pub(super) async fn write(
    writer: &mut dyn Writer,
    rows: Range<u64>,
    context: &Arc<Context>,
) -> Result<(), Fault> {
    let mut start = rows.start;
    while start < rows.end {
        let length = BATCH.min(rows.end - start);
        let rows = sample(start, length);
        let permit = context.memory.acquire(rows.get_array_memory_size()).await;
        writer.write(Batch { rows, permit }).await?;
        start += length;
    }
    Ok(())
}

/// Stages these sample rows as a load of their own.
pub(super) async fn stage(
    store: &dyn Store,
    mode: Mode,
    rows: Range<u64>,
    run: &Run,
) -> Result<Staged, Fault> {
    let context = run.context();
    let mut writer = store.begin(&request(mode), Arc::clone(&context)).await?;
    write(writer.as_mut(), rows, &context).await?;
    writer.stage().await
}

/// A manifest as a journal gives it back to a fresh process.
pub(super) fn journalled(manifest: &Manifest) -> Result<Manifest, Seen> {
    serde_json::to_string(manifest)
        .and_then(|text| serde_json::from_str(&text))
        .map_err(|error| Seen(format!("a manifest did not survive being written: {error}")))
}

/// Loads these rows from beginning to end, as the engine does.
pub(super) async fn load(
    subject: &Subject,
    mode: Mode,
    rows: Range<u64>,
    bench: &Bench,
) -> Result<Published, Seen> {
    let count = rows.end - rows.start;
    let store = (subject.store)();
    store.sweep(None).await?;
    let run = bench.run();
    let staged = stage(store.as_ref(), mode, rows, &run).await?;
    let published = finish(store.as_ref(), &staged, count).await?;
    store.sweep(None).await?;
    run.all_given_back().await?;
    Ok(published)
}

/// Publishes what is staged, which should be `count` rows.
pub(super) async fn finish(
    store: &dyn Store,
    staged: &Staged,
    count: u64,
) -> Result<Published, Seen> {
    if staged.rows != count || staged.manifest.rows != count {
        return Err(Seen(format!(
            "{count} rows were written, {} staged, {} in the manifest",
            staged.rows, staged.manifest.rows
        )));
    }
    let published = store.publish(&journalled(&staged.manifest)?).await?;
    if published.rows != count {
        return Err(Seen(format!("{count} rows were staged, {} published", published.rows)));
    }
    Ok(published)
}

/// Fails unless the destination has exactly these rows.
pub(super) async fn see(
    subject: &Subject,
    wanted: Tally,
    when: &str,
    bench: &Bench,
) -> Result<(), Seen> {
    let Some(seen) = visible(subject, bench).await? else { return Ok(()) };
    match seen.unlike(wanted) {
        None => Ok(()),
        Some(unlike) => Err(Seen(format!("{when}, the table had {unlike}"))),
    }
}

/// The rows at the destination, where somebody can look.
pub(super) async fn visible(subject: &Subject, bench: &Bench) -> Result<Option<Tally>, Seen> {
    let Some(home) = &subject.read_back else { return Ok(None) };
    let run = bench.run();
    let mut tally = Tally::default();
    let mut reader = match home.open(&ReadRequest::default(), run.context()).await {
        Ok(reader) => reader,
        Err(fault) if fault.kind() == FaultKind::Missing => return Ok(Some(tally)),
        Err(fault) => return Err(fault.into()),
    };
    while let Some(delivery) = reader.next().await? {
        match delivery {
            Delivery::Rows(batch) => tally.add(&batch.rows)?,
            Delivery::Parcel(_) => return Err("nobody asked for parcels".into()),
        }
    }
    Ok(Some(tally))
}

/// What a note says of a look at the destination.
pub(super) fn looked(subject: &Subject) -> &'static str {
    match subject.read_back {
        Some(_) => "read back",
        None => "as the store says",
    }
}
