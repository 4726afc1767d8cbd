//! Kinds of homes and stores that do nothing but say how they were configured.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::contract::{
    Context, DestinationPlan, Finding, Home, HomeKind, Kinds, LoadRequest, Manifest, Published,
    ReadRequest, Reader, Site, SourcePlan, Store, StoreKind, StorePlanRequest, Territory, Wanted,
    Writer,
};
use crate::fault::Fault;
use crate::project::connectors::{Code, Connector, connectors};
use crate::project::keys::{ByteSize, Key, KeySet, unknown_name};
use crate::project::problem::Problems;
use crate::project::yaml::{Mapping, Node, Span};

crate::keys! {
    /// Reads Parquet files.
    pub(super) struct ParquetHome {
        /// A file or a folder.
        path: String,
        /// Rows in one batch.
        batch_size: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999),
    }
}

crate::choices! {
    /// How a table is written.
    pub(super) enum IfExists {
        /// Give up.
        Fail = "fail",
        /// Add rows.
        Append = "append",
        /// Replace it.
        Replace = "replace",
    }
}

crate::choices! {
    /// How pages are compressed.
    pub(super) enum Compression {
        /// Quickly.
        Snappy = "snappy",
        /// Well.
        Zstd = "zstd",
        /// Not at all.
        None = "uncompressed" | "none",
    }
}

crate::keys! {
    /// Writes Parquet files.
    pub(super) struct ParquetStore {
        /// A folder.
        path: String,
        /// Rows in one file.
        batch_size: NonZeroU32 = NonZeroU32::MIN.saturating_add(99_999),
        /// How pages are compressed.
        compression: Compression = Compression::Snappy,
        /// Names of files.
        file_pattern: String = "{sequence:020d}.parquet".to_owned(),
        /// Changes to the data on its way.
        polish: Option<Node>,
    }
}

crate::keys! {
    /// A table on a server.
    pub(super) struct Table {
        /// The name of a connection.
        connection: String,
        /// The table.
        table: String,
        /// Tells who you are.
        password: Option<NonZeroU32>,
        /// What to do when the table is there.
        if_exists: IfExists = IfExists::Fail,
        /// Rows at a time.
        batch_size: NonZeroU32 = NonZeroU32::MIN.saturating_add(102_399),
        /// Writers side by side.
        parallel_workers: NonZeroU32 = NonZeroU32::MIN.saturating_add(7),
    }
}

/// All of them.
pub(super) fn kinds() -> Kinds {
    Kinds {
        homes: vec![Box::new(Files), Box::new(Server)],
        stores: vec![Box::new(Files), Box::new(Server), Box::new(Cloud)],
        absent: &["salesforce"],
        ..Kinds::default()
    }
}

/// With the project's connectors, whose `.wasm` files here are just the JSON Schemas of their keys.
pub(super) fn source(wanted: &Wanted<'_>, problems: &mut Problems) -> Kinds {
    let mut kinds = kinds();
    let found = connectors(wanted, &["generate"], &kinds.names(), problems);
    for connector in found {
        kinds.connectors.push(connector.name.clone());
        if let Code::File { path, shown } = &connector.code
            && wanted.uses(&connector.name)
        {
            let text = std::fs::read_to_string(path).unwrap();
            match serde_json::from_str(&text) {
                Ok(schema) => kinds.homes.push(Box::new(Described {
                    keys: KeySet::from_json_schema(&schema),
                    connector,
                })),
                Err(_) => {
                    problems.add_nowhere(format!("`{shown}` is no connector"));
                }
            }
        }
    }
    kinds.connector_keys = Some(Limits::key_set());
    kinds
}

crate::keys! {
    /// What a connector may use.
    pub(super) struct Limits {
        /// Hosts it may connect to.
        allow_hosts: Option<Vec<String>>,
        /// Bytes it may take.
        memory: Option<ByteSize>,
    }
}

/// A connector.
struct Described {
    connector: Connector,
    keys: KeySet,
}

struct Files;
struct Server;

/// Only a store.
struct Cloud;

#[derive(Debug)]
struct Place {
    shown: String,
    folder: Option<PathBuf>,
    territory: Territory,
}

fn place_of_files(path: &str, rest: &str, site: Site<'_>) -> Arc<Place> {
    let base = site.root.join(path);
    let folder = site.subfolder.map_or(base.clone(), |name| base.join(name));
    Arc::new(Place {
        shown: format!("{}{rest}", folder.display()),
        folder: Some(base),
        territory: Territory::Folder(folder),
    })
}

fn table(
    mapping: &Mapping,
    span: &Span,
    site: Site<'_>,
    problems: &mut Problems,
) -> Option<Arc<Place>> {
    let keys = Table::from_mapping(mapping, span, &["type", "incremental"], problems)?;
    if !site.connections.contains_key(&keys.connection) {
        let known = site.connections.keys().map(String::as_str);
        let place = mapping.get("connection").map_or(span, |node| &node.span);
        unknown_name(place, "connection", &keys.connection, known, problems);
        return None;
    }
    let name = format!("{}.{}", keys.connection, keys.table);
    Some(Arc::new(Place {
        shown: format!(
            "{name} ({}, {} rows, {} workers)",
            keys.if_exists.as_str(),
            keys.batch_size,
            keys.parallel_workers
        ),
        folder: None,
        territory: Territory::Name(name),
    }))
}

impl HomeKind for Files {
    fn name(&self) -> &str {
        "parquet"
    }

    fn keys(&self) -> &KeySet {
        ParquetHome::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        let keys = ParquetHome::from_mapping(mapping, span, &["type"], problems)?;
        Some(place_of_files(&keys.path, &format!(" ({} rows)", keys.batch_size), site))
    }
}

impl HomeKind for Server {
    fn name(&self) -> &str {
        "mssql"
    }

    fn keys(&self) -> &KeySet {
        Table::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        Some(table(mapping, span, site, problems)?)
    }
}

impl HomeKind for Described {
    fn name(&self) -> &str {
        &self.connector.name
    }

    fn keys(&self) -> &KeySet {
        &self.keys
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        let keys = self.keys.read_json(mapping, span, &["type"], problems)?;
        let mut limits = self.connector.settings.clone();
        if let Some(over) = site.connector {
            limits.lay(over);
        }
        let limits = Limits::from_mapping(&limits, span, &[], problems)?;
        let name = &self.connector.name;
        let shown = format!("{name} {} {}", serde_json::Value::Object(keys), limits.to_json());
        let territory = Territory::Name(shown.clone());
        Some(Arc::new(Place { shown, folder: None, territory }))
    }
}

impl StoreKind for Files {
    fn name(&self) -> &str {
        "parquet"
    }

    fn keys(&self) -> &KeySet {
        ParquetStore::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Store>> {
        let keys = ParquetStore::from_mapping(mapping, span, &["type", "incremental"], problems)?;
        let mut rest = format!(" ({} rows, {})", keys.batch_size, keys.compression.as_str());
        if let Some(polish) = &keys.polish {
            rest.push_str(&format!(" {}", polish.to_json()));
        }
        if !keys.file_pattern.starts_with("{sequence") {
            rest.push_str(&format!(" {}", keys.file_pattern));
        }
        Some(place_of_files(&keys.path, &rest, site))
    }
}

impl StoreKind for Server {
    fn name(&self) -> &str {
        "mssql"
    }

    fn keys(&self) -> &KeySet {
        Table::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Store>> {
        Some(table(mapping, span, site, problems)?)
    }
}

impl StoreKind for Cloud {
    fn name(&self) -> &str {
        "onelake"
    }

    fn keys(&self) -> &KeySet {
        ParquetStore::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Store>> {
        StoreKind::configure(&Files, mapping, span, site, problems)
    }
}

#[async_trait]
impl Home for Place {
    fn location(&self) -> String {
        self.shown.clone()
    }

    fn journal_folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        Err(Fault::bug("only configured, never run"))
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        Err(Fault::bug("only configured, never run"))
    }

    async fn open(&self, _: &ReadRequest, _: Arc<Context>) -> Result<Box<dyn Reader>, Fault> {
        Err(Fault::bug("only configured, never run"))
    }
}

#[async_trait]
impl Store for Place {
    fn location(&self) -> String {
        self.shown.clone()
    }

    fn journal_folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    fn territory(&self) -> Territory {
        self.territory.clone()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        Err(Fault::bug("only configured, never run"))
    }

    async fn plan(&self, _: &StorePlanRequest) -> Result<DestinationPlan, Fault> {
        Err(Fault::bug("only configured, never run"))
    }

    async fn begin(&self, _: &LoadRequest, _: Arc<Context>) -> Result<Box<dyn Writer>, Fault> {
        Err(Fault::bug("only configured, never run"))
    }

    async fn publish(&self, _: &Manifest) -> Result<Published, Fault> {
        Err(Fault::bug("only configured, never run"))
    }

    async fn sweep(&self, _: Option<&Manifest>) -> Result<(), Fault> {
        Err(Fault::bug("only configured, never run"))
    }
}
