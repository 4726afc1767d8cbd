//! `hygge completions`: what a shell needs to complete a command line.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::{Failure, print};

/// Prints the script for `shell`.
pub(super) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    // Through memory, because the generator panics when the pipe it writes to is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hygge", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
