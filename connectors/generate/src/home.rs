//! The Home.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use hygge_sdk::{Batch, Chunk, Context, Home, Query, Reader, Result, Schema, Split, host};
use serde::{Deserialize, Serialize};

use crate::column::Column;
use crate::config::Config;

/// The Home.
#[derive(Debug)]
pub(crate) struct Generate {
    config: Config,
}

/// Rows from one number up to another.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Part {
    query: Query,
    from: u64,
    to: u64,
}

impl Home for Generate {
    type Config = Config;
    type Split = Part;
    type Reader = Generator;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self { config })
    }

    fn check(&self) -> Result<String> {
        let columns = self.config.columns("", None)?.len();
        Ok(format!("{} rows of {columns} columns", self.config.rows))
    }

    fn schema(&self, query: &Query) -> Result<Schema> {
        Schema::arrow(&schema(&self.config.columns(&query.table, query.columns.as_deref())?))
    }

    fn plan(&self, query: &Query) -> Result<Vec<Split<Part>>> {
        self.config.columns(&query.table, query.columns.as_deref())?;
        let Config { rows, splits, .. } = self.config;
        // Parts differ by one row at most, and none is empty.
        let splits = splits.min(rows);
        let begin = |number: u64| {
            (u128::from(rows) * u128::from(number) / u128::from(splits.max(1))) as u64
        };
        Ok((0..splits)
            .map(|number| {
                let (from, to) = (begin(number), begin(number + 1));
                Split::new(format!("rows-{from}"), Part { query: query.clone(), from, to })
                    .rows(to - from)
            })
            .collect())
    }

    fn read(&self, part: Part, resume: Option<u64>) -> Result<Generator> {
        let Query { table, columns, .. } = &part.query;
        let columns = self.config.columns(table, columns.as_deref())?;
        Ok(Generator {
            schema: schema(&columns),
            columns,
            next: resume.unwrap_or(part.from).max(part.from),
            end: part.to,
            batch_rows: self.config.batch_rows as u64,
            pause: Duration::from_millis(self.config.pause_ms),
        })
    }
}

/// Generates the rows of a part.
#[derive(Debug)]
pub(crate) struct Generator {
    columns: Vec<Column>,
    schema: SchemaRef,
    next: u64,
    end: u64,
    batch_rows: u64,
    pause: Duration,
}

impl Reader for Generator {
    /// The number of the next row.
    type State = u64;

    fn next(&mut self, _: usize) -> Result<Option<Chunk<u64>>> {
        if self.next >= self.end {
            return Ok(None);
        }
        if !self.pause.is_zero() {
            host::sleep(self.pause)?;
        }
        let rows = self.next..self.end.min(self.next + self.batch_rows);
        let count = (rows.end - rows.start) as usize;
        let arrays = self
            .columns
            .iter()
            .map(|column| column.values(rows.clone()))
            .collect::<Result<Vec<_>>>()?;
        // A query may ask for no column at all.
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
        self.next = rows.end;
        Ok(Some(Chunk::resumable(Batch::arrow(&batch)?, self.next)))
    }
}

fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(arrow_schema::Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>()))
}
