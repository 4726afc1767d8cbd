//! Row groups that an incremental run need not read.

use arrow_schema::{DataType, TimeUnit};
use hygge_core::contract::Since;
use hygge_core::watermark::Watermark;
use jiff::civil::DateTime;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::{Statistics, ValueStatistics};

/// The row groups that may have a row at or above `since`, by their statistics.
pub(super) fn groups_since(
    metadata: &ParquetMetaData,
    schema: &arrow_schema::Schema,
    since: &Since,
) -> Vec<usize> {
    let column = leaf(metadata, &since.column)
        .zip(schema.field_with_name(&since.column).ok().map(arrow_schema::Field::data_type));
    (0..metadata.num_row_groups())
        .filter(|group| match column {
            Some((leaf, data_type)) => metadata
                .row_groups()
                .get(*group)
                .is_none_or(|group| !is_below(group, leaf, data_type, &since.value)),
            None => true,
        })
        .collect()
}

/// Whether statistics prove that every row of `group` is above `since`. When in doubt: no.
pub(super) fn is_above(
    metadata: &ParquetMetaData,
    schema: &arrow_schema::Schema,
    group: usize,
    since: &Since,
) -> bool {
    let Some(statistics) = leaf(metadata, &since.column)
        .and_then(|leaf| metadata.row_groups().get(group)?.columns().get(leaf)?.statistics())
    else {
        return false;
    };
    let Ok(field) = schema.field_with_name(&since.column) else { return false };
    if field.is_nullable() && statistics.null_count_opt() != Some(0) {
        return false;
    }
    let data_type = field.data_type();
    match &since.value {
        Watermark::Int(value) => {
            int(statistics, data_type, End::Lowest).is_some_and(|min| min > i128::from(*value))
        }
        Watermark::DateTime(value) => {
            match (instant(statistics, data_type, End::Lowest), nanos(*value)) {
                (Some(lowest), Some(value)) => lowest > value,
                _ => false,
            }
        }
        // A minimum that was cut short is below what it stands for.
        Watermark::String(value) => text(statistics, data_type)
            .and_then(|bytes| bytes.min_opt())
            .is_some_and(|min| min.data() > value.as_bytes()),
    }
}

/// The place among the leaves of a column that has no parts.
fn leaf(metadata: &ParquetMetaData, name: &str) -> Option<usize> {
    let columns = metadata.file_metadata().schema_descr();
    let mut found = (0..columns.num_columns()).filter(|at| {
        let parts = columns.column(*at);
        matches!(parts.path().parts(), [only] if only == name)
    });
    // A name that occurs twice says nothing.
    found.next().filter(|_| found.next().is_none())
}

/// Whether statistics prove every value to be less than `value`. When in doubt: no.
fn is_below(
    group: &RowGroupMetaData,
    leaf: usize,
    data_type: &DataType,
    value: &Watermark,
) -> bool {
    let Some(statistics) = group.columns().get(leaf).and_then(|column| column.statistics()) else {
        return false;
    };
    match value {
        Watermark::Int(value) => int(statistics, data_type, End::Highest)
            .is_some_and(|highest| highest < i128::from(*value)),
        Watermark::DateTime(value) => {
            match (instant(statistics, data_type, End::Highest), nanos(*value)) {
                (Some(highest), Some(value)) => highest < value,
                _ => false,
            }
        }
        Watermark::String(value) => is_text_below(statistics, data_type, value),
    }
}

/// Which end of a column's values.
#[derive(Clone, Copy, Debug)]
enum End {
    Lowest,
    Highest,
}

impl End {
    fn of<T>(self, statistics: &ValueStatistics<T>) -> Option<&T> {
        match self {
            Self::Lowest => statistics.min_opt(),
            Self::Highest => statistics.max_opt(),
        }
    }
}

/// The lowest or highest number.
fn int(statistics: &Statistics, data_type: &DataType, end: End) -> Option<i128> {
    let unsigned = matches!(
        data_type,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64
    );
    // The old pair of statistics compared unsigned numbers as if they were signed.
    if unsigned && statistics.is_min_max_deprecated() {
        return None;
    }
    match (statistics, data_type) {
        (
            Statistics::Int32(s),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64,
        ) => end.of(s).map(|value| i128::from(*value)),
        (Statistics::Int32(s), _) if unsigned => {
            end.of(s).map(|value| i128::from(value.cast_unsigned()))
        }
        (Statistics::Int64(s), DataType::Int64) => end.of(s).map(|value| i128::from(*value)),
        (Statistics::Int64(s), DataType::UInt64) => {
            end.of(s).map(|value| i128::from(value.cast_unsigned()))
        }
        _ => None,
    }
}

/// The lowest or highest point in time, in nanoseconds since 1970 (in UTC where there is a zone).
fn instant(statistics: &Statistics, data_type: &DataType, end: End) -> Option<i128> {
    const DAY: i128 = 86_400_000_000_000;
    match (statistics, data_type) {
        (Statistics::Int32(s), DataType::Date32 | DataType::Date64) => {
            end.of(s).map(|value| i128::from(*value) * DAY)
        }
        (Statistics::Int64(s), DataType::Date64) => {
            end.of(s).map(|value| i128::from(*value) * 1_000_000)
        }
        (Statistics::Int64(s), DataType::Timestamp(unit, _)) => {
            let nanos = match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
            // One unit farther: a writer may have cut finer digits off.
            end.of(s).map(|value| match end {
                End::Lowest => (i128::from(*value) - 1) * nanos + 1,
                End::Highest => (i128::from(*value) + 1) * nanos - 1,
            })
        }
        _ => None,
    }
}

fn nanos(value: DateTime) -> Option<i128> {
    let zoned = value.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_nanosecond())
}

/// Statistics of a column of text, where they compared it byte by byte.
fn text<'a>(
    statistics: &'a Statistics,
    data_type: &DataType,
) -> Option<&'a ValueStatistics<ByteArray>> {
    let text = match data_type {
        DataType::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    let is_text = matches!(text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    // The old pair of statistics compared bytes as signed numbers.
    match statistics {
        Statistics::ByteArray(bytes) if is_text && !statistics.is_min_max_deprecated() => {
            Some(bytes)
        }
        _ => None,
    }
}

fn is_text_below(statistics: &Statistics, data_type: &DataType, value: &str) -> bool {
    let Some(max) = text(statistics, data_type).and_then(|bytes| bytes.max_opt()) else {
        return false;
    };
    let (max, value) = (max.data(), value.as_bytes());
    // A maximum that was cut short without being rounded up may stand for anything that begins
    // with it.
    max < value && (statistics.max_is_exact() || !value.starts_with(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int32(max: i32, deprecated: bool) -> Statistics {
        Statistics::int32(None, Some(max), None, None, deprecated)
    }

    fn up_to(max: &str, exact: bool) -> Statistics {
        Statistics::ByteArray(
            ValueStatistics::new(None, Some(ByteArray::from(max)), None, None, false)
                .with_max_is_exact(exact),
        )
    }

    #[test]
    fn unsigned_numbers_are_compared_as_such() {
        assert_eq!(int(&int32(-1, false), &DataType::UInt32, End::Highest), Some(u32::MAX.into()));
        assert_eq!(int(&int32(-1, true), &DataType::UInt32, End::Highest), None);
        assert_eq!(int(&int32(-1, true), &DataType::Int16, End::Highest), Some(-1));
        assert_eq!(int(&int32(7, false), &DataType::Date32, End::Highest), None);
    }

    #[test]
    fn instants_of_all_units_are_compared_in_nanoseconds() {
        let second = Statistics::int64(None, Some(10), None, None, false);
        let unit = |unit| DataType::Timestamp(unit, Some("Europe/Oslo".into()));
        assert_eq!(instant(&second, &unit(TimeUnit::Second), End::Highest), Some(10_999_999_999));
        assert_eq!(instant(&second, &unit(TimeUnit::Nanosecond), End::Highest), Some(10));
        let day = jiff::civil::date(1970, 1, 3).at(0, 0, 0, 0);
        assert_eq!(instant(&int32(2, false), &DataType::Date32, End::Highest), nanos(day));
    }

    #[test]
    fn the_lowest_instant_is_never_above_what_it_stands_for() {
        let second = Statistics::int64(Some(10), None, None, None, false);
        let unit = |unit| DataType::Timestamp(unit, None);
        let lowest = |data_type| instant(&second, &data_type, End::Lowest);
        assert_eq!(lowest(unit(TimeUnit::Second)), Some(9_000_000_001));
        assert_eq!(lowest(unit(TimeUnit::Nanosecond)), Some(10));
    }

    #[test]
    fn a_shortened_maximum_only_proves_what_it_can() {
        let utf8 = DataType::Utf8;
        assert!(is_text_below(&up_to("abc", true), &utf8, "abcd"));
        assert!(!is_text_below(&up_to("abc", false), &utf8, "abcd"));
        assert!(is_text_below(&up_to("abc", false), &utf8, "abd"));
        assert!(!is_text_below(&up_to("abd", false), &utf8, "abc"));
        assert!(!is_text_below(&up_to("abc", true), &utf8, "abc"));
    }
}
