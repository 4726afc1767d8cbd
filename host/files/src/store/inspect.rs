//! Looks at a destination without changing it: for `hygge debug` and `--dry-run`.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use hygge_core::contract::{DestinationPlan, Mode, StorePlanRequest};
use hygge_core::fault::{Fault, FaultKind};
use jiff::Zoned;
use parquet::arrow::parquet_to_arrow_schema;

use super::FileStore;
use super::config::Layout;
use super::folder::{self, Which};
use super::parquet::{footer, rows_of};
use super::place::{is_writable, nearest_existing};
use crate::format::Format;
use crate::stored::stored;

/// Whether the destination can be written to, and what is there.
pub(super) fn check(store: &FileStore) -> Result<String, Fault> {
    let place = store.place()?;
    let around = match place.destination.parent() {
        Some(parent) if !place.inside => parent,
        _ => place.destination.as_path(),
    };
    let nearest = nearest_existing(around);
    if !nearest.is_dir() {
        return Err(Fault::config(format!("{} is a file, not a folder", nearest.display()))
            .with_help("let `path` of the store name a folder"));
    }
    // Staging is made beside the table, and files are added inside it.
    let existing = place.destination.is_dir().then_some(place.destination.as_path());
    for folder in [Some(nearest), existing].into_iter().flatten() {
        if !is_writable(folder) {
            return Err(Fault::new(
                FaultKind::Auth,
                format!("cannot write to {}", folder.display()),
            )
            .with_help("check the permissions of this folder for the user hygge runs as"));
        }
    }
    let mut note = match existing {
        None => "will be created".to_owned(),
        Some(folder) => match folder::files(folder, Which::Data)?.len() {
            0 => "empty".to_owned(),
            1 => "1 file".to_owned(),
            files => format!("{files} files"),
        },
    };
    if let Ok(disk) = rustix::fs::statvfs(nearest) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        note.push_str(&format!(", {} free", in_words(free)));
    }
    if place.inside {
        note.push_str("; files are replaced one by one, as the folder itself cannot be renamed");
    }
    Ok(note)
}

/// What a run would do.
pub(super) fn plan(
    store: &FileStore,
    request: &StorePlanRequest,
) -> Result<DestinationPlan, Fault> {
    let place = store.place()?;
    let destination = place.destination.as_path();
    let files = folder::files(destination, Which::Data)?;
    let (mut current, mut rows) = (None, Some(0));
    for file in &files {
        if !file.to_string_lossy().ends_with(Format::Parquet.extension()) {
            rows = None;
            continue;
        }
        // A file that is damaged or not ours to read is no reason against a plan.
        let Ok((metadata, _)) = footer(&destination.join(file)) else {
            rows = None;
            continue;
        };
        rows = rows.map(|rows| rows + rows_of(&metadata));
        let metadata = metadata.file_metadata();
        let described = metadata.key_value_metadata();
        if let Ok(schema) = parquet_to_arrow_schema(metadata.schema_descr(), described) {
            current = Some(Arc::new(schema));
        }
    }
    let future = request.schema.as_ref().map(|schema| future(store, schema)).transpose()?;
    Ok(DestinationPlan {
        current,
        future,
        rows: rows.filter(|_| !files.is_empty()),
        note: note(store, request.mode, place.inside, &files, destination),
    })
}

/// The columns that would be written for rows with these columns.
pub(super) fn future(store: &FileStore, schema: &SchemaRef) -> Result<SchemaRef, Fault> {
    let polished = match &store.settings.polish {
        Some(polish) => Arc::clone(polish.bind(schema, &Zoned::now())?.schema()),
        None => Arc::clone(schema),
    };
    match store.settings.layout {
        Layout::Parquet(_) => stored(&polished),
        Layout::Csv { .. } | Layout::Ndjson { .. } => Ok(polished),
    }
}

fn note(
    store: &FileStore,
    mode: Mode,
    inside: bool,
    files: &[std::path::PathBuf],
    destination: &Path,
) -> String {
    if files.is_empty() {
        return if destination.exists() { "first files" } else { "new table" }.to_owned();
    }
    let count = match files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    if mode == Mode::Replace {
        let how = if inside { "replace" } else { "swap" };
        return format!("{how}: {count} → new table");
    }
    let last = files
        .iter()
        .filter_map(|file| file.to_str())
        .filter_map(|name| Some((store.settings.pattern.sequence(name)?, name)))
        .max();
    match last {
        Some((_, name)) => format!("append after {name}"),
        None => format!("append to {count}"),
    }
}

/// `1.2 GB`.
fn in_words(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if size < 1000.0 {
            return if unit == "bytes" {
                format!("{bytes} bytes")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}
