//! The keys of `hygge.yml`, `flow.yml` and the files of entities.
//!
//! `home` and `store` are kept as they stand: their keys belong to their kinds, and are read once
//! flow and entity are laid over each other.

use std::num::NonZeroU32;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::json;

use super::keys::{ByteSize, Json, Key, wrong_type};
use super::plan::{LogLevel, RunType};
use super::problem::Problems;
use super::yaml::{Mapping, Node, Span, Value};
use crate::contract::Durability;

/// Keys that the earlier tool documented without giving them an effect: accepted everywhere.
pub(super) const LEGACY: [&str; 7] =
    ["columns", "key_column", "source_config", "driver", "timeout", "name", "version"];

crate::keys! {
    /// A project: `hygge.yml` in its folder.
    pub struct ProjectKeys {
        /// The project's name. When left out, the name of its folder.
        name: Option<String>,
        /// The folder of the flows, relative to the project.
        flows_dir: String = "flows".to_owned(),
        /// Connections by name, for homes and stores that use one: `connection: NAME`.
        connections: Option<IndexMap<String, Node>>,
        /// Connectors by name: what each may reach and use, and with `path` where it is.
        /// `connectors/NAME.wasm` is found without being named here.
        connectors: Option<Node>,
        /// How to run.
        options: OptionKeys,
        /// Remember what has run, and how far incremental loads have come.
        journal: Option<JournalSetting>,
    }
    ignores ["version"]
}

crate::keys! {
    /// How to run.
    pub struct OptionKeys {
        /// Entities at a time. When left out, the largest `pool_size` of the connections, else 8.
        concurrency: Option<NonZeroU32>,
        /// Whether entities that have not begun still run after one failed.
        continue_on_error: bool = true,
        /// Memory that batches in flight, readers and writers share.
        memory: ByteSize = ByteSize(256_000_000),
        /// How far data is forced before it counts as landed: `disk` is safe against power loss,
        /// `process` against a killed process.
        durability: Durability = Durability::Disk,
        /// Further attempts after a fault that may pass, such as a lost connection.
        retries: u32 = 3,
        /// The first pause between attempts; it doubles each time.
        retry_wait: Duration = Duration::from_secs(1),
        /// How often a load that can go on after an interruption is made durable on the way.
        checkpoint: Duration = Duration::from_secs(30),
        /// The smallest level of log lines.
        log_level: LogLevel = LogLevel::Info,
    }
}

crate::keys! {
    /// A flow: `flow.yml` in a folder of its own, which names it.
    pub struct FlowKeys {
        /// Where the data lives: a mapping with `type`, or the path of Parquet files.
        home: Option<Node>,
        /// Where the data settles: a mapping with `type`, or a path for Parquet files.
        store: Option<Node>,
        /// What to move, by name. Files in `entities/` beside `flow.yml` replace this list.
        entities: Option<Vec<Node>>,
        /// Keys that every entity has unless it says otherwise.
        defaults: Option<Node>,
        /// Load everything, or what is new.
        run_type: Option<RunType>,
        /// The earlier way to write `run_type`; it wins over `run_type`.
        full_drop: Option<bool>,
        /// Batches in flight between home and store.
        queue_size: NonZeroU32 = NonZeroU32::MIN.saturating_add(9),
        /// What tells new rows from old ones.
        watermark: Option<Node>,
        /// Remember what has run; replaces the project's setting.
        journal: Option<JournalSetting>,
        /// How to run. What is set here belongs into `hygge.yml`: it holds for a whole run.
        options: Option<Node>,
        /// Laid over what `hygge.yml` says of connectors, for this flow.
        connectors: Option<Node>,
        /// The longest time without any progress before an entity is given up.
        timeout: Option<Duration>,
    }
    ignores ["name", "version", "columns", "key_column", "source_config", "driver"]
}

crate::keys! {
    /// An entity: one table of a flow.
    pub struct EntityKeys {
        /// The entity's name. When left out, the file's name.
        name: Option<String>,
        /// Laid over the flow's `home`; a `path` here is joined to the flow's.
        home: Option<Node>,
        /// Laid over the flow's `store`.
        store: Option<Node>,
        /// Load everything, or what is new; replaces the flow's setting.
        run_type: Option<RunType>,
        /// The earlier way to write `run_type`; it wins over `run_type`.
        full_drop: Option<bool>,
        /// What tells new rows from old ones; laid over the flow's setting, or `false`.
        watermark: Option<Node>,
        /// Remember what has run; replaces the flow's setting.
        journal: Option<JournalSetting>,
        /// Laid over the store's `if_exists`.
        if_exists: Option<Node>,
        /// Laid over the store's `batch_size`.
        batch_size: Option<Node>,
        /// Laid over the store's `parallel_workers`.
        parallel_workers: Option<Node>,
        /// The longest time without any progress before the entity is given up.
        timeout: Option<Duration>,
        /// Laid over the store's `folder_deletion_wait_seconds`.
        folder_deletion_wait_seconds: Option<Node>,
    }
    ignores ["columns", "key_column", "source_config", "driver", "version"]
}

/// Reads keys of which none is required. Where some are wrong they are reported, and count as left
/// out: what depends on the others is then checked, too.
pub(super) fn tolerant<T>(
    mapping: &Mapping,
    whole: &Span,
    problems: &mut Problems,
    read: impl Fn(&Mapping, &Span, &[&str], &mut Problems) -> Option<T>,
) -> Option<T> {
    if let Some(keys) = read(mapping, whole, &[], problems) {
        return Some(keys);
    }
    let right = mapping.entries.iter().filter(|(name, value)| {
        let alone = [((*name).clone(), (*value).clone())].into_iter().collect();
        read(&Mapping { entries: alone }, whole, &[], &mut Problems::default()).is_some()
    });
    let right = right.map(|(name, value)| (name.clone(), value.clone())).collect();
    read(&Mapping { entries: right }, whole, &[], &mut Problems::default())
}

/// Keys of an entity that are laid over its store, where the store's kind knows them.
pub(super) const STORE_KEYS: [&str; 5] =
    ["if_exists", "batch_size", "parallel_workers", "timeout", "folder_deletion_wait_seconds"];

crate::keys! {
    /// What tells new rows from old ones.
    pub struct WatermarkKeys {
        /// The column, or columns, that identify a row.
        primary_key: ColumnNames,
        /// The column whose highest value marks how far a load has come.
        watermark_column: String,
    }
}

crate::keys! {
    /// Where what has run is remembered.
    pub struct JournalKeys {
        /// The journal's folder, relative to the project. When left out, a folder with the home
        /// or the store.
        path: Option<String>,
        /// Keep the journal with the store or with the home.
        location: JournalLocation = JournalLocation::Store,
    }
}

crate::choices! {
    /// What a journal is kept with.
    pub enum JournalLocation {
        /// With the store.
        Store = "store",
        /// With the home.
        Home = "home",
    }
}

/// `journal:` at any level.
#[derive(Clone, Debug)]
pub enum JournalSetting {
    /// `false`: nothing is remembered.
    Off,
    /// `true`, or a mapping.
    On(JournalKeys),
}

impl Key for JournalSetting {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let keys = match &node.value {
            Value::Mapping(mapping) => {
                return JournalKeys::from_mapping(mapping, &node.span, &[], problems).map(Self::On);
            }
            Value::Bool(on) => *on,
            Value::String(text) if matches!(text.as_str(), "true" | "yes" | "on") => true,
            Value::String(text) if matches!(text.as_str(), "false" | "no" | "off") => false,
            _ => {
                wrong_type(node, "true, false or a mapping", problems);
                return None;
            }
        };
        let on = || JournalKeys { path: None, location: JournalLocation::Store };
        Some(if keys { Self::On(on()) } else { Self::Off })
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Off => json!(false),
            Self::On(keys) => keys.to_json(),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "boolean" }, JournalKeys::schema()] })
    }
}

/// One column, several separated by commas, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnNames(pub Vec<String>);

impl Key for ColumnNames {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let names: Vec<String> = match &node.value {
            Value::Sequence(_) => Vec::<String>::read(node, problems)?,
            Value::Mapping(_) | Value::Null => {
                wrong_type(node, "a column or a list of columns", problems);
                return None;
            }
            _ => String::read(node, problems)?.split(',').map(str::to_owned).collect(),
        };
        let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        if names.is_empty() || names.iter().any(String::is_empty) {
            problems.add(&node.span, "a column name is empty").label("should name a column");
            return None;
        }
        Some(Self(names))
    }

    fn to_json(&self) -> Json {
        json!(self.0)
    }

    fn schema() -> Json {
        json!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

crate::choices! {
    /// The words for [`Durability`].
    enum DurabilityWord {
        /// Synced to the disk.
        Disk = "disk",
        /// Handed to the operating system.
        Process = "process",
    }
}

impl Key for Durability {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        DurabilityWord::read(node, problems).map(|word| match word {
            DurabilityWord::Disk => Self::Disk,
            DurabilityWord::Process => Self::Process,
        })
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Disk => DurabilityWord::Disk.to_json(),
            Self::Process => DurabilityWord::Process.to_json(),
        }
    }

    fn schema() -> Json {
        DurabilityWord::schema()
    }
}
