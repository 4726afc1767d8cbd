//! The columns of text files, found from their first rows.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt as _;
use hygge_core::contract::ReadRequest;
use hygge_core::cpu::Cpu;
use hygge_core::fault::Fault;
use hygge_core::project::keys::nearest;
use indexmap::IndexMap;
use serde_json::Value;

use super::super::listing::{Location, no_such_column};
use super::super::source::SourceFile;
use super::blocks::{Blocks, Cutter, Sizes};
use super::infer::Looks;
use super::json_infer::{Shape, merge_members, see_member};
use super::options::{FormatOptions, Sample};
use super::records::Dialect;
use crate::format::Format;

/// However many files there are, this many rows of each are looked at.
const LEAST_ROWS: u64 = 100;

/// The files to read and the columns they have.
#[derive(Debug)]
pub(super) struct Survey {
    /// In order.
    pub(super) files: Vec<Arc<SourceFile>>,
    /// The columns of all.
    pub(super) schema: SchemaRef,
    /// Bytes of all files, as they are on the disk.
    pub(super) bytes: u64,
}

/// What was found in one file.
enum Found {
    Csv(IndexMap<String, Looks>),
    Ndjson(IndexMap<String, Shape>),
}

impl Survey {
    /// Looks at the first rows of every file.
    pub(super) async fn make(
        location: &Location,
        format: Format,
        options: &Arc<FormatOptions>,
        request: &ReadRequest,
        cpu: &Cpu,
    ) -> Result<Self, Fault> {
        let files = {
            let location = location.clone();
            cpu.run_io(move || location.files(format)).await?
        };
        let rows = match options.infer_schema_length {
            Sample::All => u64::MAX,
            Sample::Rows(rows) => {
                let each = rows.div_ceil(files.len().max(1) as u64);
                each.max(LEAST_ROWS).min(rows)
            }
        };
        let mut sampled = futures::stream::iter(files.clone())
            .map(|file| {
                let options = Arc::clone(options);
                cpu.run(move || match format {
                    Format::Ndjson => sample_ndjson(&file, rows).map(Found::Ndjson),
                    _ => sample_csv(&file, &options, rows).map(Found::Csv),
                })
            })
            .buffered(cpu.cores() * 2);
        let mut csv: IndexMap<String, Looks> = IndexMap::new();
        let mut ndjson: IndexMap<String, Shape> = IndexMap::new();
        while let Some(found) = sampled.next().await {
            match found? {
                Found::Csv(columns) => {
                    for (name, looks) in columns {
                        csv.entry(name).or_default().merge(looks);
                    }
                }
                Found::Ndjson(members) => merge_members(&mut ndjson, members),
            }
        }
        let all_text = options.infer_schema_length == Sample::Rows(0);
        let inferred: Vec<(String, DataType)> = match format {
            Format::Ndjson => ndjson.iter().map(|(key, s)| (key.clone(), s.data_type())).collect(),
            _ if all_text => csv.into_keys().map(|name| (name, DataType::Utf8)).collect(),
            _ => csv.into_iter().map(|(name, looks)| (name, looks.data_type())).collect(),
        };
        let schema = schema(location, format, inferred, options)?;
        for column in [
            request.watermark_column.as_deref(),
            request.since.as_ref().map(|since| since.column.as_str()),
        ]
        .into_iter()
        .flatten()
        {
            if schema.column_with_name(column).is_none() {
                return Err(no_such_column(location, "watermark_column", column, &schema));
            }
        }
        let bytes = files.iter().map(|file| file.len()).sum();
        Ok(Self { files, schema, bytes })
    }
}

fn schema(
    location: &Location,
    format: Format,
    inferred: Vec<(String, DataType)>,
    options: &FormatOptions,
) -> Result<SchemaRef, Fault> {
    let mut fields: IndexMap<String, DataType> = inferred.into_iter().collect();
    for name in options.typed_columns() {
        let Some(given) = options.type_of(name) else { continue };
        match fields.get_mut(name) {
            Some(data_type) => *data_type = given.clone(),
            // A key may come up only later, a header would have named it.
            None if format == Format::Ndjson => drop(fields.insert(name.to_owned(), given.clone())),
            None => {
                let fault = Fault::config(format!(
                    "`schema_overrides` names the column `{name}`, which {} does not have",
                    location.written.display()
                ));
                return Err(match nearest(name, fields.keys().map(String::as_str)) {
                    Some(near) => fault.with_help(format!("did you mean `{near}`?")),
                    None => fault.with_help(format!(
                        "it has: {}",
                        fields.keys().take(12).cloned().collect::<Vec<_>>().join(", ")
                    )),
                });
            }
        }
    }
    if fields.is_empty() {
        let (what, help) = match format {
            Format::Ndjson => {
                ("there are no rows to find columns from", "name the columns in `schema_overrides`")
            }
            _ => ("there is no header line", "write at least a line with the names of the columns"),
        };
        return Err(Fault::data(format!("{}: {what}", location.written.display())).with_help(help));
    }
    let fields: Vec<Field> =
        fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// Small blocks: most of the time only the first rows are wanted.
fn sizes(rows: u64) -> Sizes {
    Sizes { block: 128 << 10, record: super::LONGEST_RECORD, records: rows.clamp(1, 16 << 10) }
}

fn sample_csv(
    file: &Arc<SourceFile>,
    options: &FormatOptions,
    rows: u64,
) -> Result<IndexMap<String, Looks>, Fault> {
    let dialect = Dialect::new(options);
    let open = Arc::new(file.open()?);
    let mut blocks =
        Blocks::open(&open, dialect.cutter(), sizes(rows.saturating_add(1)), options.skip_rows)?;
    let Some(mut block) = blocks.next()? else {
        return Ok(IndexMap::new());
    };
    let (names, data) = super::head(&dialect, options, &block);
    let mut looks = vec![Looks::default(); names.len()];
    block = data;
    let mut left = rows;
    while left > 0 {
        dialect.records(&block).for_each(|values| {
            for (value, looks) in values.iter().zip(&mut looks) {
                if let Some(value) = value {
                    looks.see(value, options.try_parse_dates);
                }
            }
            left -= 1;
            left > 0
        });
        match blocks.next()? {
            Some(next) if left > 0 => block = next,
            _ => break,
        }
    }
    Ok(names.into_iter().zip(looks).collect())
}

fn sample_ndjson(file: &Arc<SourceFile>, rows: u64) -> Result<IndexMap<String, Shape>, Fault> {
    let open = Arc::new(file.open()?);
    let mut blocks = Blocks::open(&open, Cutter::lines(), sizes(rows), 0)?;
    let mut members = IndexMap::new();
    let mut left = rows;
    while left > 0
        && let Some(block) = blocks.next()?
    {
        for line in block.bytes.split(|byte| *byte == b'\n') {
            // A line that is no object is told of, with its number, when it is read.
            if let Ok(Value::Object(line)) = serde_json::from_slice(line) {
                for (key, value) in &line {
                    see_member(&mut members, key, value);
                }
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
    }
    Ok(members)
}
