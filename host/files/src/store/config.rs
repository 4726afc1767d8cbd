//! The keys of `store: { type: parquet }` and `store: { type: local }`.

use std::num::NonZeroU64;

use hygge_core::contract::Site;
use hygge_core::project::keys::{ByteSize, Key};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Node, Span, Value};

use super::pattern::{FilePattern, PatternNames};
use crate::cell::Style;
use crate::format::{Format, TextCompression};
use crate::polish::{Polish, PolishKeys};
use crate::terms::ParquetTerms;

/// Keys that every Store's mapping may hold and that are read elsewhere.
const READ_ELSEWHERE: &[&str] = &["type", "incremental"];

const DEFAULT_PATTERN: &str = "{sequence:020d}";

hygge_core::keys! {
    /// Writes Parquet files into a folder.
    pub struct ParquetStoreKeys {
        /// The folder; the entity's name is appended to it.
        path: String,
        /// Rows in each file. When left out, files grow to `target_file_size`.
        batch_size: Option<NonZeroU64>,
        /// How large files grow when `batch_size` is left out: 512 MB unless said otherwise.
        /// Larger files of a source are then divided where their row groups end; when left out,
        /// they may be copied as they are.
        target_file_size: Option<ByteSize>,
        /// How pages are compressed.
        compression: Compression = Compression::Snappy,
        /// How files are named: `{sequence}` (or `{sequence:020d}`), `{entity}`, `{flow}`.
        file_pattern: String = "{sequence:020d}.parquet".to_owned(),
        /// How far Parquet data that is copied, not decoded, is checked before.
        verify: Verify = Verify::Structure,
        /// Last touches to rows before they are written.
        polish: Option<PolishKeys>,
        /// An older place for `batch_size`, `compression` and `file_pattern`.
        options: Option<OlderOptions>,
    }
    ignores ["if_exists", "timeout", "parallel_workers", "folder_deletion_wait_seconds", "name"]
}

hygge_core::keys! {
    /// Writes Parquet, CSV or NDJSON files into a folder.
    pub struct LocalStoreKeys {
        /// The folder; the entity's name is appended to it.
        path: String,
        /// The format of the files.
        format: Format = Format::Parquet,
        /// Options of the format.
        format_options: Option<Node>,
        /// Rows in each file. When left out, files grow to `target_file_size`.
        batch_size: Option<NonZeroU64>,
        /// How large files grow when `batch_size` is left out: 512 MB unless said otherwise.
        /// Larger files of a source are then divided where their row groups end; when left out,
        /// they may be copied as they are.
        target_file_size: Option<ByteSize>,
        /// How files are compressed. Parquet: snappy unless said otherwise. CSV and NDJSON:
        /// `uncompressed` unless said otherwise, `gzip` or `zstd`.
        compression: Option<Compression>,
        /// How files are named: `{sequence}` (or `{sequence:020d}`), `{entity}`, `{flow}`.
        file_pattern: Option<String>,
        /// How far Parquet data that is copied, not decoded, is checked before.
        verify: Verify = Verify::Structure,
        /// Last touches to rows before they are written.
        polish: Option<PolishKeys>,
        /// An older place for `batch_size`, `compression` and `file_pattern`.
        options: Option<OlderOptions>,
    }
    ignores ["if_exists", "timeout", "parallel_workers", "folder_deletion_wait_seconds", "name"]
}

hygge_core::keys! {
    /// An older place for keys of the store.
    pub struct OlderOptions {
        /// Rows in each file.
        batch_size: Option<NonZeroU64>,
        /// How files are compressed.
        compression: Option<Compression>,
        /// How files are named.
        file_pattern: Option<String>,
    }
}

hygge_core::choices! {
    /// How data is compressed.
    pub enum Compression {
        /// Fast, and read everywhere.
        Snappy = "snappy",
        /// Small, slow.
        Gzip = "gzip" | "gz",
        /// Fast.
        Lz4 = "lz4" | "lz4_raw",
        /// Smallest, slowest.
        Brotli = "brotli",
        /// Small and fast.
        Zstd = "zstd" | "zst",
        /// Not at all.
        Uncompressed = "uncompressed" | "none",
    }
}

hygge_core::choices! {
    /// How far data that is copied, not decoded, is checked before.
    pub enum Verify {
        /// Whether its pages and all that is said of them fit together.
        Structure = "structure",
        /// All values are decoded as well, and checksums compared.
        Values = "values",
    }
}

hygge_core::keys! {
    /// Options of Parquet files.
    pub struct ParquetOptions {
        /// How pages are compressed.
        compression: Option<Compression>,
        /// How hard gzip (0 to 9), brotli (0 to 11) or zstd (1 to 22) tries.
        compression_level: Option<u64>,
        /// Rows in a row group, at most.
        row_group_size: Option<NonZeroU64>,
    }
    ignores ["statistics", "data_page_size", "use_pyarrow"]
}

hygge_core::keys! {
    /// Options of CSV files.
    pub struct CsvOptions {
        /// Between fields: one character.
        separator: String = ",".to_owned(),
        /// Around fields: one character.
        quote_char: String = "\"".to_owned(),
        /// Which fields are quoted.
        quote_style: QuoteStyle = QuoteStyle::Necessary,
        /// Whether the first line holds the columns' names.
        include_header: bool = true,
        /// Whether the file begins with a byte order mark.
        include_bom: bool = false,
        /// After each line.
        line_terminator: String = "\n".to_owned(),
        /// What stands for null.
        null_value: String = String::new(),
        /// Digits after the decimal point of floating-point numbers.
        float_precision: Option<u64>,
        /// How dates are written, in the terms of `strftime`.
        date_format: Option<String>,
        /// How timestamps are written, in the terms of `strftime`.
        datetime_format: Option<String>,
        /// How times of day are written, in the terms of `strftime`.
        time_format: Option<String>,
        /// How files are compressed.
        compression: Option<Compression>,
    }
    ignores ["batch_size"]
}

hygge_core::choices! {
    /// Which fields of a CSV file are quoted.
    pub enum QuoteStyle {
        /// Those that could not be read back otherwise.
        Necessary = "necessary",
        /// All.
        Always = "always",
        /// All that are not numbers.
        NonNumeric = "non_numeric",
        /// None.
        Never = "never",
    }
}

hygge_core::keys! {
    /// Options of NDJSON files.
    pub struct NdjsonOptions {
        /// How files are compressed.
        compression: Option<Compression>,
    }
}

/// What both kinds come down to.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub path: String,
    pub pattern: FilePattern,
    pub rows_per_file: Option<NonZeroU64>,
    pub target_file_size: u64,
    /// The size of a file, if the user said so.
    pub divide_at: Option<u64>,
    pub verify: Verify,
    pub polish: Option<Polish>,
    pub layout: Layout,
}

/// How the rows of a file are laid out.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    Parquet(ParquetLayout),
    Csv { csv: CsvLayout, compression: TextCompression },
    Ndjson { compression: TextCompression },
}

/// How Parquet is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParquetLayout {
    pub compression: parquet::basic::Compression,
    /// Whether the user said how hard to compress.
    pub has_level: bool,
    /// Rows in a row group, at most, if the user said so.
    pub most_rows: Option<u64>,
}

impl ParquetLayout {
    /// Rows in a row group, at most.
    pub(crate) fn row_group_rows(&self) -> usize {
        self.most_rows.map_or(ROW_GROUP_ROWS, |rows| rows.min(ROW_GROUP_ROWS as u64) as usize)
    }
}

/// How CSV is written.
#[derive(Clone, Debug)]
pub(crate) struct CsvLayout {
    pub separator: u8,
    pub quote: u8,
    pub quote_style: QuoteStyle,
    pub header: bool,
    pub byte_order_mark: bool,
    pub line_end: String,
    pub null: String,
    pub style: Style,
}

impl Settings {
    /// On what terms Parquet data is taken as it is stored; `None` where files are text.
    pub(crate) fn parquet_terms(&self) -> Option<ParquetTerms> {
        let Layout::Parquet(layout) = &self.layout else { return None };
        Some(ParquetTerms {
            refusal: self.rows_per_file.map(|_| "`batch_size` is set"),
            polish: self.polish.clone(),
            codec: layout.compression,
            level_matters: layout.has_level,
            most_rows: layout.most_rows,
            most_bytes: self.divide_at,
        })
    }
}

impl Layout {
    /// The ending of the files' names.
    pub(crate) fn extension(&self) -> String {
        match self {
            Self::Parquet(_) => Format::Parquet.extension().to_owned(),
            Self::Csv { compression, .. } => {
                format!("{}{}", Format::Csv.extension(), compression.extension())
            }
            Self::Ndjson { compression } => {
                format!("{}{}", Format::Ndjson.extension(), compression.extension())
            }
        }
    }
}

/// How large files grow when nothing is said of it.
const FILE_SIZE: u64 = 512_000_000;

/// Most rows in a row group: what readers of Parquet are tuned for.
const ROW_GROUP_ROWS: usize = 1_048_576;

/// Reads the keys of the kind `parquet`.
pub(crate) fn parquet(
    mapping: &Mapping,
    span: &Span,
    site: Site<'_>,
    problems: &mut Problems,
) -> Option<Settings> {
    let keys = ParquetStoreKeys::from_mapping(mapping, span, READ_ELSEWHERE, problems)?;
    let keys = LocalStoreKeys {
        path: keys.path,
        format: Format::Parquet,
        format_options: None,
        batch_size: keys.batch_size,
        target_file_size: keys.target_file_size,
        compression: Some(keys.compression),
        file_pattern: Some(keys.file_pattern),
        verify: keys.verify,
        polish: keys.polish,
        options: keys.options,
    };
    settings(keys, mapping, span, site, problems)
}

/// Reads the keys of the kind `local`.
pub(crate) fn local(
    mapping: &Mapping,
    span: &Span,
    site: Site<'_>,
    problems: &mut Problems,
) -> Option<Settings> {
    let keys = LocalStoreKeys::from_mapping(mapping, span, READ_ELSEWHERE, problems)?;
    settings(keys, mapping, span, site, problems)
}

fn settings(
    keys: LocalStoreKeys,
    mapping: &Mapping,
    span: &Span,
    site: Site<'_>,
    problems: &mut Problems,
) -> Option<Settings> {
    let before = problems.list.len();
    let at = |key: &str| mapping.get(key).map_or(span, |node| &node.span);
    let older = keys.options.as_ref();
    if keys.path.is_empty() {
        problems.add(at("path"), "`path` is empty").help("name the folder to write into");
    }
    let divide_at = keys.target_file_size.map(|size| size.0);
    if divide_at == Some(0) {
        problems.add(at("target_file_size"), "files cannot grow to no size at all");
    }
    let compression = older.and_then(|older| older.compression).or(keys.compression);
    let options = keys.format_options.as_ref();
    let layout = match keys.format {
        Format::Parquet => parquet_layout(options, compression, at("compression"), problems),
        Format::Csv => csv_layout(options, compression, at("compression"), problems),
        Format::Ndjson => ndjson_layout(options, compression, at("compression"), problems),
    };
    let polish = match keys.polish {
        Some(polish) => Some(Polish::configure(polish, at("polish"), problems)?),
        None => None,
    };
    let layout = layout?;
    let text = older.and_then(|older| older.file_pattern.as_deref());
    let text = text.or(keys.file_pattern.as_deref()).unwrap_or(DEFAULT_PATTERN);
    let names = PatternNames { flow: site.flow, entity: site.entity };
    let pattern = match FilePattern::parse(text, names, &layout.extension()) {
        Ok(pattern) => pattern,
        Err((message, help)) => {
            let place = if older.is_some_and(|older| older.file_pattern.is_some()) {
                at("options")
            } else {
                at("file_pattern")
            };
            problems.add(place, format!("`file_pattern`: {message}")).help(help);
            return None;
        }
    };
    (problems.list.len() == before).then_some(Settings {
        path: keys.path,
        pattern,
        rows_per_file: older.and_then(|older| older.batch_size).or(keys.batch_size),
        target_file_size: divide_at.unwrap_or(FILE_SIZE),
        divide_at,
        verify: keys.verify,
        polish,
        layout,
    })
}

/// Reads `format_options`; without any, every option has its default.
fn format_options<T: Key>(node: Option<&Node>, place: &Span, problems: &mut Problems) -> Option<T> {
    match node {
        Some(node) => T::read(node, problems),
        None => {
            let nothing = Value::Mapping(Mapping::default());
            T::read(&Node { value: nothing, span: place.clone() }, problems)
        }
    }
}

fn parquet_layout(
    node: Option<&Node>,
    compression: Option<Compression>,
    place: &Span,
    problems: &mut Problems,
) -> Option<Layout> {
    use parquet::basic::{BrotliLevel, Compression as Codec, GzipLevel, ZstdLevel};

    let options: ParquetOptions = format_options(node, place, problems)?;
    let compression = compression.or(options.compression).unwrap_or(Compression::Snappy);
    let level = options.compression_level.map(|level| u32::try_from(level).unwrap_or(u32::MAX));
    let codec = match compression {
        Compression::Uncompressed => Ok(Codec::UNCOMPRESSED),
        Compression::Snappy => Ok(Codec::SNAPPY),
        // The framing that the format's description deprecates is named plainly `LZ4` there.
        Compression::Lz4 => Ok(Codec::LZ4_RAW),
        Compression::Gzip => {
            level.map_or(Ok(GzipLevel::default()), GzipLevel::try_new).map(Codec::GZIP)
        }
        Compression::Brotli => {
            level.map_or(Ok(BrotliLevel::default()), BrotliLevel::try_new).map(Codec::BROTLI)
        }
        Compression::Zstd => {
            let level = level.map(|level| i32::try_from(level).unwrap_or(i32::MAX));
            level.map_or(Ok(ZstdLevel::default()), ZstdLevel::try_new).map(Codec::ZSTD)
        }
    };
    match codec {
        Ok(compression) => Some(Layout::Parquet(ParquetLayout {
            compression,
            has_level: level.is_some(),
            most_rows: options.row_group_size.map(std::num::NonZero::get),
        })),
        Err(_) => {
            let place = node.map_or(place, |node| &node.span);
            let name = compression.as_str();
            problems
                .add(place, format!("{name} has no `compression_level` {}", level.unwrap_or(0)))
                .help("gzip knows 0 to 9, brotli 0 to 11, zstd 1 to 22");
            None
        }
    }
}

fn csv_layout(
    node: Option<&Node>,
    compression: Option<Compression>,
    place: &Span,
    problems: &mut Problems,
) -> Option<Layout> {
    let options: CsvOptions = format_options(node, place, problems)?;
    let compression =
        text_compression("CSV", compression.or(options.compression), place, problems)?;
    let place = node.map_or(place, |node| &node.span);
    let separator = one_byte("separator", &options.separator, place, problems);
    let quote = one_byte("quote_char", &options.quote_char, place, problems);
    for (key, format) in [
        ("date_format", &options.date_format),
        ("datetime_format", &options.datetime_format),
        ("time_format", &options.time_format),
    ] {
        if let Some(format) = format
            && let Err(error) = jiff::fmt::strtime::format(format, &jiff::Zoned::UNIX_EPOCH)
        {
            problems.add(place, format!("`{key}` is not a strftime format: {error}"));
            return None;
        }
    }
    let csv = CsvLayout {
        separator: separator?,
        quote: quote?,
        quote_style: options.quote_style,
        header: options.include_header,
        byte_order_mark: options.include_bom,
        line_end: options.line_terminator,
        null: options.null_value,
        style: Style {
            float_digits: options.float_precision.map(|digits| digits.min(100) as usize),
            date_format: options.date_format,
            datetime_format: options.datetime_format,
            time_format: options.time_format,
            ..Style::csv()
        },
    };
    Some(Layout::Csv { csv, compression })
}

fn ndjson_layout(
    node: Option<&Node>,
    compression: Option<Compression>,
    place: &Span,
    problems: &mut Problems,
) -> Option<Layout> {
    let options: NdjsonOptions = format_options(node, place, problems)?;
    let compression =
        text_compression("NDJSON", compression.or(options.compression), place, problems)?;
    Some(Layout::Ndjson { compression })
}

fn text_compression(
    format: &str,
    compression: Option<Compression>,
    place: &Span,
    problems: &mut Problems,
) -> Option<TextCompression> {
    match compression {
        None | Some(Compression::Uncompressed) => Some(TextCompression::None),
        Some(Compression::Gzip) => Some(TextCompression::Gzip),
        Some(Compression::Zstd) => Some(TextCompression::Zstd),
        Some(other) => {
            problems
                .add(place, format!("{format} files cannot be compressed with {}", other.as_str()))
                .help("choose uncompressed, gzip or zstd");
            None
        }
    }
}

fn one_byte(key: &str, text: &str, place: &Span, problems: &mut Problems) -> Option<u8> {
    match text.as_bytes() {
        [byte] if !matches!(byte, b'\n' | b'\r') => Some(*byte),
        _ => {
            problems
                .add(place, format!("`{key}` is {text:?}"))
                .help(format!("`{key}` is one ASCII character, such as `,` or `;`"));
            None
        }
    }
}
