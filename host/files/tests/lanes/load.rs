//! Loads from a Home into a Store, as the engine makes them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use hygge_core::budget::Budget;
use hygge_core::contract::{
    Connections, Context, Delivery, Durability, Home, LoadRequest, Mode, Progress, ReadRequest,
    RunIds, Site, Store,
};
use hygge_core::cpu::Cpu;
use hygge_core::engine::event::{EntityName, Event, Listener, Notices};
use hygge_core::fault::Fault;
use hygge_core::project::problem::Problems;
use hygge_core::watermark::{Tracked, Tracker, WatermarkSpec};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use serde_json::{Value as Json, json};

use crate::support::{Project, node};

/// Hears what is said of a load.
#[derive(Debug, Default)]
struct Said(Mutex<Vec<String>>, AtomicU64);

impl Listener for Said {
    fn event(&self, event: &Event) {
        match event {
            Event::Notice { message, .. } => self.0.lock().unwrap().push(message.clone()),
            Event::Progress { rows, .. } => drop(self.1.fetch_max(*rows, Ordering::Relaxed)),
            _ => {}
        }
    }
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What was said of it.
    pub(crate) said: Vec<String>,
    /// Parcels given.
    pub(crate) parcels: usize,
    /// Batches given.
    pub(crate) batches: usize,
    pub(crate) rows: u64,
    pub(crate) tracked: Option<Tracked>,
}

/// How to load.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) mode: Mode,
    pub(crate) lanes: bool,
    pub(crate) memory: usize,
    pub(crate) watermark: Option<WatermarkSpec>,
    pub(crate) last: Option<Tracked>,
    pub(crate) durability: Durability,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            mode: Mode::Replace,
            lanes: true,
            memory: 256 << 20,
            watermark: None,
            last: None,
            durability: Durability::Process,
        }
    }
}

pub(crate) fn store(project: &Project, keys: Json) -> Arc<dyn Store> {
    let kinds = hygge_files::store::kinds();
    let kind = kinds.iter().find(|kind| kind.name() == "local").unwrap();
    let mut all = json!({ "path": "out" });
    all.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let node = node(&all);
    let connections = Connections::new();
    let site = Site {
        root: project.folder.path(),
        flow: "flow",
        entity: "entity",
        subfolder: None,
        connections: &connections,
        connector: None,
    };
    let mut problems = Problems::default();
    let store = kind.configure(node.as_mapping().unwrap(), &node.span, site, &mut problems);
    assert!(problems.is_empty(), "{:?}", problems.list);
    store.unwrap()
}

/// One load, or the fault that ended it, with nothing of it left.
pub(crate) async fn try_load(
    home: &Arc<dyn Home>,
    store: &Arc<dyn Store>,
    way: &Way,
) -> Result<Loaded, Fault> {
    let budget = Budget::new(way.memory);
    let said = Arc::new(Said::default());
    let context = Arc::new(Context {
        flow: "flow".to_owned(),
        entity: "entity".to_owned(),
        run: RunIds { coordinator: "c".to_owned(), flow: "f".to_owned(), entity: "e".to_owned() },
        memory: budget.share(),
        cpu: Cpu::with_cores(2),
        cancel: Default::default(),
        durability: way.durability,
        notices: Notices::new(None, Arc::clone(&said) as Arc<dyn Listener>),
        progress: Progress::new(
            Some(EntityName { flow: "flow".into(), entity: "entity".into() }),
            Arc::clone(&said) as Arc<dyn Listener>,
        ),
    });
    let since = way.last.as_ref().and_then(|last| last.watermark.clone());
    let request = ReadRequest {
        since: since.clone().zip(way.watermark.as_ref()).map(|(value, spec)| {
            hygge_core::contract::Since { column: spec.column.clone(), value }
        }),
        watermark_column: way.watermark.as_ref().map(|spec| spec.column.clone()),
        key_columns: way.watermark.as_ref().map(WatermarkSpec::key_columns).unwrap_or_default(),
        terms: store.terms(way.mode).filter(|_| way.lanes),
        resume: None,
    };
    let mut reader = home.open(&request, Arc::clone(&context)).await?;
    let schema = reader.schema();
    let mut tracker = way.watermark.as_ref().map(|spec| {
        let landed = way.last.as_ref().and_then(|last| last.boundary.clone());
        Tracker::new(spec, &schema, since, landed.unwrap_or_default()).unwrap()
    });
    let load = LoadRequest { schema, mode: way.mode, follows: None };
    let mut writer = store.begin(&load, Arc::clone(&context)).await?;
    let (mut parcels, mut batches, mut rows, mut handed_over) = (0, 0, 0, 0);
    let filled: Result<(), Fault> = async {
        while let Some(delivery) = reader.next().await? {
            match delivery {
                Delivery::Rows(mut batch) => {
                    batches += 1;
                    if let Some(tracker) = &mut tracker {
                        batch.rows = tracker.observe(batch.rows)?;
                    }
                    rows += batch.rows.num_rows() as u64;
                    writer.write(batch).await?;
                }
                Delivery::Parcel(mut parcel) => {
                    parcels += 1;
                    rows += parcel.rows;
                    handed_over += parcel.rows;
                    let mut followed = 0;
                    for columns in &mut parcel.tracked {
                        let columns = columns?;
                        followed += columns.num_rows() as u64;
                        tracker.as_mut().unwrap().follow(columns)?;
                    }
                    assert!(tracker.is_none() || followed == parcel.rows);
                    writer.take(parcel).await?;
                }
            }
        }
        Ok(())
    }
    .await;
    drop(reader);
    let staged = match filled {
        Ok(()) => writer.stage().await,
        Err(fault) => {
            writer.abort().await;
            Err(fault)
        }
    };
    let staged = match staged {
        Ok(staged) => staged,
        Err(fault) => {
            store.sweep(None).await.unwrap();
            return Err(fault);
        }
    };
    assert_eq!(budget.used(), 0, "all memory is given back");
    assert_eq!(staged.rows, rows);
    assert_eq!(said.1.load(Ordering::Relaxed), handed_over, "all of them were told as progress");
    let published = store.publish(&staged.manifest).await.unwrap();
    assert_eq!(published.rows, rows);
    store.sweep(None).await.unwrap();
    let said = said.0.lock().unwrap().clone();
    Ok(Loaded { said, parcels, batches, rows, tracked: tracker.map(Tracker::finish) })
}

pub(crate) async fn load(home: &Arc<dyn Home>, store: &Arc<dyn Store>, way: &Way) -> Loaded {
    try_load(home, store, way).await.unwrap()
}

/// What `--dry-run` would say of reading.
pub(crate) async fn foretold(home: &Arc<dyn Home>, store: &Arc<dyn Store>) -> String {
    let request = ReadRequest { terms: store.terms(Mode::Replace), ..ReadRequest::default() };
    home.plan(&request).await.unwrap().unwrap().note
}

/// The files of the table, in order.
pub(crate) fn files(project: &Project) -> Vec<PathBuf> {
    let folder = project.folder.path().join("out");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    files.sort();
    files
}

/// A file with all that is stored beside its values.
pub(crate) fn metadata(path: &Path) -> Arc<ParquetMetaData> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let file = std::fs::File::open(path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    Arc::clone(builder.metadata())
}

/// The rows of a file as the parquet crate reads them.
pub(crate) fn rows_of(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> =
        reader.with_batch_size(1 << 16).build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// All rows of the table.
pub(crate) fn table(project: &Project) -> RecordBatch {
    let parts: Vec<RecordBatch> = files(project).iter().map(|path| rows_of(path)).collect();
    concat_batches(&parts[0].schema(), &parts).unwrap()
}

/// No staging is left behind.
pub(crate) fn assert_clean(project: &Project) {
    assert!(!project.folder.path().join(".hygge_staging").exists());
}
