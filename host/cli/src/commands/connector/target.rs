//! The connector that was typed: a file, or a name in the project.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::contract::Wanted;
use hygge_core::fault::Fault;
use hygge_core::project::connectors::{Code, Connector as Found};
use hygge_core::project::keys::nearest;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::Mapping;
use hygge_core::project::{self, Outline};
use hygge_sandbox::{Connector, Policy, Sandbox};

use crate::args::Global;
use crate::commands::root;
use crate::failure::Failure;
use crate::registry::connectors;

/// What a project says of connectors; outside of a project, nothing. Mistakes in flows are the
/// business of other commands.
pub(super) fn outline(global: &Global) -> Outline {
    match root(global) {
        Ok(root) => project::outline(&root, &|name| std::env::var(name).ok()).0,
        Err(_) => Outline {
            root: PathBuf::new(),
            connectors: Mapping::default(),
            types: Default::default(),
        },
    }
}

/// All connectors of the project, and what is wrong with how it names them.
pub(super) fn all(outline: &Outline) -> (Vec<Found>, Problems) {
    let mut problems = Problems::default();
    let wanted = Wanted { root: &outline.root, connectors: &outline.connectors, used: None };
    (connectors::find(&wanted, &mut problems), problems)
}

/// The connector that was typed.
pub(super) struct Target {
    /// What it is called and where it is.
    pub(super) found: Found,
    /// What the project grants it.
    pub(super) policy: Policy,
    /// The project's folder, or the working directory.
    pub(super) root: PathBuf,
}

impl Target {
    /// Finds it.
    pub(super) fn find(typed: &str, global: &Global) -> Result<Self, Failure> {
        let outline = outline(global);
        let file = Path::new(typed);
        let is_file = typed.ends_with(".wasm") || typed.contains(['/', '\\']) || file.is_file();
        if is_file {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let code = Code::File { path: file.to_owned(), shown: typed.to_owned() };
            let found = Found { name: stem, code, settings: Mapping::default(), span: None };
            return Ok(Self { found, policy: Policy::default(), root: outline.root });
        }
        let (all, mut problems) = all(&outline);
        let Some(found) = all.iter().find(|found| found.name == typed) else {
            let names = all.iter().map(|found| found.name.as_str());
            let help = match (nearest(typed, names.clone()), names.count()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, 0) => "name a `.wasm` file".to_owned(),
                (None, _) => "`hygge connector list` shows those there are".to_owned(),
            };
            let fault = Fault::missing(format!("there is no connector `{typed}`"));
            return Err(fault.with_help(help).into());
        };
        match connectors::policy(found, &mut problems) {
            Some(policy) => Ok(Self { found: found.clone(), policy, root: outline.root }),
            None => Err(problems.into()),
        }
    }

    /// Reads it. Nothing is compiled or run.
    pub(super) fn read(&self) -> Result<Arc<Connector>, Fault> {
        connectors::read(&self.found, self.policy.clone(), &Sandbox::default())
    }

    /// Where its code is, for people.
    pub(super) fn origin(&self) -> &str {
        origin(&self.found)
    }
}

/// Where the code of a connector is, for people.
pub(super) fn origin(found: &Found) -> &str {
    match &found.code {
        Code::BuiltIn => "built in",
        Code::File { shown, .. } => shown,
    }
}

/// `home`, `store`, or both.
pub(super) fn kinds(connector: &Connector) -> Vec<&'static str> {
    let worlds = connector.worlds();
    let kinds = [("home", worlds.home()), ("store", worlds.store())];
    kinds.into_iter().filter_map(|(kind, is)| is.then_some(kind)).collect()
}
