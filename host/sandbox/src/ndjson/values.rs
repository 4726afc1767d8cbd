//! Decoders that lose nothing.

use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use arrow_array::builder::{PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_json::reader::{ArrayDecoder, DecoderContext, DecoderFactory, Tape, TapeElement};
use arrow_schema::{ArrowError, DataType, FieldRef};
use serde_json::Value;

use crate::schema::JSON;

/// Chooses decoders that refuse what they would have to change.
#[derive(Debug)]
pub(super) struct Exact;

impl DecoderFactory for Exact {
    fn make_default_decoder(
        &self,
        context: &DecoderContext,
        field: &FieldRef,
        nullable: bool,
    ) -> Result<Option<Box<dyn ArrayDecoder>>, ArrowError> {
        let builtin = || context.make_builtin_decoder(field, nullable);
        Ok(Some(match field.data_type() {
            DataType::Int8 => Box::new(Whole::<Int8Type>(PhantomData)),
            DataType::Int16 => Box::new(Whole::<Int16Type>(PhantomData)),
            DataType::Int32 => Box::new(Whole::<Int32Type>(PhantomData)),
            DataType::Int64 => Box::new(Whole::<Int64Type>(PhantomData)),
            DataType::UInt8 => Box::new(Whole::<UInt8Type>(PhantomData)),
            DataType::UInt16 => Box::new(Whole::<UInt16Type>(PhantomData)),
            DataType::UInt32 => Box::new(Whole::<UInt32Type>(PhantomData)),
            DataType::UInt64 => Box::new(Whole::<UInt64Type>(PhantomData)),
            DataType::Float32 => Box::new(Real::<Float32Type>(PhantomData)),
            DataType::Float64 => Box::new(Real::<Float64Type>(PhantomData)),
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => {
                Box::new(Unrounded { scale: i64::from(*scale), inner: builtin()? })
            }
            DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(_, None) => Box::new(FromText(builtin()?)),
            DataType::Timestamp(unit, Some(zone)) => {
                let fixed = zone.starts_with(['+', '-']);
                let read_as = if fixed { Arc::clone(zone) } else { "+00:00".into() };
                let instants = DataType::Timestamp(*unit, Some(read_as));
                let instants = Arc::new(field.as_ref().clone().with_data_type(instants));
                Box::new(Instants {
                    inner: FromText(context.make_builtin_decoder(&instants, nullable)?),
                    data_type: field.data_type().clone(),
                    offset_needed: !fixed && !matches!(zone.as_ref(), "UTC" | "Etc/UTC" | "Z"),
                })
            }
            DataType::Utf8 if field.extension_type_name() == Some(JSON) => Box::new(Json),
            _ => return Ok(None),
        }))
    }
}

/// Whole numbers: `2`, `2.0`, `2e3`, `"2"`.
struct Whole<T>(PhantomData<fn(T) -> T>);

impl<T> ArrayDecoder for Whole<T>
where
    T: ArrowPrimitiveType,
    T::Native: FromStr + TryFrom<i64>,
{
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        let mut builder = PrimitiveBuilder::<T>::with_capacity(places.len());
        for place in places {
            match tape.get(*place) {
                TapeElement::Null => builder.append_null(),
                TapeElement::Number(at) | TapeElement::String(at) => {
                    let text = tape.get_string(at);
                    let value = text
                        .parse()
                        .ok()
                        .or_else(|| whole(text).and_then(|whole| T::Native::try_from(whole).ok()));
                    builder.append_value(value.ok_or_else(|| tape.error(*place, "whole number"))?);
                }
                _ => return Err(tape.error(*place, "whole number")),
            }
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// A whole number that is written as a fraction or with an exponent, as long as every whole number
/// around it can be written so too.
fn whole(text: &str) -> Option<i64> {
    const EXACT: f64 = (1u64 << 53) as f64;
    let value: f64 = text.parse().ok()?;
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

/// Floating point numbers. JSON has no infinity: a number too large for its type is none.
struct Real<T>(PhantomData<fn(T) -> T>);

impl<T> ArrayDecoder for Real<T>
where
    T: ArrowPrimitiveType,
    T::Native: FromStr + Into<f64>,
{
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        let mut builder = PrimitiveBuilder::<T>::with_capacity(places.len());
        for place in places {
            let (text, named) = match tape.get(*place) {
                TapeElement::Null => {
                    builder.append_null();
                    continue;
                }
                TapeElement::Number(at) => (tape.get_string(at), false),
                TapeElement::String(at) => {
                    let text = tape.get_string(at);
                    (text, matches!(text, "NaN" | "Infinity" | "-Infinity"))
                }
                _ => return Err(tape.error(*place, "number")),
            };
            let value = text.parse::<T::Native>().ok();
            let value = value.filter(|value| named || (*value).into().is_finite());
            builder.append_value(value.ok_or_else(|| tape.error(*place, "number"))?);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// Decimals that need no rounding.
struct Unrounded {
    scale: i64,
    inner: Box<dyn ArrayDecoder>,
}

impl ArrayDecoder for Unrounded {
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        for place in places {
            if let TapeElement::Number(at) | TapeElement::String(at) = tape.get(*place)
                && digits(tape.get_string(at)).is_none_or(|digits| digits > self.scale)
            {
                return Err(tape.error(*place, "decimal of fewer digits"));
            }
        }
        self.inner.decode(tape, places)
    }
}

/// How many digits behind the point a number needs.
fn digits(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let needed = match fraction.len() {
        0 => -(whole.len() as i64 - whole.trim_end_matches('0').len() as i64),
        digits => digits as i64,
    };
    Some(needed - i64::from(exponent))
}

/// Dates and times are text. A number could mean seconds as well as microseconds.
struct FromText(Box<dyn ArrayDecoder>);

impl ArrayDecoder for FromText {
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        for place in places {
            if !matches!(tape.get(*place), TapeElement::Null | TapeElement::String(_)) {
                return Err(tape.error(*place, "text"));
            }
        }
        self.0.decode(tape, places)
    }
}

/// Instants, kept with the name of a zone. The rules of zones are not known here: where the name is
/// no fixed offset, each text has to give its own.
struct Instants {
    inner: FromText,
    data_type: DataType,
    offset_needed: bool,
}

impl ArrayDecoder for Instants {
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        for place in places {
            if let TapeElement::String(at) = tape.get(*place)
                && self.offset_needed
                && !has_offset(tape.get_string(at))
            {
                return Err(tape.error(*place, "date and time with an offset"));
            }
        }
        let instants = self.inner.decode(tape, places)?.into_data().into_builder();
        Ok(make_array(instants.data_type(self.data_type.clone()).build()?))
    }
}

/// Whether a date and time says how far from UTC it is.
fn has_offset(text: &str) -> bool {
    const DATE: usize = "2026-01-31".len();
    text.get(DATE..).is_some_and(|time| time.contains(['+', '-', 'Z', 'z']))
}

/// Any JSON value, as the text it is.
struct Json;

impl ArrayDecoder for Json {
    fn decode(&mut self, tape: &Tape<'_>, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        let mut builder = StringBuilder::new();
        let mut json = String::new();
        for place in places {
            if matches!(tape.get(*place), TapeElement::Null) {
                builder.append_null();
            } else {
                json.clear();
                write(tape, *place, &mut json)?;
                builder.append_value(&json);
            }
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// Writes the value at `place` as JSON; answers where the next one is. Lines are not nested deep
/// enough to need a stack of its own.
fn write(tape: &Tape<'_>, place: u32, json: &mut String) -> Result<u32, ArrowError> {
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
                next = write(tape, next, json)?;
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
                next = write(tape, next, json)?;
                json.push(':');
                next = write(tape, next, json)?;
            }
            json.push('}');
            return Ok(end + 1);
        }
        _ => return Err(tape.error(place, "value")),
    }
    Ok(place + 1)
}
