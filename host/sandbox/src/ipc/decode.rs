//! A stream from a guest as rows.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_data::UnsafeFlag;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary_impl};
use arrow_ipc::{DictionaryBatch, Endianness, MessageHeader};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use hygge_core::fault::Fault;

use super::frames::{Frame, Frames};
use super::{claims, expansion};
use crate::refused::Refused;
use crate::schema::{dictionary_ids, difference};

/// The rows of one complete stream, in the schema that was announced.
///
/// Columns point into `bytes`; only buffers that are not aligned for their type are copied. The
/// stream's schema has to be `expected` in names, types and nullability; its metadata is ignored.
/// `who` begins the message of a fault.
pub fn decode(bytes: Vec<u8>, expected: &SchemaRef, who: &str) -> Result<Vec<RecordBatch>, Fault> {
    guarded(|| rows(&Buffer::from_vec(bytes), expected)).map_err(|refused| refused.by(who))
}

/// The schema of a stream that holds no rows.
pub fn decode_schema(bytes: Vec<u8>, who: &str) -> Result<Schema, Fault> {
    guarded(|| alone(&Buffer::from_vec(bytes))).map_err(|refused| refused.by(who))
}

/// Arrow's reader is not meant to panic. Should it, on bytes a guest made up, then that is a fault
/// of this one stream.
fn guarded<T>(read: impl FnOnce() -> Result<T, Refused>) -> Result<T, Refused> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(Refused::new("the Arrow IPC stream is damaged in a way its reader does not know"))
    })
}

fn alone(stream: &Buffer) -> Result<Schema, Refused> {
    let mut frames = Frames::new(stream);
    let schema = schema_of(frames.next()?)?;
    match frames.next()? {
        None => Ok(schema),
        Some(_) => Err(Refused::new("the schema is followed by rows: it has to stand alone")),
    }
}

fn rows(stream: &Buffer, expected: &SchemaRef) -> Result<Vec<RecordBatch>, Refused> {
    let mut frames = Frames::new(stream);
    let schema = schema_of(frames.next()?)?;
    if let Some(difference) = difference(expected, &schema) {
        return Err(Refused::new(format!("a batch is not of the announced schema: {difference}")));
    }
    let mut reading = Reading {
        schema: dictionary_ids(expected, &schema),
        expected,
        dictionaries: HashMap::new(),
    };
    let mut batches = Vec::new();
    while let Some(frame) = frames.next()? {
        match frame.head.header_type() {
            MessageHeader::RecordBatch => batches.push(reading.batch(&frame)?),
            MessageHeader::DictionaryBatch => reading.dictionary(&frame)?,
            MessageHeader::Schema => return Err(Refused::new("the stream has a second schema")),
            _ => return Err(Refused::new("the stream has a message that is neither")),
        }
    }
    Ok(batches)
}

fn schema_of(first: Option<Frame<'_>>) -> Result<Schema, Refused> {
    let Some(schema) = first.as_ref().and_then(|frame| frame.head.header_as_schema()) else {
        return Err(Refused::new("the stream does not begin with its schema"));
    };
    if schema.endianness() != Endianness::Little {
        return Err(Refused::new("the stream is big-endian: it has to be little-endian"));
    }
    try_fb_to_schema(schema).map_err(|error| damaged("the schema", &error))
}

struct Reading<'a> {
    /// As expected, with the ids this stream gave its dictionaries.
    schema: SchemaRef,
    expected: &'a SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
}

impl Reading<'_> {
    fn batch(&self, frame: &Frame<'_>) -> Result<RecordBatch, Refused> {
        let Some(batch) = frame.head.header_as_record_batch() else {
            return Err(Refused::new("a batch has no head"));
        };
        claims::check(&batch, self.schema.fields().iter().map(AsRef::as_ref), frame.body.len())?;
        let version = frame.head.version();
        let rows = RecordBatchDecoder::try_new(
            &frame.body,
            batch,
            Arc::clone(&self.schema),
            &self.dictionaries,
            &version,
        )
        .and_then(RecordBatchDecoder::read_record_batch)
        .map_err(|error| damaged("a batch", &error))?;
        expansion::check(&rows)?;
        let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(
            Arc::clone(self.expected),
            rows.columns().to_vec(),
            &count,
        )
        .map_err(|error| damaged("a batch", &error))
    }

    fn dictionary(&mut self, frame: &Frame<'_>) -> Result<(), Refused> {
        let Some(batch) = frame.head.header_as_dictionary_batch() else {
            return Err(Refused::new("a dictionary has no head"));
        };
        let (Some(values), Some(data)) = (self.values_of(&batch), batch.data()) else {
            return Err(Refused::new(format!(
                "no column uses the dictionary {}, or it is empty",
                batch.id()
            )));
        };
        if batch.isDelta() {
            return Err(Refused::new(
                "a dictionary comes in pieces (delta): it has to be handed over whole",
            ));
        }
        claims::check(&data, [&values], frame.body.len())?;
        let version = frame.head.version();
        read_dictionary_impl(
            &frame.body,
            batch,
            &self.schema,
            &mut self.dictionaries,
            &version,
            false,
            UnsafeFlag::new(),
        )
        .map_err(|error| damaged("a dictionary", &error))
    }

    /// The values of a dictionary, as a column.
    fn values_of(&self, batch: &DictionaryBatch<'_>) -> Option<Field> {
        #[expect(deprecated, reason = "Arrow's reader still looks dictionaries up by it")]
        let users = self.schema.fields_with_dict_id(batch.id());
        let user = users.first()?;
        match user.data_type() {
            DataType::Dictionary(_, values) => {
                Some(Field::new(user.name(), values.as_ref().clone(), true))
            }
            _ => None,
        }
    }
}

fn damaged(what: &str, error: &ArrowError) -> Refused {
    Refused::new(format!("{what} is damaged: {error}"))
}
