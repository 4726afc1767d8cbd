//! Guests written by hand, and a run to read them in.

use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, cast::AsArray};
use hygge_core::budget::Budget;
use hygge_core::contract::{
    Context, Delivery, Durability, Home, Progress, ReadRequest, Reader, RunIds, Site, Store,
};
use hygge_core::cpu::Cpu;
use hygge_core::engine::event::{Event, Listener, Notices};
use hygge_core::fault::Fault;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Source as Text, Span};
use hygge_forge::world::World;
use hygge_forge::wrap::wrap;
use hygge_sandbox::{Connector, Policy, Sandbox, SandboxOptions, Source, ipc, kinds};

/// Rows in every chunk of a [`Guest`].
pub(crate) const ROWS: i64 = 3;

/// A Home of one column, `id`, whose chunks all hold the rows 0, 1, 2.
pub(crate) struct Guest {
    /// Its splits, each with the rows it claims to have.
    pub splits: Vec<(&'static str, Option<u64>)>,
    /// Chunks in every split.
    pub chunks: u8,
    /// Further fields of the module: imports, tables, memories.
    pub fields: &'static str,
    /// What `next` does first.
    pub next: &'static str,
    /// What `open` does first.
    pub open: &'static str,
    /// The bytes of every chunk, in place of three rows.
    pub batch: Option<Vec<u8>>,
    /// Whether chunks come with a state.
    pub states: bool,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            splits: vec![("all", None)],
            chunks: 4,
            fields: "",
            next: "",
            open: "",
            batch: None,
            states: true,
        }
    }
}

fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Three rows.
pub(crate) fn rows() -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS));
    RecordBatch::try_from_iter([("id", column)]).unwrap()
}

impl Guest {
    /// The component.
    ///
    /// Memory: results at 1024, the state at 2048, the plan at 4096 with its names at 8192, the
    /// schema at 16384, a chunk at 32768, and from 65536 what the host passes in.
    pub(crate) fn build(&self) -> Vec<u8> {
        let schema = ipc::schema_bytes(&rows().schema()).unwrap();
        let batch = self.batch.clone().unwrap_or_else(|| ipc::encode(&rows()).unwrap());
        let (mut plan, mut names) = (Vec::new(), Vec::new());
        for (name, rows) in &self.splits {
            let at = 8192 + names.len() as u32;
            for word in [at, name.len() as u32, at, name.len() as u32] {
                plan.extend(word.to_le_bytes());
            }
            for number in [u64::from(rows.is_some()), rows.unwrap_or_default(), 0, 0] {
                plan.extend(number.to_le_bytes());
            }
            names.extend(name.as_bytes());
        }
        let text = format!(
            r#"(module
  (import "[export]hygge:connector/home@0.1.1" "[resource-new]session"
    (func $session (param i32) (result i32)))
  (import "[export]hygge:connector/home@0.1.1" "[resource-new]reader"
    (func $reader (param i32) (result i32)))
  {fields}
  (memory (export "memory") 4)
  (data (i32.const 4096) "{plan}")
  (data (i32.const 8192) "{names}")
  (data (i32.const 16384) "{schema}")
  (data (i32.const 32768) "{batch}")
  (global $n (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $free
      (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get 3))))
  (func (export "hygge:connector/home@0.1.1#[dtor]session") (param i32))
  (func (export "hygge:connector/home@0.1.1#[dtor]reader") (param i32))
  (func (export "hygge:connector/home@0.1.1#[static]session.open")
    (param i32 i32 i32 i32) (result i32)
    {open}
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1032) (call $session (i32.const 1)))
    (i32.const 1024))
  (func (export "hygge:connector/home@0.1.1#[method]session.check") (param i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1032) (i32.const 8192))
    (i32.store (i32.const 1036) (i32.const {names_len}))
    (i32.const 1024))
  (func (export "hygge:connector/home@0.1.1#[method]session.tables") (param i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1036) (i32.const 0))
    (i32.const 1024))
  (func (export "hygge:connector/home@0.1.1#[method]session.schema")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store8 (i32.const 1032) (i32.const 0))
    (i32.store (i32.const 1036) (i32.const 16384))
    (i32.store (i32.const 1040) (i32.const {schema_len}))
    (i32.const 1024))
  (func (export "hygge:connector/home@0.1.1#[method]session.plan")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1032) (i32.const 4096))
    (i32.store (i32.const 1036) (i32.const {splits}))
    (i32.const 1024))
  (func (export "hygge:connector/home@0.1.1#[method]session.read")
    (param i32 i32 i32 i32 i32 i32 i64 i32 i64 i32 i32 i32) (result i32)
    (if (local.get 9) (then (global.set $n (i32.load8_u (local.get 10)))))
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1032) (call $reader (i32.const 1)))
    (i32.const 1024))
  (func (export "hygge:connector/home@0.1.1#[method]reader.next") (param i32 i32) (result i32)
    {next}
    (i32.store8 (i32.const 1024) (i32.const 0))
    (if (i32.ge_u (global.get $n) (i32.const {chunks}))
      (then (i32.store8 (i32.const 1032) (i32.const 0)) (return (i32.const 1024))))
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store8 (i32.const 2048) (global.get $n))
    (i32.store8 (i32.const 1032) (i32.const 1))
    (i32.store8 (i32.const 1036) (i32.const 0))
    (i32.store (i32.const 1040) (i32.const 32768))
    (i32.store (i32.const 1044) (i32.const {batch_len}))
    (i32.store8 (i32.const 1048) (i32.const {states}))
    (i32.store (i32.const 1052) (i32.const 2048))
    (i32.store (i32.const 1056) (i32.const 1))
    (i32.const 1024)))"#,
            fields = self.fields,
            plan = bytes(&plan),
            names = bytes(&names),
            names_len = names.len(),
            schema = bytes(&schema),
            schema_len = schema.len(),
            batch = bytes(&batch),
            batch_len = batch.len(),
            splits = self.splits.len(),
            open = self.open,
            next = self.next,
            chunks = self.chunks,
            states = u8::from(self.states),
        );
        wrap(&wat::parse_str(&text).unwrap(), Some(World::Home)).unwrap()
    }

    /// A run that reads it.
    pub(crate) fn run(&self, policy: Policy) -> Run {
        Run::of(&self.build(), policy)
    }
}

/// Remembers what was told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Listener for Told {
    fn event(&self, event: &Event) {
        if let Event::Notice { message, .. } = event {
            self.0.lock().unwrap().push(message.clone());
        }
    }
}

/// A run in which a component is read as the table `things`.
pub(crate) struct Run {
    pub connector: Arc<Connector>,
    pub budget: Arc<Budget>,
    told: Arc<Told>,
    _folder: tempfile::TempDir,
}

impl Run {
    pub(crate) fn of(component: &[u8], policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.wasm");
        std::fs::write(&file, component).unwrap();
        let sandbox = Sandbox::new(SandboxOptions { cache_dir: Some(folder.path().join("cache")) });
        let connector = Connector::load(&sandbox, "shop", Source::File(file), policy).unwrap();
        let budget = Budget::new(256 << 20);
        Self { connector, budget, told: Arc::default(), _folder: folder }
    }

    /// The connector as a Store.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        let kind = kinds::store(&self.connector).unwrap();
        at_site(|mapping, span, site, problems| kind.configure(mapping, span, site, problems))
    }

    /// The connector as a Home.
    pub(crate) fn home(&self) -> Arc<dyn Home> {
        let kind = kinds::home(&self.connector).unwrap();
        at_site(|mapping, span, site, problems| kind.configure(mapping, span, site, problems))
    }

    /// What one attempt knows of the run.
    pub(crate) fn context(&self) -> Arc<Context> {
        Arc::new(Context {
            flow: "f".to_owned(),
            entity: "things".to_owned(),
            run: RunIds { coordinator: "c".into(), flow: "f".into(), entity: "r".into() },
            memory: self.budget.share(),
            cpu: Cpu::with_cores(2),
            cancel: Default::default(),
            durability: Durability::Process,
            notices: Notices::new(None, self.told.clone()),
            progress: Progress::silent(),
        })
    }

    /// Opens a reader, perhaps behind a state.
    pub(crate) async fn open(
        &self,
        context: &Arc<Context>,
        resume: Option<serde_json::Value>,
    ) -> Result<Box<dyn Reader>, Fault> {
        let request = ReadRequest { resume, ..ReadRequest::default() };
        self.home().open(&request, Arc::clone(context)).await
    }

    /// All rows.
    pub(crate) async fn read(&self) -> Result<Vec<i64>, Fault> {
        let mut reader = self.open(&self.context(), None).await?;
        let mut ids = Vec::new();
        while let Some(batch) = next(reader.as_mut()).await? {
            ids.extend(batch);
        }
        Ok(ids)
    }

    /// What it fails with, and what to do about it.
    pub(crate) async fn fails(&self) -> (Fault, String) {
        let fault = self.read().await.expect_err("it should not have been read");
        let help = fault.help().unwrap_or_default().to_owned();
        (fault, help)
    }

    /// Everything the user was told.
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.0.lock().unwrap().clone()
    }
}

/// The rows of the next batch.
pub(crate) async fn next(reader: &mut dyn Reader) -> Result<Option<Vec<i64>>, Fault> {
    Ok(reader.next().await?.map(|delivery| match delivery {
        Delivery::Rows(batch) => {
            assert!(batch.permit.bytes() > 0, "rows are charged");
            batch.rows.column(0).as_primitive::<Int64Type>().values().to_vec()
        }
        Delivery::Parcel(_) => panic!("connectors give rows"),
    }))
}

/// What a kind makes of no keys at all, for the entity `things` of the flow `f`.
fn at_site<T>(configure: impl FnOnce(&Mapping, &Span, Site<'_>, &mut Problems) -> Option<T>) -> T {
    let text = Text { name: "f.yml".into(), path: "f.yml".into(), text: String::new() };
    let span = Span { source: Arc::new(text), start: 0, end: 0 };
    let site = Site {
        root: Path::new("."),
        flow: "f",
        entity: "things",
        subfolder: None,
        connections: &Default::default(),
        connector: None,
    };
    let mut problems = Problems::default();
    let configured = configure(&Mapping::default(), &span, site, &mut problems);
    configured.unwrap_or_else(|| panic!("{problems:?}"))
}
