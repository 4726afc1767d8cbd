//! A Home in a unit test.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema as ArrowSchema, SchemaRef};
use serde_json::Value;

use super::World;
use crate::batch::{Batch, Form, Received};
use crate::error::{Error, Result};
use crate::glue::HomeSession;
use crate::home::{self, Query};
use crate::utc;

/// How many bytes a test asks for at a time.
const TARGET: usize = 1 << 20;

/// A session of a Home, in a test.
pub struct Home<H> {
    session: HomeSession<H>,
    config: String,
    world: World,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The announced schema, which every batch has.
    pub schema: SchemaRef,
    /// The rows of all splits.
    pub batches: Vec<RecordBatch>,
    /// How many chunks carried a state to go on from.
    pub states: usize,
}

impl Read {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// All rows as JSON objects: easy to compare in a test.
    pub fn to_json(&self) -> Result<Vec<Value>> {
        let schema = utc::with_offset(&self.schema);
        let mut writer = arrow_json::writer::ArrayWriter::new(Vec::new());
        for batch in &self.batches {
            writer.write(&utc::relabel(batch, &schema)?)?;
        }
        writer.finish()?;
        let text = writer.into_inner();
        Ok(if text.is_empty() { Vec::new() } else { serde_json::from_slice(&text)? })
    }
}

impl<H: home::Home> Home<H> {
    /// Opens a session with the keys that a user would give.
    pub fn open(world: &World, config: Value) -> Result<Self> {
        let config = config.to_string();
        let session = world.run(|| HomeSession::open(&config, super::context()))?;
        Ok(Self { session, config, world: world.clone() })
    }

    /// The Home itself.
    pub fn home(&self) -> &H {
        self.session.home()
    }

    /// Reads a table, with every split in a session of its own, as the host does. It is an error
    /// if a batch is not of the announced schema, a split does not have the rows it promised, or
    /// two splits have the same name.
    pub fn read(&self, query: &Query) -> Result<Read> {
        self.world.run(|| {
            let schema = self.schema(query)?;
            let mut read = Read { schema, batches: Vec::new(), states: 0 };
            for split in self.plan(query)? {
                let (batches, states) = self.rest(&split, None, &read.schema)?;
                read.states += states.into_iter().flatten().count();
                read.batches.extend(batches);
            }
            Ok(read)
        })
    }

    /// Checks that from every state a connector gives, it goes on with exactly the rows after it.
    /// Answers with how many states there were.
    pub fn check_resume(&self, query: &Query) -> Result<usize> {
        self.world.run(|| {
            let schema = self.schema(query)?;
            let mut checked = 0;
            for split in self.plan(query)? {
                let (batches, states) = self.rest(&split, None, &schema)?;
                for (index, state) in states.iter().enumerate() {
                    let Some(state) = state else { continue };
                    let (resumed, _) = self.rest(&split, Some(state), &schema)?;
                    let wanted = concat(&schema, &batches[index + 1..])?;
                    if concat(&schema, &resumed)? != wanted {
                        return Err(Error::bug(format!(
                            "split `{}` does not go on with the rows after chunk {index} from \
                             its state {}",
                            split.id,
                            String::from_utf8_lossy(state)
                        )));
                    }
                    checked += 1;
                }
            }
            Ok(checked)
        })
    }

    fn schema(&self, query: &Query) -> Result<SchemaRef> {
        self.session.home().schema(query)?.to_arrow()
    }

    fn plan(&self, query: &Query) -> Result<Vec<home::Split<Vec<u8>>>> {
        let splits = self.session.plan(query)?;
        for (index, split) in splits.iter().enumerate() {
            if splits[..index].iter().any(|other| other.id == split.id) {
                return Err(Error::bug(format!("two splits are called `{}`", split.id)));
            }
        }
        Ok(splits)
    }

    /// One batch for each chunk of a split, and the states of the chunks.
    #[allow(clippy::type_complexity)]
    fn rest(
        &self,
        split: &home::Split<Vec<u8>>,
        state: Option<&[u8]>,
        schema: &SchemaRef,
    ) -> Result<(Vec<RecordBatch>, Vec<Option<Vec<u8>>>)> {
        let session = HomeSession::<H>::open(&self.config, super::context())?;
        let reader = session.read(&split.spec, state)?;
        let (mut batches, mut states) = (Vec::new(), Vec::new());
        while let Some((batch, state)) = reader.next(TARGET)? {
            batches.push(decode(batch, schema)?);
            states.push(state);
        }
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if state.is_none() && split.rows.is_some_and(|promised| promised != rows as u64) {
            return Err(Error::bug(format!(
                "split `{}` promised {} rows and gave {rows}",
                split.id,
                split.rows.unwrap_or_default()
            )));
        }
        Ok((batches, states))
    }
}

/// A chunk's rows, as the host reads them.
fn decode(batch: Batch, schema: &SchemaRef) -> Result<RecordBatch> {
    let batches = match batch.0 {
        Form::Arrow(stream) => Received::new(stream).batches()?,
        Form::Ndjson(lines) => {
            let lines = as_text(&lines, schema)?;
            let reader = arrow_json::ReaderBuilder::new(utc::with_offset(schema))
                .with_strict_mode(true)
                .build(lines.as_slice())?;
            reader.map(|batch| utc::relabel(&batch?, schema)).collect::<Result<_>>()?
        }
    };
    for batch in &batches {
        let (own, wanted) = (bare(&batch.schema()), bare(schema));
        if own != wanted {
            return Err(Error::bug(format!(
                "a batch is not of the announced schema: it has {own:?}, announced was {wanted:?}"
            )));
        }
    }
    concat(schema, &batches)
}

/// The host takes any JSON for a column of type `json`; Arrow's reader wants its text.
fn as_text(lines: &[u8], schema: &SchemaRef) -> Result<Vec<u8>> {
    let json: Vec<&str> = schema
        .fields()
        .iter()
        .filter(|field| field.metadata().contains_key("ARROW:extension:name"))
        .map(|field| field.name().as_str())
        .collect();
    if json.is_empty() {
        return Ok(lines.to_vec());
    }
    let mut out = Vec::new();
    for row in serde_json::Deserializer::from_slice(lines).into_iter::<Value>() {
        let mut row = row?;
        for name in &json {
            if let Some(value) = row.get_mut(name).filter(|value| !value.is_null()) {
                *value = Value::String(value.to_string());
            }
        }
        serde_json::to_writer(&mut out, &row)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// The schema without metadata, which the contract does not compare.
fn bare(schema: &ArrowSchema) -> Vec<(String, arrow_schema::DataType, bool)> {
    schema
        .fields()
        .iter()
        .map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable()))
        .collect()
}

fn concat(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    let schema =
        Arc::new(ArrowSchema::clone(schema).with_metadata(HashMap::<String, String>::new()));
    let columns = (0..schema.fields().len())
        .map(|index| {
            let parts: Vec<_> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
            if parts.is_empty() {
                return Ok(arrow_array::new_empty_array(schema.field(index).data_type()));
            }
            Ok(arrow_select::concat::concat(&parts)?)
        })
        .collect::<Result<Vec<_>>>()?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
