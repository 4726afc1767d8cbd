//! Statistics under the order in which the new file says they compare.
//!
//! A footer says for each column how its lowest and highest values were compared. What becomes of
//! files that are written says of each column that it compares as its type does; statistics that
//! compared otherwise stay where they are right in that order as well, and are left out where they
//! are not.

use parquet::basic::{ColumnOrder, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::FileMetaData;
use parquet::file::page_index::column_index::{ColumnIndexMetaData, PrimitiveColumnIndex};
use parquet::file::statistics::{Statistics, ValueStatistics};

/// Makes the statistics of the column `leaf` of a source fit the file they go to.
pub(super) fn fit(closed: &mut ColumnCloseResult, file: &FileMetaData, leaf: usize) -> Result<()> {
    let column = closed.metadata.column_descr();
    let to = ColumnOrder::column_order_for_type(
        column.logical_type_ref(),
        column.converted_type(),
        column.physical_type(),
    );
    let from = file.column_orders().and_then(|orders| orders.get(leaf)).copied();
    let column_type = closed.metadata.column_type();
    // The old pair of statistics is written back as such: readers know how far to trust it. Only
    // bytes were compared in ways that depended on who wrote them.
    let bytes = matches!(column_type, Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY);
    let old = |statistics: &Statistics| statistics.is_min_max_deprecated() && !bytes;
    let statistics = closed.metadata.statistics().cloned();
    // Of floats the footer says in the end that they compare as their type does.
    let floats = to == ColumnOrder::IEEE_754_TOTAL_ORDER;
    let statistics = match from {
        Some(ColumnOrder::TYPE_DEFINED_ORDER(_)) if floats => return Ok(()),
        Some(from) if from == to && !floats => return Ok(()),
        Some(ColumnOrder::IEEE_754_TOTAL_ORDER) if floats => {
            if !closed.column_index.as_ref().is_none_or(has_numbers_alone) {
                closed.column_index = None;
            }
            statistics.filter(are_numbers)
        }
        _ => {
            closed.column_index = None;
            statistics.filter(old)
        }
    };
    let builder = closed.metadata.clone().into_builder().clear_statistics();
    closed.metadata = match statistics {
        Some(statistics) => builder.set_statistics(statistics),
        None => builder,
    }
    .build()?;
    Ok(())
}

/// In the total order what is no number comes before or after all numbers; in the order of the type
/// it has no place.
fn are_numbers(statistics: &Statistics) -> bool {
    fn both<T>(values: &ValueStatistics<T>, number: impl Fn(&T) -> bool) -> bool {
        values.min_opt().into_iter().chain(values.max_opt()).all(number)
    }
    match statistics {
        Statistics::Float(values) => both(values, |value| !value.is_nan()),
        Statistics::Double(values) => both(values, |value| !value.is_nan()),
        Statistics::FixedLenByteArray(values) => both(values, |value| is_half_number(value.data())),
        _ => false,
    }
}

/// Whether the bounds of all pages are numbers.
fn has_numbers_alone(index: &ColumnIndexMetaData) -> bool {
    fn all<T>(index: &PrimitiveColumnIndex<T>, number: impl Fn(&T) -> bool) -> bool {
        index.min_values_iter().chain(index.max_values_iter()).flatten().all(number)
    }
    match index {
        ColumnIndexMetaData::FLOAT(index) => all(index, |value| !value.is_nan()),
        ColumnIndexMetaData::DOUBLE(index) => all(index, |value| !value.is_nan()),
        ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(index) => {
            index.min_values_iter().chain(index.max_values_iter()).flatten().all(is_half_number)
        }
        _ => false,
    }
}

/// Whether these are a number of 16 bits (`Float16` of `LogicalTypes.md`).
fn is_half_number(bytes: &[u8]) -> bool {
    const INFINITY: u16 = 0x7c00;
    <[u8; 2]>::try_from(bytes).is_ok_and(|bytes| u16::from_le_bytes(bytes) & 0x7fff <= INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_has_no_place_in_the_order_of_a_type() {
        let double = |min, max| Statistics::double(Some(min), Some(max), None, Some(3), false);
        assert!(are_numbers(&double(-1.5, 2.5)) && are_numbers(&double(0.0, f64::INFINITY)));
        assert!(!are_numbers(&double(f64::NAN, 1.0)) && !are_numbers(&double(1.0, -f64::NAN)));
        let half = |bits: u16| is_half_number(&bits.to_le_bytes());
        assert!(half(0x3c00) && half(0xfc00) && half(0x8000));
        assert!(!half(0x7e00) && !half(0xfc01) && !is_half_number(b"not"));
    }
}
