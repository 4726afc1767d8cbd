//! `hygge init`: begins a project with an example flow.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use hygge_core::fault::Fault;

use crate::args::InitArgs;
use crate::failure::{Failure, print};
use crate::report::style::{GOOD, HEADING, paint};

/// Writes the template into a new folder and says what to do next.
pub(super) fn init(args: &InitArgs) -> Result<ExitCode, Failure> {
    let flows = flows_dir(&args.flows_dir)?;
    let name = project_name(&args.name)?;
    let folder = &args.name;
    if !args.force {
        refuse_if_taken(folder)?;
    }

    let example = flows.join("example_flow");
    let flow_file = example.join("flow.yml");
    let files = [
        (PathBuf::from("hygge.yml"), hygge_yml(&name, &args.flows_dir)),
        (flow_file.clone(), FLOW_YML.to_owned()),
        (example.join("entities").join("users.yml"), USERS_YML.to_owned()),
    ];
    let mut told = String::new();
    for (path, text) in &files {
        let path = folder.join(path);
        write(&path, text, args.force)?;
        told.push_str(&format!("{} {}\n", paint(GOOD, "wrote"), path.display()));
    }
    told.push_str(&format!(
        "\n{}\n  \
         1. cd {}\n  \
         2. edit {}: say where the data is and where it should go\n  \
         3. hygge debug           checks that it can be read and written\n  \
         4. hygge go --dry-run    shows what would run\n  \
         5. hygge go\n",
        paint(HEADING, "Next"),
        quoted(folder),
        flow_file.display(),
    ));
    print(&told)?;
    Ok(ExitCode::SUCCESS)
}

/// The last part of the folder's path, which must be fit to stand in YAML.
fn project_name(folder: &Path) -> Result<String, Fault> {
    // `hygge init .` begins a project in this folder, under the folder's own name.
    let whole = if folder.components().all(|part| part == Component::CurDir) {
        std::env::current_dir().map_err(|error| Fault::io("read", folder, error))?
    } else {
        folder.to_owned()
    };
    whole
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| !name.chars().any(char::is_control))
        .map(str::to_owned)
        .ok_or_else(|| {
            Fault::config(format!("`{}` is no name for a project", folder.display()))
                .with_help("a project's name is the name of a folder, such as `warehouse`")
        })
}

/// The folder of the flows, which must stay inside the project.
fn flows_dir(typed: &str) -> Result<PathBuf, Fault> {
    let path = PathBuf::from(typed);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if typed.is_empty() || !inside || typed.chars().any(char::is_control) {
        return Err(Fault::config(format!("--flows-dir `{typed}` is not a folder in the project"))
            .with_help("give a plain name such as `flows`"));
    }
    Ok(path)
}

fn refuse_if_taken(folder: &Path) -> Result<(), Fault> {
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(Fault::io("make a project in", folder, error)),
    };
    if taken {
        return Err(Fault::config(format!("{} already holds something", folder.display()))
            .with_help(
                "choose another name, or use --force to write over hygge.yml and the example flow",
            ));
    }
    Ok(())
}

fn write(path: &Path, text: &str, over: bool) -> Result<(), Fault> {
    let fault = |error| Fault::io("write", path, error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fault)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true);
    if over {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(fault)
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "-_./\\:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Text between double quotes in YAML.
fn yaml(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn hygge_yml(name: &str, flows_dir: &str) -> String {
    format!(
        "\
# A hygge project. `hygge schema` prints the JSON Schema of these files for your editor.
name: {}
flows_dir: {}

options:
  # debug, info, warning or error
  log_level: INFO
  # true: tables that have not begun still run after one has failed
  continue_on_error: false
  # Tables at a time, and the memory they share:
  # concurrency: 8
  # memory: 256 MB

# Keep a journal beside the data, for the watermarks of incremental runs:
# journal:
#   location: store
",
        yaml(name),
        yaml(flows_dir)
    )
}

const FLOW_YML: &str = "\
# A flow moves the tables in entities/ from one home to one store. Its name is its folder's.
# Paths start at the folder of hygge.yml; ${NAME} stands for an environment variable.
name: example_flow

# Where the data lives: each table in a folder of its own, data/source/users.
home:
  type: parquet
  path: data/source

# Where it settles: data/destination/users.
store:
  type: parquet
  path: data/destination

# full_drop replaces each table; incremental adds what is new.
# run_type: incremental
# watermark:
#   primary_key: id
#   watermark_column: updated_at

# Given to every entity that does not say otherwise.
defaults:
  key_column: id
  # Rows in one file
  batch_size: 10000
";

const USERS_YML: &str = "\
# One table of the flow.
name: users

# The columns you expect; a note for people, every column is moved.
columns:
  - id
  - name
  - email
  - created_at
";

#[cfg(test)]
mod tests {
    use super::*;

    fn args(name: PathBuf, force: bool) -> InitArgs {
        InitArgs { name, flows_dir: "flows".into(), force }
    }

    #[test]
    fn a_project_is_written_once_and_never_over_something_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("warehouse");
        init(&args(folder.clone(), false)).unwrap();
        let flow = folder.join("flows/example_flow/flow.yml");
        assert!(folder.join("flows/example_flow/entities/users.yml").is_file());
        assert!(fs::read_to_string(folder.join("hygge.yml")).unwrap().contains("\"warehouse\""));

        fs::write(&flow, "mine").unwrap();
        let Err(Failure::Fault(fault)) = init(&args(folder.clone(), false)) else {
            panic!("not refused");
        };
        assert!(fault.help().unwrap().contains("--force"));
        assert_eq!(fs::read_to_string(&flow).unwrap(), "mine");

        fs::write(folder.join("notes.txt"), "mine").unwrap();
        init(&args(folder.clone(), true)).unwrap();
        assert_eq!(fs::read_to_string(&flow).unwrap(), FLOW_YML);
        assert!(folder.join("notes.txt").is_file());
    }

    #[test]
    fn an_empty_folder_may_become_a_project() {
        let root = tempfile::tempdir().unwrap();
        init(&args(root.path().to_owned(), false)).unwrap();
        assert!(root.path().join("hygge.yml").is_file());
    }

    #[test]
    fn flows_stay_inside_the_project() {
        for outside in ["", "../flows", "/flows", "a/../../b", "."] {
            assert!(flows_dir(outside).is_err(), "{outside}");
        }
        assert_eq!(flows_dir("a/b").unwrap(), PathBuf::from("a/b"));
    }

    #[test]
    fn names_are_quoted_where_they_need_to_be() {
        assert_eq!(quoted(Path::new("a/b-c")), "a/b-c");
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
        assert_eq!(yaml(r#"a "b" \c"#), r#""a \"b\" \\c""#);
        assert!(project_name(Path::new("..")).is_err());
        assert_eq!(project_name(Path::new("a/b")).unwrap(), "b");
    }
}
