//! One schema for files that differ.
//!
//! Columns are matched by name. A column that some files lack is filled with nulls; a column that
//! is the same thing in other clothes (`Utf8` here, a dictionary there) takes the form it has in
//! the first file. What would change a value is no such thing: that is a conflict, and a fault.

use std::collections::{HashMap, HashSet};

use arrow_schema::{DataType, Field, FieldRef, Fields, Metadata, Schema, SchemaRef};
use hygge_core::fault::Fault;

/// The columns of the files seen so far.
#[derive(Debug, Default)]
pub(crate) struct Union {
    columns: Vec<Column>,
    places: HashMap<(String, usize), usize>,
    metadata: Metadata,
    schemas: usize,
}

#[derive(Debug)]
struct Column {
    field: Field,
    /// The file that gave the field its present type.
    file: String,
    /// How many schemas have it.
    seen: usize,
}

/// Why two fields cannot be one column.
#[derive(Debug, PartialEq)]
pub(crate) struct Conflict {
    /// The column, or the part of it: `address.zip`.
    pub(crate) column: String,
    /// Its type so far.
    pub(crate) here: DataType,
    /// Its type in the other file.
    pub(crate) there: DataType,
}

impl Union {
    /// Takes the columns of another file, or of many files with this very schema.
    pub(crate) fn add(&mut self, schema: &Schema, file: &str) -> Result<(), Fault> {
        if self.schemas == 0 {
            self.metadata = schema.metadata().clone();
        }
        for (name, nth, field) in numbered(schema.fields()) {
            match self.places.get(&(name.to_owned(), nth)).and_then(|at| self.columns.get_mut(*at))
            {
                Some(column) => {
                    let merged = merge_field(&column.field, field, name)
                        .map_err(|conflict| conflict.fault(&column.file, file))?;
                    if column.field.data_type() == &DataType::Null
                        && merged.data_type() != &DataType::Null
                    {
                        file.clone_into(&mut column.file);
                    }
                    column.field = merged;
                    column.seen += 1;
                }
                None => {
                    self.places.insert((name.to_owned(), nth), self.columns.len());
                    self.columns.push(Column {
                        field: field.as_ref().clone(),
                        file: file.to_owned(),
                        seen: 1,
                    });
                }
            }
        }
        self.schemas += 1;
        Ok(())
    }

    /// The schema that holds the rows of every file.
    pub(crate) fn finish(self) -> SchemaRef {
        let schemas = self.schemas;
        let fields: Vec<Field> = self
            .columns
            .into_iter()
            .map(|column| match column.seen < schemas {
                true => column.field.with_nullable(true),
                false => column.field,
            })
            .collect();
        SchemaRef::new(Schema::new_with_metadata(fields, self.metadata))
    }
}

/// Fields with how many of the same name came before: Parquet allows a name more than once.
pub(crate) fn numbered(fields: &Fields) -> impl Iterator<Item = (&str, usize, &FieldRef)> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    fields.iter().map(move |field| {
        let time = times.entry(field.name()).or_insert(0);
        *time += 1;
        (field.name().as_str(), *time - 1, field)
    })
}

impl Conflict {
    fn fault(self, file: &str, other: &str) -> Fault {
        Fault::data(format!(
            "column `{}` is {} in {file} but {} in {other}",
            self.column, self.here, self.there
        ))
        .with_help(
            "write one of the files again with the other's type, or load them as two entities",
        )
    }
}

/// One field for the column `name` that is `a` in an earlier file and `b` in a later one.
fn merge_field(a: &Field, b: &Field, name: &str) -> Result<Field, Conflict> {
    let data_type = merge(a.data_type(), b.data_type(), name)?;
    let nullable = a.is_nullable() || b.is_nullable();
    Ok(a.clone().with_data_type(data_type).with_nullable(nullable))
}

fn merge(a: &DataType, b: &DataType, name: &str) -> Result<DataType, Conflict> {
    use DataType::{
        Dictionary, FixedSizeList, LargeList, LargeListView, List, ListView, Map, Null, Struct,
        Timestamp,
    };
    if a == b {
        return Ok(a.clone());
    }
    let conflict = || Conflict { column: name.to_owned(), here: a.clone(), there: b.clone() };
    match (a, b) {
        (Null, other) | (other, Null) => Ok(other.clone()),
        (Dictionary(key_a, value_a), Dictionary(key_b, value_b)) => {
            let key = if width(key_a) >= width(key_b) { key_a } else { key_b };
            Ok(Dictionary(key.clone(), Box::new(merge(value_a, value_b, name)?)))
        }
        // Plain values may be more than a narrow key can number.
        (Dictionary(key, value), plain) if width(key) >= 4 => {
            Ok(Dictionary(key.clone(), Box::new(merge(value, plain, name)?)))
        }
        (Dictionary(_, value), plain) => merge(value, plain, name),
        (plain, Dictionary(_, value)) => merge(plain, value, name),
        (Struct(a), Struct(b)) => Ok(Struct(merge_children(a, b, name)?)),
        (FixedSizeList(item_a, size_a), FixedSizeList(item_b, size_b)) if size_a == size_b => {
            Ok(FixedSizeList(merge_item(item_a, item_b, name)?, *size_a))
        }
        (Map(entries_a, sorted), Map(entries_b, _)) => {
            let entries = match (entries_a.data_type(), entries_b.data_type()) {
                // The parts of an entry go by position: writers name them differently.
                (Struct(a), Struct(b)) if a.len() == 2 && b.len() == 2 => {
                    let parts = a
                        .iter()
                        .zip(b)
                        .map(|(a, b)| merge_field(a, b, &format!("{name}.{}", a.name())))
                        .collect::<Result<Fields, _>>()?;
                    entries_a.as_ref().clone().with_data_type(Struct(parts))
                }
                _ => return Err(conflict()),
            };
            Ok(Map(entries.into(), *sorted))
        }
        (Timestamp(unit_a, Some(zone_a)), Timestamp(unit_b, Some(zone_b)))
            if unit_a == unit_b && is_utc(zone_a) && is_utc(zone_b) =>
        {
            Ok(a.clone())
        }
        _ => {
            if let (Some(item_a), Some(item_b)) = (item(a), item(b)) {
                let merged = merge_item(item_a, item_b, name)?;
                return Ok(match a {
                    LargeList(_) => LargeList(merged),
                    ListView(_) => ListView(merged),
                    LargeListView(_) => LargeListView(merged),
                    _ => List(merged),
                });
            }
            let same = (is_text(a) && is_text(b))
                || (is_binary(a) && is_binary(b))
                || decimal(a).is_some_and(|digits| decimal(b) == Some(digits));
            if same { Ok(a.clone()) } else { Err(conflict()) }
        }
    }
}

fn merge_item(a: &FieldRef, b: &FieldRef, name: &str) -> Result<FieldRef, Conflict> {
    merge_field(a, b, &format!("{name}[]")).map(Into::into)
}

fn merge_children(a: &Fields, b: &Fields, name: &str) -> Result<Fields, Conflict> {
    let others: HashMap<(&str, usize), &FieldRef> =
        numbered(b).map(|(name, nth, field)| ((name, nth), field)).collect();
    let mut children = Vec::with_capacity(a.len());
    for (child, nth, field) in numbered(a) {
        children.push(match others.get(&(child, nth)) {
            Some(other) => merge_field(field, other, &format!("{name}.{child}"))?,
            None => field.as_ref().clone().with_nullable(true),
        });
    }
    let known: HashSet<(&str, usize)> = numbered(a).map(|(name, nth, _)| (name, nth)).collect();
    for (child, nth, field) in numbered(b) {
        if !known.contains(&(child, nth)) {
            children.push(field.as_ref().clone().with_nullable(true));
        }
    }
    Ok(children.into())
}

fn item(data_type: &DataType) -> Option<&FieldRef> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => Some(item),
        _ => None,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

fn decimal(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}

fn width(key: &DataType) -> usize {
    key.primitive_width().unwrap_or(0)
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Etc/UTC" | "Z" | "+00:00" | "-00:00" | "GMT")
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit;

    use super::*;

    fn schema(fields: &[(&str, DataType)]) -> Schema {
        let fields: Vec<Field> =
            fields.iter().map(|(name, ty)| Field::new(*name, ty.clone(), false)).collect();
        Schema::new(fields)
    }

    fn union(schemas: &[Schema]) -> Result<SchemaRef, Fault> {
        let mut union = Union::default();
        for (at, schema) in schemas.iter().enumerate() {
            union.add(schema, &format!("in/{at}.parquet"))?;
        }
        Ok(union.finish())
    }

    #[test]
    fn what_some_files_lack_becomes_nullable_and_order_is_first_seen() {
        let all = union(&[
            schema(&[("a", DataType::Int32), ("b", DataType::Utf8)]),
            schema(&[("c", DataType::Date32), ("a", DataType::Int32)]),
        ])
        .unwrap();
        let told: Vec<(&str, bool)> =
            all.fields().iter().map(|f| (f.name().as_str(), f.is_nullable())).collect();
        assert_eq!(told, [("a", false), ("b", true), ("c", true)]);
    }

    #[test]
    fn other_clothes_take_the_first_form() {
        let dictionary =
            |key: DataType| DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8));
        let utc = |zone: &str| DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        let item = |ty| FieldRef::new(Field::new("item", ty, true));
        for (first, second, expected) in [
            (DataType::Utf8View, DataType::LargeUtf8, DataType::Utf8View),
            (DataType::Utf8, dictionary(DataType::Int32), DataType::Utf8),
            (dictionary(DataType::Int32), DataType::Utf8, dictionary(DataType::Int32)),
            (dictionary(DataType::Int8), DataType::Utf8, DataType::Utf8),
            (dictionary(DataType::Int8), dictionary(DataType::Int16), dictionary(DataType::Int16)),
            (DataType::Null, DataType::Int64, DataType::Int64),
            (DataType::Binary, DataType::BinaryView, DataType::Binary),
            (utc("UTC"), utc("+00:00"), utc("UTC")),
            (DataType::Decimal128(9, 2), DataType::Decimal256(9, 2), DataType::Decimal128(9, 2)),
            (
                DataType::List(item(DataType::Utf8)),
                DataType::LargeList(item(DataType::Utf8View)),
                DataType::List(item(DataType::Utf8)),
            ),
        ] {
            let all = union(&[schema(&[("a", first.clone())]), schema(&[("a", second.clone())])]);
            assert_eq!(all.unwrap().field(0).data_type(), &expected, "{first} then {second}");
        }
    }

    #[test]
    fn a_conflict_names_both_files_the_part_and_both_types() {
        let nested = |ty| DataType::Struct(vec![Field::new("zip", ty, true)].into());
        let fault = union(&[
            schema(&[("address", nested(DataType::Utf8))]),
            schema(&[("address", nested(DataType::Int64))]),
        ])
        .unwrap_err();
        assert_eq!(
            fault.to_string(),
            "column `address.zip` is Utf8 in in/0.parquet but Int64 in in/1.parquet"
        );
        assert!(
            union(&[
                schema(&[("a", DataType::Decimal128(9, 2))]),
                schema(&[("a", DataType::Decimal128(10, 2))])
            ])
            .is_err()
        );
    }

    #[test]
    fn structs_unite_their_fields() {
        let nested = |names: &[&str]| {
            let fields: Vec<Field> =
                names.iter().map(|name| Field::new(*name, DataType::Int32, false)).collect();
            DataType::Struct(fields.into())
        };
        let all =
            union(&[schema(&[("s", nested(&["x", "y"]))]), schema(&[("s", nested(&["z", "x"]))])])
                .unwrap();
        let DataType::Struct(fields) = all.field(0).data_type() else { panic!() };
        let told: Vec<(&str, bool)> =
            fields.iter().map(|f| (f.name().as_str(), f.is_nullable())).collect();
        assert_eq!(told, [("x", false), ("y", true), ("z", true)]);
    }
}
