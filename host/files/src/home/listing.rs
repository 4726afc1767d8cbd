//! Which files a `path` means.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::fault::{Fault, FaultKind};
use hygge_core::project::keys::nearest;

use super::source::SourceFile;
use crate::format::{Format, TextCompression};

/// A file, or a folder of files.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// As the user wrote it, with the entity's folder.
    pub(crate) written: PathBuf,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl Location {
    /// The files, sorted by path: the file itself, or every file of the format below the folder.
    ///
    /// Whatever is hidden (a name that begins with a dot) or is another tool's work in progress
    /// is left out. Links are followed, but each folder is read once.
    pub(crate) fn files(&self, format: Format) -> Result<Vec<Arc<SourceFile>>, Fault> {
        let metadata = fs::metadata(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => self.missing(format),
            _ => Fault::io("read", &self.written, error),
        })?;
        if metadata.is_dir() {
            let mut files = self.walk(format)?;
            if files.is_empty() {
                return Err(self.empty(format));
            }
            files.sort_by(|a, b| a.path.cmp(&b.path));
            return Ok(files);
        }
        if !metadata.is_file() {
            return Err(Fault::config(format!(
                "`path`: {} is neither a file nor a folder",
                self.written.display()
            )));
        }
        Ok(vec![Arc::new(SourceFile::new(self.path.clone(), &self.written, &metadata))])
    }

    fn walk(&self, format: Format) -> Result<Vec<Arc<SourceFile>>, Fault> {
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        // Links wait until every folder proper has been read, so that a folder reached both ways
        // is listed under its own name.
        let mut folders = vec![PathBuf::new()];
        let mut links: Vec<PathBuf> = Vec::new();
        while let Some(below) = folders.pop().or_else(|| {
            links.sort_by(|a, b| b.cmp(a));
            links.pop()
        }) {
            let folder = self.path.join(&below);
            let shown = self.written.join(&below);
            let real = fs::canonicalize(&folder).map_err(|e| Fault::io("read", &shown, e))?;
            if !seen.insert(real) {
                continue;
            }
            for entry in fs::read_dir(&folder).map_err(|e| Fault::io("list", &shown, e))? {
                let entry = entry.map_err(|e| Fault::io("list", &shown, e))?;
                let name = entry.file_name();
                if is_passed_over(&name) {
                    continue;
                }
                let below = below.join(&name);
                let shown = self.written.join(&below);
                let kind = entry.file_type().map_err(|e| Fault::io("read", &shown, e))?;
                let wanted = is_of(&name, format);
                if kind.is_dir() {
                    folders.push(below);
                    continue;
                }
                if !wanted && !kind.is_symlink() {
                    continue;
                }
                let metadata = match fs::metadata(entry.path()) {
                    Ok(metadata) => metadata,
                    Err(_) if !wanted => continue,
                    Err(error) if kind.is_symlink() && error.kind() == io::ErrorKind::NotFound => {
                        return Err(Fault::missing(format!(
                            "{} is a link to a file that does not exist",
                            shown.display()
                        ))
                        .with_help("mend the link or remove it"));
                    }
                    Err(error) => return Err(Fault::io("read", &shown, error)),
                };
                if metadata.is_dir() {
                    links.push(below);
                } else if wanted && metadata.is_file() {
                    files.push(Arc::new(SourceFile::new(entry.path(), &shown, &metadata)));
                }
            }
        }
        Ok(files)
    }

    fn missing(&self, format: Format) -> Fault {
        let fault = Fault::missing(format!("`path`: {} does not exist", self.written.display()));
        // The deepest folder that exists, and the first name that is not in it.
        let mut written = self.written.as_path();
        let mut path = self.path.as_path();
        let mut wrong = OsStr::new("");
        while !path.is_dir() {
            if path.is_file() {
                return fault.with_help(format!(
                    "{} is a file: with entities, `path` should be a folder with one subfolder \
                     for each; without, write the file's path where the entity says `path`",
                    written.display()
                ));
            }
            let (Some(up), Some(name)) = (path.parent(), path.file_name()) else {
                return fault;
            };
            wrong = name;
            path = up;
            written = written.parent().unwrap_or_else(|| Path::new(""));
        }
        let mut names: Vec<String> = fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name())
            .filter(|name| !is_passed_over(name))
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        if let Some(near) = nearest(&wrong.to_string_lossy(), names.iter().map(String::as_str)) {
            return fault.with_help(format!("did you mean {}?", written.join(near).display()));
        }
        let place = match written.as_os_str().is_empty() {
            true => path.display(),
            false => written.display(),
        };
        if names.is_empty() {
            fault.with_help(format!("{place} is an empty folder"))
        } else {
            let more = if names.len() > 8 { ", …" } else { "" };
            names.truncate(8);
            fault.with_help(format!(
                "a {} file or a folder of them is expected; {place} has: {}{more}",
                format.extension(),
                names.join(", ")
            ))
        }
    }

    fn empty(&self, format: Format) -> Fault {
        let fault = Fault::missing(format!(
            "no {} files in {}",
            format.extension(),
            self.written.display()
        ));
        for other in [Format::Parquet, Format::Csv, Format::Ndjson] {
            let found = match other {
                _ if other == format => 0,
                _ => self.walk(other).map_or(0, |files| files.len()),
            };
            if found > 0 {
                let setting = match other {
                    Format::Parquet => "`type: parquet`".to_owned(),
                    _ => format!("`type: local` with `format: {}`", other.as_str()),
                };
                return fault.with_help(format!(
                    "there {} {found} {} file{}: {setting} would read {}",
                    if found == 1 { "is" } else { "are" },
                    other.extension(),
                    if found == 1 { "" } else { "s" },
                    if found == 1 { "it" } else { "them" },
                ));
            }
        }
        let there = self.endings();
        if there.is_empty() {
            return fault.with_help("the folder is empty");
        }
        let list: Vec<String> = there
            .iter()
            .map(|(ending, count)| format!("{count} {ending} file{}", plural(*count)))
            .collect();
        fault.with_help(format!("there: {}", list.join(", ")))
    }

    /// How many files of each ending are directly in the folder.
    fn endings(&self) -> BTreeMap<String, usize> {
        let mut endings = BTreeMap::new();
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if is_passed_over(&name) || !entry.path().is_file() {
                continue;
            }
            let ending = Path::new(&name).extension().map_or_else(
                || "unnamed".to_owned(),
                |ending| format!(".{}", ending.to_string_lossy().to_lowercase()),
            );
            *endings.entry(ending).or_insert(0) += 1;
        }
        endings
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Whether what has this name is no data of a table: hidden, or another tool's work in progress.
fn is_passed_over(name: &OsStr) -> bool {
    const IN_PROGRESS: [&str; 5] = ["_temp", "_tmp", "_staging", "_delta_log", "_spark_metadata"];
    let name = name.to_string_lossy();
    name.starts_with('.')
        || IN_PROGRESS.iter().any(|prefix| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
}

/// Whether the ending of this name is one of the format's.
fn is_of(name: &OsStr, format: Format) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    let plain = match format {
        Format::Parquet => return name.ends_with(".parquet"),
        Format::Csv | Format::Ndjson => [TextCompression::Gzip, TextCompression::Zstd]
            .into_iter()
            .find_map(|compression| name.strip_suffix(compression.extension()))
            .unwrap_or(&name),
    };
    match format {
        Format::Ndjson => plain.ends_with(".ndjson") || plain.ends_with(".jsonl"),
        _ => plain.ends_with(format.extension()),
    }
}

/// The fault for a column that is not there, with the nearest name.
pub(crate) fn no_such_column(
    location: &Location,
    key: &str,
    name: &str,
    schema: &arrow_schema::Schema,
) -> Fault {
    let fault = Fault::new(
        FaultKind::Config,
        format!("`{key}`: {} has no column `{name}`", location.written.display()),
    );
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    match nearest(name, names()) {
        Some(near) => fault.with_help(format!("did you mean `{near}`?")),
        None => {
            let more = if schema.fields().len() > 12 { ", …" } else { "" };
            let known: Vec<&str> = names().take(12).collect();
            fault.with_help(format!("it has: {}{more}", known.join(", ")))
        }
    }
}
