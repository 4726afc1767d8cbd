//! Watermark columns of every type that works, in a form that compares.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow_buffer::BooleanBuffer;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;

use super::Watermark;
use super::time::{NANOS_PER_DAY, nanos_of, nanos_per, time_of};
use crate::fault::Fault;

/// What the values of a column are compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Whole numbers that count so many nanoseconds each since 1970.
    Time { nanos: i128 },
    /// Whole numbers.
    Int,
    /// Text.
    Text,
}

impl Class {
    /// The class of a type; a fault that names the column where there is none.
    pub(super) fn of(name: &str, data_type: &DataType) -> Result<Self, Fault> {
        use DataType as T;
        Ok(match data_type {
            T::Int8 | T::Int16 | T::Int32 | T::Int64 => Self::Int,
            T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => Self::Int,
            T::Decimal32(_, 0) | T::Decimal64(_, 0) => Self::Int,
            T::Decimal128(_, 0) | T::Decimal256(_, 0) => Self::Int,
            T::Date32 => Self::Time { nanos: NANOS_PER_DAY },
            T::Date64 => Self::Time { nanos: 1_000_000 },
            T::Timestamp(unit, _) => Self::Time { nanos: nanos_per(*unit) },
            T::Utf8 | T::LargeUtf8 | T::Utf8View => Self::Text,
            T::Dictionary(_, values) => Self::of(name, values)?,
            other => {
                return Err(Fault::config(format!(
                    "the watermark column `{name}` is of type {other}, which cannot be a watermark"
                ))
                .with_help(
                    "choose a column of whole numbers, dates, dates with times or text that only \
                     grows",
                ));
            }
        })
    }

    /// Whether `watermark` can be compared with values of this class.
    pub(super) fn holds(self, watermark: &Watermark) -> bool {
        matches!(
            (self, watermark),
            (Self::Time { .. }, Watermark::DateTime(_))
                | (Self::Int, Watermark::Int(_))
                | (Self::Text, Watermark::String(_))
        )
    }

    /// For messages: what a value of this class is.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Time { .. } => "a date and time",
            Self::Int => "a whole number",
            Self::Text => "text",
        }
    }
}

/// For messages: what a watermark is.
pub(super) fn describe(watermark: &Watermark) -> &'static str {
    match watermark {
        Watermark::DateTime(_) => "a date and time",
        Watermark::Int(_) => "a whole number",
        Watermark::String(_) => "text",
    }
}

/// The values of a watermark column.
pub(super) struct Column<'a> {
    name: &'a str,
    class: Class,
    /// `Int64` for times and numbers, one of the three text types otherwise.
    values: ArrayRef,
}

impl<'a> Column<'a> {
    pub(super) fn of(name: &'a str, array: &dyn Array) -> Result<Self, Fault> {
        let class = Class::of(name, array.data_type())?;
        let mut values = arrow_array::make_array(array.to_data());
        if let DataType::Dictionary(_, to) = array.data_type() {
            values = convert(name, &values, to)?;
        }
        if class != Class::Text {
            if values.data_type() == &DataType::Date32 {
                values = convert(name, &values, &DataType::Int32)?;
            }
            values = convert(name, &values, &DataType::Int64)?;
        }
        Ok(Self { name, class, values })
    }

    /// How many values are null.
    pub(super) fn nulls(&self) -> usize {
        self.values.null_count()
    }

    /// Which values are at or above `watermark`; null is not.
    pub(super) fn at_least(&self, watermark: &Watermark) -> Result<BooleanBuffer, Fault> {
        Ok(dense(match (self.class, watermark) {
            (Class::Text, Watermark::String(text)) => self.texts(|value| value >= text.as_str()),
            (Class::Int, Watermark::Int(number)) => self.numbers(|value| value >= *number),
            (Class::Time { nanos }, Watermark::DateTime(time)) => {
                // Rounded up: a value in whole seconds is at or above 12:00:00.5 from 12:00:01 on.
                let since = nanos_of(*time);
                let least = since.div_euclid(nanos) + i128::from(since.rem_euclid(nanos) != 0);
                match i64::try_from(least) {
                    Ok(least) => self.numbers(|value| value >= least),
                    Err(_) => self.numbers(|_| least < 0),
                }
            }
            _ => return Err(self.mismatch(watermark)),
        }))
    }

    /// Which values are exactly `watermark`; null is not.
    pub(super) fn equal(&self, watermark: &Watermark) -> Result<BooleanBuffer, Fault> {
        Ok(dense(match (self.class, watermark) {
            (Class::Text, Watermark::String(text)) => self.texts(|value| value == text.as_str()),
            (Class::Int, Watermark::Int(number)) => self.numbers(|value| value == *number),
            (Class::Time { nanos }, Watermark::DateTime(time)) => {
                let time = nanos_of(*time);
                match i64::try_from(time / nanos) {
                    Ok(exact) if time % nanos == 0 => self.numbers(|value| value == exact),
                    _ => self.numbers(|_| false),
                }
            }
            _ => return Err(self.mismatch(watermark)),
        }))
    }

    /// The highest value; `None` where there is none but null.
    pub(super) fn max(&self) -> Result<Option<Watermark>, Fault> {
        if self.class == Class::Text {
            let max = match self.values.data_type() {
                DataType::Utf8 => self.values.as_string::<i32>().iter().flatten().max(),
                DataType::LargeUtf8 => self.values.as_string::<i64>().iter().flatten().max(),
                _ => self.values.as_string_view().iter().flatten().max(),
            };
            return Ok(max.map(|text| Watermark::String(text.to_owned())));
        }
        let values = self.int64();
        let max = match values.null_count() {
            0 => values.values().iter().copied().max(),
            _ => values.iter().flatten().max(),
        };
        let Some(max) = max else { return Ok(None) };
        match self.class {
            Class::Time { nanos } => time_of(i128::from(max) * nanos)
                .map(|time| Some(Watermark::DateTime(time)))
                .ok_or_else(|| {
                    Fault::data(format!(
                        "the watermark column `{}` has a date beyond the year 9999",
                        self.name
                    ))
                    .with_help("correct the value at the source, or leave such rows out of a query")
                }),
            _ => Ok(Some(Watermark::Int(max))),
        }
    }

    fn int64(&self) -> &Int64Array {
        self.values.as_primitive::<Int64Type>()
    }

    fn numbers(&self, test: impl FnMut(i64) -> bool) -> BooleanArray {
        BooleanArray::from_unary(self.int64(), test)
    }

    fn texts(&self, test: impl FnMut(&str) -> bool) -> BooleanArray {
        match self.values.data_type() {
            DataType::Utf8 => BooleanArray::from_unary(self.values.as_string::<i32>(), test),
            DataType::LargeUtf8 => BooleanArray::from_unary(self.values.as_string::<i64>(), test),
            _ => BooleanArray::from_unary(self.values.as_string_view(), test),
        }
    }

    fn mismatch(&self, watermark: &Watermark) -> Fault {
        Fault::config(format!(
            "the watermark `{watermark}` is {}, but the column `{}` is {}",
            describe(watermark),
            self.name,
            self.class.describe()
        ))
    }
}

fn convert(name: &str, values: &ArrayRef, to: &DataType) -> Result<ArrayRef, Fault> {
    if values.data_type() == to {
        return Ok(ArrayRef::clone(values));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(values, to, &strict).map_err(|error| {
        Fault::data(format!("the watermark column `{name}` has a number of more than 64 bits"))
            .with_help("choose a watermark column whose values fit into 64 bits")
            .because(error)
    })
}

/// The bits of a mask, with null as false.
fn dense(mask: BooleanArray) -> BooleanBuffer {
    let (values, nulls) = mask.into_parts();
    match nulls {
        Some(nulls) => &values & nulls.inner(),
        None => values,
    }
}

/// The highest value of a watermark column, `None` where all are null. `name` is for messages.
pub fn max_of(name: &str, array: &dyn Array) -> Result<Option<Watermark>, Fault> {
    Column::of(name, array)?.max()
}

/// Which rows of a column have exactly this watermark: true or false, never null. `name` is for
/// messages; a watermark of another type than the column's is a fault.
pub fn equals_mask(
    name: &str,
    array: &dyn Array,
    watermark: &Watermark,
) -> Result<BooleanArray, Fault> {
    Column::of(name, array)?.equal(watermark).map(|bits| BooleanArray::new(bits, None))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::{Int8Type, Int32Type};
    use arrow_array::{
        Date32Array, Date64Array, Decimal128Array, DictionaryArray, Float64Array, Int8Array,
        Int32Array, LargeStringArray, StringArray, StringViewArray, TimestampMicrosecondArray,
        TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt16Array,
        UInt64Array,
    };

    use super::*;
    use crate::fault::FaultKind;

    #[track_caller]
    fn max(array: impl Array) -> String {
        let max = max_of("w", &array).unwrap().unwrap();
        format!("{} {max}", max.type_name())
    }

    #[test]
    fn the_highest_value_of_every_type() {
        assert_eq!(max(Int8Array::from(vec![Some(-3), None, Some(-1)])), "int -1");
        assert_eq!(max(UInt16Array::from(vec![7, 65535, 3])), "int 65535");
        assert_eq!(max(UInt64Array::from(vec![i64::MAX as u64])), "int 9223372036854775807");
        let decimal = Decimal128Array::from(vec![5, 12]).with_precision_and_scale(20, 0).unwrap();
        assert_eq!(max(decimal), "int 12");
        assert_eq!(max(Date32Array::from(vec![-1, 20454])), "datetime 2026-01-01T00:00:00");
        assert_eq!(max(Date64Array::from(vec![-1000])), "datetime 1969-12-31T23:59:59");
        assert_eq!(max(TimestampSecondArray::from(vec![0, 1])), "datetime 1970-01-01T00:00:01");
        assert_eq!(
            max(TimestampMillisecondArray::from(vec![1_767_225_600_001]).with_timezone("+02:00")),
            "datetime 2026-01-01T00:00:00.001000"
        );
        assert_eq!(
            max(TimestampMicrosecondArray::from(vec![253_402_300_799_999_999])),
            "datetime 9999-12-31T23:59:59.999999"
        );
        assert_eq!(
            max(TimestampNanosecondArray::from(vec![None, Some(1)])),
            "datetime 1970-01-01T00:00:00.000000001"
        );
        assert_eq!(max(StringArray::from(vec!["b", "a", "B"])), "string b");
        assert_eq!(max(LargeStringArray::from(vec![Some("é"), None])), "string é");
        assert_eq!(max(StringViewArray::from(vec!["a", "a value longer than a view"])).len(), 33);
        let texts: DictionaryArray<Int8Type> = vec!["x", "z", "x"].into_iter().collect();
        assert_eq!(max(texts), "string z");
        let numbers = DictionaryArray::<Int32Type>::new(
            Int32Array::from(vec![0, 0]),
            Arc::new(Int32Array::from(vec![4, 9])),
        );
        // 9 is in the dictionary, but no row has it.
        assert_eq!(max(numbers), "int 4");
    }

    #[test]
    fn nothing_but_null_has_no_highest_value() {
        assert_eq!(max_of("w", &Int8Array::from(vec![None, None])).unwrap(), None);
        assert_eq!(max_of("w", &StringArray::from(Vec::<&str>::new())).unwrap(), None);
    }

    #[test]
    fn a_type_that_cannot_be_a_watermark_names_the_column() {
        let fault = max_of("score", &Float64Array::from(vec![1.0])).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(fault.to_string().contains("`score`"));
        let decimal = Decimal128Array::from(vec![5]).with_precision_and_scale(20, 2).unwrap();
        assert!(max_of("w", &decimal).is_err());
        let fault = max_of("w", &UInt64Array::from(vec![u64::MAX])).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Data);
        let fault = max_of("w", &TimestampSecondArray::from(vec![i64::MAX])).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Data);
    }

    #[track_caller]
    fn marks(array: impl Array, watermark: &Watermark) -> (Vec<bool>, Vec<bool>) {
        let column = Column::of("w", &array).unwrap();
        let at_least = column.at_least(watermark).unwrap().iter().collect();
        let mask = equals_mask("w", &array, watermark).unwrap();
        assert_eq!(mask.null_count(), 0);
        (at_least, mask.values().iter().collect())
    }

    #[test]
    fn values_compare_with_a_watermark_of_another_precision() {
        let since = Watermark::parse("datetime", "1970-01-01T00:00:01.5").unwrap();
        let seconds = TimestampSecondArray::from(vec![Some(1), Some(2), None]);
        assert_eq!(marks(seconds, &since), (vec![false, true, false], vec![false; 3]));
        let millis = TimestampMillisecondArray::from(vec![1499, 1500, 1501]);
        assert_eq!(marks(millis, &since), (vec![false, true, true], vec![false, true, false]));
        let early = Watermark::parse("datetime", "1969-12-31T23:59:59.5").unwrap();
        let seconds = TimestampSecondArray::from(vec![-1, 0]);
        assert_eq!(marks(seconds, &early), (vec![false, true], vec![false; 2]));
    }

    #[test]
    fn a_watermark_beyond_the_range_of_the_type_compares() {
        let nanos = || TimestampNanosecondArray::from(vec![i64::MIN, i64::MAX]);
        let late = Watermark::parse("datetime", "9999-12-31").unwrap();
        assert_eq!(marks(nanos(), &late), (vec![false; 2], vec![false; 2]));
        let early = Watermark::parse("datetime", "0001-01-01").unwrap();
        assert_eq!(marks(nanos(), &early), (vec![true; 2], vec![false; 2]));
    }

    #[test]
    fn text_and_numbers_compare() {
        let since = Watermark::String("b".to_owned());
        let expected = (vec![false, true, true, false], vec![false, true, false, false]);
        let texts = vec![Some("a"), Some("b"), Some("ba"), None];
        assert_eq!(marks(StringArray::from(texts.clone()), &since), expected);
        assert_eq!(marks(LargeStringArray::from(texts.clone()), &since), expected);
        assert_eq!(marks(StringViewArray::from(texts), &since), expected);
        let numbers = Int8Array::from(vec![Some(1), Some(2), Some(3), None]);
        assert_eq!(marks(numbers, &Watermark::Int(2)), expected);
    }

    #[test]
    fn a_watermark_of_another_type_is_a_fault() {
        let fault =
            equals_mask("w", &Int8Array::from(vec![1]), &Watermark::guess("x")).unwrap_err();
        assert!(fault.to_string().contains("`w` is a whole number"), "{fault}");
    }
}
