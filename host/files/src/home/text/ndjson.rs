//! Blocks of NDJSON into columns.

use std::sync::Arc;

use arrow_array::builder::{PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::parse::Parser;
use arrow_json::ReaderBuilder;
use arrow_json::reader::{ArrayDecoder, DecoderContext, DecoderFactory, Tape, TapeElement};
use arrow_schema::{ArrowError, DataType, FieldRef, Schema, SchemaRef};
use hygge_core::fault::Fault;
use serde_json::Value;

use super::blocks::{Block, lines};
use super::{advice, mismatch, shortened};

/// The columns of NDJSON files.
#[derive(Debug)]
pub(super) struct NdjsonShape {
    /// The schema of all files.
    pub(super) schema: SchemaRef,
    /// The file, for messages.
    pub(super) shown: String,
}

impl NdjsonShape {
    /// The rows of a block.
    pub(super) fn parse(&self, block: &Block) -> Result<RecordBatch, Fault> {
        decode(&self.schema, &block.bytes, true).map_err(|error| self.explain(block, &error))
    }

    /// Finds the line that is wrong and says what is wrong with it.
    fn explain(&self, block: &Block, error: &ArrowError) -> Fault {
        let mut at = 0;
        for line in block.bytes.split_inclusive(|byte| *byte == b'\n') {
            let number = block.line_at(at);
            at += line.len();
            if line.trim_ascii().is_empty() || decode(&self.schema, line, true).is_ok() {
                continue;
            }
            return self.explain_line(number, line);
        }
        Fault::data(format!("{}: not one JSON object a line", self.shown))
            .because(ArrowError::JsonError(error.to_string()))
    }

    fn explain_line(&self, number: u64, line: &[u8]) -> Fault {
        let place = format!("{}, line {number}", self.shown);
        let members = match serde_json::from_slice::<Value>(line) {
            Ok(Value::Object(members)) => members,
            Ok(_) => {
                return Fault::data(format!("{place}: not an object"))
                    .with_help("every line should be one JSON object: {\"key\": value, …}");
            }
            Err(error) => {
                let column = error.column();
                return Fault::data(format!("{place}: not JSON, at character {column}"))
                    .with_help("every line should be one JSON object: {\"key\": value, …}")
                    .because(error);
            }
        };
        for (key, value) in &members {
            let Some((_, field)) = self.schema.column_with_name(key) else {
                return unknown(&place, key);
            };
            if let Some(unknown_key) = unknown_within(field.data_type(), value, key) {
                return unknown(&place, &unknown_key);
            }
            let alone = Arc::new(Schema::new(vec![field.clone()]));
            if decode(&alone, line, false).is_err() {
                let said = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                return mismatch(&self.shown, number, key, &said, field.data_type());
            }
        }
        Fault::data(format!("{place}: cannot be read as the columns found before"))
            .with_help(advice())
    }
}

fn unknown(place: &str, key: &str) -> Fault {
    Fault::data(format!(
        "{place}: the key `{}` is in none of the rows the columns were found from",
        shortened(key)
    ))
    .with_help(advice())
}

/// The first key within `value` that the type does not have.
fn unknown_within(data_type: &DataType, value: &Value, path: &str) -> Option<String> {
    match (data_type, value) {
        (DataType::Struct(fields), Value::Object(members)) => {
            members.iter().find_map(|(key, value)| {
                let path = format!("{path}.{key}");
                match fields.find(key) {
                    Some((_, field)) => unknown_within(field.data_type(), value, &path),
                    None => Some(path),
                }
            })
        }
        (DataType::List(item), Value::Array(items)) => {
            items.iter().find_map(|value| unknown_within(item.data_type(), value, path))
        }
        _ => None,
    }
}

fn decode(schema: &SchemaRef, text: &[u8], strict: bool) -> Result<RecordBatch, ArrowError> {
    let unended = u64::from(!text.ends_with(b"\n"));
    let rows = usize::try_from(lines(text) + unended).unwrap_or(usize::MAX);
    let mut decoder = ReaderBuilder::new(Arc::clone(schema))
        .with_batch_size(rows)
        .with_strict_mode(strict)
        .with_decoder_factory(Arc::new(Exact))
        .build_decoder()?;
    let read = decoder.decode(text)?;
    if read < text.len() {
        return Err(ArrowError::JsonError("more than one object in a line".to_owned()));
    }
    Ok(decoder.flush()?.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema))))
}

/// Decoders that lose nothing: a number with a fraction is no whole number, and whatever has to
/// become text becomes the JSON it was.
#[derive(Debug)]
struct Exact;

impl DecoderFactory for Exact {
    fn make_default_decoder(
        &self,
        _: &DecoderContext,
        field: &FieldRef,
        _: bool,
    ) -> Result<Option<Box<dyn ArrayDecoder>>, ArrowError> {
        Ok(Some(match field.data_type() {
            DataType::Int8 => Box::new(Whole::<Int8Type>::default()),
            DataType::Int16 => Box::new(Whole::<Int16Type>::default()),
            DataType::Int32 => Box::new(Whole::<Int32Type>::default()),
            DataType::Int64 => Box::new(Whole::<Int64Type>::default()),
            DataType::UInt8 => Box::new(Whole::<UInt8Type>::default()),
            DataType::UInt16 => Box::new(Whole::<UInt16Type>::default()),
            DataType::UInt32 => Box::new(Whole::<UInt32Type>::default()),
            DataType::UInt64 => Box::new(Whole::<UInt64Type>::default()),
            DataType::Utf8 => Box::new(Text),
            _ => return Ok(None),
        }))
    }
}

#[derive(Debug)]
struct Whole<T>(std::marker::PhantomData<fn(T) -> T>);

impl<T> Default for Whole<T> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T: ArrowPrimitiveType + Parser> ArrayDecoder for Whole<T> {
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        let mut builder = PrimitiveBuilder::<T>::with_capacity(places.len());
        for place in places {
            match tape.get(*place) {
                TapeElement::Null => builder.append_null(),
                TapeElement::Number(at) | TapeElement::String(at) => {
                    let text = tape.get_string(at);
                    // `2.0` is a whole number all the same.
                    let whole = match text.split_once('.') {
                        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
                        _ => text,
                    };
                    builder.append_value(
                        T::parse(whole).ok_or_else(|| tape.error(*place, "whole number"))?,
                    );
                }
                _ => return Err(tape.error(*place, "whole number")),
            }
        }
        Ok(Arc::new(builder.finish()))
    }
}

#[derive(Debug)]
struct Text;

impl ArrayDecoder for Text {
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        let mut builder = StringBuilder::new();
        let mut json = String::new();
        for place in places {
            match tape.get(*place) {
                TapeElement::Null => builder.append_null(),
                TapeElement::String(at) => builder.append_value(tape.get_string(at)),
                _ => {
                    json.clear();
                    write_json(tape, *place, &mut json)?;
                    builder.append_value(&json);
                }
            }
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// Writes the value at `place` as JSON; answers where the next one is.
fn write_json(tape: &Tape<'_>, place: u32, json: &mut String) -> Result<u32, ArrowError> {
    match tape.get(place) {
        TapeElement::Null => json.push_str("null"),
        TapeElement::True => json.push_str("true"),
        TapeElement::False => json.push_str("false"),
        TapeElement::Number(at) => json.push_str(tape.get_string(at)),
        TapeElement::String(at) => json.push_str(&Value::from(tape.get_string(at)).to_string()),
        TapeElement::StartList(end) => {
            json.push('[');
            let mut next = place + 1;
            while next < end {
                if next > place + 1 {
                    json.push(',');
                }
                next = write_json(tape, next, json)?;
            }
            json.push(']');
            return Ok(end + 1);
        }
        TapeElement::StartObject(end) => {
            json.push('{');
            let mut next = place + 1;
            while next < end {
                if next > place + 1 {
                    json.push(',');
                }
                next = write_json(tape, next, json)?;
                json.push(':');
                next = write_json(tape, next, json)?;
            }
            json.push('}');
            return Ok(end + 1);
        }
        _ => return Err(tape.error(place, "value")),
    }
    Ok(place + 1)
}
