//! The engine between a Home and a Store that do as they are told.

mod resume;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::contract::{
    Batch, Context, Delivery, DestinationPlan, Durability, Finding, Home, LoadRequest, Manifest,
    Mode, Published, ReadRequest, Reader, SourcePlan, Staged, Store, StorePlanRequest, Territory,
    Writer,
};
use crate::engine::event::{EntityName, Event, Listener, Outcome, RunReport};
use crate::engine::run;
use crate::fault::{Fault, FaultKind};
use crate::journal::{HistoryFilter, Journal, Status};
use crate::project::keys::ByteSize;
use crate::project::plan::{EntityPlan, LogLevel, Options, Plan, RunType};

/// What goes wrong, each time once, in this order.
type Faults = Arc<Mutex<VecDeque<Fault>>>;

fn next(faults: &Faults) -> Result<(), Fault> {
    faults.lock().unwrap().pop_front().map_or(Ok(()), Err)
}

/// A Home of `batches` batches of ten rows.
#[derive(Debug, Default)]
struct TestHome {
    batches: u64,
    on_open: Faults,
    /// After so many batches nothing comes any more.
    hangs_after: Option<u64>,
    panics: bool,
    given: Arc<AtomicU64>,
}

/// A Store that counts.
#[derive(Debug, Default)]
struct TestStore {
    on_write: Faults,
    on_publish: Faults,
    /// Rows that vanish between writing and staging.
    loses: u64,
    /// Whether staging never comes to an end.
    hangs: bool,
    visible: Arc<AtomicU64>,
    swept: Arc<AtomicBool>,
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]))
}

struct TestReader {
    left: u64,
    hangs_at: Option<u64>,
    panics: bool,
    given: Arc<AtomicU64>,
    context: Arc<Context>,
}

#[async_trait]
impl Home for TestHome {
    fn location(&self) -> String {
        "here".to_owned()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        Err(Fault::bug("not asked"))
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        Ok(None)
    }

    async fn open(&self, _: &ReadRequest, context: Arc<Context>) -> Result<Box<dyn Reader>, Fault> {
        next(&self.on_open)?;
        Ok(Box::new(TestReader {
            left: self.batches,
            hangs_at: self.hangs_after.map(|after| self.batches - after),
            panics: self.panics,
            given: Arc::clone(&self.given),
            context,
        }))
    }
}

#[async_trait]
impl Reader for TestReader {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        assert!(!self.panics, "as it was told");
        if self.hangs_at == Some(self.left) {
            std::future::pending::<()>().await;
        }
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.given.fetch_add(1, Ordering::SeqCst);
        let ids = Int64Array::from_iter_values(0..10);
        let rows = RecordBatch::try_new(schema(), vec![Arc::new(ids)]).unwrap();
        let permit = self.context.memory.acquire(80).await;
        Ok(Some(Delivery::Rows(Batch { rows, permit })))
    }
}

struct TestWriter {
    rows: u64,
    on_write: Faults,
    loses: u64,
    hangs: bool,
    run: String,
    context: Arc<Context>,
}

#[async_trait]
impl Writer for TestWriter {
    async fn write(&mut self, batch: Batch) -> Result<(), Fault> {
        next(&self.on_write)?;
        self.rows += batch.rows.num_rows() as u64;
        Ok(())
    }

    async fn stage(self: Box<Self>) -> Result<Staged, Fault> {
        if self.hangs {
            self.context.cancel.cancelled().await;
            return Err(Fault::cancelled());
        }
        let rows = self.rows - self.loses;
        let manifest = Manifest {
            entity_run_id: self.run,
            mode: Mode::Replace,
            rows,
            staging: "nowhere".to_owned(),
            detail: serde_json::Value::Null,
        };
        Ok(Staged { manifest, rows, bytes: 1 })
    }

    async fn abort(self: Box<Self>) {}
}

#[async_trait]
impl Store for TestStore {
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
        _: &LoadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        Ok(Box::new(TestWriter {
            rows: 0,
            on_write: Arc::clone(&self.on_write),
            loses: self.loses,
            hangs: self.hangs,
            run: context.run.entity.clone(),
            context,
        }))
    }

    async fn publish(&self, manifest: &Manifest) -> Result<Published, Fault> {
        next(&self.on_publish)?;
        self.visible.store(manifest.rows, Ordering::SeqCst);
        Ok(Published { rows: manifest.rows, bytes: 1, parts: 1 })
    }

    async fn sweep(&self, _: Option<&Manifest>) -> Result<(), Fault> {
        self.swept.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// Remembers how often something was retried.
#[derive(Default)]
struct Heard {
    retries: AtomicU64,
    cancel_on_progress: Option<CancellationToken>,
}

impl Listener for Heard {
    fn event(&self, event: &Event) {
        match event {
            Event::Retrying { .. } => {
                self.retries.fetch_add(1, Ordering::SeqCst);
            }
            Event::Progress { .. } => {
                if let Some(cancel) = &self.cancel_on_progress {
                    cancel.cancel();
                }
            }
            _ => {}
        }
    }
}

/// A project in a folder of its own, whose entities are given.
struct Scene {
    folder: tempfile::TempDir,
    plan: Plan,
    heard: Arc<Heard>,
    cancel: CancellationToken,
}

impl Scene {
    fn new(entities: Vec<(TestHome, Arc<TestStore>)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entities = entities.into_iter().enumerate().map(|(index, (home, store))| EntityPlan {
            name: EntityName { flow: "f".into(), entity: format!("e{index}").into() },
            home: Arc::new(home),
            store,
            run_type: RunType::FullDrop,
            mode: Mode::Replace,
            watermark: None,
            fingerprint: String::new(),
            journal: None,
            queue_size: 2,
            timeout: None,
        });
        let plan = Plan {
            name: "test".to_owned(),
            root: folder.path().to_owned(),
            flows_dir: PathBuf::from("flows"),
            connections: indexmap::IndexMap::new(),
            options: Options {
                concurrency: 1,
                continue_on_error: true,
                memory: ByteSize(1 << 20),
                durability: Durability::Process,
                retries: 3,
                retry_wait: Duration::from_millis(1),
                checkpoint: Duration::from_secs(30),
                log_level: LogLevel::Info,
            },
            entities: entities.collect(),
        };
        Self { folder, plan, heard: Arc::default(), cancel: CancellationToken::new() }
    }

    fn one(home: TestHome, store: TestStore) -> (Self, Arc<TestStore>) {
        let store = Arc::new(store);
        (Self::new(vec![(home, Arc::clone(&store))]), store)
    }

    async fn run(&self) -> RunReport {
        let journal =
            Journal::open(self.folder.path(), "test", self.plan.options.durability).unwrap();
        let listener: Arc<dyn Listener> = Arc::<Heard>::clone(&self.heard);
        run(&self.plan, Arc::new(journal), listener, self.cancel.clone()).await.unwrap()
    }

    /// How the runs of an entity ended, by the journal, oldest first.
    async fn history(&self) -> Vec<(Status, u64)> {
        let journal = Journal::read_only(self.folder.path()).unwrap();
        let runs = journal.history(HistoryFilter::default(), Vec::new()).await.unwrap();
        runs.into_iter().map(|run| (run.status, run.rows)).collect()
    }
}

#[track_caller]
fn fault(report: &RunReport, index: usize) -> &Arc<Fault> {
    match &report.entities[index].outcome {
        Outcome::Failed(fault) => fault,
        other => panic!("{other:?}"),
    }
}

fn transient() -> Fault {
    Fault::new(FaultKind::Transient, "for a moment")
}

#[tokio::test]
async fn rows_are_moved_counted_and_recorded() {
    let (scene, store) =
        Scene::one(TestHome { batches: 7, ..Default::default() }, TestStore::default());
    let report = scene.run().await;
    assert!(!report.failed());
    assert_eq!(report.entities[0].rows, 70);
    assert_eq!(store.visible.load(Ordering::SeqCst), 70);
    assert_eq!(scene.history().await, [(Status::Success, 70)]);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let on_open: Faults = Arc::new(Mutex::new([transient(), transient()].into()));
    let home = TestHome { batches: 1, on_open, ..Default::default() };
    let (scene, _) = Scene::one(home, TestStore::default());
    assert!(!scene.run().await.failed());
    assert_eq!(scene.heard.retries.load(Ordering::SeqCst), 2);

    let on_open: Faults = Arc::new(Mutex::new([Fault::data("damaged"), transient()].into()));
    let home = TestHome { batches: 1, on_open, ..Default::default() };
    let (scene, _) = Scene::one(home, TestStore::default());
    assert_eq!(fault(&scene.run().await, 0).kind(), FaultKind::Data);
    assert_eq!(scene.heard.retries.load(Ordering::SeqCst), 0);
    assert_eq!(scene.history().await, [(Status::Fail, 0)]);
}

#[tokio::test]
async fn it_gives_up_after_so_many_tries() {
    let on_open: Faults = Arc::new(Mutex::new((0..9).map(|_| transient()).collect()));
    let home = TestHome { batches: 1, on_open: Arc::clone(&on_open), ..Default::default() };
    let (scene, _) = Scene::one(home, TestStore::default());
    assert_eq!(fault(&scene.run().await, 0).kind(), FaultKind::Transient);
    assert_eq!(on_open.lock().unwrap().len(), 9 - 4);
}

#[tokio::test]
async fn a_store_that_fails_stops_its_reader_at_once() {
    let on_write: Faults = Arc::new(Mutex::new([Fault::data("no")].into()));
    let home = TestHome { batches: 1_000_000, ..Default::default() };
    let given = Arc::clone(&home.given);
    let (scene, store) = Scene::one(home, TestStore { on_write, ..Default::default() });
    assert_eq!(fault(&scene.run().await, 0).to_string(), "no");
    // The queue, what is being read and what was being written: not a long queue's worth.
    assert!(given.load(Ordering::SeqCst) < 10, "{given:?}");
    assert!(store.swept.load(Ordering::SeqCst));
    assert_eq!(store.visible.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn rows_that_vanish_on_the_way_are_never_a_success() {
    let home = TestHome { batches: 3, ..Default::default() };
    let (scene, store) = Scene::one(home, TestStore { loses: 1, ..Default::default() });
    let report = scene.run().await;
    assert!(fault(&report, 0).to_string().starts_with("30 rows were read but 29 staged"));
    assert_eq!(store.visible.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_progress_for_too_long_is_a_fault() {
    let home = TestHome { batches: 5, hangs_after: Some(2), ..Default::default() };
    let (mut scene, _) = Scene::one(home, TestStore::default());
    scene.plan.entities[0].timeout = Some(Duration::from_millis(50));
    scene.plan.options.retries = 0;
    let report = scene.run().await;
    assert!(fault(&report, 0).to_string().starts_with("no rows moved for"));
}

#[tokio::test]
async fn staging_that_makes_no_progress_is_a_fault_too() {
    let home = TestHome { batches: 5, ..Default::default() };
    let (mut scene, store) = Scene::one(home, TestStore { hangs: true, ..Default::default() });
    scene.plan.entities[0].timeout = Some(Duration::from_millis(50));
    scene.plan.options.retries = 0;
    let report = scene.run().await;
    assert!(fault(&report, 0).to_string().starts_with("no rows moved for"));
    assert!(store.swept.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_panic_fails_its_own_entity_alone() {
    let panics = TestHome { batches: 1, panics: true, ..Default::default() };
    let fine = TestHome { batches: 1, ..Default::default() };
    let scene = Scene::new(vec![(panics, Arc::default()), (fine, Arc::default())]);
    let report = scene.run().await;
    assert_eq!(fault(&report, 0).kind(), FaultKind::Bug);
    assert!(matches!(report.entities[1].outcome, Outcome::Success));
}

#[tokio::test]
async fn after_a_failure_the_others_begin_or_do_not_as_configured() {
    for continue_on_error in [true, false] {
        let on_open: Faults = Arc::new(Mutex::new([Fault::data("damaged")].into()));
        let bad = TestHome { batches: 1, on_open, ..Default::default() };
        let fine = TestHome { batches: 1, ..Default::default() };
        let mut scene = Scene::new(vec![(bad, Arc::default()), (fine, Arc::default())]);
        scene.plan.options.continue_on_error = continue_on_error;
        let report = scene.run().await;
        let ran = matches!(report.entities[1].outcome, Outcome::Success);
        assert_eq!(ran, continue_on_error);
    }
}

#[tokio::test]
async fn a_cancelled_run_publishes_nothing_more() {
    let home = TestHome { batches: 1_000_000, ..Default::default() };
    let (mut scene, store) = Scene::one(home, TestStore::default());
    scene.heard =
        Arc::new(Heard { cancel_on_progress: Some(scene.cancel.clone()), ..Default::default() });
    let report = scene.run().await;
    assert!(report.cancelled && report.failed());
    assert_eq!(fault(&report, 0).kind(), FaultKind::Cancelled);
    assert_eq!(store.visible.load(Ordering::SeqCst), 0);
    assert!(store.swept.load(Ordering::SeqCst));
}

#[tokio::test]
async fn publishing_is_tried_again_by_itself() {
    let on_publish: Faults = Arc::new(Mutex::new([transient()].into()));
    let home = TestHome { batches: 2, ..Default::default() };
    let given = Arc::clone(&home.given);
    let (scene, _) = Scene::one(home, TestStore { on_publish, ..Default::default() });
    assert!(!scene.run().await.failed());
    // Nothing was read a second time for it.
    assert_eq!(given.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_could_not_be_published_is_published_by_the_next_run() {
    let refused = Fault::new(FaultKind::Resource, "no room");
    let on_publish: Faults = Arc::new(Mutex::new([refused].into()));
    let home = TestHome { batches: 2, ..Default::default() };
    let (scene, store) = Scene::one(home, TestStore { on_publish, ..Default::default() });
    let report = scene.run().await;
    assert!(fault(&report, 0).help().unwrap().contains("the next run publishes them first"));
    assert_eq!(store.visible.load(Ordering::SeqCst), 0);
    assert!(!scene.run().await.failed());
    assert_eq!(
        scene.history().await,
        [(Status::Fail, 0), (Status::Success, 20), (Status::Success, 20)]
    );
}
