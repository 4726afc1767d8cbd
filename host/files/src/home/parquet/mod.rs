//! Parquet files as a Home.

mod catalog;
mod footer;
mod header;
mod lane;
mod pace;
mod pages;
mod prune;
mod stream;

use std::num::NonZeroU64;
use std::sync::Arc;

use hygge_core::contract::{Context, ReadRequest, Reader, SourcePlan};
use hygge_core::cpu::Cpu;
use hygge_core::fault::Fault;

use self::catalog::Catalog;
use super::feed::Feed;
use super::listing::Location;

/// What a run would read.
pub(crate) async fn plan(location: &Location, request: &ReadRequest) -> Result<SourcePlan, Fault> {
    let catalog = Catalog::survey(location, request, &Cpu::new()).await?;
    let files = catalog.files.len();
    let mut note = format!("{files} file{}", if files == 1 { "" } else { "s" });
    if catalog.rows < catalog.all_rows {
        let passed = catalog.all_rows - catalog.rows;
        note.push_str(&format!(", {passed} rows left out by their statistics"));
    }
    Ok(SourcePlan {
        schema: Arc::clone(&catalog.schema),
        rows: Some(catalog.rows),
        bytes: Some(catalog.bytes),
        note,
    })
}

/// Begins to read.
pub(crate) async fn open(
    location: &Location,
    batch_rows: Option<NonZeroU64>,
    request: &ReadRequest,
    context: Arc<Context>,
) -> Result<Box<dyn Reader>, Fault> {
    let catalog = tokio::select! {
        biased;
        () = context.cancel.cancelled() => return Err(Fault::cancelled()),
        catalog = Catalog::survey(location, request, &context.cpu) => catalog?,
    };
    let (schema, rows) = (Arc::clone(&catalog.schema), catalog.rows);
    let work = Arc::clone(&context);
    Ok(Feed::start(schema, Some(rows), &context, move |outlet| {
        stream::decode(catalog, batch_rows, work, outlet)
    }))
}
