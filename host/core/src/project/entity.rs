//! One entity: flow and entity laid over each other, and made into a Home and a Store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::clash::Claim;
use super::connectors::{CONNECTORS_FOLDER, may_be_named};
use super::fingerprint::Fingerprint;
use super::flow::{EntityDraft, FlowDraft};
use super::keys::{Key, KeySet, check_unknown, nearest, unknown_name, wrong_type};
use super::load::setting;
use super::overlay::{fill_in, has_placeholder, join_paths};
use super::plan::{EntityPlan, RunType};
use super::problem::Problems;
use super::secret::Secrets;
use super::settings::{
    EntityKeys, JournalLocation, JournalSetting, LEGACY, STORE_KEYS, WatermarkKeys, tolerant,
};
use super::yaml::{Mapping, Node, Span, Value};
use crate::contract::{Connections, Home, Kinds, Mode, Site, Store};
use crate::watermark::WatermarkSpec;

/// The kind of a home or a store that does not name one.
pub(super) const DEFAULT_KIND: &str = "parquet";

/// The folder of a journal that is kept with a home or a store.
const JOURNAL_FOLDER: &str = ".hygge_journal";

/// What all entities of a project share.
pub(super) struct Project<'a> {
    /// The project's folder.
    pub(super) root: &'a Path,
    /// The kinds there are.
    pub(super) kinds: &'a Kinds,
    /// The connections there are.
    pub(super) connections: &'a Connections,
    /// What should not be written down anywhere.
    pub(super) secrets: &'a Secrets,
    /// The project's journal, and where that is set.
    pub(super) journal: Option<(&'a JournalSetting, &'a Span)>,
    /// What the command line says of `run_type`.
    pub(super) run_type: Option<RunType>,
}

/// Home or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Home,
    Store,
}

impl Side {
    fn key(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Store => "store",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Home => Self::Store,
            Self::Store => Self::Home,
        }
    }

    fn key_set<'k>(self, kinds: &'k Kinds, kind: &str) -> Option<&'k KeySet> {
        match self {
            Self::Home => kinds.home(kind).map(|kind| kind.keys()),
            Self::Store => kinds.store(kind).map(|kind| kind.keys()),
        }
    }

    fn names(self, kinds: &Kinds) -> Vec<&str> {
        match self {
            Self::Home => kinds.homes.iter().map(|kind| kind.name()).collect(),
            Self::Store => kinds.stores.iter().map(|kind| kind.name()).collect(),
        }
    }
}

/// The keys of one home or store, of flow and entity together.
struct Laid {
    kind: String,
    mapping: Mapping,
    /// The key `home` or `store` that says most about it.
    span: Span,
    /// Whether its `path` is the entity's own.
    own_path: bool,
}

/// The types that homes and stores name, each with the flows that do.
pub(super) fn types(flows: &[FlowDraft]) -> BTreeMap<String, BTreeSet<String>> {
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for flow in flows {
        let entities = flow.entities.iter().map(|draft| &draft.mapping);
        for level in std::iter::once(&flow.mapping).chain(entities) {
            for (_, node) in [Side::Home, Side::Store].iter().filter_map(|side| given(level, *side))
            {
                let name = node.as_mapping().and_then(|keys| keys.get("type"));
                let name = name.and_then(|node| String::read(node, &mut Problems::default()));
                if let Some(name) = name {
                    types.entry(name).or_default().insert(flow.name.to_string());
                }
            }
        }
    }
    types
}

/// Reports what is wrong with a flow whatever its entities say.
pub(super) fn check_flow(project: &Project<'_>, flow: &FlowDraft, problems: &mut Problems) {
    check_connectors(project.kinds, &flow.connectors, problems);
    for side in [Side::Home, Side::Store] {
        if let Some((span, node)) = given(&flow.mapping, side)
            && let Some(mut mapping) = as_mapping(node, problems)
            && let Some((_, set)) = kind_of(project, side, &mapping, span, problems)
        {
            // Entities may all be of another kind, so that nobody else would look at these keys.
            drop_legacy(&mut mapping, set);
            let extra: &[&str] =
                if side == Side::Store { &["type", "incremental"] } else { &["type"] };
            check_unknown(&mapping, set, extra, problems);
        }
    }
}

/// Reports what is wrong with a flow's `connectors:`, used or not.
fn check_connectors(kinds: &Kinds, connectors: &Mapping, problems: &mut Problems) {
    for (name, (span, node)) in &connectors.entries {
        let known = kinds.connectors.iter().map(String::as_str);
        if !known.clone().any(|known| known == name) {
            unknown_name(span, "connector", name, known, problems);
        } else if let (Some(keys), Some(set)) = (node.as_mapping(), kinds.connector_keys) {
            match keys.key_span("path") {
                Some(span) => {
                    problems
                        .add(span, "`path` holds for the whole project, not for one flow")
                        .label("not possible here")
                        .help(format!("move it to `connectors: {{ {name}: … }}` in `hygge.yml`"));
                }
                None => check_unknown(keys, set, &[], problems),
            }
        }
    }
}

/// Makes an entity's Home and Store. `None` means that mistakes were recorded.
pub(super) fn configure(
    project: &Project<'_>,
    flow: &FlowDraft,
    draft: &EntityDraft,
    problems: &mut Problems,
) -> Option<(EntityPlan, Claim)> {
    let keys = tolerant(&draft.mapping, &draft.span, problems, EntityKeys::from_mapping);
    let home = lay_out(project, Side::Home, flow, draft, problems);
    let store = lay_out(project, Side::Store, flow, draft, problems);
    let watermark = watermark(flow, draft, problems);

    let fingerprint = fingerprint(project, [&home, &store]);

    let home = home.and_then(|laid| {
        let home = project.kinds.home(&laid.kind)?;
        let site = site(project, flow, draft, &laid);
        home.configure(&laid.mapping, &laid.span, site, problems)
    });
    let mut incremental = None;
    let mut place = None;
    let store = store.and_then(|laid| {
        if let Some(node) = laid.mapping.get("incremental") {
            incremental = Option::<bool>::read(node, problems)?;
        }
        place = Some(laid.mapping.get("path").map_or(&laid.span, |path| &path.span).clone());
        let store = project.kinds.store(&laid.kind)?;
        let site = site(project, flow, draft, &laid);
        store.configure(&laid.mapping, &laid.span, site, problems)
    });
    let (keys, home, store) = (keys?, home?, store?);
    let journal = journal(project, flow, draft, &keys, (home.as_ref(), store.as_ref()), problems);

    let run_type = project.run_type.unwrap_or_else(|| {
        let own = legacy(keys.full_drop).or(keys.run_type);
        own.or_else(|| legacy(flow.keys.full_drop))
            .or(flow.keys.run_type)
            .unwrap_or(RunType::FullDrop)
    });
    let append = match project.run_type {
        Some(run_type) => run_type == RunType::Incremental,
        None => incremental.unwrap_or(run_type == RunType::Incremental),
    };
    let claim = Claim {
        name: draft.name.clone(),
        territory: store.territory(),
        location: store.location(),
        span: place?,
    };
    let plan = EntityPlan {
        name: draft.name.clone(),
        home,
        store,
        run_type,
        mode: if append { Mode::Append } else { Mode::Replace },
        watermark: watermark?,
        fingerprint,
        journal: journal?,
        queue_size: flow.keys.queue_size.get() as usize,
        timeout: keys.timeout.or(flow.keys.timeout),
    };
    Some((plan, claim))
}

/// Keys and the connections they name; what is wrong with them ends the entity elsewhere.
fn fingerprint(project: &Project<'_>, sides: [&Option<Laid>; 2]) -> String {
    let mut fingerprint = Fingerprint::new(project.secrets);
    for laid in sides.into_iter().flatten() {
        fingerprint.add(&laid.kind, &laid.mapping);
        let connection = match laid.mapping.get("connection").map(|node| &node.value) {
            Some(Value::String(name)) => project.connections.get(name).and_then(Node::as_mapping),
            _ => None,
        };
        if let Some(connection) = connection {
            fingerprint.add("connection", connection);
        }
    }
    fingerprint.finish()
}

fn legacy(full_drop: Option<bool>) -> Option<RunType> {
    full_drop.map(|full| if full { RunType::FullDrop } else { RunType::Incremental })
}

fn site<'a>(
    project: &Project<'a>,
    flow: &'a FlowDraft,
    draft: &'a EntityDraft,
    laid: &Laid,
) -> Site<'a> {
    Site {
        root: project.root,
        flow: &draft.name.flow,
        entity: &draft.name.entity,
        subfolder: (!laid.own_path).then_some(&*draft.name.entity),
        connections: project.connections,
        connector: flow.connectors.get(&laid.kind).and_then(Node::as_mapping),
    }
}

/// The key `home` or `store` with its value, unless there is nothing in it.
fn given(mapping: &Mapping, side: Side) -> Option<(&Span, &Node)> {
    let (span, node) = mapping.entries.get(side.key())?;
    (!matches!(node.value, Value::Null)).then_some((span, node))
}

/// The keys of a home or a store; a text is short for its `path`.
fn as_mapping(node: &Node, problems: &mut Problems) -> Option<Mapping> {
    match &node.value {
        Value::Mapping(mapping) => Some(mapping.clone()),
        Value::String(_) => {
            let path = ("path".to_owned(), (node.span.clone(), node.clone()));
            Some(Mapping { entries: [path].into_iter().collect() })
        }
        _ => {
            wrong_type(node, "a path, or a mapping with `type`", problems);
            None
        }
    }
}

/// The `type` of a home or a store, if it is one at all.
fn type_of(mapping: &Mapping) -> Option<&str> {
    match mapping.get("type").map(|node| &node.value) {
        Some(Value::String(name)) => Some(name),
        Some(_) => None,
        None => Some(DEFAULT_KIND),
    }
}

/// Drops the keys that are accepted without effect wherever they stand.
fn drop_legacy(mapping: &mut Mapping, set: &KeySet) {
    mapping.entries.retain(|name, _| set.open || set.has(name) || !LEGACY.contains(&name.as_str()));
}

/// The name of a kind there is, with its keys.
fn kind_of<'p>(
    project: &Project<'p>,
    side: Side,
    mapping: &Mapping,
    whole: &Span,
    problems: &mut Problems,
) -> Option<(String, &'p KeySet)> {
    let key = side.key();
    let kinds = project.kinds;
    let (name, span) = match mapping.get("type") {
        Some(node) => (String::read(node, problems)?, &node.span),
        None => (DEFAULT_KIND.to_owned(), whole),
    };
    if let Some(set) = side.key_set(kinds, &name) {
        return Some((name, set));
    }
    let names = side.names(kinds);
    if side.other().key_set(kinds, &name).is_some() {
        let other = side.other().key();
        problems
            .add(span, format!("there is no {key} of type `{name}`"))
            .label(format!("`{name}` can only be a {other}"))
            .help(format!("a {key} can be: {}", names.join(", ")));
    } else if kinds.connectors.contains(&name) {
        // It is there and could not be read: its source has said why.
    } else if kinds.absent.contains(&name.as_str()) {
        problems
            .add(span, format!("this build of hygge does not have `{name}`"))
            .label("left out of this build")
            .help(format!("it has: {}", names.join(", ")));
    } else {
        unknown_type(span, key, &name, kinds, names, problems);
    }
    None
}

/// A type nobody knows is misspelled, or a connector that is not there.
fn unknown_type<'k>(
    span: &Span,
    key: &str,
    name: &str,
    kinds: &'k Kinds,
    mut names: Vec<&'k str>,
    problems: &mut Problems,
) {
    names.extend(kinds.connectors.iter().map(String::as_str));
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let near = nearest(name, names.iter().copied());
    let problem = problems.add(span, format!("unknown type of {key} `{name}`"));
    let mut help = match near {
        Some(near) => {
            problem.label(format!("did you mean `{near}`?"));
            String::new()
        }
        None => format!("known here: {}; ", names.join(", ")),
    };
    if may_be_named(name) {
        let folder = CONNECTORS_FOLDER;
        help.push_str(&format!("a connector would be found as `{folder}/{name}.wasm`"));
    }
    if !help.is_empty() {
        problem.help(help.trim_end_matches("; "));
    }
}

/// Lays the entity's `home` or `store` over the flow's.
fn lay_out(
    project: &Project<'_>,
    side: Side,
    flow: &FlowDraft,
    draft: &EntityDraft,
    problems: &mut Problems,
) -> Option<Laid> {
    let key = side.key();
    let of_flow = given(&flow.mapping, side);
    let of_entity = given(&draft.mapping, side);
    let Some((span, _)) = of_entity.or(of_flow) else {
        problems
            .add(&flow.span, format!("the key `{key}` is missing"))
            .label(format!("needs `{key}`"))
            .help(match side {
                Side::Home => "say where the data lives: `home: { type: parquet, path: data/in }`",
                Side::Store => {
                    "say where the data settles: `store: { type: parquet, path: data/out }`"
                }
            });
        return None;
    };
    let mut under = match of_flow {
        Some((_, node)) => as_mapping(node, problems)?,
        None => Mapping::default(),
    };
    let over = match of_entity {
        Some((_, node)) => as_mapping(node, problems)?,
        None => Mapping::default(),
    };
    let own_type = over.get("type").is_some();
    let (kind, set) =
        kind_of(project, side, if own_type { &over } else { &under }, span, problems)?;
    let known = |name: &str| set.has(name);
    if own_type && type_of(&under) != Some(&kind) {
        // Another kind than the flow's: what it has no use for is not passed on.
        under.entries.retain(|name, _| known(name) || name == "incremental");
    }
    let joined = match (side, under.get("path"), over.get("path")) {
        (Side::Home, Some(base), Some(path)) => {
            // Anything but two texts is reported by the kind that reads it.
            match (&base.value, &path.value) {
                (Value::String(base), Value::String(path)) => Some(join_paths(base, path)),
                _ => None,
            }
        }
        _ => None,
    };
    let own_path = side == Side::Home && over.get("path").is_some();
    let mut mapping = under;
    mapping.lay(&over);
    if let Some(joined) = joined
        && let Some((_, node)) = mapping.entries.get_mut("path")
    {
        node.value = Value::String(joined);
    }
    if side == Side::Store {
        for name in STORE_KEYS.into_iter().filter(|name| known(name)) {
            if let Some((span, node)) = draft.mapping.entries.get(name)
                && !matches!(node.value, Value::Null)
            {
                mapping.entries.insert(name.to_owned(), (span.clone(), node.clone()));
            }
        }
    }
    drop_legacy(&mut mapping, set);
    // A path with a place for the entity's name needs no folder below it, and a flow without
    // entities has its paths to itself.
    let own_path = own_path || draft.whole_flow || mapping.get("path").is_some_and(has_placeholder);
    for (_, node) in mapping.entries.values_mut() {
        fill_in(node, &draft.name.entity);
    }
    Some(Laid { kind, mapping, span: span.clone(), own_path })
}

/// The outer `None` means that mistakes were recorded, the inner that nothing is tracked.
fn watermark(
    flow: &FlowDraft,
    draft: &EntityDraft,
    problems: &mut Problems,
) -> Option<Option<WatermarkSpec>> {
    let mut merged: Option<(Mapping, Span)> = None;
    for mapping in [&flow.mapping, &draft.mapping] {
        let Some((_, node)) = mapping.entries.get("watermark") else { continue };
        match &node.value {
            Value::Null => {}
            Value::Bool(false) => merged = None,
            Value::Mapping(keys) => match &mut merged {
                Some((below, span)) => {
                    below.lay(keys);
                    *span = node.span.clone();
                }
                None => merged = Some((keys.clone(), node.span.clone())),
            },
            _ => {
                wrong_type(node, "`primary_key` and `watermark_column`", problems);
                return None;
            }
        }
    }
    let Some((mapping, span)) = merged else { return Some(None) };
    let keys = WatermarkKeys::from_mapping(&mapping, &span, &[], problems)?;
    let primary_key = keys.primary_key.0.join(",");
    Some(Some(WatermarkSpec { primary_key, column: keys.watermark_column }))
}

/// The outer `None` means that mistakes were recorded, the inner that nothing is remembered.
fn journal(
    project: &Project<'_>,
    flow: &FlowDraft,
    draft: &EntityDraft,
    keys: &EntityKeys,
    (home, store): (&dyn Home, &dyn Store),
    problems: &mut Problems,
) -> Option<Option<PathBuf>> {
    let chosen = setting(&draft.mapping, "journal", keys.journal.as_ref())
        .or_else(|| setting(&flow.mapping, "journal", flow.keys.journal.as_ref()))
        .or(project.journal);
    let Some((JournalSetting::On(journal), span)) = chosen else { return Some(None) };
    if let Some(path) = &journal.path {
        return Some(Some(project.root.join(path)));
    }
    let (side, folder) = match journal.location {
        JournalLocation::Store => (Side::Store, store.journal_folder()),
        JournalLocation::Home => (Side::Home, home.journal_folder()),
    };
    if folder.is_none() {
        problems
            .add(
                span,
                format!(
                    "the {} of flow `{}` has no folder to keep a journal in",
                    side.key(),
                    flow.name
                ),
            )
            .help("give the journal a folder of its own: `journal: { path: data/journal }`");
    }
    folder.map(|folder| Some(project.root.join(folder).join(JOURNAL_FOLDER)))
}
