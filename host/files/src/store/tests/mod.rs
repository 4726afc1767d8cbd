//! The Store as the engine uses it, and every state in which a crash may leave it.

mod append;
mod crash;
mod inspect;
mod keys;
mod memory;
mod place;
mod replace;
mod resume;
mod rows;
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::SchemaRef;
use hygge_core::budget::{Budget, Share};
use hygge_core::contract::{
    Batch, Connections, Context, Durability, LoadRequest, Manifest, Mode, Progress, Published,
    RunIds, Site, Staged, Store, Writer,
};
use hygge_core::cpu::Cpu;
use hygge_core::engine::event::{Notices, Silent};
use hygge_core::fault::Fault;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Node, Source, Span, Value};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A project folder of its own, and what a run shares.
struct Project {
    folder: tempfile::TempDir,
    share: Arc<Share>,
    budget: Arc<Budget>,
    durability: Durability,
    subfolder: Option<&'static str>,
}

impl Project {
    fn new() -> Self {
        Self::with_memory(64 << 20)
    }

    fn with_memory(bytes: usize) -> Self {
        let budget = Budget::new(bytes);
        Self {
            folder: tempfile::tempdir().unwrap(),
            share: budget.share(),
            budget,
            durability: Durability::Process,
            subfolder: Some("orders"),
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// The table's folder.
    fn table(&self) -> PathBuf {
        self.root().join("out/orders")
    }

    fn context(&self, run: &str) -> Arc<Context> {
        Arc::new(Context {
            flow: "sales".into(),
            entity: "orders".into(),
            run: RunIds { coordinator: "c".into(), flow: "f".into(), entity: run.into() },
            memory: Arc::clone(&self.share),
            cpu: Cpu::with_cores(2),
            cancel: Default::default(),
            durability: self.durability,
            notices: Notices::new(None, Arc::new(Silent)),
            progress: Progress::silent(),
        })
    }

    fn try_store(&self, kind: &str, keys: Mapping) -> Result<Arc<dyn Store>, Problems> {
        let root = self.root();
        let connections = Connections::new();
        let site = Site {
            root: &root,
            flow: "sales",
            entity: "orders",
            subfolder: self.subfolder,
            connections: &connections,
            connector: None,
        };
        let kinds = super::kinds();
        let kind = kinds.iter().find(|known| known.name() == kind).unwrap();
        let mut problems = Problems::default();
        match kind.configure(&keys, &nowhere(), site, &mut problems) {
            Some(store) if problems.is_empty() => Ok(store),
            _ => Err(problems),
        }
    }

    fn local(&self, keys: Mapping) -> Arc<dyn Store> {
        self.try_store("local", keys).unwrap_or_else(|problems| panic!("{:?}", problems.list))
    }

    fn parquet(&self) -> Arc<dyn Store> {
        let keys = mapping([("path", text("out"))]);
        self.try_store("parquet", keys).unwrap_or_else(|problems| panic!("{:?}", problems.list))
    }

    async fn begin(
        &self,
        store: &dyn Store,
        run: &str,
        mode: Mode,
        schema: SchemaRef,
    ) -> Result<Box<dyn Writer>, Fault> {
        store.begin(&LoadRequest { schema, mode, follows: None }, self.context(run)).await
    }

    async fn stage(
        &self,
        store: &dyn Store,
        run: &str,
        mode: Mode,
        batches: &[RecordBatch],
    ) -> Result<Staged, Fault> {
        let mut writer = self.begin(store, run, mode, batches[0].schema()).await?;
        for rows in batches {
            let permit = self.share.acquire(rows.get_array_memory_size()).await;
            writer.write(Batch { rows: rows.clone(), permit }).await?;
        }
        let staged = writer.stage().await?;
        assert_eq!(self.budget.used(), 0, "all memory is given back");
        Ok(staged)
    }

    async fn manifest(&self, store: &dyn Store, run: &str, mode: Mode, ids: &[i64]) -> Manifest {
        self.stage(store, run, mode, &[rows(ids)]).await.unwrap().manifest
    }

    /// A whole clean load.
    async fn load(
        &self,
        store: &dyn Store,
        run: &str,
        mode: Mode,
        batches: &[RecordBatch],
    ) -> Published {
        let staged = self.stage(store, run, mode, batches).await.unwrap();
        let published = store.publish(&staged.manifest).await.unwrap();
        assert_eq!(published.rows, staged.rows);
        assert_eq!(published.bytes, staged.bytes);
        store.sweep(None).await.unwrap();
        published
    }

    /// Every file below the project, to see that nothing is left behind.
    fn everything(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.root(), Path::new(""), &mut found);
        found.sort();
        found
    }
}

fn walk(root: &Path, at: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(at)).unwrap() {
        let path = at.join(entry.unwrap().file_name());
        if root.join(&path).is_dir() && !root.join(&path).is_symlink() {
            if fs::read_dir(root.join(&path)).unwrap().next().is_none() {
                found.push(format!("{}/", path.display()));
            }
            walk(root, &path, found);
        } else {
            found.push(path.display().to_string());
        }
    }
}

/// The name of the file with this number.
fn number(sequence: u64) -> String {
    format!("{sequence:020}.parquet")
}

fn nowhere() -> Span {
    let source = Source { name: "flow.yml".into(), path: "flow.yml".into(), text: String::new() };
    Span { source: Arc::new(source), start: 0, end: 0 }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn mapping<const N: usize>(keys: [(&str, Value); N]) -> Mapping {
    let node = |value| Node { value, span: nowhere() };
    let entries = keys.map(|(key, value)| (key.to_owned(), (nowhere(), node(value))));
    Mapping { entries: entries.into_iter().collect() }
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::Sequence(items.map(|value| Node { value, span: nowhere() }).into())
}

/// Rows with an id and a text made from it.
fn rows(ids: &[i64]) -> RecordBatch {
    let names = ids.iter().map(|id| format!("name {id}")).collect::<Vec<_>>();
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef),
        ("name", Arc::new(StringArray::from(names))),
    ])
    .unwrap()
}

fn read_file(path: &Path) -> Vec<RecordBatch> {
    let file = fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.with_batch_size(1 << 20).build().unwrap().map(Result::unwrap).collect()
}

/// The ids in a folder's Parquet files by name, as a reader would find them.
fn ids(folder: &Path) -> Vec<(String, Vec<i64>)> {
    let mut found: Vec<(String, Vec<i64>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".parquet"))
        .map(|name| {
            let batches = read_file(&folder.join(&name));
            let ids = batches
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
            (name, ids.collect())
        })
        .collect();
    found.sort();
    found
}
