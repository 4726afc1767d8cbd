//! Projects, files and runs to test with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use hygge_core::budget::Budget;
use hygge_core::contract::{
    Batch, Connections, Context, Delivery, Durability, Home, Progress, ReadRequest, Reader, RunIds,
    Since, Site, SourcePlan,
};
use hygge_core::cpu::Cpu;
use hygge_core::engine::event::{Notices, Silent};
use hygge_core::fault::Fault;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Node, Source, Span, Value};
use hygge_core::watermark::Watermark;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A folder with a source in `in`.
pub(crate) struct Project {
    pub(crate) folder: TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("in").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn write_parquet(&self, name: &str, batch: &RecordBatch) -> PathBuf {
        self.write_parquet_with(name, batch, WriterProperties::builder().build())
    }

    pub(crate) fn write_parquet_with(
        &self,
        name: &str,
        batch: &RecordBatch,
        properties: WriterProperties,
    ) -> PathBuf {
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        self.write(name, bytes)
    }

    pub(crate) fn try_home(&self, kind: &str, keys: Json) -> Result<Arc<dyn Home>, Vec<String>> {
        let kinds = hygge_files::home::kinds();
        let kind = kinds.iter().find(|known| known.name() == kind).unwrap();
        let node = node(&keys);
        let connections = Connections::new();
        let site = Site {
            root: self.folder.path(),
            flow: "flow",
            entity: "entity",
            subfolder: None,
            connections: &connections,
            connector: None,
        };
        let mut problems = Problems::default();
        let home = kind.configure(node.as_mapping().unwrap(), &node.span, site, &mut problems);
        let told = |problem: &hygge_core::project::problem::Problem| {
            let more = [problem.label.as_deref(), problem.help.as_deref()];
            let more: Vec<&str> = more.into_iter().flatten().collect();
            format!("{} ({})", problem.message, more.join("; "))
        };
        match home {
            Some(home) if problems.is_empty() => Ok(home),
            _ => Err(problems.list.iter().map(told).collect()),
        }
    }

    pub(crate) fn home(&self, kind: &str, keys: Json) -> Arc<dyn Home> {
        self.try_home(kind, keys).unwrap()
    }

    pub(crate) fn parquet(&self) -> Arc<dyn Home> {
        self.home("parquet", json!({ "path": "in" }))
    }

    pub(crate) fn csv(&self, options: Json) -> Arc<dyn Home> {
        self.home("local", json!({ "path": "in", "format": "csv", "format_options": options }))
    }

    pub(crate) fn ndjson(&self, options: Json) -> Arc<dyn Home> {
        self.home("local", json!({ "path": "in", "format": "ndjson", "format_options": options }))
    }
}

/// JSON as the YAML it also is. Numbers that stand for text are not supported.
pub(crate) fn node(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(value) => Value::Int(value.as_i64().unwrap()),
        Json::String(value) => Value::String(value.clone()),
        Json::Array(items) => Value::Sequence(items.iter().map(node).collect()),
        Json::Object(members) => Value::Mapping(Mapping {
            entries: members
                .iter()
                .map(|(key, value)| (key.clone(), (span(), node(value))))
                .collect(),
        }),
    };
    Node { value, span: span() }
}

fn span() -> Span {
    let source = Source { name: "flow.yml".to_owned(), path: PathBuf::new(), text: String::new() };
    Span { source: Arc::new(source), start: 0, end: 0 }
}

/// A run with this much memory.
pub(crate) struct Run {
    pub(crate) budget: Arc<Budget>,
    pub(crate) context: Arc<Context>,
}

pub(crate) fn run(memory: usize) -> Run {
    let budget = Budget::new(memory);
    let context = Context {
        flow: "flow".to_owned(),
        entity: "entity".to_owned(),
        run: RunIds { coordinator: "c".to_owned(), flow: "f".to_owned(), entity: "e".to_owned() },
        memory: budget.share(),
        cpu: Cpu::with_cores(2),
        cancel: CancellationToken::new(),
        durability: Durability::Process,
        notices: Notices::new(None, Arc::new(Silent)),
        progress: Progress::silent(),
    };
    Run { budget, context: Arc::new(context) }
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) rows_expected: Option<u64>,
}

impl Read {
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    pub(crate) fn all(&self) -> RecordBatch {
        concat_batches(&self.schema, &self.batches).unwrap()
    }
}

/// The next batch of a reader that has nobody to give parcels to.
pub(crate) async fn next_rows(reader: &mut dyn Reader) -> Result<Option<Batch>, Fault> {
    Ok(reader.next().await?.map(|delivery| match delivery {
        Delivery::Rows(batch) => batch,
        Delivery::Parcel(parcel) => panic!("nobody asked for {parcel:?}"),
    }))
}

pub(crate) async fn read_with(home: &Arc<dyn Home>, request: &ReadRequest) -> Result<Read, Fault> {
    let run = run(64 << 20);
    let mut reader = home.open(request, Arc::clone(&run.context)).await?;
    let mut batches = Vec::new();
    while let Some(batch) = next_rows(reader.as_mut()).await? {
        assert_eq!(batch.rows.schema(), reader.schema());
        batches.push(batch.rows);
    }
    assert!(reader.next().await?.is_none(), "nothing comes after the end");
    Ok(Read { schema: reader.schema(), batches, rows_expected: reader.rows_expected() })
}

pub(crate) async fn read(home: &Arc<dyn Home>) -> Result<Read, Fault> {
    read_with(home, &ReadRequest::default()).await
}

pub(crate) async fn plan(home: &Arc<dyn Home>) -> SourcePlan {
    home.plan(&ReadRequest::default()).await.unwrap().unwrap()
}

pub(crate) fn since(column: &str, value: Watermark) -> ReadRequest {
    ReadRequest {
        since: Some(Since { column: column.to_owned(), value }),
        watermark_column: Some(column.to_owned()),
        ..ReadRequest::default()
    }
}

/// The message, all causes and the help in one line.
pub(crate) fn told(fault: &Fault) -> String {
    format!("{} | {}", fault.chain(), fault.help().unwrap_or("no help"))
}

/// Sets when a file was last changed, so that a change is seen however quick the test is.
pub(crate) fn age(path: &Path) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(86_400);
    file.set_modified(long_ago).unwrap();
}
