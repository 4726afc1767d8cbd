//! The connectors a project has, found and read. Nothing is compiled or run here.

use std::path::PathBuf;
use std::sync::Arc;

use hygge_core::contract::Wanted;
use hygge_core::fault::Fault;
use hygge_core::project::connectors::{Code, Connector as Found, connectors};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Source as Text, Span};
use hygge_sandbox::{Connector, Policy, PolicyKeys, Sandbox, Source};

use super::own;
use hygge_builtin::CONNECTORS as BUILT_IN;

/// All connectors there are, sorted by name.
pub(crate) fn find(wanted: &Wanted<'_>, problems: &mut Problems) -> Vec<Found> {
    let built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    connectors(wanted, &built_in, &own().names(), problems)
}

/// What the project grants a connector. `None` means that mistakes were recorded.
pub(crate) fn policy(found: &Found, problems: &mut Problems) -> Option<Policy> {
    let span = found.span.clone().unwrap_or_else(nowhere);
    let keys = PolicyKeys::from_mapping(&found.settings, &span, &[], problems)?;
    Some(Policy::default().with(&keys))
}

/// Reads a connector. `None` means that a mistake was recorded.
pub(crate) fn load(
    found: &Found,
    policy: Policy,
    sandbox: &Sandbox,
    problems: &mut Problems,
) -> Option<Arc<Connector>> {
    match read(found, policy, sandbox) {
        Ok(connector) => Some(connector),
        Err(fault) => {
            let message = match &found.code {
                Code::File { shown, .. } => format!("`{shown}`: {}", fault.chain()),
                Code::BuiltIn => fault.chain(),
            };
            let problem = match &found.span {
                Some(span) => problems.add(span, message),
                None => problems.add_nowhere(message),
            };
            if let Some(help) = fault.help() {
                problem.help(help);
            }
            None
        }
    }
}

/// Reads a connector.
pub(crate) fn read(
    found: &Found,
    policy: Policy,
    sandbox: &Sandbox,
) -> Result<Arc<Connector>, Fault> {
    Connector::load(sandbox, found.name.clone(), source(&found.name, &found.code)?, policy)
}

fn source(name: &str, code: &Code) -> Result<Source, Fault> {
    match code {
        Code::File { path, .. } => Ok(Source::File(path.clone())),
        Code::BuiltIn => match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, bytes)) => Ok(Source::Builtin(bytes)),
            None => Err(Fault::bug(format!("the connector `{name}` is not built in after all"))),
        },
    }
}

/// A place in no file, for what was not written anywhere.
pub(crate) fn nowhere() -> Span {
    let source = Text { name: String::new(), path: PathBuf::new(), text: String::new() };
    Span { source: Arc::new(source), start: 0, end: 0 }
}
