//! A line as JSON: one object, with names that are known and stand there once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use arrow_schema::{DataType, Fields, Schema};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Line;
use crate::refused::{Refused, shown};

/// How deep a value may be nested.
const DEEPEST: usize = 64;

/// What names a value may have, and those of the values within it.
pub(super) enum Shape {
    /// A struct.
    Object { path: String, names: HashMap<String, usize>, fields: Vec<Shape> },
    /// A list.
    List(Box<Shape>),
    /// Anything without names of its own.
    Plain,
}

impl Shape {
    /// Of a row of `schema`.
    pub(super) fn of(schema: &Schema) -> Self {
        Self::object(schema.fields(), String::new())
    }

    fn object(fields: &Fields, path: String) -> Self {
        let within = |name: &str| {
            if path.is_empty() { shown(name) } else { format!("{path}.{}", shown(name)) }
        };
        Self::Object {
            names: fields
                .iter()
                .enumerate()
                .map(|(at, field)| (field.name().clone(), at))
                .collect(),
            fields: fields
                .iter()
                .map(|field| Self::typed(field.data_type(), within(field.name())))
                .collect(),
            path,
        }
    }

    fn typed(data_type: &DataType, path: String) -> Self {
        match data_type {
            DataType::Struct(fields) => Self::object(fields, path),
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => {
                match Self::typed(item.data_type(), format!("{path}[]")) {
                    Self::Plain => Self::Plain,
                    item => Self::List(Box::new(item)),
                }
            }
            _ => Self::Plain,
        }
    }

    /// Checks that `line` is one object of this shape.
    pub(super) fn check(&self, line: Line<'_>) -> Result<(), Refused> {
        let number = line.number;
        if deepest(line.text.as_bytes()) > DEEPEST {
            return Err(Refused::new(format!("line {number} is nested more than {DEEPEST} deep")));
        }
        if !line.text.starts_with('{') {
            return Err(Refused::new(format!(
                "line {number} is not a JSON object but `{}`",
                shown(line.text)
            )));
        }
        let problem = RefCell::new(None);
        let mut reader = serde_json::Deserializer::from_str(line.text);
        Look { shape: self, problem: &problem }
            .deserialize(&mut reader)
            .and_then(|()| reader.end())
            .map_err(|error| match problem.take() {
                Some(problem) => Refused::new(format!("line {number}: {problem}")),
                None => Refused::new(format!(
                    "line {number} is not one JSON object: {}",
                    // Its own count of lines is of no use here.
                    error.to_string().replace("line 1 column", "byte")
                )),
            })
    }
}

/// How deep brackets are nested, without believing that they fit together.
fn deepest(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut quoted = false;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                bytes.next();
            }
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Reads a value only to look at its names. What is wrong with them goes to `problem`.
#[derive(Clone, Copy)]
struct Look<'s> {
    shape: &'s Shape,
    problem: &'s RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self.shape {
            Shape::Plain => reader.deserialize_ignored_any(IgnoredAny).map(|_| ()),
            _ => reader.deserialize_any(self),
        }
    }
}

/// Values that are neither object nor list are none of this module's business: as columns they
/// will not fit.
impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let shape = match self.shape {
            Shape::List(item) => item,
            _ => &Shape::Plain,
        };
        while items.next_element_seed(Look { shape, ..self })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Shape::Object { path, names, fields } = self.shape else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        let mut seen = vec![false; fields.len()];
        while let Some(name) = members.next_key_seed(Name)? {
            let wrong = match names.get(name.as_ref()) {
                Some(at) if !seen[*at] => {
                    seen[*at] = true;
                    members.next_value_seed(Look { shape: &fields[*at], ..self })?;
                    continue;
                }
                Some(_) => "stands there twice",
                None => "is not in the announced schema",
            };
            let dot = if path.is_empty() { "" } else { "." };
            self.problem.replace(Some(format!("`{path}{dot}{}` {wrong}", shown(&name))));
            return Err(A::Error::custom(wrong));
        }
        Ok(())
    }
}

/// A name, borrowed from the line where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = std::borrow::Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = std::borrow::Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(name.into())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(name.to_owned().into())
    }
}
