//! From the files of a project to a [`Plan`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::clash;
use super::discover::{self, PROJECT_FILE};
use super::entity::{self, Project};
use super::flow::{self, FlowDraft};
use super::keys::{Key, wrong_type};
use super::overrides::Overrides;
use super::parse::parse;
use super::plan::{EntityPlan, Options, Plan, RunType};
use super::problem::Problems;
use super::secret::Secrets;
use super::selection;
use super::settings::{ProjectKeys, tolerant};
use super::source;
use super::variables::{Unexpanded, Variables};
use super::yaml::{Mapping, Span, Value};
use crate::contract::{Connections, KindSource, Kinds, Wanted};
use crate::engine::event::EntityName;

/// Entities at a time when neither options nor connections say otherwise.
const CONCURRENCY: usize = 8;

/// What the command line asks for beyond the files.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `--var flow.<flow>.path.to.key=value`.
    pub vars: Vec<String>,
    /// `--flow`: flows, or `<flow>_<entity>`, each perhaps several separated by commas.
    pub flows: Vec<String>,
    /// `--entity`: `flow.entity`, each perhaps several separated by commas.
    pub entities: Vec<String>,
    /// `--incremental` or `--full-drop`: wins over every `run_type`, and over a store's own
    /// `incremental`.
    pub run_type: Option<RunType>,
    /// `--concurrency`.
    pub concurrency: Option<usize>,
}

/// Reads the project in the folder `root`. `kinds` gives the kinds it has, `env` looks up variables
/// of the environment. All mistakes are reported at once, those of entities that were not asked
/// for too.
pub fn load(
    root: &Path,
    kinds: &dyn KindSource,
    request: &Request,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Plan, Problems> {
    let mut reader = Reader::new(root, env);
    let plan = read_project(&mut reader, kinds, request);
    let problems = reader.finish();
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(problems),
    }
}

/// All kinds that the project in the folder `root` has, whether a flow uses them or not, and what
/// is wrong with its `hygge.yml` and its connectors.
pub fn load_kinds(
    root: &Path,
    kinds: &dyn KindSource,
    env: &dyn Fn(&str) -> Option<String>,
) -> (Kinds, Problems) {
    let mut reader = Reader::new(root, env);
    let root = reader.root.clone();
    let (connectors, _) = declared(&mut reader);
    let wanted = Wanted { root: &root, connectors: &connectors, used: None };
    let kinds = kinds.kinds(&wanted, &mut reader.problems);
    (kinds, reader.finish())
}

/// What a project says of connectors, whichever there are.
#[derive(Debug)]
pub struct Outline {
    /// The project's folder.
    pub root: PathBuf,
    /// `connectors:` of `hygge.yml`, each name with its keys.
    pub connectors: Mapping,
    /// The types that homes and stores name, each with the flows that do.
    pub types: BTreeMap<String, BTreeSet<String>>,
}

/// Reads what the project in the folder `root` says of connectors, as far as it can be read, and
/// what is wrong there.
pub fn outline(root: &Path, env: &dyn Fn(&str) -> Option<String>) -> (Outline, Problems) {
    let mut reader = Reader::new(root, env);
    let root = reader.root.clone();
    let (connectors, keys) = declared(&mut reader);
    let flows = keys.and_then(|(mapping, keys)| {
        read_flows(&mut reader, &mapping, &keys.flows_dir, &Request::default())
    });
    let types = flows.map(|(flows, _)| entity::types(&flows)).unwrap_or_default();
    (Outline { root, connectors, types }, reader.finish())
}

/// The keys of `hygge.yml`, and what it says of connectors.
fn declared(reader: &mut Reader<'_>) -> (Mapping, Option<(Mapping, ProjectKeys)>) {
    let file = reader.root.join(PROJECT_FILE);
    let keys = reader.mapping(&file, |_, _| {}).and_then(|(mapping, whole)| {
        let read = ProjectKeys::from_mapping;
        let keys = tolerant(&mapping, &whole, &mut reader.problems, read)?;
        Some((mapping, keys))
    });
    let node = keys.as_ref().and_then(|(_, keys)| keys.connectors.as_ref());
    (flow::connectors(node, &mut reader.problems), keys)
}

/// Reads files of a project and expands their variables.
pub(super) struct Reader<'a> {
    /// The project's folder.
    pub(super) root: PathBuf,
    env: &'a dyn Fn(&str) -> Option<String>,
    secrets: Secrets,
    unexpanded: Unexpanded,
    /// The mistakes found so far.
    pub(super) problems: Problems,
}

impl<'a> Reader<'a> {
    fn new(root: &Path, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()),
            env,
            secrets: Secrets::default(),
            unexpanded: Unexpanded::default(),
            problems: Problems::default(),
        }
    }

    /// The mistakes that were found, as they may be shown.
    fn finish(self) -> Problems {
        let Self { secrets, unexpanded, mut problems, .. } = self;
        unexpanded.drop_consequences(&mut problems);
        problems.dedup();
        secrets.scrub(&mut problems);
        problems
    }

    /// Reads a file that holds a mapping. `edit` changes it before variables are expanded.
    pub(super) fn mapping(
        &mut self,
        path: &Path,
        edit: impl FnOnce(&mut Mapping, &mut Problems),
    ) -> Option<(Mapping, Span)> {
        let source = source::read(&self.root, path, &mut self.problems)?;
        let mut node = parse(&source, &mut self.problems)?;
        match &mut node.value {
            Value::Mapping(mapping) => edit(mapping, &mut self.problems),
            _ => {
                wrong_type(&node, "keys and values", &mut self.problems);
                return None;
            }
        }
        Variables {
            lookup: self.env,
            secrets: &mut self.secrets,
            problems: &mut self.problems,
            unexpanded: &mut self.unexpanded,
        }
        .expand(&mut node, false);
        match node.value {
            Value::Mapping(mapping) => Some((mapping, node.span)),
            _ => None,
        }
    }
}

fn read_project(
    reader: &mut Reader<'_>,
    kinds: &dyn KindSource,
    request: &Request,
) -> Option<Plan> {
    let root = reader.root.clone();
    let (mapping, whole) = reader.mapping(&root.join(PROJECT_FILE), |_, _| {})?;
    let keys = tolerant(&mapping, &whole, &mut reader.problems, ProjectKeys::from_mapping)?;
    let connections = keys.connections.clone().unwrap_or_default();
    for node in connections.values() {
        if node.as_mapping().is_none() {
            wrong_type(node, "the keys of a connection", &mut reader.problems);
        }
    }
    let flows_dir = root.join(&keys.flows_dir);
    let declared = flow::connectors(keys.connectors.as_ref(), &mut reader.problems);
    let flows = read_flows(reader, &mapping, &keys.flows_dir, request);
    let used = flows.iter().flat_map(|(flows, _)| entity::types(flows).into_keys()).collect();
    let wanted = Wanted { root: &root, connectors: &declared, used: Some(&used) };
    let kinds = kinds.kinds(&wanted, &mut reader.problems);
    let (flows, complete) = flows?;

    let project = Project {
        root: &root,
        kinds: &kinds,
        connections: &connections,
        secrets: &reader.secrets,
        journal: setting(&mapping, "journal", keys.journal.as_ref()),
        run_type: request.run_type,
    };
    let mut entities: Vec<EntityPlan> = Vec::new();
    let mut claims = Vec::new();
    for flow in &flows {
        entity::check_flow(&project, flow, &mut reader.problems);
        for draft in &flow.entities {
            let known = reader.problems.list.len();
            match entity::configure(&project, flow, draft, &mut reader.problems) {
                Some((plan, claim)) => {
                    entities.push(plan);
                    claims.push(claim);
                }
                // A kind that refuses without a word must not make an entity disappear.
                None if reader.problems.list.len() == known => {
                    let name = &draft.name.entity;
                    let message = format!("the home or the store of `{name}` was refused");
                    reader.problems.add(&draft.span, message);
                }
                None => {}
            }
        }
    }
    clash::check(&claims, &mut reader.problems);

    let names: Vec<&EntityName> =
        flows.iter().flat_map(|flow| &flow.entities).map(|draft| &draft.name).collect();
    let selected = selection::select(&names, request, complete, &mut reader.problems);
    if !reader.problems.is_empty() {
        return None;
    }
    // Without mistakes every draft has become a plan: names and entities stand side by side.
    let mut selected = selected.into_iter();
    entities.retain(|_| selected.next().unwrap_or(false));
    Some(Plan {
        name: keys.name.clone().unwrap_or_else(|| folder_name(&root)),
        flows_dir,
        options: options(&keys, &connections, request),
        connections,
        root,
        entities,
    })
}

fn read_flows(
    reader: &mut Reader<'_>,
    project: &Mapping,
    flows_dir: &str,
    request: &Request,
) -> Option<(Vec<FlowDraft>, bool)> {
    let root = reader.root.clone();
    let files = match discover::flows(&root, &root.join(flows_dir), &mut reader.problems) {
        Ok(files) if files.is_empty() => {
            let message = format!("there is no flow in `{flows_dir}`");
            place(project, "flows_dir", message, &mut reader.problems)
                .help("a flow is a folder in it with a file `flow.yml`");
            return None;
        }
        Ok(files) => files,
        Err(error) => {
            let message = match error.kind() {
                ErrorKind::NotFound => format!("there is no folder `{flows_dir}` for the flows"),
                _ => format!("cannot read the folder of the flows, `{flows_dir}`: {error}"),
            };
            place(project, "flows_dir", message, &mut reader.problems)
                .help("make the folder, or set `flows_dir` to where the flows are");
            return None;
        }
    };
    let names: Vec<&str> = files.iter().map(|files| files.name.as_str()).collect();
    let overrides = Overrides::read(&request.vars, &names, &mut reader.problems);
    let mut complete = true;
    let mut flows = Vec::new();
    for files in &files {
        match flow::read(reader, files, &overrides) {
            Some(flow) => {
                complete &= flow.complete;
                flows.push(flow);
            }
            None => complete = false,
        }
    }
    Some((flows, complete))
}

/// Reports at the value of a key, or nowhere when the key is left out.
fn place<'p>(
    mapping: &Mapping,
    key: &str,
    message: String,
    problems: &'p mut Problems,
) -> &'p mut super::problem::Problem {
    match mapping.get(key) {
        Some(node) => problems.add(&node.span, message),
        None => problems.add_nowhere(message),
    }
}

/// A setting with the place of its key.
pub(super) fn setting<'m, T>(
    mapping: &'m Mapping,
    key: &str,
    value: Option<&'m T>,
) -> Option<(&'m T, &'m Span)> {
    value.zip(mapping.key_span(key))
}

fn options(keys: &ProjectKeys, connections: &Connections, request: &Request) -> Options {
    let options = &keys.options;
    let concurrency = request
        .concurrency
        .or(options.concurrency.map(|n| n.get() as usize))
        .or_else(|| largest_pool(connections))
        .unwrap_or(CONCURRENCY);
    Options {
        concurrency: concurrency.max(1),
        continue_on_error: options.continue_on_error,
        memory: options.memory,
        durability: options.durability,
        retries: options.retries,
        retry_wait: options.retry_wait,
        checkpoint: options.checkpoint,
        log_level: options.log_level,
    }
}

fn largest_pool(connections: &Connections) -> Option<usize> {
    connections
        .values()
        .filter_map(|node| node.as_mapping()?.get("pool_size"))
        // A size that is no number is reported by the kind that the connection belongs to.
        .filter_map(|node| NonZeroU32::read(node, &mut Problems::default()))
        .map(|size| size.get() as usize)
        .max()
}

fn folder_name(root: &Path) -> String {
    root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned()
}
