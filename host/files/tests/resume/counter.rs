//! A Home that counts, slowly, and can go on from any number.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use hygge_core::contract::{
    Batch, Context, Delivery, Finding, Home, HomeKind, ReadRequest, Reader, Site, SourcePlan,
};
use hygge_core::fault::Fault;
use hygge_core::project::keys::KeySet;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Span};
use serde_json::json;

/// Rows in a batch.
const BATCH: i64 = 500;

/// So many rows share a value of the watermark, of which batches hold no whole number.
const TIES: i64 = 37;

hygge_core::keys! {
    /// Numbers.
    struct CounterKeys {
        /// A file with how many there are.
        count: String,
    }
}

pub(crate) struct CounterKind;

impl HomeKind for CounterKind {
    fn name(&self) -> &str {
        "counter"
    }

    fn keys(&self) -> &KeySet {
        CounterKeys::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        let keys = CounterKeys::from_mapping(mapping, span, &["type"], problems)?;
        Some(Arc::new(Counter { count: site.root.join(keys.count) }))
    }
}

#[derive(Debug)]
struct Counter {
    count: PathBuf,
}

struct Counting {
    next: i64,
    end: i64,
    context: Arc<Context>,
}

fn rows(from: i64, to: i64) -> RecordBatch {
    let column = |value: fn(i64) -> i64| Int64Array::from_iter_values((from..to).map(value));
    let names = StringArray::from_iter_values((from..to).map(|id| format!("name {id}")));
    RecordBatch::try_from_iter([
        ("id", Arc::new(column(|id| id)) as ArrayRef),
        ("changed", Arc::new(column(|id| id / TIES))),
        ("name", Arc::new(names)),
    ])
    .unwrap()
}

#[async_trait]
impl Home for Counter {
    fn location(&self) -> String {
        "numbers".to_owned()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        Err(Fault::bug("not asked"))
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        Ok(None)
    }

    async fn open(
        &self,
        request: &ReadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Reader>, Fault> {
        let end = std::fs::read_to_string(&self.count).unwrap().trim().parse().unwrap();
        let next = request.resume.as_ref().map_or(0, |state| state["next"].as_i64().unwrap());
        // For who watches, and decides when this process has lived long enough.
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nopened at {next}").unwrap();
        out.flush().unwrap();
        Ok(Box::new(Counting { next, end, context }))
    }
}

#[async_trait]
impl Reader for Counting {
    fn schema(&self) -> SchemaRef {
        rows(0, 0).schema()
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let from = self.next;
        self.next = (from + BATCH).min(self.end);
        if from == self.next {
            return Ok(None);
        }
        let rows = rows(from, self.next);
        let permit = self.context.memory.acquire(rows.get_array_memory_size()).await;
        Ok(Some(Delivery::Rows(Batch { rows, permit })))
    }

    fn resume(&self) -> Option<serde_json::Value> {
        Some(json!({ "next": self.next }))
    }
}
