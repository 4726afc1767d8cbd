//! Finding a project and its flows.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::problem::Problems;
use super::source::shown;

/// The file that makes a folder a project.
pub const PROJECT_FILE: &str = "hygge.yml";

/// The file that makes a folder a flow.
pub const FLOW_FILE: &str = "flow.yml";

/// Finds the project that `start` lies in: the nearest folder, from `start` upwards, with a
/// `hygge.yml`.
pub fn find(start: &Path) -> Result<PathBuf, Problems> {
    let start = std::path::absolute(start).unwrap_or_else(|_| start.to_owned());
    if let Some(root) = start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()) {
        return Ok(root.to_owned());
    }
    let mut problems = Problems::default();
    let problem =
        problems.add_nowhere(format!("there is no `{PROJECT_FILE}` in `{}`", start.display()));
    let other = start.ancestors().map(|folder| folder.join("hygge.yaml")).find(|p| p.is_file());
    match (other, start.parent()) {
        (Some(other), _) => {
            problem.help(format!("rename `{}` to `{PROJECT_FILE}`", other.display()));
        }
        (None, Some(_)) => {
            problem.help(
                "no folder above it has one either: run `hygge` inside a project, or begin a \
                 new one with `hygge init my_project`",
            );
        }
        (None, None) => {
            problem.help("begin a new project with `hygge init my_project`");
        }
    }
    Err(problems)
}

/// A folder with a `flow.yml`.
#[derive(Debug)]
pub(super) struct FlowFiles {
    /// The folder's name, which is the flow's.
    pub(super) name: String,
    /// Its `flow.yml`.
    pub(super) flow: PathBuf,
    /// The files in `entities/` beside it, sorted.
    pub(super) entities: Vec<PathBuf>,
}

/// The flows in a folder, sorted by name. `Err` is the folder's own fault, for a message about
/// `flows_dir`.
pub(super) fn flows(
    root: &Path,
    folder: &Path,
    problems: &mut Problems,
) -> Result<Vec<FlowFiles>, io::Error> {
    let mut flows = Vec::new();
    for path in sorted(folder)? {
        let flow = path.join(FLOW_FILE);
        if !flow.is_file() {
            let other = path.join("flow.yaml");
            if other.is_file() {
                problems
                    .add_nowhere(format!("`{}` is not read", shown(root, &other)))
                    .help(format!("rename it to `{FLOW_FILE}`"));
            }
            continue;
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            problems
                .add_nowhere(format!("the folder name of `{}` is not UTF-8", shown(root, &flow)))
                .help("a flow is named after its folder: rename it");
            continue;
        };
        let entities = entity_files(root, &path.join("entities"), problems);
        flows.push(FlowFiles { name: name.to_owned(), flow, entities });
    }
    Ok(flows)
}

fn entity_files(root: &Path, folder: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    match sorted(folder) {
        Ok(paths) => paths
            .into_iter()
            .filter(|path| {
                let hidden =
                    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                let yaml = path.extension().is_some_and(|ext| ext == "yml" || ext == "yaml");
                yaml && !hidden && path.is_file()
            })
            .collect(),
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                problems.add_nowhere(format!("cannot read `{}`: {error}", shown(root, folder)));
            }
            Vec::new()
        }
    }
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, io::Error> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
