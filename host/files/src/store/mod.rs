//! Files as a Store: the kinds `parquet` and `local`.
//!
//! Rows are written to staging beside the destination, forced to the disk on the way, and become
//! visible in one step; see [`publish`] for how, and for the file systems where that is not
//! possible.

mod boundary;
mod config;
mod csv;
mod detail;
mod disk;
mod folder;
mod footer;
mod ground;
mod inspect;
mod ndjson;
mod parquet;
mod pattern;
mod place;
mod publish;
mod row_group;
mod swap;
mod sweep;
mod text;
mod transfer;
mod writer;

use std::path::{Component, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use hygge_core::contract::{
    BoundaryRequest, Context, DestinationPlan, Finding, LoadRequest, Manifest, Mode, Published,
    Site, Store, StoreKind, StorePlanRequest, Terms, Territory, Writer,
};
use hygge_core::cpu::Cpu;
use hygge_core::fault::Fault;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Span};
use hygge_core::watermark::KeySet;

pub use config::{
    Compression, CsvOptions, LocalStoreKeys, NdjsonOptions, OlderOptions, ParquetOptions,
    ParquetStoreKeys, QuoteStyle, Verify,
};

use config::Settings;
use place::Place;
use publish::Publication;
use swap::Native;

use crate::terms::ParquetTerms;

/// The kinds of Stores that are files.
pub fn kinds() -> Vec<Box<dyn StoreKind>> {
    vec![Box::new(ParquetKind), Box::new(LocalKind)]
}

#[derive(Debug)]
struct ParquetKind;

impl StoreKind for ParquetKind {
    fn name(&self) -> &str {
        "parquet"
    }

    fn keys(&self) -> &hygge_core::project::keys::KeySet {
        ParquetStoreKeys::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Store>> {
        let settings = config::parquet(mapping, span, site, problems)?;
        Some(Arc::new(FileStore::new(settings, site)))
    }
}

#[derive(Debug)]
struct LocalKind;

impl StoreKind for LocalKind {
    fn name(&self) -> &str {
        "local"
    }

    fn keys(&self) -> &hygge_core::project::keys::KeySet {
        LocalStoreKeys::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Store>> {
        let settings = config::local(mapping, span, site, problems)?;
        Some(Arc::new(FileStore::new(settings, site)))
    }
}

/// A folder of files that holds one table.
#[derive(Clone, Debug)]
pub(crate) struct FileStore {
    settings: Arc<Settings>,
    flow: String,
    entity: String,
    /// As configured, for people.
    location: String,
    /// The flow's folder: the destination without the entity's own.
    flow_folder: PathBuf,
    destination: PathBuf,
}

impl FileStore {
    fn new(settings: Settings, site: Site<'_>) -> Self {
        let shown = PathBuf::from(&settings.path);
        let flow_folder = site.root.join(&shown);
        let (location, destination) = match site.subfolder {
            Some(folder) => (shown.join(folder), flow_folder.join(folder)),
            None => (shown, flow_folder.clone()),
        };
        Self {
            settings: Arc::new(settings),
            flow: site.flow.to_owned(),
            entity: site.entity.to_owned(),
            location: location.display().to_string(),
            flow_folder,
            destination,
        }
    }

    fn place(&self) -> Result<Place, Fault> {
        Place::find(&self.destination, &self.flow, &self.entity)
    }

    /// Runs what looks at the disk away from the reactor.
    async fn on_disk<T, F>(&self, work: F) -> Result<T, Fault>
    where
        F: FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let store = self.clone();
        Cpu::with_cores(1).run_io(move || work(&store)).await
    }
}

#[async_trait]
impl Store for FileStore {
    fn location(&self) -> String {
        self.location.clone()
    }

    fn journal_folder(&self) -> Option<PathBuf> {
        Some(self.flow_folder.clone())
    }

    fn territory(&self) -> Territory {
        // What cannot be resolved cannot be written to either, and says so when it is tried.
        Territory::Folder(
            place::real(&self.destination).unwrap_or_else(|_| normalised(&self.destination)),
        )
    }

    async fn check(&self) -> Result<Finding, Fault> {
        let found = self.on_disk(inspect::check).await;
        let (fault, note) = match found {
            Ok(note) => (None, note),
            Err(fault) => (Some(Arc::new(fault)), String::new()),
        };
        Ok(Finding { subject: format!("destination {}", self.location), fault, note })
    }

    async fn plan(&self, request: &StorePlanRequest) -> Result<DestinationPlan, Fault> {
        let request = request.clone();
        self.on_disk(move |store| inspect::plan(store, &request)).await
    }

    fn terms(&self, _: Mode) -> Option<Terms> {
        self.settings.parquet_terms().map(ParquetTerms::into_terms)
    }

    async fn begin(
        &self,
        load: &LoadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        Ok(Box::new(writer::FileWriter::begin(self, load, context).await?))
    }

    async fn resume(
        &self,
        load: &LoadRequest,
        from: &Manifest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        Ok(Box::new(writer::FileWriter::resume(self, load, from, context).await?))
    }

    async fn publish(&self, manifest: &Manifest) -> Result<Published, Fault> {
        let manifest = manifest.clone();
        self.on_disk(move |_| Publication::new(&manifest, &Native)?.publish()).await
    }

    async fn sweep(&self, keep: Option<&Manifest>) -> Result<(), Fault> {
        let keep = keep.cloned();
        self.on_disk(move |store| {
            let place = store.place()?;
            let other = place.other_staging(&store.flow, &store.entity);
            sweep::sweep(&place, &other, keep.as_ref(), &Native)
        })
        .await
    }

    async fn keys_at(&self, request: &BoundaryRequest) -> Result<Option<KeySet>, Fault> {
        let request = request.clone();
        self.on_disk(move |store| boundary::keys_at(store, &request)).await
    }
}

/// An absolute path without `.` and `..`, by its text alone.
fn normalised(path: &std::path::Path) -> PathBuf {
    let mut found = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(part) => found.push(part),
            Component::ParentDir => {
                found.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
