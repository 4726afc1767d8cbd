//! What a schema from a connector may be.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{
    DECIMAL32_MAX_PRECISION, DECIMAL64_MAX_PRECISION, DECIMAL128_MAX_PRECISION,
    DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef, Fields, Metadata, Schema,
};

use super::json::JSON;
use crate::refused::{Refused, shown};

/// Columns of a table, and fields of a struct.
const MOST_FIELDS: usize = 4096;
/// Fields of a table at all depths.
const MOST_IN_ALL: usize = 16_384;
/// How deep lists and structs may be nested.
const DEEPEST: usize = 32;
/// Bytes of a name.
const LONGEST_NAME: usize = 1024;
/// Bytes of a time zone's name.
const LONGEST_ZONE: usize = 64;
/// Bytes of a fixed size value, and items of a fixed size list.
const WIDEST: i32 = 1 << 20;

/// Checks every column of `schema`.
pub(super) fn check(schema: &Schema) -> Result<(), Refused> {
    if schema.fields().is_empty() {
        return Err(Refused::new("the announced schema has no columns: a table has at least one"));
    }
    let mut look = Look { left: MOST_IN_ALL };
    look.fields(schema.fields(), "", DEEPEST)
}

struct Look {
    left: usize,
}

impl Look {
    fn fields(&mut self, fields: &Fields, within: &str, depth: usize) -> Result<(), Refused> {
        if fields.len() > MOST_FIELDS {
            return Err(Refused::new(match within {
                "" => format!(
                    "the announced schema has {} columns: at most {MOST_FIELDS} are taken",
                    fields.len()
                ),
                column => format!(
                    "the announced column `{column}` has {} fields: at most {MOST_FIELDS} are taken",
                    fields.len()
                ),
            }));
        }
        let mut names = HashSet::with_capacity(fields.len());
        for (at, field) in fields.iter().enumerate() {
            let name = field.name();
            if name.is_empty() {
                let of = if within.is_empty() { String::new() } else { format!(" of `{within}`") };
                return Err(Refused::new(format!(
                    "column {}{of} of the announced schema has no name",
                    at + 1
                )));
            }
            if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
                return Err(Refused::new(format!(
                    "the announced column `{}` has a name with control characters or of more than \
                     {LONGEST_NAME} bytes",
                    shown(name)
                )));
            }
            let path =
                if within.is_empty() { shown(name) } else { format!("{within}.{}", shown(name)) };
            if !names.insert(name) {
                return Err(Refused::new(format!("the column `{path}` is announced twice")));
            }
            self.column(field, &path, depth)?;
        }
        Ok(())
    }

    fn column(&mut self, field: &Field, path: &str, depth: usize) -> Result<(), Refused> {
        let refuse =
            |why: String| Err(Refused::new(format!("the announced column `{path}` {why}")));
        let Some(depth) = depth.checked_sub(1) else {
            return refuse(format!("is nested more than {DEEPEST} deep"));
        };
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => {
                return Err(Refused::new(format!(
                    "the announced schema has more than {MOST_IN_ALL} fields at all depths"
                )));
            }
        };
        match field.data_type() {
            DataType::Timestamp(_, Some(zone))
                if zone.is_empty()
                    || zone.len() > LONGEST_ZONE
                    || !zone.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                refuse(format!("has `{}` for a time zone", shown(zone)))
            }
            DataType::FixedSizeBinary(width) if !(1..=WIDEST).contains(width) => {
                refuse(format!("has values of {width} bytes: between 1 and {WIDEST} are taken"))
            }
            DataType::Decimal32(precision, scale) => {
                decimal(*precision, *scale, DECIMAL32_MAX_PRECISION).or_else(refuse)
            }
            DataType::Decimal64(precision, scale) => {
                decimal(*precision, *scale, DECIMAL64_MAX_PRECISION).or_else(refuse)
            }
            DataType::Decimal128(precision, scale) => {
                decimal(*precision, *scale, DECIMAL128_MAX_PRECISION).or_else(refuse)
            }
            DataType::Decimal256(precision, scale) => {
                decimal(*precision, *scale, DECIMAL256_MAX_PRECISION).or_else(refuse)
            }
            DataType::FixedSizeList(item, width)
                if *width < 1 || items(item.data_type()) > i64::from(WIDEST / *width) =>
            {
                refuse(format!("has lists of {width} items: between 1 and {WIDEST} are taken"))
            }
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => self.column(item, &format!("{path}[]"), depth),
            DataType::Struct(fields) if fields.is_empty() => {
                refuse("is a struct without fields".to_owned())
            }
            DataType::Struct(fields) => self.fields(fields, path, depth),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair)
                    if pair.len() == 2 && !pair[0].is_nullable() && !entries.is_nullable() =>
                {
                    self.fields(pair, path, depth)
                }
                _ => refuse(
                    "is a map whose entries are not pairs of a key that is never null and a value"
                        .to_owned(),
                ),
            },
            DataType::Dictionary(keys, values)
                if !keys.is_dictionary_key_type() || !scalar(values) =>
            {
                refuse("is a dictionary of something else than plain values".to_owned())
            }
            DataType::Dictionary(_, values) => {
                self.column(&Field::new("", values.as_ref().clone(), true), path, depth)
            }
            DataType::RunEndEncoded(ends, values)
                if !ends.data_type().is_run_ends_type()
                    || ends.is_nullable()
                    || !scalar(values.data_type()) =>
            {
                refuse("has runs of something else than plain values".to_owned())
            }
            DataType::RunEndEncoded(_, values) => self.column(values, path, depth),
            DataType::Union(_, _) => {
                refuse("is a union: use a struct with a field for each case".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// How many values one value of a type always holds.
fn items(data_type: &DataType) -> i64 {
    match data_type {
        DataType::FixedSizeList(item, width) => {
            items(item.data_type()).saturating_mul(i64::from(*width))
        }
        _ => 1,
    }
}

fn decimal(precision: u8, scale: i8, most: u8) -> Result<(), String> {
    let scaled = u8::try_from(scale).is_ok_and(|scale| scale <= precision);
    if (1..=most).contains(&precision) && scaled {
        return Ok(());
    }
    Err(format!(
        "is decimal({precision},{scale}): the precision is between 1 and {most}, the scale between \
         0 and the precision"
    ))
}

fn scalar(data_type: &DataType) -> bool {
    !data_type.is_nested() && !matches!(data_type, DataType::Dictionary(_, _) | DataType::Null)
}

/// The schema without metadata, but for the names of extension types that are known here. What
/// else a connector notes on its columns might mean something to whoever writes them.
pub(super) fn plain(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(|field| bare(field)).collect::<Fields>())
}

fn bare(field: &Field) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(bare(item)),
        DataType::LargeList(item) => DataType::LargeList(bare(item)),
        DataType::ListView(item) => DataType::ListView(bare(item)),
        DataType::LargeListView(item) => DataType::LargeListView(bare(item)),
        DataType::FixedSizeList(item, width) => DataType::FixedSizeList(bare(item), *width),
        DataType::Map(entries, sorted) => DataType::Map(bare(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| bare(f)).collect()),
        DataType::RunEndEncoded(ends, values) => DataType::RunEndEncoded(bare(ends), bare(values)),
        other => other.clone(),
    };
    let extension = field
        .extension_type_name()
        .filter(|name| {
            *name == JSON
                && matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        })
        .map(|name| (EXTENSION_TYPE_NAME_KEY.to_owned(), name.to_owned()));
    Arc::new(
        Field::new(field.name(), data_type, field.is_nullable())
            .with_metadata(extension.into_iter().collect::<Metadata>()),
    )
}
