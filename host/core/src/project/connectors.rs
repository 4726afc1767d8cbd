//! Finding the connectors of a project: those that are built in, those in its folder
//! `connectors`, and those that `hygge.yml` names.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::keys::{Key, nearest};
use super::problem::Problems;
use super::source::shown;
use super::yaml::{Mapping, Span};
use crate::contract::Wanted;

/// The folder of a project whose `.wasm` files are its connectors.
pub const CONNECTORS_FOLDER: &str = "connectors";

/// The key of a connector in `hygge.yml` that says where it is.
pub const PATH_KEY: &str = "path";

/// A connector of a project.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Its name, which is the `type` of a home or a store.
    pub name: String,
    /// Where its code is.
    pub code: Code,
    /// What `hygge.yml` says of it, apart from `path`.
    pub settings: Mapping,
    /// Where `hygge.yml` speaks of it, if it does.
    pub span: Option<Span>,
}

/// Where the code of a connector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// In hygge itself.
    BuiltIn,
    /// In a file.
    File {
        /// Where.
        path: PathBuf,
        /// As messages show it.
        shown: String,
    },
}

/// All connectors of a project, sorted by name. `built_in` are the connectors in hygge itself,
/// `kinds` the names that are taken by kinds that are no connectors.
pub fn connectors(
    wanted: &Wanted<'_>,
    built_in: &[&str],
    kinds: &[&str],
    problems: &mut Problems,
) -> Vec<Connector> {
    let mut found: Vec<Connector> =
        built_in.iter().map(|name| connector(wanted, (*name).to_owned(), Code::BuiltIn)).collect();
    let files = in_folder(wanted.root).unwrap_or_else(|error| {
        problems.add_nowhere(format!("cannot read the folder `{CONNECTORS_FOLDER}`: {error}"));
        Vec::new()
    });
    for (name, path) in files {
        let shown = shown(wanted.root, &path);
        if built_in.contains(&name.as_str()) || kinds.contains(&name.as_str()) {
            problems
                .add_nowhere(format!("`{shown}` has the name of something built in: `{name}`"))
                .help("a connector is named after its file: rename it");
        } else {
            found.push(connector(wanted, name, Code::File { path, shown }));
        }
    }
    for (name, (span, node)) in &wanted.connectors.entries {
        let Some(settings) = node.as_mapping() else { continue };
        if kinds.contains(&name.as_str()) {
            problems
                .add(span, format!("`{name}` is built in, and no connector"))
                .label("not a name for a connector")
                .help("a home or a store of this type would not be the connector: choose another");
            continue;
        }
        let place = found.iter_mut().find(|connector| connector.name == *name);
        match (settings.get(PATH_KEY), place) {
            (Some(node), Some(known)) if known.code == Code::BuiltIn => {
                problems
                    .add(&node.span, format!("the connector `{name}` is built in"))
                    .label("has no `path`")
                    .help("remove `path`, or give your connector another name");
            }
            (Some(node), place) => {
                let Some(path) = String::read(node, problems) else { continue };
                let Some(code) = file(wanted.root, &path, &node.span, problems) else { continue };
                match place {
                    Some(known) => known.code = code,
                    None => found.push(connector(wanted, name.clone(), code)),
                }
            }
            (None, Some(_)) => {}
            (None, None) => {
                let message = format!("there is no connector `{name}`");
                let problem = problems.add(span, message);
                if let Some(near) = nearest(name, found.iter().map(|known| known.name.as_str())) {
                    problem.label(format!("did you mean `{near}`?"));
                }
                problem.help(format!(
                    "put it at `{CONNECTORS_FOLDER}/{name}.wasm`, or say with `{PATH_KEY}` where \
                     it is"
                ));
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn connector(wanted: &Wanted<'_>, name: String, code: Code) -> Connector {
    let declared = wanted.connectors.entries.get(&name);
    let mut settings =
        declared.and_then(|(_, node)| node.as_mapping()).cloned().unwrap_or_default();
    settings.entries.shift_remove(PATH_KEY);
    Connector { name, code, settings, span: declared.map(|(span, _)| span.clone()) }
}

/// The connectors in the project's folder for them, by the stem of their files.
fn in_folder(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(root.join(CONNECTORS_FOLDER)) {
        Ok(entries) => entries,
        // A project may have none, and a file of this name is somebody else's business.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let wasm = path.extension().is_some_and(|ending| ending == "wasm");
        if wasm && may_be_named(stem) && path.is_file() {
            found.push((stem.to_owned(), path));
        }
    }
    Ok(found)
}

/// Whether a connector could have this name.
pub(super) fn may_be_named(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'))
}

/// The file that `path` names.
fn file(root: &Path, path: &str, span: &Span, problems: &mut Problems) -> Option<Code> {
    if let Some((scheme, _)) = path.split_once("://") {
        let what = match scheme {
            "oci" => "a registry",
            _ => "the web",
        };
        problems
            .add(span, format!("connectors cannot be taken from {what} yet"))
            .label("should be a file")
            .help(format!(
                "download it to `{CONNECTORS_FOLDER}/`, where it is found by its file's name"
            ));
        return None;
    }
    let whole = root.join(path);
    let shown = shown(root, &whole);
    let fault = match fs::metadata(&whole) {
        Ok(about) if about.is_file() => return Some(Code::File { path: whole, shown }),
        Ok(_) => format!("`{shown}` is not a file"),
        Err(error) if error.kind() == ErrorKind::NotFound => format!("there is no file `{shown}`"),
        Err(error) => format!("cannot read `{shown}`: {error}"),
    };
    problems
        .add(span, fault)
        .help("`path` names the connector's `.wasm` file; it starts at the project's folder");
    None
}
