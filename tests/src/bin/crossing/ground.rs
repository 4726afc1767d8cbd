//! A project in a temporary folder, with the connector that hands out the same batch again and
//! again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hygge_core::contract::{Home, Kinds, Wanted};
use hygge_core::engine::event::{Outcome, Silent};
use hygge_core::journal::Journal;
use hygge_core::project::plan::Plan;
use hygge_core::project::problem::Problems;
use hygge_core::project::{self, Request};
use hygge_core::{cpu::Cpu, engine};
use hygge_forge::build::{Options, build as forge};
use hygge_forge::toolchain;
use hygge_sandbox::{Connector, Policy, Sandbox, SandboxOptions, Source, kinds};
use hygge_tests::project::{Project, repository};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::Result;
use super::native::NativeKind;

/// The name of the connector, and of its file.
pub(crate) const CONNECTOR: &str = "pass_through";
/// The name of the same Home, built in.
pub(crate) const NATIVE: &str = "built_in";

/// What a Home of either kind is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Bytes of one batch: four columns of 64-bit integers.
    pub batch: u64,
    /// Batches of one split.
    pub batches: u64,
    /// Splits.
    pub splits: u64,
    /// Whether every batch is encoded anew.
    pub encode: bool,
}

impl Shape {
    const ROW: u64 = 4 * 8;

    /// The rows of all splits.
    pub(crate) fn rows(self) -> u64 {
        self.batch / Self::ROW * self.batches * self.splits
    }

    /// The bytes of all splits.
    pub(crate) fn bytes(self) -> u64 {
        self.rows() * Self::ROW
    }

    /// The keys of a Home of this shape.
    fn home(self, kind: &str) -> String {
        let Self { batch, batches, splits, encode } = self;
        let rows = batch / Self::ROW;
        format!(
            "home: {{ type: {kind}, rows: {rows}, columns: 4, batches: {batches}, \
             splits: {splits}, encode: {encode} }}\n"
        )
    }
}

/// The project.
pub(crate) struct Ground {
    /// Its folder.
    pub project: Project,
}

impl Ground {
    /// Lays out a project that has the connector, which is built unless it was already.
    pub(crate) fn new(built: Option<&Path>) -> Result<Self> {
        let project = Project::new();
        // What is written to the disk is no part of what is measured.
        project.write("hygge.yml", "name: crossing\noptions: { durability: process }\n");
        match built {
            Some(built) => {
                let component = std::fs::read(built)
                    .map_err(|error| format!("{}: {error}", built.display()))?;
                project.write(&format!("connectors/{CONNECTOR}.wasm"), component);
            }
            None => build(&project.path("connectors"))?,
        }
        let ground = Self { project };
        // Compiles the connector: from here on the cache is warm.
        let shape = Shape { batch: 1 << 16, batches: 1, splits: 1, encode: false };
        ground.lay("warm", CONNECTOR, shape);
        go(&plan(ground.root(), "warm", None)?, shape)?;
        Ok(ground)
    }

    /// The project's folder.
    pub(crate) fn root(&self) -> &Path {
        self.project.root()
    }

    /// Adds a flow to Parquet.
    pub(crate) fn lay(&self, flow: &str, kind: &str, shape: Shape) {
        let text = format!("{}store: out/{flow}\nentities: [numbers]\n", shape.home(kind));
        self.project.write(&format!("flows/{flow}/flow.yml"), text);
    }
}

/// Builds the connector into `output_dir`.
fn build(output_dir: &Path) -> Result<()> {
    let folder = repository().join("tests/guests/pass_through");
    let options =
        Options { output_dir: Some(output_dir.to_owned()), quiet: true, ..Options::default() };
    forge(&folder, &toolchain::find(&folder)?, &options)?;
    Ok(())
}

/// The caches of this project alone, as `XDG_CACHE_HOME` has them.
pub(crate) fn caches(root: &Path) -> PathBuf {
    root.join("caches")
}

/// Reads one flow of the project. `instances` is how many a connector may have.
pub(crate) fn plan(root: &Path, flow: &str, instances: Option<usize>) -> Result<Plan> {
    let options = SandboxOptions { cache_dir: Some(caches(root).join("hygge/connectors")) };
    let sandbox = Sandbox::new(options);
    let source = Source::File(root.join(format!("connectors/{CONNECTOR}.wasm")));
    let policy = Policy { instances, ..Policy::default() };
    let connector = Connector::load(&sandbox, CONNECTOR, source, policy)?;
    let kinds = |_: &Wanted<'_>, _: &mut Problems| {
        let mut homes = hygge_files::home::kinds();
        homes.extend(kinds::home(&connector));
        homes.push(Box::new(NativeKind::like(&connector)));
        Kinds { homes, stores: hygge_files::store::kinds(), ..Kinds::default() }
    };
    let request = Request { flows: vec![flow.to_owned()], ..Request::default() };
    project::load(root, &kinds, &request, &|_| None).map_err(|problems| {
        let said: Vec<_> = problems.list.into_iter().map(|problem| problem.message).collect();
        said.join("\n").into()
    })
}

/// The Home of the flow's one entity.
pub(crate) fn home(plan: &Plan) -> Result<Arc<dyn Home>> {
    let entity = plan.entities.first().ok_or("the flow has no entity")?;
    Ok(Arc::clone(&entity.home))
}

/// Runs a flow as `hygge go` does, and says how long it took.
pub(crate) fn go(plan: &Plan, shape: Shape) -> Result<Duration> {
    let journal = Arc::new(Journal::open(&plan.root, "crossing", plan.options.durability)?);
    let (silent, cancel) = (Arc::new(Silent), CancellationToken::new());
    let report = runtime()?.block_on(engine::run(plan, journal, silent, cancel))?;
    let entity = report.entities.first().ok_or("nothing was run")?;
    match &entity.outcome {
        Outcome::Success if entity.rows == shape.rows() => Ok(entity.elapsed),
        Outcome::Success => Err(format!("{} rows of {}", entity.rows, shape.rows()).into()),
        Outcome::Skipped(why) => Err(why.clone().into()),
        Outcome::Failed(fault) => Err(fault.chain().into()),
    }
}

/// Threads as `hygge` has them.
pub(crate) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(Cpu::new().cores())
        .enable_all()
        .build()?)
}
