//! Parquet files as a Home.

mod catalog;
pub(crate) mod columns;
pub(crate) mod consignment;
mod courses;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod lane;
mod pace;
pub(crate) mod pages;
mod prune;
mod stream;
mod tally;

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
    let mut catalog = Catalog::survey(location, request, &Cpu::new()).await?;
    let course = courses::choose(&mut catalog, request);
    let files = catalog.files.len();
    let mut note = format!("{files} file{}", if files == 1 { "" } else { "s" });
    if catalog.rows < catalog.all_rows {
        let passed = catalog.all_rows - catalog.rows;
        note.push_str(&format!(", {passed} rows left out by their statistics"));
    }
    if let Some(course) = course {
        note.push_str(&format!(", {}", course.words));
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
    let mut catalog = tokio::select! {
        biased;
        () = context.cancel.cancelled() => return Err(Fault::cancelled()),
        catalog = Catalog::survey(location, request, &context.cpu) => catalog?,
    };
    let course = courses::choose(&mut catalog, request);
    let (schema, rows) = (Arc::clone(&catalog.schema), catalog.rows);
    let (work, request) = (Arc::clone(&context), request.clone());
    Ok(Feed::start(schema, Some(rows), &context, move |outlet| async move {
        stream::give(catalog, batch_rows, request, Arc::clone(&work), outlet).await?;
        if let Some(course) = course {
            work.notices.info(course.words);
            if let Some(brief) = course.brief {
                work.notices.travels(brief);
            }
        }
        Ok(())
    }))
}
