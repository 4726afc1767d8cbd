//! Text files as a Home: CSV and NDJSON.

mod blocks;
mod bytes;
mod csv;
mod infer;
mod json_infer;
mod ndjson;
pub(crate) mod options;
mod plain;
mod records;
mod stream;
mod survey;

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_schema::DataType;
use hygge_core::contract::{Context, ReadRequest, Reader, SourcePlan};
use hygge_core::cpu::Cpu;
use hygge_core::fault::Fault;

use self::blocks::Block;
use self::options::FormatOptions;
use self::records::Dialect;
use self::survey::Survey;
use super::feed::Feed;
use super::listing::Location;
use crate::format::Format;

/// A longer record is taken for a quote left open, or for a file that is no text.
const LONGEST_RECORD: usize = 64 << 20;

/// What a run would read.
pub(crate) async fn plan(
    location: &Location,
    format: Format,
    options: &Arc<FormatOptions>,
    request: &ReadRequest,
) -> Result<SourcePlan, Fault> {
    let survey = Survey::make(location, format, options, request, &Cpu::new()).await?;
    let files = survey.files.len();
    Ok(SourcePlan {
        schema: survey.schema,
        rows: None,
        bytes: Some(survey.bytes),
        note: format!("{files} file{}", if files == 1 { "" } else { "s" }),
    })
}

/// Begins to read.
pub(crate) async fn open(
    location: &Location,
    format: Format,
    options: &Arc<FormatOptions>,
    batch_rows: Option<NonZeroU64>,
    request: &ReadRequest,
    context: Arc<Context>,
) -> Result<Box<dyn Reader>, Fault> {
    let survey = tokio::select! {
        biased;
        () = context.cancel.cancelled() => return Err(Fault::cancelled()),
        survey = Survey::make(location, format, options, request, &context.cpu) => survey?,
    };
    let schema = Arc::clone(&survey.schema);
    let (options, work) = (Arc::clone(options), Arc::clone(&context));
    Ok(Feed::start(schema, None, &context, move |outlet| {
        stream::parse(survey, format, options, batch_rows, work, outlet)
    }))
}

/// The names of a CSV file's columns, and what of its first block are rows.
fn head(dialect: &Dialect, options: &FormatOptions, block: &Block) -> (Vec<String>, Block) {
    let Some((first, bytes)) = dialect.records(block).first() else {
        return (Vec::new(), block.after(block.bytes.len()));
    };
    if !options.has_header {
        let names = (1..=first.len()).map(|number| format!("column_{number}")).collect();
        return (names, block.clone());
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    let names = first
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            let name = if name.is_empty() { format!("column_{}", at + 1) } else { name };
            let time = times.entry(name.clone()).or_insert(0);
            *time += 1;
            match *time {
                1 => name,
                time => format!("{name}_duplicated_{}", time - 2),
            }
        })
        .collect();
    (names, block.after(bytes))
}

/// The fault for a value that its column does not take.
fn mismatch(shown: &str, line: u64, column: &str, value: &str, data_type: &DataType) -> Fault {
    Fault::data(format!(
        "{shown}, line {line}, column `{column}`: `{}` is not {}",
        shortened(value),
        in_words(data_type)
    ))
    .with_help(advice())
}

fn advice() -> &'static str {
    "the columns were found from the first rows: raise `infer_schema_length` in `format_options`, \
     or give the column a type in `schema_overrides` there"
}

fn in_words(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "true or false".to_owned(),
        DataType::Int64 => "a whole number (int64)".to_owned(),
        DataType::Float64 => "a number (float64)".to_owned(),
        DataType::Date32 => "a date".to_owned(),
        DataType::Timestamp(_, _) => "a date and time".to_owned(),
        DataType::Utf8 => "text".to_owned(),
        DataType::List(_) => "a list like those before it".to_owned(),
        DataType::Struct(_) => "an object like those before it".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// A value as messages show it: its beginning, on one line.
fn shortened(value: &str) -> String {
    let line: String =
        value.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(40).is_some() { format!("{line}…") } else { line }
}
