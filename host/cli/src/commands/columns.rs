//! Columns before and after a run, and how they differ.

use std::fmt::Write as _;

use arrow_schema::{DataType, Schema, TimeUnit};

/// How the columns after a run differ from those before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// New columns: name and type.
    pub added: Vec<(String, String)>,
    /// Columns that go: name and type.
    pub removed: Vec<(String, String)>,
    /// Columns of another type: name, type before, type after.
    pub changed: Vec<(String, String, String)>,
}

impl Difference {
    /// Compares. Types that only differ in how they lie in memory count as the same.
    pub(super) fn between(before: &Schema, after: &Schema) -> Self {
        let mut difference = Self::default();
        for field in after.fields() {
            let name = field.name().clone();
            let new = type_name(field.data_type());
            match before.column_with_name(&name) {
                None => difference.added.push((name, new)),
                Some((_, old)) => {
                    let old = type_name(old.data_type());
                    if old != new {
                        difference.changed.push((name, old, new));
                    }
                }
            }
        }
        for field in before.fields() {
            if after.column_with_name(field.name()).is_none() {
                difference.removed.push((field.name().clone(), type_name(field.data_type())));
            }
        }
        difference
    }

    /// Whether the columns are the same.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One line for each column that differs: `+ email text`.
    pub(super) fn lines(&self) -> Vec<String> {
        let added = self.added.iter().map(|(name, new)| format!("+ {name} {new}"));
        let removed = self.removed.iter().map(|(name, old)| format!("- {name} {old}"));
        let changed = self.changed.iter().map(|(name, old, new)| format!("~ {name} {old} → {new}"));
        added.chain(removed).chain(changed).collect()
    }
}

/// The first few columns on one line: `id int64, name text and 12 more`.
pub(super) fn outline(schema: &Schema) -> String {
    const SHOWN: usize = 6;
    let mut text = schema
        .fields()
        .iter()
        .take(SHOWN)
        .map(|field| format!("{} {}", field.name(), type_name(field.data_type())))
        .collect::<Vec<_>>()
        .join(", ");
    let more = schema.fields().len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}

/// A type as people name it, whatever its layout in memory.
pub(super) fn type_name(data_type: &DataType) -> String {
    use DataType as T;
    match data_type {
        T::Boolean => "bool".to_owned(),
        T::Float16 => "float16".to_owned(),
        T::Float32 => "float32".to_owned(),
        T::Float64 => "float64".to_owned(),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "text".to_owned(),
        T::Binary | T::LargeBinary | T::BinaryView => "binary".to_owned(),
        T::FixedSizeBinary(size) => format!("binary[{size}]"),
        T::Date32 | T::Date64 => "date".to_owned(),
        T::Time32(unit) | T::Time64(unit) => format!("time[{}]", unit_name(*unit)),
        T::Duration(unit) => format!("duration[{}]", unit_name(*unit)),
        T::Timestamp(unit, None) => format!("timestamp[{}]", unit_name(*unit)),
        T::Timestamp(unit, Some(zone)) => format!("timestamp[{}, {zone}]", unit_name(*unit)),
        T::Decimal32(precision, scale)
        | T::Decimal64(precision, scale)
        | T::Decimal128(precision, scale)
        | T::Decimal256(precision, scale) => format!("decimal({precision}, {scale})"),
        T::Dictionary(_, value) => type_name(value),
        T::RunEndEncoded(_, value) => type_name(value.data_type()),
        T::List(item)
        | T::LargeList(item)
        | T::ListView(item)
        | T::LargeListView(item)
        | T::FixedSizeList(item, _) => format!("list of {}", type_name(item.data_type())),
        T::Struct(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), type_name(field.data_type())))
                .collect();
            format!("struct({})", parts.join(", "))
        }
        T::Map(entries, _) => match entries.data_type() {
            T::Struct(pair) if pair.len() == 2 => format!(
                "map of {} to {}",
                type_name(pair[0].data_type()),
                type_name(pair[1].data_type())
            ),
            _ => "map".to_owned(),
        },
        // What is left (whole numbers, null, intervals, unions) has one name everywhere.
        other => other.to_string().to_lowercase(),
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::Field;

    use super::*;

    fn schema(columns: &[(&str, DataType)]) -> Schema {
        Schema::new(
            columns
                .iter()
                .map(|(name, kind)| Field::new(*name, kind.clone(), true))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn differences_are_told_by_name_and_layouts_do_not_count() {
        let before = schema(&[
            ("id", DataType::Int32),
            ("name", DataType::Utf8),
            ("gone", DataType::Boolean),
        ]);
        let after = schema(&[
            ("name", DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View))),
            ("id", DataType::Int64),
            ("paid", DataType::Decimal128(18, 2)),
        ]);
        let difference = Difference::between(&before, &after);
        assert_eq!(
            difference.lines(),
            ["+ paid decimal(18, 2)", "- gone bool", "~ id int32 → int64"]
        );
        assert!(Difference::between(&before, &before).is_empty());
    }

    #[test]
    fn types_have_names_people_know() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let list = DataType::List(Arc::new(Field::new("item", DataType::LargeUtf8, true)));
        let parts = DataType::Struct(vec![Field::new("a", DataType::UInt8, true)].into());
        assert_eq!(
            [utc, list, parts, DataType::Null, DataType::Int64].map(|kind| type_name(&kind)),
            ["timestamp[us, UTC]", "list of text", "struct(a uint8)", "null", "int64"]
        );
    }

    #[test]
    fn wide_tables_are_outlined() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let wide = schema(&names.map(|name| (name, DataType::Int8)));
        assert_eq!(outline(&wide), "a int8, b int8, c int8, d int8, e int8, f int8 and 2 more");
    }
}
