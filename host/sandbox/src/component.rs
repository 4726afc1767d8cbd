//! A connector: its bytes, what it says of itself, and its compiled form.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::fault::{Fault, FaultKind};
use hygge_forge::manifest::Manifest;
use hygge_forge::world::{self, Worlds};
use hygge_forge::{Digest, ForgeError};
use tokio::sync::OnceCell;
use wasmtime::component::{InstancePre, Linker};

use crate::bindings::v0_1;
use crate::compile::LARGEST;
use crate::engine::{Machine, Sandbox};
use crate::guest::{HomeGuest, StoreGuest};
use crate::imports::{self, State};
use crate::instance::Instance;
use crate::job::Job;
use crate::policy::Policy;
use crate::text::{clean, size};

/// Where a connector comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// It travels inside the program.
    Builtin(&'static [u8]),
}

/// A connector: one component, used by any number of flows.
///
/// Loading reads the file and what the component says of itself; it is compiled, or found compiled
/// in the cache, when it is first asked something, once in a run.
pub struct Connector {
    name: String,
    source: Source,
    policy: Policy,
    bytes: Bytes,
    digest: Digest,
    manifest: Option<Manifest>,
    worlds: Worlds,
    sandbox: Sandbox,
    loaded: OnceCell<Arc<Loaded>>,
}

enum Bytes {
    Read(Vec<u8>),
    Builtin(&'static [u8]),
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Builtin(bytes) => bytes,
        }
    }
}

/// A component that is ready to make instances of.
pub(crate) struct Loaded {
    pub(crate) pre: InstancePre<State>,
    home: Option<v0_1::HomeExports>,
    store: Option<v0_1::StoreExports>,
}

impl Connector {
    /// Reads a connector. `name` is what the project calls it, and `policy` what the project lets
    /// it use and reach. Nothing is compiled or run.
    pub fn load(
        sandbox: &Sandbox,
        name: impl Into<String>,
        source: Source,
        policy: Policy,
    ) -> Result<Arc<Self>, Fault> {
        let name = name.into();
        let bytes = match &source {
            Source::File(path) => Bytes::Read(read(path)?),
            Source::Builtin(bytes) => Bytes::Builtin(bytes),
        };
        let named = |error: ForgeError| {
            let message = format!("connector `{name}`: {}", clean(&error.to_string(), 1000));
            let fault = Fault::config(message);
            match error.help() {
                Some(help) => fault.with_help(help),
                None => fault,
            }
        };
        let manifest = Manifest::read(bytes.get()).map_err(named)?;
        let worlds = world::exports(bytes.get()).map_err(named)?;
        let digest = Digest::of(bytes.get());
        Ok(Arc::new(Self {
            name,
            source,
            policy,
            bytes,
            digest,
            manifest,
            worlds,
            sandbox: sandbox.clone(),
            loaded: OnceCell::new(),
        }))
    }

    /// What the project calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What the project lets it use and reach.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Which component it is.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it says of itself.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The worlds it serves, and what it imports.
    pub fn worlds(&self) -> &Worlds {
        &self.worlds
    }

    /// The component itself.
    pub fn component(&self) -> &[u8] {
        self.bytes.get()
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.bytes.get().len()
    }

    /// Where it runs.
    pub(crate) fn machine(&self) -> Result<Arc<Machine>, Fault> {
        self.sandbox.machine()
    }

    /// Its compiled form; made when it is first asked for.
    pub(crate) async fn loaded(self: &Arc<Self>) -> Result<Arc<Loaded>, Fault> {
        let make = || async {
            let connector = Arc::clone(self);
            let made = tokio::task::spawn_blocking(move || connector.compile()).await;
            made.map_err(|error| Fault::bug("compiling a connector panicked").because(error))?
        };
        self.loaded.get_or_try_init(make).await.map(Arc::clone)
    }

    fn compile(&self) -> Result<Arc<Loaded>, Fault> {
        let machine = self.machine()?;
        let who = format!("connector `{}`", self.name);
        let component =
            machine.cache.component(&machine.engine, self.bytes.get(), &self.digest, &who)?;
        let mut linker = Linker::<State>::new(&machine.engine);
        let wasi = self.worlds.wasi().next().is_some();
        imports::link(&mut linker, wasi)
            .map_err(|error| Fault::bug("the imports of connectors clash").because(text(&error)))?;
        let pre = linker.instantiate_pre(&component).map_err(|error| self.unfit(&error))?;
        let home = match self.worlds.home() {
            true => Some(v0_1::HomeExports::find(&pre).map_err(|error| self.unfit(&error))?),
            false => None,
        };
        let store = match self.worlds.store() {
            true => Some(v0_1::StoreExports::find(&pre).map_err(|error| self.unfit(&error))?),
            false => None,
        };
        Ok(Arc::new(Loaded { pre, home, store }))
    }

    /// The component is not of the shape that its worlds have.
    fn unfit(&self, error: &wasmtime::Error) -> Fault {
        // Names what is missing where this can be told.
        let told = match world::check(self.bytes.get()) {
            Err(error) => error.to_string(),
            Ok(_) => text(error),
        };
        Fault::config(format!(
            "connector `{}` does not fit the contract: {}",
            self.name,
            clean(&told, 1000)
        ))
        .with_help("build it again with an SDK for this version of hygge")
    }
}

impl Loaded {
    /// Opens a session with a Home, in an instance of its own.
    pub(crate) async fn home(
        &self,
        machine: &Machine,
        job: &Arc<Job>,
    ) -> Result<Box<dyn HomeGuest>, Fault> {
        let exports = self.home.as_ref().ok_or_else(|| lacks(job, "home"))?;
        let (instance, made) = Instance::start(machine, self, job).await?;
        v0_1::HomeCalls::open(instance, &made, exports).await
    }

    /// Opens a session with a Store, in an instance of its own.
    pub(crate) async fn store(
        &self,
        machine: &Machine,
        job: &Arc<Job>,
    ) -> Result<Box<dyn StoreGuest>, Fault> {
        let exports = self.store.as_ref().ok_or_else(|| lacks(job, "store"))?;
        let (instance, made) = Instance::start(machine, self, job).await?;
        v0_1::StoreCalls::open(instance, &made, exports).await
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let failed = |error| Fault::io("read the connector", path, error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large, whatever its folder says of it.
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > LARGEST {
        let message =
            format!("the connector {} is larger than {}", path.display(), size(LARGEST as u64));
        return Err(Fault::config(message).with_help("leave out of it what it does not need"));
    }
    Ok(bytes)
}

fn lacks(job: &Job, kind: &str) -> Fault {
    Fault::new(FaultKind::Config, format!("connector `{}` is no {kind}", job.connector()))
}

fn text(error: &wasmtime::Error) -> String {
    format!("{error:#}")
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}
