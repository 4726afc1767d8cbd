//! A Store in memory that can be made to break each promise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use hygge_conformance::store::{Subject, examine};
use hygge_conformance::{Outcome, sample_schema};
use hygge_core::contract::{
    Batch, Context, Delivery, DestinationPlan, Finding, Home, LoadRequest, Manifest, Mode,
    Published, ReadRequest, Reader, SourcePlan, Staged, Store, StorePlanRequest, Territory, Writer,
};
use hygge_core::fault::Fault;
use serde_json::json;

use super::{bench, failed, impatient};

/// A promise to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    Nothing,
    Check,
    ShowsStaged,
    LosesARow,
    CountsWrong,
    PublishesTwice,
    AnswersOtherwise,
    ReplaceAdds,
    AppendReplaces,
    PlanCounts,
    AbortPublishes,
    CrashShows,
    SweepsWhatIsKept,
    PublishesNothing,
    ResumeForgets,
    ResumeDamagesCheckpoint,
    LostIsABug,
    CheckpointCounts,
    CancelIsABug,
    CancelShows,
    KeepsMemory,
    NoCheckpoints,
    NoAppend,
}

/// What outlives a process.
#[derive(Default)]
struct World {
    visible: Vec<RecordBatch>,
    /// Staged rows and checkpoints by their place.
    staged: HashMap<u64, Vec<RecordBatch>>,
    /// What was published from a place.
    published: HashMap<u64, u64>,
    places: u64,
}

#[derive(Clone)]
struct Memory {
    breaks: Break,
    world: Arc<Mutex<World>>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn keep(&self, rows: Vec<RecordBatch>) -> u64 {
        let mut world = self.world();
        world.places += 1;
        let place = world.places;
        world.staged.insert(place, rows);
        place
    }
}

fn count(rows: &[RecordBatch]) -> u64 {
    rows.iter().map(|rows| rows.num_rows() as u64).sum()
}

fn place(manifest: &Manifest) -> u64 {
    manifest.detail["place"].as_u64().unwrap()
}

#[async_trait]
impl Store for Memory {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn territory(&self) -> Territory {
        Territory::Name("memory".to_owned())
    }

    async fn check(&self) -> Result<Finding, Fault> {
        let fault = (self.breaks == Break::Check).then(|| Arc::new(Fault::missing("not there")));
        Ok(Finding { subject: "memory".to_owned(), fault, note: String::new() })
    }

    async fn plan(&self, _: &StorePlanRequest) -> Result<DestinationPlan, Fault> {
        let wrong = u64::from(self.breaks == Break::PlanCounts);
        let rows = Some(count(&self.world().visible) + wrong);
        Ok(DestinationPlan { rows, ..DestinationPlan::default() })
    }

    async fn begin(
        &self,
        load: &LoadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        if load.mode == Mode::Append && self.breaks == Break::NoAppend {
            return Err(Fault::config("rows cannot be added"));
        }
        Ok(Box::new(Load { store: self.clone(), rows: Vec::new(), mode: load.mode, context }))
    }

    async fn resume(
        &self,
        load: &LoadRequest,
        from: &Manifest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        let mut world = self.world();
        let Some(rows) = world.staged.get_mut(&place(from)) else {
            return Err(match self.breaks {
                Break::LostIsABug => Fault::bug("where is it"),
                _ => Fault::missing("the checkpoint is gone"),
            });
        };
        let kept = match self.breaks {
            Break::ResumeForgets => Vec::new(),
            Break::ResumeDamagesCheckpoint => std::mem::take(rows),
            _ => rows.clone(),
        };
        drop(world);
        Ok(Box::new(Load { store: self.clone(), rows: kept, mode: load.mode, context }))
    }

    async fn publish(&self, manifest: &Manifest) -> Result<Published, Fault> {
        let mut world = self.world();
        let place = place(manifest);
        let answer = |rows, parts| Ok(Published { rows, bytes: 1, parts });
        if let Some(&rows) = world.published.get(&place) {
            match self.breaks {
                Break::PublishesTwice => {}
                Break::AnswersOtherwise => return answer(rows, 7),
                _ => return answer(rows, 1),
            }
        }
        let Some(rows) = world.staged.get(&place).cloned() else {
            return match self.breaks {
                Break::PublishesNothing => answer(manifest.rows, 1),
                _ => Err(Fault::missing("it is gone")),
            };
        };
        let replace = match (manifest.mode, self.breaks) {
            (Mode::Replace, Break::ReplaceAdds) => false,
            (Mode::Append, Break::AppendReplaces) => true,
            (mode, _) => mode == Mode::Replace,
        };
        if replace && self.breaks != Break::PublishesTwice {
            world.visible.clear();
        }
        let landed = count(&rows);
        world.visible.extend(rows);
        world.published.insert(place, landed);
        answer(landed, 1)
    }

    async fn sweep(&self, keep: Option<&Manifest>) -> Result<(), Fault> {
        let keep = keep.map(place).filter(|_| self.breaks != Break::SweepsWhatIsKept);
        let mut world = self.world();
        world.staged.retain(|place, _| Some(*place) == keep);
        world.published.retain(|place, _| Some(*place) == keep);
        Ok(())
    }
}

struct Load {
    store: Memory,
    rows: Vec<RecordBatch>,
    mode: Mode,
    context: Arc<Context>,
}

impl Load {
    fn manifest(&self, rows: u64, place: u64) -> Manifest {
        Manifest {
            entity_run_id: self.context.run.entity.clone(),
            mode: self.mode,
            rows,
            staging: format!("place {place}"),
            detail: json!({ "place": place }),
        }
    }

    fn show(&self) {
        self.store.world().visible.extend(self.rows.iter().cloned());
    }
}

#[async_trait]
impl Writer for Load {
    async fn write(&mut self, batch: Batch) -> Result<(), Fault> {
        if self.context.cancel.is_cancelled() {
            return Err(match self.store.breaks {
                Break::CancelIsABug => Fault::bug("why stop"),
                _ => Fault::cancelled(),
            });
        }
        let lost = self.store.breaks == Break::LosesARow && self.rows.is_empty();
        self.rows.push(batch.rows.slice(0, batch.rows.num_rows() - usize::from(lost)));
        match self.store.breaks {
            Break::ShowsStaged => self.store.world().visible.push(batch.rows.slice(0, 1)),
            Break::KeepsMemory => std::mem::forget(self.context.memory.charge(1)),
            _ => {}
        }
        Ok(())
    }

    async fn checkpoint(&mut self) -> Result<Option<Manifest>, Fault> {
        if self.store.breaks == Break::NoCheckpoints {
            return Ok(None);
        }
        let place = self.store.keep(self.rows.clone());
        let wrong = u64::from(self.store.breaks == Break::CheckpointCounts);
        Ok(Some(self.manifest(count(&self.rows) + wrong, place)))
    }

    async fn stage(self: Box<Self>) -> Result<Staged, Fault> {
        let wrong = u64::from(self.store.breaks == Break::CountsWrong);
        let rows = count(&self.rows) + wrong;
        let place = self.store.keep(self.rows.clone());
        Ok(Staged { manifest: self.manifest(rows, place), rows, bytes: 1 })
    }

    async fn abort(self: Box<Self>) {
        let cancelled = self.context.cancel.is_cancelled();
        match self.store.breaks {
            Break::AbortPublishes if !cancelled => self.show(),
            Break::CancelShows if cancelled => self.show(),
            _ => {}
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if self.store.breaks == Break::CrashShows {
            self.show();
        }
    }
}

/// Somebody who looks at the table.
#[derive(Debug)]
struct Visitor(Memory);

struct Look {
    left: std::vec::IntoIter<RecordBatch>,
    context: Arc<Context>,
}

#[async_trait]
impl Home for Visitor {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        Err(Fault::bug("nobody asks"))
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        Ok(None)
    }

    async fn open(&self, _: &ReadRequest, context: Arc<Context>) -> Result<Box<dyn Reader>, Fault> {
        Ok(Box::new(Look { left: self.0.world().visible.clone().into_iter(), context }))
    }
}

#[async_trait]
impl Reader for Look {
    fn schema(&self) -> SchemaRef {
        sample_schema()
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        let permit = self.context.memory.charge(0);
        Ok(self.left.next().map(|rows| Delivery::Rows(Batch { rows, permit })))
    }
}

fn subject(breaks: Break) -> Subject {
    let store = Memory { breaks, world: Arc::default() };
    Subject {
        read_back: Some(Arc::new(Visitor(store.clone()))),
        store: Arc::new(move || Arc::new(store.clone())),
    }
}

#[tokio::test]
async fn a_store_that_keeps_its_promises_passes_every_point() {
    let points = examine(&subject(Break::Nothing), &bench()).await;
    for point in &points {
        assert!(matches!(point.outcome, Outcome::Passed(_)), "{point:?}");
    }
    let blind = Subject { read_back: None, ..subject(Break::Nothing) };
    assert_eq!(failed(&examine(&blind, &bench()).await), [""; 0]);
}

#[tokio::test]
async fn what_need_not_be_offered_does_not_apply() {
    for (breaks, expected) in [
        (Break::NoCheckpoints, &["resume", "resume again", "lost checkpoint"][..]),
        (Break::NoAppend, &["append"]),
    ] {
        let points = examine(&subject(breaks), &bench()).await;
        assert_eq!(failed(&points), [""; 0]);
        let not = points.iter().filter(|point| matches!(point.outcome, Outcome::NotApplicable(_)));
        assert_eq!(not.map(|point| point.name).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn each_broken_promise_is_found() {
    for (breaks, point) in [
        (Break::Check, "check"),
        (Break::ShowsStaged, "publish"),
        (Break::LosesARow, "publish"),
        (Break::CountsWrong, "publish"),
        (Break::PublishesTwice, "publish again"),
        (Break::AnswersOtherwise, "publish again"),
        (Break::ReplaceAdds, "replace"),
        (Break::AppendReplaces, "append"),
        (Break::PlanCounts, "plan"),
        (Break::AbortPublishes, "abort"),
        (Break::CrashShows, "crash"),
        (Break::SweepsWhatIsKept, "sweep keeps"),
        (Break::PublishesNothing, "swept away"),
        (Break::ResumeForgets, "resume"),
        (Break::CheckpointCounts, "resume"),
        (Break::ResumeDamagesCheckpoint, "resume again"),
        (Break::LostIsABug, "lost checkpoint"),
        (Break::CancelIsABug, "cancel"),
        (Break::CancelShows, "cancel"),
        (Break::KeepsMemory, "cancel"),
    ] {
        let points = examine(&subject(breaks), &impatient()).await;
        let failed = failed(&points);
        assert!(failed.contains(&point), "{breaks:?} makes {failed:?} fail, not {point}");
    }
}
