//! Columns made straight from the bytes of their values, where all of these are written plainly.

use std::sync::Arc;

use arrow_array::types::{Date32Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::DataType;

/// Digits that a number may have to be read here: any such number fits into 63 bits.
const MOST_DIGITS: usize = 18;

/// Digits that a number with a fraction may have: any such number, and the power of ten to divide
/// it by, is exact in 64 bits of floating point, so that one division rounds it correctly.
const MOST_EXACT_DIGITS: usize = 15;

const POWERS_OF_TEN: [f64; MOST_EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The values as an array of this type; `None` where the type or one of the values needs more than
/// is done here.
pub(super) fn column<'a>(
    values: impl Iterator<Item = Option<&'a [u8]>>,
    data_type: &DataType,
) -> Option<ArrayRef> {
    match data_type {
        DataType::Int64 => collect::<Int64Type>(values, whole),
        DataType::Float64 => collect::<Float64Type>(values, number),
        DataType::Date32 => collect::<Date32Type>(values, date),
        _ => None,
    }
}

fn collect<'a, T: ArrowPrimitiveType>(
    values: impl Iterator<Item = Option<&'a [u8]>>,
    parse: impl Fn(&[u8]) -> Option<T::Native>,
) -> Option<ArrayRef> {
    let array = values
        .map(|value| match value {
            None => Some(None),
            Some(bytes) => parse(bytes).map(Some),
        })
        .collect::<Option<PrimitiveArray<T>>>()?;
    Some(Arc::new(array))
}

/// The sign, and what is behind it.
fn signed(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    }
}

/// Digits as a number, behind those before.
fn digits(before: u64, bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(before, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u64::from(digit))
    })
}

fn whole(bytes: &[u8]) -> Option<i64> {
    let (negative, bytes) = signed(bytes);
    if bytes.is_empty() || bytes.len() > MOST_DIGITS {
        return None;
    }
    let number = i64::try_from(digits(0, bytes)?).ok()?;
    Some(if negative { -number } else { number })
}

fn number(bytes: &[u8]) -> Option<f64> {
    let (negative, bytes) = signed(bytes);
    // With its point.
    if bytes.len() > MOST_EXACT_DIGITS + 1 {
        return None;
    }
    let (number, behind) = match bytes.iter().position(|byte| *byte == b'.') {
        None => (bytes, [].as_slice()),
        Some(at) => {
            let (before, behind) = (bytes.get(..at)?, bytes.get(at + 1..)?);
            (!behind.is_empty()).then_some((before, behind))?
        }
    };
    if number.is_empty() || number.len() + behind.len() > MOST_EXACT_DIGITS {
        return None;
    }
    let exact = digits(digits(0, number)?, behind)?;
    let number = exact as f64 / POWERS_OF_TEN.get(behind.len())?;
    Some(if negative { -number } else { number })
}

/// `YYYY-MM-DD` as days since 1970-01-01.
fn date(bytes: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = bytes else { return None };
    let year = digits(0, &[*y0, *y1, *y2, *y3])?;
    let month = digits(0, &[*m0, *m1])?;
    let day = digits(0, &[*d0, *d1])?;
    let small = |number: u64| i8::try_from(number).ok();
    let date =
        jiff::civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    if year == 0 {
        return None;
    }
    Some(days(date))
}

fn days(date: jiff::civil::Date) -> i32 {
    // The year begins in March here: the leap day is then its last, and months have a formula.
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array as _, StringArray};
    use arrow_cast::cast;

    use super::*;

    /// What is read here is what Arrow reads, to the bit.
    fn same(text: &str, data_type: &DataType) -> bool {
        let made = column([None, Some(text.as_bytes())].into_iter(), data_type);
        let cast = cast(&StringArray::from(vec![None, Some(text)]), data_type).unwrap();
        if let Some(made) = &made {
            assert_eq!(made.to_data(), cast.to_data(), "{text:?} as {data_type}");
            assert!(made.is_valid(1), "{text:?}");
        }
        made.is_some()
    }

    #[test]
    fn plain_values_are_those_that_arrow_reads() {
        for text in ["0", "-0", "7", "-12", "007", "999999999999999999"] {
            assert!(same(text, &DataType::Int64), "{text}");
        }
        for text in ["0", "-0", "1.5", "-0.1", "12345.67", "0.3", "123456789012.345", "00.10"] {
            assert!(same(text, &DataType::Float64), "{text}");
        }
        for text in ["1970-01-01", "2024-02-29", "0001-01-01", "9999-12-31", "1969-12-31"] {
            assert!(same(text, &DataType::Date32), "{text}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_arrow() {
        for text in ["", "-", "+1", "1 ", "1e3", "9999999999999999999", "0x1", "1_0", "١"] {
            assert!(!same(text, &DataType::Int64), "{text}");
        }
        for text in ["", "-", ".", "1.", ".5", "1e3", "NaN", "1.2.3", "0.1234567890123456"] {
            assert!(!same(text, &DataType::Float64), "{text}");
        }
        for text in ["2023-02-29", "2023-13-01", "2023-1-01", "0000-01-01", "20230101"] {
            assert!(!same(text, &DataType::Date32), "{text}");
        }
        assert!(!same("text", &DataType::Utf8));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_here_arrow_reads_the_same(
            number in "-?[0-9]{1,10}(\\.[0-9]{1,10})?", days in -700_000..2_900_000_i32,
        ) {
            same(&number, &DataType::Int64);
            same(&number, &DataType::Float64);
            let epoch = jiff::civil::date(1970, 1, 1);
            if let Ok(date) = epoch.checked_add(jiff::Span::new().days(days)) {
                same(&date.to_string(), &DataType::Date32);
                proptest::prop_assert_eq!(super::days(date), days);
            }
        }
    }
}
