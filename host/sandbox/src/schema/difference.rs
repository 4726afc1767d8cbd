//! Where a batch departs from what was announced.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use crate::refused::shown;

/// The first difference in names, types or nullability, in words; none when there is none.
///
/// Metadata may differ, and so may the names of the items of a list, of the entries of a map and
/// of the two parts of a run: every library has its own for those.
pub(crate) fn difference(announced: &Schema, found: &Schema) -> Option<String> {
    within(announced.fields(), found.fields(), "")
}

fn within(announced: &Fields, found: &Fields, path: &str) -> Option<String> {
    for (at, expected) in announced.iter().enumerate() {
        let name = joined(path, expected.name());
        let Some(field) = found.get(at) else {
            return Some(format!("the column `{name}` is missing"));
        };
        if field.name() != expected.name() {
            return Some(format!(
                "column {} is `{}`, announced as `{name}`",
                at + 1,
                joined(path, field.name())
            ));
        }
        if let Some(difference) = between(expected, field, &name) {
            return Some(difference);
        }
    }
    let more = found.get(announced.len())?;
    Some(format!("the column `{}` was not announced", joined(path, more.name())))
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { shown(name) } else { format!("{path}.{}", shown(name)) }
}

fn between(expected: &Field, found: &Field, path: &str) -> Option<String> {
    use DataType as T;
    let nested = match (expected.data_type(), found.data_type()) {
        (T::Struct(expected), T::Struct(found)) => within(expected, found, path),
        (T::FixedSizeList(_, expected), T::FixedSizeList(_, found)) if expected != found => {
            Some(format!("`{path}` has lists of {found} items, announced were {expected}"))
        }
        (T::List(expected), T::List(found))
        | (T::LargeList(expected), T::LargeList(found))
        | (T::ListView(expected), T::ListView(found))
        | (T::LargeListView(expected), T::LargeListView(found))
        | (T::FixedSizeList(expected, _), T::FixedSizeList(found, _)) => {
            between(expected, found, &format!("{path}[]"))
        }
        (T::Map(expected, _), T::Map(found, _)) => {
            match (expected.data_type(), found.data_type()) {
                (T::Struct(a), T::Struct(b)) if a.len() == 2 && b.len() == 2 => {
                    between(&a[0], &b[0], &format!("{path}.key"))
                        .or_else(|| between(&a[1], &b[1], &format!("{path}.value")))
                }
                _ => Some(format!("`{path}` is not a map of keys and values")),
            }
        }
        (T::RunEndEncoded(ends, values), T::RunEndEncoded(found_ends, found_values)) => {
            between(ends, found_ends, path).or_else(|| between(values, found_values, path))
        }
        (expected, found) if expected != found => {
            Some(format!("`{path}` is {found}, announced as {expected}"))
        }
        _ => None,
    };
    nested.or_else(|| match (expected.is_nullable(), found.is_nullable()) {
        (true, false) => Some(format!("`{path}` is never null, announced as null at times")),
        (false, true) => Some(format!("`{path}` may be null, announced as never null")),
        _ => None,
    })
}

/// `announced`, with the numbers that `found`, which is no different, gave to its dictionaries.
pub(crate) fn dictionary_ids(announced: &SchemaRef, found: &Schema) -> SchemaRef {
    if announced.fields().iter().any(|field| holds_dictionary(field.data_type())) {
        Arc::new(Schema::new(numbered_all(announced.fields(), found.fields())))
    } else {
        Arc::clone(announced)
    }
}

fn holds_dictionary(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, _) => true,
        DataType::Struct(fields) => fields.iter().any(|field| holds_dictionary(field.data_type())),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => holds_dictionary(item.data_type()),
        _ => false,
    }
}

fn numbered_all(announced: &Fields, found: &Fields) -> Fields {
    announced.iter().zip(found).map(|(announced, found)| numbered(announced, found)).collect()
}

fn numbered(announced: &FieldRef, found: &FieldRef) -> FieldRef {
    use DataType as T;
    let data_type = match (announced.data_type(), found.data_type()) {
        (T::Dictionary(_, _), T::Dictionary(_, _)) => {
            #[expect(deprecated, reason = "Arrow's reader still looks dictionaries up by it")]
            let numbered = Field::new_dict(
                announced.name(),
                announced.data_type().clone(),
                announced.is_nullable(),
                found.dict_id().unwrap_or_default(),
                found.dict_is_ordered().unwrap_or_default(),
            );
            return Arc::new(numbered.with_metadata(announced.metadata().clone()));
        }
        (T::Struct(a), T::Struct(b)) => T::Struct(numbered_all(a, b)),
        (T::List(a), T::List(b)) => T::List(numbered(a, b)),
        (T::LargeList(a), T::LargeList(b)) => T::LargeList(numbered(a, b)),
        (T::ListView(a), T::ListView(b)) => T::ListView(numbered(a, b)),
        (T::LargeListView(a), T::LargeListView(b)) => T::LargeListView(numbered(a, b)),
        (T::FixedSizeList(a, width), T::FixedSizeList(b, _)) => {
            T::FixedSizeList(numbered(a, b), *width)
        }
        (T::Map(a, sorted), T::Map(b, _)) => T::Map(numbered(a, b), *sorted),
        _ => return Arc::clone(announced),
    };
    Arc::new(announced.as_ref().clone().with_data_type(data_type))
}
