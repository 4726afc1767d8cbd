//! One flow: its `flow.yml` and the files of its entities, read but not yet laid over each other.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::discover::FlowFiles;
use super::keys::{Key, unknown_name, wrong_type};
use super::load::Reader;
use super::overrides::Overrides;
use super::problem::Problems;
use super::settings::{FlowKeys, OptionKeys, tolerant};
use super::yaml::{Mapping, Node, Span, Value};
use crate::engine::event::EntityName;

/// A flow as its files have it.
#[derive(Debug)]
pub(super) struct FlowDraft {
    /// The flow's name.
    pub(super) name: Arc<str>,
    /// Its keys, typed.
    pub(super) keys: FlowKeys,
    /// Its keys, with their places.
    pub(super) mapping: Mapping,
    /// Where `flow.yml` begins.
    pub(super) span: Span,
    /// What it says of connectors.
    pub(super) connectors: Mapping,
    /// Its entities, sorted as written or by file.
    pub(super) entities: Vec<EntityDraft>,
    /// Whether all entities could be read.
    pub(super) complete: bool,
}

/// An entity as its file or its item in `entities:` has it, with the flow's `defaults` below.
#[derive(Debug)]
pub(super) struct EntityDraft {
    /// Whose.
    pub(super) name: EntityName,
    /// Its keys, with their places.
    pub(super) mapping: Mapping,
    /// Where it begins.
    pub(super) span: Span,
    /// Whether it stands for a flow without entities.
    pub(super) whole_flow: bool,
}

/// Reads a flow. `None` when its `flow.yml` cannot be read.
pub(super) fn read(
    reader: &mut Reader<'_>,
    files: &FlowFiles,
    overrides: &Overrides,
) -> Option<FlowDraft> {
    let (mapping, span) = reader.mapping(&files.flow, |mapping, problems| {
        overrides.apply(&files.name, mapping, problems);
    })?;
    let keys = tolerant(&mapping, &span, &mut reader.problems, FlowKeys::from_mapping)?;
    if let Some(options) = &keys.options {
        check_options(options, &mut reader.problems);
    }
    let defaults = match keys.defaults.as_ref().map(|node| (&node.value, node)) {
        Some((Value::Mapping(defaults), _)) => defaults.clone(),
        Some((_, node)) => {
            wrong_type(node, "keys of an entity", &mut reader.problems);
            Mapping::default()
        }
        None => Mapping::default(),
    };
    let connectors = connectors(keys.connectors.as_ref(), &mut reader.problems);
    let mut list = Entities {
        flow: Arc::from(files.name.as_str()),
        defaults,
        list: Vec::new(),
        places: HashMap::new(),
        complete: true,
    };
    if files.entities.is_empty() {
        let items = keys.entities.as_deref().unwrap_or_default();
        for item in items {
            list.add_item(item, &mut reader.problems);
        }
        if items.is_empty() {
            list.add_whole_flow(&span);
        }
    } else {
        for path in &files.entities {
            match reader.mapping(path, |_, _| {}) {
                Some((mapping, span)) => list.add_file(path, mapping, span, &mut reader.problems),
                None => list.complete = false,
            }
        }
    }
    let Entities { flow, list: entities, complete, .. } = list;
    Some(FlowDraft { name: flow, keys, mapping, span, connectors, entities, complete })
}

/// `connectors:` of a project or a flow: names, each with its keys.
pub(super) fn connectors(node: Option<&Node>, problems: &mut Problems) -> Mapping {
    let mapping = match node.map(|node| (&node.value, node)) {
        Some((Value::Mapping(mapping), _)) => mapping,
        Some((Value::Null, _)) | None => return Mapping::default(),
        Some((_, node)) => {
            wrong_type(node, "connectors by name", problems);
            return Mapping::default();
        }
    };
    let mut named = mapping.clone();
    named.entries.retain(|_, (_, node)| {
        // A name with nothing behind it has every default.
        if matches!(node.value, Value::Null) {
            node.value = Value::Mapping(Mapping::default());
        }
        let is_mapping = node.as_mapping().is_some();
        if !is_mapping {
            wrong_type(node, "the keys of a connector", problems);
        }
        is_mapping
    });
    named
}

fn check_options(node: &Node, problems: &mut Problems) {
    let Value::Mapping(options) = &node.value else {
        wrong_type(node, "a mapping", problems);
        return;
    };
    let known = || OptionKeys::key_set().names();
    for (name, (span, _)) in &options.entries {
        if known().any(|key| key == name) {
            problems
                .add(span, format!("`{name}` holds for a whole run, not for one flow"))
                .label("not possible here")
                .help(format!("move `{name}` to `options` in `hygge.yml`"));
        } else {
            unknown_name(span, "key", name, known(), problems);
        }
    }
}

/// The entities of one flow, as they are found.
struct Entities {
    flow: Arc<str>,
    defaults: Mapping,
    list: Vec<EntityDraft>,
    places: HashMap<String, Span>,
    complete: bool,
}

impl Entities {
    fn add_whole_flow(&mut self, span: &Span) {
        self.list.push(EntityDraft {
            name: EntityName { flow: Arc::clone(&self.flow), entity: Arc::clone(&self.flow) },
            mapping: self.defaults.clone(),
            span: span.clone(),
            whole_flow: true,
        });
    }

    fn add_item(&mut self, item: &Node, problems: &mut Problems) {
        match &item.value {
            Value::Mapping(mapping) => match mapping.get("name") {
                Some(node) => match String::read(node, problems) {
                    Some(name) => {
                        self.add(name, node.span.clone(), mapping, item.span.clone(), problems);
                    }
                    None => self.complete = false,
                },
                None => {
                    self.complete = false;
                    problems
                        .add(&item.span, "the key `name` is missing")
                        .label("needs `name`")
                        .help("an entity is a name, or a mapping with `name` and other keys");
                }
            },
            Value::Sequence(_) | Value::Null => {
                self.complete = false;
                wrong_type(item, "the name of an entity, or its keys", problems);
            }
            _ => {
                if let Some(name) = String::read(item, problems) {
                    let span = item.span.clone();
                    self.add(name, span.clone(), &Mapping::default(), span, problems);
                }
            }
        }
    }

    fn add_file(&mut self, path: &Path, mapping: Mapping, span: Span, problems: &mut Problems) {
        let (name, place) = match mapping.get("name") {
            Some(node) => match String::read(node, problems) {
                Some(name) => (name, node.span.clone()),
                None => {
                    self.complete = false;
                    return;
                }
            },
            None => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                (stem, Span { end: span.start, ..span.clone() })
            }
        };
        self.add(name, place, &mapping, span, problems);
    }

    fn add(
        &mut self,
        name: String,
        place: Span,
        own: &Mapping,
        span: Span,
        problems: &mut Problems,
    ) {
        if let Some(fault) = unfit(&name) {
            problems.add(&place, format!("an entity cannot be named `{name}`: {fault}")).help(
                "the name becomes part of paths and of tables; for a folder within the home, \
                 write `home: { path: … }`",
            );
            self.complete = false;
            return;
        }
        if let Some(first) = self.places.get(&name) {
            problems
                .add(&place, format!("the entity `{name}` is here twice"))
                .label("again here")
                .also(first, "first here")
                .help("rename one of them, or remove it");
            return;
        }
        // A key of the entity replaces that of `defaults` as a whole.
        let mut mapping = self.defaults.clone();
        for (key, value) in &own.entries {
            mapping.entries.insert(key.clone(), value.clone());
        }
        self.places.insert(name.clone(), place);
        self.list.push(EntityDraft {
            name: EntityName { flow: Arc::clone(&self.flow), entity: Arc::from(name) },
            mapping,
            span,
            whole_flow: false,
        });
    }
}

/// Why a name cannot be an entity's.
fn unfit(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("it is empty")
    } else if name == "." || name == ".." {
        Some("it is the name of a folder above")
    } else if name.contains(['/', '\\']) {
        Some("it has a slash in it")
    } else if name.chars().any(char::is_control) {
        Some("it has a character in it that cannot be printed")
    } else {
        None
    }
}
