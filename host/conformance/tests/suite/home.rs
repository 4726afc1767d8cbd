//! A Home in memory that can be made to break each promise.

use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use hygge_conformance::home::{Subject, examine};
use hygge_conformance::{Outcome, sample, sample_schema};
use hygge_core::budget::Permit;
use hygge_core::contract::{
    Batch, Context, Delivery, Finding, Home, ReadRequest, Reader, SourcePlan,
};
use hygge_core::fault::Fault;
use serde_json::json;

use super::{bench, failed, impatient};

const BATCH: u64 = 300;
const BATCHES: u64 = 24;

/// A promise to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    Nothing,
    Check,
    PlannedColumns,
    PlannedRows,
    SchemaInMidStream,
    RowsAfterTheEnd,
    Nulls,
    Promise,
    Again,
    ResumeLosesARow,
    ResumeRepeatsARow,
    ResumeOfResumed,
    AnyState,
    BugOnForeignState,
    Cancel,
    CancelIsABug,
    KeepsMemory,
    ChargesNothing,
    ReadsOn,
    MissingIsTransient,
    NoStates,
}

#[derive(Debug)]
struct Memory {
    breaks: Break,
    missing: bool,
    opened: std::sync::atomic::AtomicU64,
}

#[async_trait]
impl Home for Memory {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        let fault = (self.breaks == Break::Check).then(|| Arc::new(Fault::missing("not there")));
        Ok(Finding { subject: "memory".to_owned(), fault, note: String::new() })
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        let schema = match self.breaks {
            Break::PlannedColumns => Arc::new(Schema::empty()),
            _ => sample_schema(),
        };
        let rows = if self.breaks == Break::PlannedRows { 5 } else { BATCH * BATCHES };
        Ok(Some(SourcePlan { schema, rows: Some(rows), bytes: None, note: String::new() }))
    }

    async fn open(
        &self,
        request: &ReadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Reader>, Fault> {
        if self.missing {
            return Err(match self.breaks {
                Break::MissingIsTransient => {
                    Fault::new(hygge_core::fault::FaultKind::Transient, "later, perhaps")
                }
                _ => Fault::missing("there is no such table"),
            });
        }
        let at = match &request.resume {
            None => 0,
            Some(state) => match (state["at"].as_u64(), self.breaks) {
                (Some(_), Break::ResumeOfResumed) if state["resumed"] == true => {
                    return Err(Fault::missing("too often"));
                }
                (Some(at), _) => at,
                (None, Break::AnyState) => 0,
                (None, Break::BugOnForeignState) => return Err(Fault::bug("what is this")),
                (None, _) => return Err(Fault::missing("this is no state")),
            },
        };
        let first = match (at, self.breaks) {
            (1.., Break::ResumeLosesARow) => 1,
            _ => 0,
        };
        let before = self.opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Box::new(Cursor {
            breaks: self.breaks,
            at,
            ended: false,
            skip: first,
            repeat: at > 0 && self.breaks == Break::ResumeRepeatsARow,
            resumed: request.resume.is_some(),
            other: self.breaks == Break::Again && before % 2 == 1,
            context,
        }))
    }
}

struct Cursor {
    breaks: Break,
    at: u64,
    ended: bool,
    skip: u64,
    repeat: bool,
    resumed: bool,
    other: bool,
    context: Arc<Context>,
}

impl Cursor {
    async fn permit(&self, rows: &RecordBatch) -> Permit {
        let bytes = rows.get_array_memory_size();
        match self.breaks {
            Break::ChargesNothing => self.context.memory.charge(0),
            Break::ReadsOn => self.context.memory.charge(bytes),
            _ => self.context.memory.acquire(bytes).await,
        }
    }
}

/// The columns, none of which can be null.
fn strict_schema() -> SchemaRef {
    let fields = sample_schema()
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(false))
        .collect::<Vec<_>>();
    Arc::new(Schema::new(fields))
}

/// Rows with nulls in columns that cannot be null, as a guest may claim.
#[allow(unsafe_code)]
fn with_hidden_nulls(rows: &RecordBatch) -> RecordBatch {
    let (columns, count) = (rows.columns().to_vec(), rows.num_rows());
    // SAFETY: the columns are valid, of the schema's types and of one length; that some values are
    // null is what the test is about, and no code relies on it for its safety.
    unsafe { RecordBatch::new_unchecked(strict_schema(), columns, count) }
}

#[async_trait]
impl Reader for Cursor {
    fn schema(&self) -> SchemaRef {
        if self.breaks == Break::Nulls { strict_schema() } else { sample_schema() }
    }

    fn rows_expected(&self) -> Option<u64> {
        let rows = BATCHES.saturating_sub(self.at) * BATCH;
        Some(if self.breaks == Break::Promise { rows + 1 } else { rows })
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        if self.context.cancel.is_cancelled() {
            match self.breaks {
                Break::Cancel => {}
                Break::CancelIsABug => return Err(Fault::bug("why stop")),
                _ => return Err(Fault::cancelled()),
            }
        }
        if self.at >= BATCHES && !(self.ended && self.breaks == Break::RowsAfterTheEnd) {
            self.ended = true;
            return Ok(None);
        }
        let start = self.at * BATCH;
        let mut rows = match (self.skip, self.repeat) {
            (0, false) => sample(start, BATCH),
            (0, true) => sample(start - 1, BATCH + 1),
            (skip, _) => sample(start + skip, BATCH - skip),
        };
        (self.skip, self.repeat) = (0, false);
        if self.other && self.at == 3 {
            rows = sample(start + 1_000_000, BATCH);
        }
        if self.breaks == Break::SchemaInMidStream && self.at == 7 {
            let field = Arc::new(Schema::new(vec![Field::new("x", DataType::Utf8, true)]));
            rows =
                RecordBatch::try_new(field, vec![Arc::new(StringArray::from(vec!["x"]))]).unwrap();
        }
        if self.breaks == Break::Nulls {
            rows = with_hidden_nulls(&rows);
        }
        self.at += 1;
        let permit = self.permit(&rows).await;
        if self.breaks == Break::KeepsMemory {
            std::mem::forget(self.context.memory.charge(1));
        }
        Ok(Some(Delivery::Rows(Batch { rows, permit })))
    }

    fn resume(&self) -> Option<serde_json::Value> {
        (self.breaks != Break::NoStates)
            .then(|| json!({ "at": self.at.min(BATCHES), "resumed": self.resumed }))
    }
}

fn subject(breaks: Break) -> Subject {
    let home = |missing| Arc::new(Memory { breaks, missing, opened: Default::default() });
    Subject { home: home(false), without_table: Some(home(true)), request: ReadRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_that_keeps_its_promises_passes_every_point() {
    let points = examine(&subject(Break::Nothing), &bench()).await;
    for point in &points {
        assert!(matches!(point.outcome, Outcome::Passed(_)), "{point:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_may_be_had_or_not() {
    let points = examine(&subject(Break::NoStates), &bench()).await;
    assert_eq!(failed(&points), [""; 0]);
    let not = points.iter().filter(|point| matches!(point.outcome, Outcome::NotApplicable(_)));
    let not: Vec<&str> = not.map(|point| point.name).collect();
    assert_eq!(not, ["resume", "resume twice", "foreign state"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_promise_is_found() {
    for (breaks, point) in [
        (Break::Check, "check"),
        (Break::PlannedColumns, "plan"),
        (Break::PlannedRows, "plan"),
        (Break::SchemaInMidStream, "schema"),
        (Break::RowsAfterTheEnd, "schema"),
        (Break::Nulls, "batches"),
        (Break::Promise, "rows"),
        (Break::Again, "again"),
        (Break::ResumeLosesARow, "resume"),
        (Break::ResumeRepeatsARow, "resume"),
        (Break::ResumeOfResumed, "resume twice"),
        (Break::AnyState, "foreign state"),
        (Break::BugOnForeignState, "foreign state"),
        (Break::Cancel, "cancel"),
        (Break::CancelIsABug, "cancel"),
        (Break::KeepsMemory, "drop"),
        (Break::ChargesNothing, "memory"),
        (Break::ReadsOn, "memory"),
        (Break::MissingIsTransient, "missing table"),
    ] {
        let points = examine(&subject(breaks), &impatient()).await;
        let failed = failed(&points);
        assert!(failed.contains(&point), "{breaks:?} makes {failed:?} fail, not {point}");
    }
}
