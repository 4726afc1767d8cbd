//! Values becoming columns, one sink for each column and each part of a nested one.

mod nested;
mod scalar;

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use hygge_sdk::{Error, Result};

use self::nested::{List, Object};
use super::kind::Kind;
use super::time;
use crate::json::{Scanner, Token};

/// Takes the values of a column.
pub(crate) trait Sink {
    /// Takes the value that comes next.
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble>;
    /// Takes a value that stands in a text of another format; nothing is null.
    fn text(&mut self, text: &str) -> Result<(), Trouble>;
    /// Takes a null.
    fn null(&mut self);
    /// Hands over what was taken.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// Why a value was not taken.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It does not fit; this is what it looks like.
    Misfit(String),
    /// It could not be read.
    Broken(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// A sink for values of a type. A lenient one also takes a number that stands in a text, and
/// anything where text is wanted, as long as nothing is lost.
pub(crate) fn sink(kind: &Kind, lenient: bool) -> Box<dyn Sink> {
    match kind {
        Kind::Bool => Box::new(Bools { builder: BooleanBuilder::new(), lenient }),
        Kind::Int8 => integers::<Int8Type>(kind, lenient),
        Kind::Int16 => integers::<Int16Type>(kind, lenient),
        Kind::Int32 => integers::<Int32Type>(kind, lenient),
        Kind::Int64 => integers::<Int64Type>(kind, lenient),
        Kind::Uint8 => integers::<UInt8Type>(kind, lenient),
        Kind::Uint16 => integers::<UInt16Type>(kind, lenient),
        Kind::Uint32 => integers::<UInt32Type>(kind, lenient),
        Kind::Uint64 => integers::<UInt64Type>(kind, lenient),
        Kind::Float32 => primitive::<Float32Type>(kind, move |token| {
            scalar::float(token, lenient).map(|value| value as f32)
        }),
        Kind::Float64 => {
            let read = move |token: &Token<'_>| scalar::float(token, lenient);
            with_quick::<Float64Type>(kind, |scanner| scanner.short_float(), read)
        }
        Kind::Decimal(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            primitive::<Decimal128Type>(kind, move |token| scalar::decimal(token, precision, scale))
        }
        Kind::Date => primitive::<Date32Type>(kind, |token| {
            let moment = time::parse(scalar::text(token)?)?;
            i32::try_from(moment.micros.div_euclid(time::DAY)).ok()
        }),
        Kind::Time => primitive::<Time64MicrosecondType>(kind, |token| {
            time::parse_clock(scalar::text(token)?.as_bytes())
        }),
        Kind::Timestamp => primitive::<TimestampMicrosecondType>(kind, |token| {
            let moment = time::parse(scalar::text(token)?)?;
            (!moment.offset).then_some(moment.micros)
        }),
        Kind::TimestampUtc => primitive::<TimestampMicrosecondType>(kind, |token| {
            time::parse(scalar::text(token)?).map(|moment| moment.micros)
        }),
        Kind::Unix => primitive::<TimestampMicrosecondType>(kind, |token| scalar::unix(token, 6)),
        Kind::UnixMs => primitive::<TimestampMicrosecondType>(kind, |token| scalar::unix(token, 3)),
        Kind::String => Box::new(Texts { builder: StringBuilder::new(), lenient }),
        Kind::Json => Box::new(Json(StringBuilder::new())),
        Kind::Binary => Box::new(Bytes(BinaryBuilder::new())),
        Kind::List(item) => Box::new(List::new(item, lenient)),
        Kind::Struct(fields) => Box::new(Object::new(fields, lenient)),
    }
}

/// A value for a message.
fn shown(token: &Token<'_>) -> String {
    const LONGEST: usize = 60;
    let cut = |text: &str| match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    };
    match token {
        Token::Null => "null".to_owned(),
        Token::Bool(value) => value.to_string(),
        Token::Number(text) => cut(text),
        Token::Text(text) => format!("the text {:?}", cut(text)),
        Token::Nested(text) if text.starts_with('[') => format!("the list {}", cut(text)),
        Token::Nested(text) => format!("the object {}", cut(text)),
    }
}

/// Values of one width.
struct Primitive<T: ArrowPrimitiveType, Q, F> {
    builder: PrimitiveBuilder<T>,
    /// Reads and passes what comes next if it is plain; else passes nothing.
    quick: Q,
    /// Reads any value; gives none for what does not fit.
    read: F,
}

fn primitive<T: ArrowPrimitiveType>(
    kind: &Kind,
    read: impl Fn(&Token<'_>) -> Option<T::Native> + 'static,
) -> Box<dyn Sink> {
    with_quick::<T>(kind, |_| None, read)
}

fn integers<T: ArrowPrimitiveType>(kind: &Kind, lenient: bool) -> Box<dyn Sink>
where
    T::Native: TryFrom<i64> + TryFrom<i128>,
{
    // What does not fit is read again, as what it is called when that is told.
    let quick = |scanner: &mut Scanner<'_>| {
        let mut ahead = scanner.clone();
        let value = T::Native::try_from(ahead.short_integer()?).ok()?;
        *scanner = ahead;
        Some(value)
    };
    with_quick::<T>(kind, quick, move |token| scalar::integer(token, lenient))
}

fn with_quick<T: ArrowPrimitiveType>(
    kind: &Kind,
    quick: impl Fn(&mut Scanner<'_>) -> Option<T::Native> + 'static,
    read: impl Fn(&Token<'_>) -> Option<T::Native> + 'static,
) -> Box<dyn Sink> {
    let builder = PrimitiveBuilder::<T>::new().with_data_type(kind.data_type());
    Box::new(Primitive { builder, quick, read })
}

impl<T: ArrowPrimitiveType, Q, F: Fn(&Token<'_>) -> Option<T::Native>> Primitive<T, Q, F> {
    #[inline]
    fn put(&mut self, token: &Token<'_>) -> Result<(), Trouble> {
        match token {
            Token::Null => self.builder.append_null(),
            token => match (self.read)(token) {
                Some(value) => self.builder.append_value(value),
                None => return Err(Trouble::Misfit(shown(token))),
            },
        }
        Ok(())
    }
}

impl<T, Q, F> Sink for Primitive<T, Q, F>
where
    T: ArrowPrimitiveType,
    Q: Fn(&mut Scanner<'_>) -> Option<T::Native>,
    F: Fn(&Token<'_>) -> Option<T::Native>,
{
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble> {
        if let Some(value) = (self.quick)(scanner) {
            self.builder.append_value(value);
            return Ok(());
        }
        let token = scanner.token()?;
        self.put(&token)
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        self.put(&scalar::token(text))
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

struct Bools {
    builder: BooleanBuilder,
    lenient: bool,
}

impl Bools {
    fn put(&mut self, token: &Token<'_>) -> Result<(), Trouble> {
        match token {
            Token::Null => self.builder.append_null(),
            token => match scalar::boolean(token, self.lenient) {
                Some(value) => self.builder.append_value(value),
                None => return Err(Trouble::Misfit(shown(token))),
            },
        }
        Ok(())
    }
}

impl Sink for Bools {
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble> {
        let token = scanner.token()?;
        self.put(&token)
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        self.put(&scalar::token(text))
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

struct Texts {
    builder: StringBuilder,
    lenient: bool,
}

impl Sink for Texts {
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble> {
        match scanner.token()? {
            Token::Text(text) => self.builder.append_value(text),
            Token::Null => self.builder.append_null(),
            other if !self.lenient => return Err(Trouble::Misfit(shown(&other))),
            Token::Bool(value) => self.builder.append_value(if value { "true" } else { "false" }),
            Token::Number(text) | Token::Nested(text) => self.builder.append_value(text),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        self.builder.append_value(text);
        Ok(())
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

/// Anything, as the JSON it is written as.
struct Json(StringBuilder);

impl Sink for Json {
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble> {
        match scanner.skip()? {
            "null" => self.0.append_null(),
            text => self.0.append_value(text),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        let mut scanner = Scanner::new(text);
        scanner.skip()?;
        scanner.end()?;
        self.0.append_value(text);
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// Bytes in base64, of any alphabet, padded or not.
struct Bytes(BinaryBuilder);

impl Sink for Bytes {
    fn take(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Trouble> {
        match scanner.token()? {
            Token::Null => self.0.append_null(),
            Token::Text(text) => self.text(&text)?,
            other => return Err(Trouble::Misfit(shown(&other))),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
        match engines.iter().find_map(|engine| engine.decode(text).ok()) {
            Some(bytes) => self.0.append_value(bytes),
            None => return Err(Trouble::Misfit(shown(&Token::Text(text.into())))),
        }
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.0.finish()))
    }
}
