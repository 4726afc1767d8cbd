//! The commands: each turns what was typed into what it needs, and does it.

mod checks;
mod columns;
mod completions;
mod connector;
mod debug;
mod dry_run;
mod go;
mod guests;
mod init;
mod runs;
mod schema;
mod state;
mod table;
#[cfg(test)]
mod test_support;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use futures::StreamExt as _;
use futures::stream;
use hygge_core::contract::{Kinds, Wanted};
use hygge_core::fault::{Fault, FaultKind};
use hygge_core::project::plan::{EntityPlan, Plan};
use tokio::runtime::Runtime;

use crate::args::{Cli, Command, Global, SelectionArgs};
use crate::failure::Failure;
use crate::registry;
use hygge_core::journal::{Journal, JournalError};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::Mapping;
use hygge_core::project::{self, Request};

/// Does what the command line asks for.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, command } = cli;
    match command {
        Command::Init(args) => init::init(&args),
        Command::Go(args) => go::go(args, &global),
        Command::Debug(args) => debug::debug(args, &global),
        Command::Schema => schema::schema(&global),
        Command::Runs(args) => runs::runs(args, &global),
        Command::State { action } => state::state(action, &global),
        Command::Connector { action } => connector::connector(&action, &global),
        Command::Completions { shell } => completions::completions(shell),
    }
}

/// Finds and reads the project.
fn load(global: &Global, request: &Request) -> Result<Plan, Problems> {
    let root = root(global)?;
    // A variable that is not Unicode cannot stand in YAML: it counts as unset.
    project::load(&root, &registry::kinds, request, &|name| std::env::var(name).ok())
}

/// Finds the project.
fn root(global: &Global) -> Result<PathBuf, Problems> {
    let start = match &global.project_dir {
        Some(folder) => folder.clone(),
        None => std::env::current_dir().map_err(|error| {
            let mut problems = Problems::default();
            problems
                .add_nowhere(format!("the working directory cannot be read: {error}"))
                .help("change to a folder that exists, or name one with --project-dir");
            problems
        })?,
    };
    project::find(&start)
}

/// All kinds there are: those of the project, if there is one, and otherwise those that need none.
/// What is wrong with the project's connectors is told beside them.
fn all_kinds(global: &Global) -> (Kinds, Problems) {
    match root(global) {
        Ok(root) => project::load_kinds(&root, &registry::kinds, &|name| std::env::var(name).ok()),
        Err(_) => {
            let mut problems = Problems::default();
            let nowhere = Path::new("");
            let wanted = Wanted { root: nowhere, connectors: &Mapping::default(), used: None };
            let kinds = registry::kinds(&wanted, &mut problems);
            (kinds, problems)
        }
    }
}

impl From<SelectionArgs> for Request {
    fn from(args: SelectionArgs) -> Self {
        Self {
            vars: args.vars.iter().flat_map(|typed| split_vars(typed)).collect(),
            flows: args.flows,
            entities: args.entities,
            ..Self::default()
        }
    }
}

/// Several settings may be separated by commas. A comma belongs to a value unless what follows
/// begins another setting: `flow.a.b=x,y` is one, `flow.a.b=1,flow.c.d=2` are two.
fn split_vars(typed: &str) -> Vec<String> {
    let begins = |text: &str| text.trim_start().starts_with("flow.") && text.contains('=');
    let mut vars: Vec<String> = Vec::new();
    for part in typed.split(',') {
        match vars.last_mut() {
            Some(last) if !begins(part) => {
                last.push(',');
                last.push_str(part);
            }
            Some(_) => vars.push(part.trim_start().to_owned()),
            None => vars.push(part.to_owned()),
        }
    }
    vars
}

/// The runtime for commands that move or look at data; the others do without.
fn runtime() -> Result<Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    tokio::runtime::Builder::new_multi_thread().worker_threads(cores).enable_all().build().map_err(
        |error| {
            Fault::new(FaultKind::Resource, "cannot start the threads that hygge works with")
                .because(error)
                .into()
        },
    )
}

/// How many entities are looked at side by side.
const SIDE_BY_SIDE: usize = 32;

/// Does `work` for every entity, a bounded number at a time, and answers in their order.
async fn for_each<T, F>(
    entities: &[EntityPlan],
    work: impl Fn(EntityPlan) -> F,
) -> Vec<Result<T, Fault>>
where
    F: Future<Output = Result<T, Fault>> + Send + 'static,
    T: Send + 'static,
{
    stream::iter(entities.iter().cloned())
        .map(|entity| tokio::spawn(work(entity)))
        .buffered(SIDE_BY_SIDE)
        .map(|done| done.unwrap_or_else(|error| Err(Fault::bug(format!("a task failed: {error}")))))
        .collect()
        .await
}

/// Opens the journal for writing; `command` is what others who try meanwhile are told.
async fn open_journal(plan: &Plan, command: &'static str) -> Result<Journal, Fault> {
    let (root, durability) = (plan.root.clone(), plan.options.durability);
    blocking(move || Journal::open(&root, command, durability)).await
}

/// Does what waits for the disk, away from the threads of the async reactor.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Fault::from),
        Err(error) => Err(Fault::bug(format!("a task failed: {error}"))),
    }
}

/// The folders of the journals that the project's entities use.
fn journal_folders(plan: &Plan) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        plan.entities.iter().filter_map(|entity| entity.journal.clone()).collect();
    folders.sort();
    folders.dedup();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_settings_but_not_values() {
        assert_eq!(split_vars("flow.a.b=1"), ["flow.a.b=1"]);
        assert_eq!(
            split_vars("flow.a.b=1,flow.c.d=2, flow.e=3"),
            ["flow.a.b=1", "flow.c.d=2", "flow.e=3"]
        );
        assert_eq!(split_vars("flow.a.keys=x,y,flow.c.d=z,"), ["flow.a.keys=x,y", "flow.c.d=z,"]);
        assert_eq!(split_vars("nonsense"), ["nonsense"]);
    }
}
