//! `hygge connector …`: what makes connectors, and looks at them.

mod check;
mod inspect;
mod list;
mod target;
mod test;

use std::process::ExitCode;

use crate::args::Global;
use crate::args::connector::ConnectorAction;
use crate::failure::Failure;

/// Does one of them.
pub(super) fn connector(action: &ConnectorAction, global: &Global) -> Result<ExitCode, Failure> {
    match action {
        ConnectorAction::List(args) => list::list(args, global),
        ConnectorAction::Check(args) => check::check(args, global),
        ConnectorAction::Inspect(args) => inspect::inspect(args, global),
        ConnectorAction::Test(args) => test::test(args, global),
    }
}
