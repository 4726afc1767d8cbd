//! `hygge connector …`: what makes connectors, and looks at them.

mod build;

use std::process::ExitCode;

use hygge_core::fault::{Fault, FaultKind};
use hygge_forge::ForgeError;

use crate::args::connector::ConnectorAction;
use crate::failure::Failure;

/// Does one of them.
pub(super) fn connector(action: &ConnectorAction) -> Result<ExitCode, Failure> {
    match action {
        ConnectorAction::Build(args) => build::build(args),
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
