//! `hygge schema`: the JSON Schema of a project's files, for editors.

use std::process::ExitCode;

use crate::failure::{Failure, print};
use crate::registry;
use hygge_core::project;

/// Prints it.
pub(super) fn schema() -> Result<ExitCode, Failure> {
    print(&format!("{:#}\n", project::schema::schema(&registry::kinds())))?;
    Ok(ExitCode::SUCCESS)
}
