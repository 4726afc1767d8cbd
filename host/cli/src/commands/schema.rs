//! `hygge schema`: the JSON Schema of a project's files, for editors.

use std::process::ExitCode;

use hygge_core::project;

use super::all_kinds;
use crate::args::Global;
use crate::failure::{Failure, print};

/// Prints it. Inside a project it knows the project's connectors, too. One that cannot be read is
/// told on stderr, and left out: an editor is better off with the others than with nothing.
pub(super) fn schema(global: &Global) -> Result<ExitCode, Failure> {
    let (kinds, problems) = all_kinds(global);
    print(&format!("{:#}\n", project::schema::schema(&kinds)))?;
    if problems.is_empty() { Ok(ExitCode::SUCCESS) } else { Ok(Failure::from(problems).tell()) }
}
