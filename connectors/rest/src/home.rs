//! The Home.

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use arrow_array::RecordBatch;
use hygge_sdk::{
    Batch, Chunk, Context, Error, Home, Query, Reader, Result, Schema, Split, host, warn,
};
use serde::{Deserialize, Serialize};

use crate::config::{Config, Conflicts};
use crate::endpoint::{Bound, RowSink};
use crate::json::Scanner;
use crate::rounds::Span;
use crate::table::{Column, Decoder, Inference, Source, Tolerance, given, schema};
use crate::tour::{State, Tour};
use crate::walk::Step;

/// How long pages are gathered before their rows are given: small ones cost less together.
const GATHER: Duration = Duration::from_millis(100);

/// More splits than there are instances to read them; rounds beyond are read one after the other.
const MOST_SPLITS: u64 = 128;
/// The bytes that the splits of a plan may have together: all of them stand in every checkpoint.
const PLAN: usize = 256 << 10;
/// The bytes that a split may have.
const SPLIT: usize = 60 << 10;

/// The Home.
pub(crate) struct Rest {
    config: Rc<Config>,
    /// When it was first asked for: all of a plan ends there.
    now: OnceCell<i64>,
    /// The columns, once they are known.
    columns: RefCell<Option<Rc<[Column]>>>,
}

/// Some rounds, of which an API gives the pages one after the other.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Part {
    pub(crate) query: Query,
    pub(crate) columns: Vec<Column>,
    /// The time to be read, where it is cut into windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) span: Option<Span>,
    /// Which rounds.
    #[serde(default = "alone")]
    pub(crate) rounds: Range<u64>,
}

fn alone() -> Range<u64> {
    0..1
}

impl Home for Rest {
    type Config = Config;
    type Split = Part;
    type Reader = Rows;

    fn open(config: Config, _: &Context) -> Result<Self> {
        if config.base_url.trim().is_empty() {
            return Err(Error::config("`base_url` is empty"));
        }
        Ok(Self { config: Rc::new(config), now: OnceCell::new(), columns: RefCell::new(None) })
    }

    fn check(&self) -> Result<String> {
        let mut seen = Inference::default();
        let mut tour = self.all(Query::default(), 1)?;
        let step = tour.step(&mut Sample { seen: &mut seen, most: 1 })?;
        Ok(match (step, seen.rows()) {
            (_, 1) => "answers, with one row on the first page".to_owned(),
            (Step::End, _) | (_, 0) => "answers, without rows on the first page".to_owned(),
            (_, rows) => format!("answers, with {rows} rows on the first page"),
        })
    }

    fn schema(&self, query: &Query) -> Result<Schema> {
        Schema::arrow(&schema(&self.selected(query)?))
    }

    fn plan(&self, query: &Query) -> Result<Vec<Split<Part>>> {
        let columns = self.selected(query)?;
        let rounds = self.config.rounds(&query.table)?;
        let span = rounds.span(query.since.as_ref(), self.now())?;
        let count = rounds.count(span)?;
        if let (0, Some(since)) = (count, &query.since) {
            warn!(
                "`{}` came to {} already, and `incremental` asks for nothing behind that yet",
                since.column, since.value
            );
        }
        let part = |rounds| Part { query: query.clone(), columns: columns.clone(), span, rounds };
        let size = serde_json::to_vec(&part(0..count))?.len();
        if size > SPLIT {
            return Err(Error::data(format!(
                "`{}` has {} columns, more than can be kept track of; name those that are wanted \
                 in `schema`, or say `nested: json`",
                query.table,
                columns.len()
            )));
        }
        let splits = (PLAN / size.max(1)) as u64;
        let splits = splits.clamp(1, MOST_SPLITS).min(count);
        (0..splits)
            .map(|at| {
                let own = count * at / splits..count * (at + 1) / splits;
                let told = rounds.round(span, query.since.as_ref(), own.start)?.told;
                let id = match told.as_str() {
                    "" => "all".to_owned(),
                    told => format!("{}: {}", at + 1, told.chars().take(200).collect::<String>()),
                };
                Ok(Split::new(id, part(own)))
            })
            .collect()
    }

    fn read(&self, part: Part, resume: Option<State>) -> Result<Rows> {
        let tolerance = Tolerance {
            lenient: self.config.conflicts == Conflicts::Widen,
            inferred: self.config.schema.is_none() && part.query.columns.is_none(),
        };
        let most = self.config.concurrency;
        let mut tour = Tour::new(&self.config, part.query, part.span, part.rounds, most)?;
        if let Some(state) = resume {
            tour.go_to(state)?;
        }
        Ok(Rows {
            tour,
            decoder: Decoder::new(&part.columns, tolerance),
            header: Vec::new(),
            ready: VecDeque::new(),
            state: None,
        })
    }
}

impl Rest {
    /// All rounds of a query, with at most so many requests side by side.
    fn all(&self, query: Query, most: usize) -> Result<Tour> {
        let rounds = self.config.rounds(&query.table)?;
        let span = rounds.span(query.since.as_ref(), self.now())?;
        let count = rounds.count(span)?;
        Tour::new(&self.config, query, span, 0..count, most)
    }

    /// The time, in microseconds.
    fn now(&self) -> i64 {
        let micros = || host::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        *self.now.get_or_init(|| i64::try_from(micros()).unwrap_or(i64::MAX))
    }

    /// The columns that a query asks for.
    pub(crate) fn selected(&self, query: &Query) -> Result<Vec<Column>> {
        let all = self.columns(query)?;
        let Some(wanted) = &query.columns else { return Ok(all.to_vec()) };
        let find = |name: &String| {
            let found = all.iter().find(|column| column.field.name == *name);
            found.cloned().ok_or_else(|| {
                let have: Vec<&str> = all.iter().map(|own| own.field.name.as_str()).collect();
                Error::missing(format!(
                    "there is no column `{name}`; there are {}",
                    have.join(", ")
                ))
            })
        };
        wanted.iter().map(find).collect()
    }

    /// All columns: those that are given, or those of a sample.
    fn columns(&self, query: &Query) -> Result<Rc<[Column]>> {
        if let Some(columns) = &*self.columns.borrow() {
            return Ok(Rc::clone(columns));
        }
        let columns: Rc<[Column]> = match &self.config.schema {
            Some(schema) => self.with_parents(given(schema)?)?.into(),
            None => self.infer(query)?.into(),
        };
        *self.columns.borrow_mut() = Some(Rc::clone(&columns));
        Ok(columns)
    }

    /// The given columns; those that a parent includes under the same name are the parent's.
    fn with_parents(&self, mut columns: Vec<Column>) -> Result<Vec<Column>> {
        let rounds = self.config.rounds("")?;
        let of_each = rounds.each.columns().map(|(name, column)| (format!("each.{name}"), column));
        let parents = self.config.parents(&rounds.any())?;
        let included = parents.iter().flat_map(|parent| &parent.include);
        let of_parents = included.map(|(name, _)| ("parent.include".to_owned(), name.as_str()));
        for (key, name) in of_each.chain(of_parents) {
            match columns.iter_mut().find(|column| column.field.name == *name) {
                Some(column) => column.from = Source::Parent(name.to_owned()),
                None => {
                    return Err(Error::config(format!(
                        "`{key}` has `{name}`, and `schema` does not say what type it is"
                    )));
                }
            }
        }
        Ok(columns)
    }

    /// The columns of a sample. It is taken from the beginning whatever is asked for, so that every
    /// run finds the same ones.
    fn infer(&self, query: &Query) -> Result<Vec<Column>> {
        let from_start = Query { since: None, ..query.clone() };
        let mut seen = Inference::default();
        let mut sample = Sample { seen: &mut seen, most: self.config.sample.max(1) };
        let mut tour = self.all(from_start, self.config.concurrency)?;
        while !sample.is_full() && tour.step(&mut sample)? != Step::End {}
        if seen.rows() == 0 {
            return Err(Error::data(format!(
                "`{}` has no rows, so that its columns cannot be inferred: name them in `schema`",
                query.table
            )));
        }
        // The sample may be of one round alone, and its columns must hold what all have.
        for (column, value) in self.config.rounds(&query.table)?.each.all_values() {
            seen.value(column, value)?;
        }
        seen.columns(&self.config.rules())
    }
}

/// The first records, looked at.
struct Sample<'s> {
    seen: &'s mut Inference,
    most: u64,
}

impl RowSink for Sample<'_> {
    fn record(&mut self, record: &mut Scanner<'_>, parent: &Bound) -> Result<()> {
        self.seen.record(record.skip()?, parent)
    }

    fn header(&mut self, names: &[String]) -> Result<()> {
        self.seen.header(names);
        Ok(())
    }

    fn cells(&mut self, cells: &[String], parent: &Bound) -> Result<()> {
        self.seen.cells(cells, parent)
    }

    fn is_full(&self) -> bool {
        self.seen.rows() >= self.most
    }
}

/// The rows of all pages.
pub(crate) struct Rows {
    tour: Tour,
    decoder: Decoder,
    /// Which columns the cells of CSV are.
    header: Vec<Option<usize>>,
    /// Parts of a page that was larger than asked for.
    ready: VecDeque<RecordBatch>,
    /// Where to go on behind all of them.
    pub(crate) state: Option<State>,
}

impl Reader for Rows {
    type State = State;

    fn next(&mut self, target_bytes: usize) -> Result<Option<Chunk<State>>> {
        if self.ready.is_empty() && !self.gather(target_bytes)? {
            return Ok(None);
        }
        let Some(batch) = self.ready.pop_front() else { return Ok(None) };
        let batch = Batch::arrow(&batch)?;
        Ok(Some(match self.state.take_if(|_| self.ready.is_empty()) {
            Some(state) => Chunk::resumable(batch, state),
            None => Chunk::new(batch),
        }))
    }
}

impl Rows {
    /// Reads pages until there are rows enough, or some for long enough. False at the end.
    pub(crate) fn gather(&mut self, target: usize) -> Result<bool> {
        let begun = host::now();
        let step = loop {
            let mut sink =
                Fill { decoder: &mut self.decoder, header: &mut self.header, enough: target };
            let step = self.tour.step(&mut sink)?;
            if step == Step::End || self.decoder.bytes() >= target {
                break step;
            }
            let waited = host::now().duration_since(begun).unwrap_or(Duration::MAX);
            if step == Step::Page && self.decoder.rows() > 0 && waited >= GATHER {
                break step;
            }
        };
        let (rows, bytes) = (self.decoder.rows(), self.decoder.bytes());
        if rows == 0 {
            return Ok(false);
        }
        let batch = self.decoder.take()?;
        // Rows of Arrow are about as large as those of JSON, or smaller.
        let parts = (bytes / (target.max(1) * 2) + 1).min(rows);
        let each = rows.div_ceil(parts);
        self.ready.extend((0..rows).step_by(each).map(|at| batch.slice(at, each.min(rows - at))));
        self.state = if step == Step::Within { None } else { self.tour.state() };
        Ok(true)
    }
}

/// Rows on their way to a batch.
struct Fill<'f> {
    decoder: &'f mut Decoder,
    header: &'f mut Vec<Option<usize>>,
    enough: usize,
}

impl RowSink for Fill<'_> {
    fn record(&mut self, record: &mut Scanner<'_>, parent: &Bound) -> Result<()> {
        self.decoder.record(record, parent)
    }

    fn header(&mut self, names: &[String]) -> Result<()> {
        *self.header = self.decoder.header(names);
        Ok(())
    }

    fn cells(&mut self, cells: &[String], parent: &Bound) -> Result<()> {
        self.decoder.cells(self.header, cells, parent)
    }

    fn is_full(&self) -> bool {
        self.decoder.bytes() >= self.enough
    }
}
