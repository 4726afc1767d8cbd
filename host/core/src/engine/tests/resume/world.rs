//! A source, a destination with a disk of its own, and a process that dies where it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::contract::{
    Batch, Context, Delivery, DestinationPlan, Durability, Finding, Home, LoadRequest, Manifest,
    Mode, Published, ReadRequest, Reader, SourcePlan, Staged, Store, StorePlanRequest, Territory,
    Writer,
};
use crate::engine::event::{EntityName, Event, Listener, RunReport};
use crate::engine::run;
use crate::fault::Fault;
use crate::journal::{Checkpoint, HistoryFilter, Journal, LastSuccess, Status};
use crate::project::keys::ByteSize;
use crate::project::plan::{EntityPlan, LogLevel, Options, Plan, RunType};
use crate::watermark::WatermarkSpec;

/// Rows in a batch.
const BATCH: i64 = 5;

/// What is outside of the process.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// The source has the rows with the ids below this.
    pub(super) rows: i64,
    /// What the second column of the source is called.
    pub(super) column: &'static str,
    /// What goes wrong once this row is to be read, each time once.
    pub(super) faults: Vec<(i64, Fault)>,
    /// What the Home says when it is to go on.
    pub(super) home_refuses: Option<Fault>,
    /// Whether the Home cannot be opened at all.
    pub(super) home_is_away: bool,
    /// What is said of the next sweep after the source was opened.
    pub(super) sweep_fails: Option<Fault>,
    /// Rows that a checkpoint loses.
    pub(super) loses: usize,
    /// The disk of the destination: rows by the run that began to stage them.
    pub(super) staging: BTreeMap<String, Vec<i64>>,
    /// Rows of each publication, by the run that staged them.
    pub(super) visible: Vec<(String, Vec<i64>)>,
    /// The rows at which readers began.
    pub(super) opened_at: Vec<i64>,
    /// Notices heard.
    pub(super) heard: Vec<String>,
}

/// The disk and the source, and when the process dies.
#[derive(Debug)]
pub(super) struct World {
    outside: Mutex<Outside>,
    /// Steps that are still done before it dies.
    left: Mutex<Option<u64>>,
    died: Mutex<Arc<Notify>>,
    folder: tempfile::TempDir,
    pub(super) mode: Mode,
    pub(super) cancel_at: Mutex<Option<i64>>,
    cancel: Mutex<CancellationToken>,
    fingerprint: Mutex<String>,
}

impl World {
    pub(super) fn new(mode: Mode, rows: i64) -> Arc<Self> {
        Arc::new(Self {
            outside: Mutex::new(Outside { rows, column: "changed", ..Outside::default() }),
            left: Mutex::default(),
            died: Mutex::default(),
            folder: tempfile::tempdir().unwrap(),
            mode,
            cancel_at: Mutex::default(),
            cancel: Mutex::default(),
            fingerprint: Mutex::default(),
        })
    }

    pub(super) fn outside(&self) -> MutexGuard<'_, Outside> {
        self.outside.lock().unwrap()
    }

    /// The user changes what is configured.
    pub(super) fn configure(&self, fingerprint: &str) {
        fingerprint.clone_into(&mut self.fingerprint.lock().unwrap());
    }

    /// Something happens, unless the process is dead by now.
    async fn step(&self) {
        let dead = match self.left.lock().unwrap().as_mut() {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if dead {
            self.died.lock().unwrap().notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// A process of its own that dies after so many steps; `None` when it did.
    pub(super) fn process(self: &Arc<Self>, steps: Option<u64>) -> Option<RunReport> {
        *self.left.lock().unwrap() = steps;
        let died = Arc::new(Notify::new());
        *self.died.lock().unwrap() = Arc::clone(&died);
        // Dropping a runtime ends all that was under way in it, as a kill does.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let journal = Journal::open(self.folder.path(), "test", Durability::Process).unwrap();
            let cancel = CancellationToken::new();
            *self.cancel.lock().unwrap() = cancel.clone();
            let listener: Arc<dyn Listener> = Arc::new(Ears(Arc::clone(self)));
            let plan = self.plan();
            let running = run(&plan, Arc::new(journal), listener, cancel);
            tokio::select! {
                report = running => Some(report.unwrap()),
                () = died.notified() => None,
            }
        })
    }

    /// A process that nobody kills.
    pub(super) fn run(self: &Arc<Self>) -> RunReport {
        self.process(None).unwrap()
    }

    fn plan(self: &Arc<Self>) -> Plan {
        let entity = EntityPlan {
            name: name(),
            home: Arc::new(Source(Arc::clone(self))),
            store: Arc::new(Destination(Arc::clone(self))),
            run_type: match self.mode {
                Mode::Replace => RunType::FullDrop,
                Mode::Append => RunType::Incremental,
            },
            mode: self.mode,
            watermark: Some(WatermarkSpec { primary_key: "id".into(), column: "changed".into() })
                .filter(|_| self.outside().column == "changed"),
            fingerprint: self.fingerprint.lock().unwrap().clone(),
            journal: None,
            queue_size: 2,
            timeout: None,
        };
        Plan {
            name: "test".to_owned(),
            root: self.folder.path().to_owned(),
            flows_dir: "flows".into(),
            connections: indexmap::IndexMap::new(),
            options: Options {
                concurrency: 1,
                continue_on_error: true,
                memory: ByteSize(1 << 20),
                durability: Durability::Process,
                retries: 1,
                retry_wait: Duration::from_millis(1),
                checkpoint: Duration::ZERO,
                log_level: LogLevel::Info,
            },
            entities: vec![entity],
        }
    }

    fn journal(&self) -> Journal {
        Journal::read_only(self.folder.path()).unwrap()
    }

    /// Where the next run may go on.
    pub(super) fn checkpoint(&self) -> Option<Checkpoint> {
        self.journal().checkpoint_of(&name())
    }

    /// Whether a load waits for its publication.
    pub(super) fn is_staged(&self) -> bool {
        !self.journal().pending().unwrap().is_empty()
    }

    /// The rows at the destination, in order.
    pub(super) fn visible(&self) -> Vec<i64> {
        let mut rows: Vec<i64> =
            self.outside().visible.iter().flat_map(|(_, rows)| rows.clone()).collect();
        rows.sort_unstable();
        rows
    }

    /// The runs that succeeded, and the last of them.
    pub(super) fn successes(&self) -> (Vec<u64>, Option<LastSuccess>) {
        let journal = self.journal();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let runs = journal.history(HistoryFilter::default(), Vec::new()).await.unwrap();
            let successes = runs.iter().filter(|run| run.status == Status::Success);
            let rows = successes.map(|run| run.rows).collect();
            (rows, journal.last_success(&name(), None).await.unwrap())
        })
    }
}

fn name() -> EntityName {
    EntityName { flow: "f".into(), entity: "e".into() }
}

struct Ears(Arc<World>);

impl Listener for Ears {
    fn event(&self, event: &Event) {
        if let Event::Notice { message, .. } = event {
            self.0.outside().heard.push(message.clone());
        }
    }
}

#[derive(Debug)]
struct Source(Arc<World>);

struct Rows {
    world: Arc<World>,
    context: Arc<Context>,
    schema: SchemaRef,
    next: i64,
}

/// Four rows each share a value of the second column.
fn batch(column: &str, from: i64, to: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..to));
    let changed: ArrayRef = Arc::new(Int64Array::from_iter_values((from..to).map(|id| id / 4)));
    RecordBatch::try_from_iter([("id", ids), (column, changed)]).unwrap()
}

#[async_trait]
impl Home for Source {
    fn location(&self) -> String {
        "here".to_owned()
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
        self.0.step().await;
        let mut outside = self.0.outside();
        if outside.home_is_away {
            return Err(Fault::missing("away"));
        }
        let next = match &request.resume {
            Some(_) if outside.home_refuses.is_some() => {
                return Err(outside.home_refuses.take().unwrap());
            }
            Some(state) => state["next"].as_i64().unwrap(),
            None => 0,
        };
        outside.opened_at.push(next);
        let schema = batch(outside.column, 0, 0).schema();
        Ok(Box::new(Rows { world: Arc::clone(&self.0), context, schema, next }))
    }
}

#[async_trait]
impl Reader for Rows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        self.world.step().await;
        let from = self.next;
        let (to, column) = {
            let mut outside = self.world.outside();
            if let Some(at) = outside.faults.iter().position(|(row, _)| *row <= from) {
                return Err(outside.faults.remove(at).1);
            }
            ((from + BATCH).min(outside.rows), outside.column)
        };
        if self.world.cancel_at.lock().unwrap().take_if(|at| *at <= from).is_some() {
            self.world.cancel.lock().unwrap().cancel();
        }
        if from >= to {
            return Ok(None);
        }
        self.next = to;
        let permit = self.context.memory.acquire(100).await;
        Ok(Some(Delivery::Rows(Batch { rows: batch(column, from, to), permit })))
    }

    fn resume(&self) -> Option<serde_json::Value> {
        Some(json!({ "next": self.next }))
    }
}

#[derive(Debug)]
struct Destination(Arc<World>);

struct Load {
    world: Arc<World>,
    staging: String,
    run: String,
    mode: Mode,
    /// Written, but lost when the process dies.
    buffer: Vec<i64>,
}

impl Load {
    fn flush(&mut self) -> usize {
        let mut outside = self.world.outside();
        let staged = outside.staging.get_mut(&self.staging).unwrap();
        staged.append(&mut self.buffer);
        staged.len()
    }

    fn manifest(&self, rows: usize) -> Manifest {
        Manifest {
            entity_run_id: self.run.clone(),
            mode: self.mode,
            rows: rows as u64,
            staging: self.staging.clone(),
            detail: serde_json::Value::Null,
        }
    }
}

#[async_trait]
impl Writer for Load {
    async fn write(&mut self, batch: Batch) -> Result<(), Fault> {
        self.world.step().await;
        self.buffer.extend(batch.rows.column(0).as_primitive::<Int64Type>().values());
        Ok(())
    }

    async fn checkpoint(&mut self) -> Result<Option<Manifest>, Fault> {
        self.world.step().await;
        let rows = self.flush() - self.world.outside().loses;
        self.world.step().await;
        Ok(Some(self.manifest(rows)))
    }

    async fn stage(mut self: Box<Self>) -> Result<Staged, Fault> {
        self.world.step().await;
        let rows = self.flush();
        self.world.step().await;
        Ok(Staged { manifest: self.manifest(rows), rows: rows as u64, bytes: 1 })
    }

    async fn abort(self: Box<Self>) {
        self.world.outside().staging.remove(&self.staging);
    }

    async fn leave(self: Box<Self>) {
        self.world.step().await;
    }
}

#[async_trait]
impl Store for Destination {
    fn location(&self) -> String {
        "there".to_owned()
    }

    fn territory(&self) -> Territory {
        Territory::Name("there".to_owned())
    }

    async fn check(&self) -> Result<Finding, Fault> {
        Err(Fault::bug("not asked"))
    }

    async fn plan(&self, _: &StorePlanRequest) -> Result<DestinationPlan, Fault> {
        Ok(DestinationPlan::default())
    }

    async fn begin(
        &self,
        load: &LoadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        self.0.step().await;
        let run = context.run.entity.clone();
        self.0.outside().staging.insert(run.clone(), Vec::new());
        let world = Arc::clone(&self.0);
        Ok(Box::new(Load { world, staging: run.clone(), run, mode: load.mode, buffer: vec![] }))
    }

    async fn resume(
        &self,
        load: &LoadRequest,
        from: &Manifest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        self.0.step().await;
        let rows = usize::try_from(from.rows).unwrap();
        match self.0.outside().staging.get_mut(&from.staging) {
            Some(staged) if staged.len() >= rows => staged.truncate(rows),
            _ => return Err(Fault::missing("what was staged is gone")),
        }
        self.0.step().await;
        Ok(Box::new(Load {
            world: Arc::clone(&self.0),
            staging: from.staging.clone(),
            run: context.run.entity.clone(),
            mode: load.mode,
            buffer: vec![],
        }))
    }

    async fn publish(&self, manifest: &Manifest) -> Result<Published, Fault> {
        self.0.step().await;
        {
            let mut outside = self.0.outside();
            let run = &manifest.entity_run_id;
            if !outside.visible.iter().any(|(known, _)| known == run) {
                let staged = outside.staging.get(&manifest.staging).cloned().unwrap();
                if manifest.mode == Mode::Replace {
                    outside.visible.clear();
                }
                outside.visible.push((run.clone(), staged));
            }
        }
        self.0.step().await;
        Ok(Published { rows: manifest.rows, bytes: 1, parts: 1 })
    }

    async fn sweep(&self, keep: Option<&Manifest>) -> Result<(), Fault> {
        self.0.step().await;
        let mut outside = self.0.outside();
        if !outside.opened_at.is_empty()
            && let Some(fault) = outside.sweep_fails.take()
        {
            return Err(fault);
        }
        outside.staging.retain(|staging, _| keep.is_some_and(|keep| keep.staging == *staging));
        Ok(())
    }
}
