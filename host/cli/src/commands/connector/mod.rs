//! `hygge connector …`: what makes connectors, and looks at them.

mod build;
mod check;
mod inspect;
mod list;
mod new;
mod target;
mod test;

use std::process::ExitCode;

use hygge_core::fault::{Fault, FaultKind};
use hygge_forge::ForgeError;
use hygge_forge::world::Worlds;

use crate::args::Global;
use crate::args::connector::ConnectorAction;
use crate::failure::Failure;

/// Does one of them.
pub(super) fn connector(action: &ConnectorAction, global: &Global) -> Result<ExitCode, Failure> {
    match action {
        ConnectorAction::New(args) => new::new(args),
        ConnectorAction::Build(args) => build::build(args),
        ConnectorAction::List(args) => list::list(args, global),
        ConnectorAction::Check(args) => check::check(args, global),
        ConnectorAction::Inspect(args) => inspect::inspect(args, global),
        ConnectorAction::Test(args) => test::test(args, global),
    }
}

/// What its imports of WASI mean for who runs it.
fn of_wasi(worlds: &Worlds) -> &'static str {
    match worlds.wasi().any(|name| name.starts_with("wasi:http/")) {
        true => {
            "grants no files and no environment; requests go where `base_url` and `allow_hosts` \
             say, as all requests do"
        }
        false => "grants nothing: no files, no environment",
    }
}

/// What went wrong at the forge, as every other command tells it.
fn fault(error: ForgeError) -> Fault {
    let kind = match &error {
        ForgeError::NoToolchain { .. } | ForgeError::Start { .. } | ForgeError::Io { .. } => {
            FaultKind::Resource
        }
        ForgeError::NotACrate { .. } | ForgeError::Author { .. } => FaultKind::Config,
        _ => FaultKind::Data,
    };
    let help = error.help();
    let fault = Fault::new(kind, error.to_string());
    match help {
        Some(help) => fault.with_help(help),
        None => fault,
    }
}
