//! A Home that hands out one batch again and again.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field};
use hygge_sdk::{Batch, Chunk, Context, Error, Home, Query, Reader, Result, Schema, Split};
use serde::{Deserialize, Serialize};

/// The keys of `home:`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    rows: u32,
    columns: u32,
    batches: u32,
    splits: u32,
    encode: bool,
    tell: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { rows: 65_536, columns: 4, batches: 16, splits: 1, encode: false, tell: false }
    }
}

/// The Home.
#[derive(Debug)]
pub(crate) struct Source {
    config: Config,
}

/// A unit of work.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Part {
    number: u32,
    columns: Option<Vec<String>>,
}

impl Home for Source {
    type Config = Config;
    type Split = Part;
    type Reader = Repeat;

    fn open(config: Config, _: &Context) -> Result<Self> {
        if config.tell {
            hygge_sdk::info!("a session was opened");
        }
        Ok(Self { config })
    }

    fn tables(&self) -> Result<Vec<String>> {
        Ok(vec!["numbers".to_owned()])
    }

    fn schema(&self, query: &Query) -> Result<Schema> {
        Schema::arrow(&batch(&self.config, 0, 0, query.columns.as_deref())?.schema())
    }

    fn plan(&self, query: &Query) -> Result<Vec<Split<Part>>> {
        let rows = u64::from(self.config.rows) * u64::from(self.config.batches);
        Ok((0..self.config.splits)
            .map(|number| {
                let part = Part { number, columns: query.columns.clone() };
                Split::new(format!("part-{number}"), part)
                    .rows(rows)
                    .bytes(rows * u64::from(self.config.columns) * 8)
            })
            .collect())
    }

    fn read(&self, split: Part, resume: Option<u32>) -> Result<Repeat> {
        let batch = batch(&self.config, split.number, self.config.rows, split.columns.as_deref())?;
        Ok(Repeat {
            encoded: Batch::arrow(&batch)?,
            batch,
            encode: self.config.encode,
            given: resume.unwrap_or(0),
            batches: self.config.batches,
        })
    }
}

/// Reads a split.
#[derive(Debug)]
pub(crate) struct Repeat {
    batch: RecordBatch,
    encoded: Batch,
    encode: bool,
    given: u32,
    batches: u32,
}

impl Reader for Repeat {
    type State = u32;

    fn next(&mut self, _: usize) -> Result<Option<Chunk<u32>>> {
        if self.given >= self.batches {
            return Ok(None);
        }
        self.given += 1;
        let batch = if self.encode { Batch::arrow(&self.batch)? } else { self.encoded.clone() };
        Ok(Some(Chunk::resumable(batch, self.given)))
    }
}

/// The one batch: column `c<i>` of part `p` counts up from `p * rows + i`.
fn batch(config: &Config, part: u32, rows: u32, columns: Option<&[String]>) -> Result<RecordBatch> {
    let all: Vec<String> = (0..config.columns).map(|index| format!("c{index}")).collect();
    let wanted = columns.unwrap_or(&all);
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for name in wanted {
        let index = all
            .iter()
            .position(|own| own == name)
            .ok_or_else(|| Error::missing(format!("there is no column `{name}`")))?;
        let first = i64::from(part) * i64::from(rows) + index as i64;
        fields.push(Field::new(name, DataType::Int64, false));
        arrays.push(Arc::new(Int64Array::from_iter_values(first..first + i64::from(rows))));
    }
    let schema = Arc::new(arrow_schema::Schema::new(fields));
    Ok(RecordBatch::try_new(schema, arrays)?)
}
