//! Statistics under the order in which the new file says they compare.
//!
//! A footer says for each column how its lowest and highest values were compared. The writer of
//! the new file says what it would have done itself; statistics that compared otherwise are
//! brought into that order where it can be done, and are left out where it cannot.

use parquet::basic::{ColumnOrder, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::AsBytes;
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
    let statistics = match (from, to) {
        (Some(from), to) if from == to => return Ok(()),
        (Some(ColumnOrder::TYPE_DEFINED_ORDER(_)), ColumnOrder::IEEE_754_TOTAL_ORDER) => {
            if !closed.column_index.as_ref().is_none_or(compares_alike) {
                closed.column_index = None;
            }
            statistics.and_then(in_total_order)
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

/// Numbers that have two zeros, and values that are no numbers.
trait Float: Copy + PartialEq + AsBytes {
    const ZERO: Self;
    const NEGATIVE_ZERO: Self;
    fn is_number(self) -> bool;
}

impl Float for f32 {
    const ZERO: Self = 0.0;
    const NEGATIVE_ZERO: Self = -0.0;
    fn is_number(self) -> bool {
        !self.is_nan()
    }
}

impl Float for f64 {
    const ZERO: Self = 0.0;
    const NEGATIVE_ZERO: Self = -0.0;
    fn is_number(self) -> bool {
        !self.is_nan()
    }
}

/// In the order of the type both zeros are the same; in the total order they are not, so a zero
/// is taken for the one that leaves out nothing.
fn in_total_order(statistics: Statistics) -> Option<Statistics> {
    let old = statistics.is_min_max_deprecated();
    match statistics {
        Statistics::Float(values) => widened(&values, old).map(Statistics::Float),
        Statistics::Double(values) => widened(&values, old).map(Statistics::Double),
        _ => None,
    }
}

fn widened<T: Float>(values: &ValueStatistics<T>, old: bool) -> Option<ValueStatistics<T>> {
    let widen = |bound: Option<&T>, zero: T| {
        bound.map(|bound| if *bound == T::ZERO { zero } else { *bound })
    };
    let (min, max) = (values.min_opt(), values.max_opt());
    if !min.into_iter().chain(max).all(|bound| bound.is_number()) {
        return None;
    }
    let is_zero = |bound: Option<&T>| bound.is_some_and(|bound| *bound == T::ZERO);
    Some(
        ValueStatistics::new(
            widen(min, T::NEGATIVE_ZERO),
            widen(max, T::ZERO),
            values.distinct_count(),
            values.null_count_opt(),
            old,
        )
        .with_min_is_exact(values.min_is_exact() && !is_zero(min))
        .with_max_is_exact(values.max_is_exact() && !is_zero(max)),
    )
}

/// Whether the bounds of pages are the same in both orders: none is a zero, all are numbers.
fn compares_alike(index: &ColumnIndexMetaData) -> bool {
    fn all<T: Float>(index: &PrimitiveColumnIndex<T>) -> bool {
        let bounds = index.min_values_iter().chain(index.max_values_iter()).flatten();
        bounds.into_iter().all(|bound| bound.is_number() && *bound != T::ZERO)
    }
    match index {
        ColumnIndexMetaData::FLOAT(index) => all(index),
        ColumnIndexMetaData::DOUBLE(index) => all(index),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(min: f64, max: f64) -> Statistics {
        Statistics::double(Some(min), Some(max), None, Some(3), false)
    }

    #[test]
    fn a_zero_is_widened_and_what_is_no_number_is_left_out() {
        let Some(Statistics::Double(fit)) = in_total_order(double(0.0, -0.0)) else { panic!() };
        assert!(fit.min_opt().unwrap().is_sign_negative());
        assert!(fit.max_opt().unwrap().is_sign_positive());
        assert_eq!(fit.null_count_opt(), Some(3));
        let Some(Statistics::Double(fit)) = in_total_order(double(-1.5, 2.5)) else { panic!() };
        assert_eq!((fit.min_opt(), fit.max_opt()), (Some(&-1.5), Some(&2.5)));
        assert!(in_total_order(double(f64::NAN, 1.0)).is_none());
    }
}
