//! The keys of files as a Home, and the Homes they make.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

use hygge_core::contract::{Home, HomeKind, Site};
use hygge_core::project::keys::KeySet;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Span};

use super::files::{FilesHome, Reading};
use super::listing::Location;
use super::text::options::FormatOptions;
use crate::format::Format;

hygge_core::keys! {
    /// Reads Parquet files: one file, or every `*.parquet` below a folder, sorted by path.
    pub struct ParquetKeys {
        /// The file, or the folder of files.
        path: String,
        /// Rows in one batch. Left out, batches are cut to the memory there is, which is best.
        batch_size: Option<NonZeroU64>,
        /// Further settings.
        options: Option<ReadOptions>,
    }
    ignores ["columns", "key_column", "source_config", "name", "version", "timeout"]
}

hygge_core::keys! {
    /// Reads files of one format: one file, or every such file below a folder, sorted by path.
    pub struct LocalKeys {
        /// The file, or the folder of files.
        path: String,
        /// What the files are. CSV and NDJSON may be compressed with gzip or Zstandard.
        format: Format = Format::Parquet,
        /// How the format is written.
        format_options: Option<FormatOptions>,
        /// Rows in one batch. Left out, batches are cut to the memory there is, which is best.
        batch_size: Option<NonZeroU64>,
        /// Further settings.
        options: Option<ReadOptions>,
    }
    ignores ["columns", "key_column", "source_config", "name", "version", "timeout"]
}

hygge_core::keys! {
    /// Further settings of reading files.
    pub struct ReadOptions {
        /// Rows in one batch, as the key of that name beside `options`.
        batch_size: Option<NonZeroU64>,
    }
}

/// `type: parquet`.
#[derive(Debug)]
pub(super) struct Parquet;

/// `type: local`.
#[derive(Debug)]
pub(super) struct Local;

/// Keys that every Home may carry and that the project reads, not the Home.
const SHARED: [&str; 1] = ["type"];

impl HomeKind for Parquet {
    fn name(&self) -> &str {
        "parquet"
    }

    fn keys(&self) -> &KeySet {
        ParquetKeys::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        let keys = ParquetKeys::from_mapping(mapping, span, &SHARED, problems)?;
        let batch_rows = keys.batch_size.or(keys.options.and_then(|options| options.batch_size));
        home(&keys.path, mapping, span, site, Reading::Parquet { batch_rows }, problems)
    }
}

impl HomeKind for Local {
    fn name(&self) -> &str {
        "local"
    }

    fn keys(&self) -> &KeySet {
        LocalKeys::key_set()
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        let keys = LocalKeys::from_mapping(mapping, span, &SHARED, problems)?;
        if let Some(options) = mapping.get("format_options").and_then(|node| node.as_mapping()) {
            refuse_foreign(options, keys.format, problems)?;
        }
        let batch_rows = keys.batch_size.or(keys.options.and_then(|options| options.batch_size));
        let reading = match keys.format {
            Format::Parquet => Reading::Parquet { batch_rows },
            Format::Csv | Format::Ndjson => {
                let options = match keys.format_options {
                    Some(options) => options,
                    // Every one of them has a default.
                    None => FormatOptions::from_mapping(&Mapping::default(), span, &[], problems)?,
                };
                Reading::Text { format: keys.format, options: Arc::new(options), batch_rows }
            }
        };
        home(&keys.path, mapping, span, site, reading, problems)
    }
}

/// Refuses options that mean nothing for the format: a separator of NDJSON is a mistake. Names
/// that mean nothing at all have been told already.
fn refuse_foreign(options: &Mapping, format: Format, problems: &mut Problems) -> Option<()> {
    let meant = FormatOptions::meant_for(format);
    let known = FormatOptions::key_set();
    let mut all_well = Some(());
    for (name, (span, _)) in &options.entries {
        if meant.contains(&name.as_str()) || !known.has(name) {
            continue;
        }
        let help = match meant.is_empty() {
            true => "leave `format_options` out, or set `format`".to_owned(),
            false => format!("known here: {}", meant.join(", ")),
        };
        problems
            .add(span, format!("`{name}` means nothing for `format: {}`", format.as_str()))
            .help(help);
        all_well = None;
    }
    all_well
}

fn home(
    path: &str,
    mapping: &Mapping,
    span: &Span,
    site: Site<'_>,
    reading: Reading,
    problems: &mut Problems,
) -> Option<Arc<dyn Home>> {
    if path.trim().is_empty() {
        let span = mapping.get("path").map_or(span, |node| &node.span);
        problems.add(span, "`path` is empty").label("should be a file or a folder of files");
        return None;
    }
    let base = Path::new(path);
    let written = match site.subfolder {
        Some(subfolder) => base.join(subfolder),
        None => base.to_owned(),
    };
    let location = Location { path: site.root.join(&written), written };
    Some(Arc::new(FilesHome { base: site.root.join(base), location, reading }))
}

/// Whether a file of this name would be read as the format by its ending.
pub(super) fn looks_like_file(path: &Path) -> bool {
    const ENDINGS: [&str; 6] = ["parquet", "csv", "ndjson", "jsonl", "gz", "zst"];
    path.extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}
