//! The footer of a Parquet file: what it promises, and whether that can be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hygge_core::fault::Fault;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};

use super::super::source::OpenFile;
use super::pages::{PageBytes, range};

/// A footer is a few bytes for each column chunk. A longer one is damage, and would be read into
/// memory whole.
const LONGEST: u64 = 512 << 20;

/// How much of a footer is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// What is needed to decode rows.
    Shape,
    /// The lowest and highest values as well.
    Statistics,
    /// All of it: it will be written to another file.
    Everything,
}

/// Reads the footer and checks that it can be true.
pub(super) fn read(file: &Arc<OpenFile>, keep: Keep) -> Result<ArrowReaderMetadata, Fault> {
    tail(file)?;
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let policy = match keep {
            Keep::Shape => ParquetStatisticsPolicy::SkipAll,
            Keep::Statistics | Keep::Everything => ParquetStatisticsPolicy::KeepAll,
        };
        let options = ParquetMetaDataOptions::new()
            .with_column_stats_policy(policy)
            .with_encoding_stats_as_mask(keep != Keep::Everything);
        let metadata = ParquetMetaDataReader::new()
            .with_metadata_options(Some(options))
            .parse_and_finish(&PageBytes(Arc::clone(file)))?;
        ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())
    }));
    let metadata = match parsed {
        Ok(Ok(metadata)) => metadata,
        Ok(Err(error)) => return Err(damaged(file, "its footer cannot be read", Some(error))),
        Err(_) => return Err(damaged(file, "its footer makes no sense", None)),
    };
    check(file, metadata.metadata())?;
    Ok(metadata)
}

/// Looks at the last bytes, which tell a Parquet file from everything else.
fn tail(file: &Arc<OpenFile>) -> Result<(), Fault> {
    let source = file.source();
    let shown = &source.shown;
    if source.len() == 0 {
        return Err(Fault::data(format!("{shown} is empty: not a Parquet file"))
            .with_help("write it again, or move it out of the folder to load the rest"));
    }
    let mut head = [0; 4];
    let mut tail = [0; 8];
    if source.len() >= 12 {
        file.read_exact_at(&mut head, 0)
            .and_then(|()| file.read_exact_at(&mut tail, source.len() - 8))
            .map_err(|error| source.unreadable(error))?;
    }
    let [l0, l1, l2, l3, end @ ..] = tail;
    let len = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    match (&head, &end) {
        (b"PAR1", b"PAR1") if len > LONGEST || len > source.len() - 12 => {
            Err(damaged(file, &format!("it claims a footer of {len} bytes"), None))
        }
        (b"PAR1", b"PAR1") => Ok(()),
        (b"PARE", _) | (_, b"PARE") => {
            Err(Fault::data(format!("{shown} is encrypted, which is not supported"))
                .with_help("decrypt it first"))
        }
        (b"PAR1", _) => Err(damaged(file, "it has no footer: it was not written to its end", None)),
        _ => Err(Fault::data(format!("{shown} is not a Parquet file")).with_help(
            "if it holds text, use `type: local` with `format: csv` or `format: ndjson`",
        )),
    }
}

/// Checks what the decoder takes for granted.
fn check(file: &Arc<OpenFile>, metadata: &ParquetMetaData) -> Result<(), Fault> {
    let mut rows = 0_i64;
    for (at, group) in metadata.row_groups().iter().enumerate() {
        let wrong = |what: String| damaged(file, &format!("row group {at}, {what}"), None);
        if group.num_rows() < 0 {
            return Err(wrong(format!("which claims {} rows", group.num_rows())));
        }
        rows = rows.saturating_add(group.num_rows());
        for column in group.columns() {
            let (start, end) = range(column);
            let lies_inside = column.compressed_size() >= 0
                && column.data_page_offset() >= 0
                && column.dictionary_page_offset().is_none_or(|at| at >= 0)
                && (group.num_rows() == 0 || start >= 4)
                && end <= file.source().len();
            let name = column.column_path().string();
            if !lies_inside {
                return Err(wrong(format!("column `{name}` lies outside of the file")));
            }
            let flat = column.column_descr().max_rep_level() == 0;
            if column.num_values() < 0 || (flat && column.num_values() != group.num_rows()) {
                return Err(wrong(format!(
                    "column `{name}` claims {} values for {} rows",
                    column.num_values(),
                    group.num_rows()
                )));
            }
            if let Some(other) = column.file_path() {
                return Err(Fault::data(format!(
                    "{} keeps its rows in another file ({other}), which is not supported",
                    file.source().shown
                )));
            }
        }
    }
    let promised = metadata.file_metadata().num_rows();
    if promised != rows {
        return Err(damaged(
            file,
            &format!("its footer promises {promised} rows, its row groups {rows}"),
            None,
        ));
    }
    Ok(())
}

/// The fault for a file that is not what it should be; or, if the file was changed meanwhile, the
/// fault for that.
pub(crate) fn damaged(
    file: &OpenFile,
    what: &str,
    cause: Option<parquet::errors::ParquetError>,
) -> Fault {
    if let Err(changed) = file.verify() {
        return changed;
    }
    let fault = Fault::data(format!("{} is damaged: {what}", file.source().shown))
        .with_help("write it again from its source, or move it out of the folder to load the rest");
    match cause {
        Some(cause) => fault.because(plain(&cause.to_string())),
        None => fault,
    }
}

/// What the decoder said, without the names of its own parts.
fn plain(said: &str) -> &str {
    let mut said = said;
    for prefix in ["Parquet argument error: ", "Parquet error: ", "External: ", "EOF: ", "Arrow: "]
    {
        while let Some(rest) = said.strip_prefix(prefix) {
            said = rest;
        }
    }
    said
}
