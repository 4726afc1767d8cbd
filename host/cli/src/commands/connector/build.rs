//! `hygge connector build`: from a crate to a connector.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hygge_core::project;
use hygge_forge::build::{Built, Options, build as forge};
use hygge_forge::toolchain;

use super::fault;
use crate::args::connector::BuildArgs;
use crate::failure::{Failure, print};
use crate::report::format;
use crate::report::style::{FAINT, GOOD, paint};

/// Builds the crate and says what came of it.
pub(super) fn build(args: &BuildArgs) -> Result<ExitCode, Failure> {
    let toolchain = toolchain::find(&args.folder).map_err(fault)?;
    print(&format!("{} {toolchain}\n", paint(FAINT, "with")))?;
    let options = Options {
        output: args.output.clone(),
        output_dir: project_folder(&args.folder),
        ..Options::default()
    };
    let built = forge(&args.folder, &toolchain, &options).map_err(fault)?;
    print(&told(&built))?;
    Ok(ExitCode::SUCCESS)
}

/// Where a project looks for connectors, if the crate stands in one.
fn project_folder(folder: &Path) -> Option<PathBuf> {
    let root = project::find(&folder.canonicalize().ok()?).ok()?;
    Some(root.join("connectors"))
}

fn told(built: &Built) -> String {
    let manifest = &built.manifest;
    format!(
        "{} {} {}, {}, contract {}, {}\n  {}\n  sha256:{}\n",
        paint(GOOD, "built"),
        manifest.name,
        manifest.version,
        manifest.kinds.join(" and "),
        manifest.contract,
        format::bytes(built.component.len() as u64),
        built.path.display(),
        built.digest,
    )
}
