//! Keys, told apart by a hash of their text.

use std::fmt::Display;
use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayAccessor, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, RecordBatch,
};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use sha2::{Digest, Sha256};

use super::time::{NANOS_PER_DAY, nanos_per, time_of};
use crate::fault::Fault;

/// The hash of every row's key, made of the columns at the indices `columns`.
///
/// Hashed is the canonical text of each value, the same whatever the width of its type: `7` for
/// any kind of number, `1.5` for a decimal of any scale, an ISO date and time in UTC for dates
/// and timestamps of any unit. A null differs from an empty text, and the columns of a composite
/// key cannot run into each other.
pub fn key_hashes(batch: &RecordBatch, columns: &[usize]) -> Result<Vec<[u8; 16]>, Fault> {
    let mut rows = vec![Sha256::new(); batch.num_rows()];
    for &index in columns {
        let (Some(array), Some(field)) =
            (batch.columns().get(index), batch.schema_ref().fields().get(index))
        else {
            return Err(Fault::bug(format!("a key column at {index} of {}", batch.num_columns())));
        };
        hash_column(field.name(), array, &mut rows)?;
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let mut hash = [0; 16];
            hash.copy_from_slice(&row.finalize()[..16]);
            hash
        })
        .collect())
}

fn hash_column(name: &str, array: &ArrayRef, rows: &mut [Sha256]) -> Result<(), Fault> {
    use DataType as T;
    let mut add = Adder { rows, text: Vec::new() };
    match array.data_type() {
        T::Null => add.nulls(),
        T::Boolean => add.each(array.as_boolean(), write_plain),
        T::Int8 => add.each(array.as_primitive::<Int8Type>(), write_plain),
        T::Int16 => add.each(array.as_primitive::<Int16Type>(), write_plain),
        T::Int32 => add.each(array.as_primitive::<Int32Type>(), write_plain),
        T::Int64 => add.each(array.as_primitive::<Int64Type>(), write_plain),
        T::UInt8 => add.each(array.as_primitive::<UInt8Type>(), write_plain),
        T::UInt16 => add.each(array.as_primitive::<UInt16Type>(), write_plain),
        T::UInt32 => add.each(array.as_primitive::<UInt32Type>(), write_plain),
        T::UInt64 => add.each(array.as_primitive::<UInt64Type>(), write_plain),
        T::Float16 => add.each(array.as_primitive::<Float16Type>(), |text, value| {
            write_float(text, value.to_f64());
        }),
        T::Float32 => add.each(array.as_primitive::<Float32Type>(), |text, value| {
            write_float(text, f64::from(value));
        }),
        T::Float64 => add.each(array.as_primitive::<Float64Type>(), write_float),
        T::Decimal32(..) => add.decimals::<Decimal32Type>(array),
        T::Decimal64(..) => add.decimals::<Decimal64Type>(array),
        T::Decimal128(..) => add.decimals::<Decimal128Type>(array),
        T::Decimal256(..) => add.decimals::<Decimal256Type>(array),
        T::Date32 => add.times::<Date32Type>(array, NANOS_PER_DAY),
        T::Date64 => add.times::<Date64Type>(array, 1_000_000),
        T::Timestamp(unit, _) => {
            let values = cast(array, &T::Int64).map_err(|error| unusable(name, array, error))?;
            add.times::<Int64Type>(&values, nanos_per(*unit));
        }
        T::Time32(TimeUnit::Second) => add.clock::<Time32SecondType>(array, 1_000_000_000),
        T::Time32(_) => add.clock::<Time32MillisecondType>(array, 1_000_000),
        T::Time64(TimeUnit::Microsecond) => add.clock::<Time64MicrosecondType>(array, 1_000),
        T::Time64(_) => add.clock::<Time64NanosecondType>(array, 1),
        T::Utf8 => add.each(array.as_string::<i32>(), write_text),
        T::LargeUtf8 => add.each(array.as_string::<i64>(), write_text),
        T::Utf8View => add.each(array.as_string_view(), write_text),
        T::Binary => add.each(array.as_binary::<i32>(), write_hex),
        T::LargeBinary => add.each(array.as_binary::<i64>(), write_hex),
        T::BinaryView => add.each(array.as_binary_view(), write_hex),
        T::FixedSizeBinary(_) => add.each(array.as_fixed_size_binary(), write_hex),
        T::Dictionary(_, values) => {
            let values = cast(array, values).map_err(|error| unusable(name, array, error))?;
            hash_column(name, &values, rows)?;
        }
        T::RunEndEncoded(_, values) => {
            let values =
                cast(array, values.data_type()).map_err(|error| unusable(name, array, error))?;
            hash_column(name, &values, rows)?;
        }
        other => {
            return Err(Fault::config(format!(
                "the key column `{name}` is of type {other}, which cannot be a key"
            ))
            .with_help("name columns of numbers, text, dates or bytes under `primary_key`"));
        }
    }
    Ok(())
}

fn unusable(name: &str, array: &ArrayRef, error: arrow_schema::ArrowError) -> Fault {
    Fault::data(format!("the key column `{name}` of type {} cannot be read", array.data_type()))
        .because(error)
}

/// Adds one column's values to the hashes of their rows: a byte that tells null from a value, the
/// length of the text, the text.
struct Adder<'a> {
    rows: &'a mut [Sha256],
    text: Vec<u8>,
}

impl Adder<'_> {
    fn nulls(&mut self) {
        for row in self.rows.iter_mut() {
            row.update([0]);
        }
    }

    fn each<A: ArrayAccessor>(&mut self, array: A, write: impl Fn(&mut Vec<u8>, A::Item)) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            if array.is_null(index) {
                row.update([0]);
                continue;
            }
            self.text.clear();
            self.text.extend([0; 9]);
            write(&mut self.text, array.value(index));
            let length = (self.text.len() - 9) as u64;
            self.text[0] = 1;
            self.text[1..9].copy_from_slice(&length.to_le_bytes());
            row.update(&self.text);
        }
    }

    fn decimals<T>(&mut self, array: &ArrayRef)
    where
        T: DecimalType,
        T::Native: ArrowNativeTypeOp + Display,
    {
        let array = array.as_primitive::<T>();
        let scale = array.scale();
        self.each(array, |text, value| write_decimal(text, &value.to_string(), scale));
    }

    fn times<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef, nanos: i128)
    where
        T::Native: Into<i64>,
    {
        self.each(array.as_primitive::<T>(), |text, value| {
            write_time(text, i128::from(value.into()) * nanos);
        });
    }

    fn clock<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef, nanos: i128)
    where
        T::Native: Into<i64>,
    {
        self.each(array.as_primitive::<T>(), |text, value| {
            let mut time = Vec::new();
            write_time(&mut time, i128::from(value.into()) * nanos);
            // The clock's part of a time on the first day.
            text.extend_from_slice(time.strip_prefix(b"1970-01-01T").unwrap_or(&time));
        });
    }
}

fn write_plain(text: &mut Vec<u8>, value: impl Display) {
    // Writing to memory cannot fail.
    let _ = write!(text, "{value}");
}

fn write_float(text: &mut Vec<u8>, value: f64) {
    // Minus zero equals zero.
    write_plain(text, if value == 0.0 { 0.0 } else { value });
}

fn write_text(text: &mut Vec<u8>, value: &str) {
    text.extend_from_slice(value.as_bytes());
}

fn write_hex(text: &mut Vec<u8>, value: &[u8]) {
    for byte in value {
        let _ = write!(text, "{byte:02x}");
    }
}

/// Writes the digits of an unscaled decimal without zeros that mean nothing.
fn write_decimal(text: &mut Vec<u8>, digits: &str, scale: i8) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    if digits == "0" {
        text.push(b'0');
        return;
    }
    text.extend_from_slice(sign.as_bytes());
    let Ok(scale) = usize::try_from(scale) else {
        text.extend_from_slice(digits.as_bytes());
        text.extend(std::iter::repeat_n(b'0', usize::from(scale.unsigned_abs())));
        return;
    };
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    text.extend_from_slice(whole.as_bytes());
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        text.push(b'.');
        text.extend_from_slice(fraction.as_bytes());
    }
}

/// Writes an ISO date and time, or the bare count where a calendar cannot hold it.
fn write_time(text: &mut Vec<u8>, nanos: i128) {
    match time_of(nanos) {
        Some(time) => write_plain(text, time),
        None => write_plain(text, nanos),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        BinaryArray, Date32Array, Decimal32Array, Decimal128Array, FixedSizeBinaryArray,
        Float32Array, Float64Array, Int8Array, Int64Array, LargeStringArray, ListArray,
        StringArray, StringViewArray, Time32SecondArray, Time64NanosecondArray,
        TimestampMillisecondArray, TimestampNanosecondArray, UInt32Array,
    };

    use super::*;

    fn hashes(columns: Vec<ArrayRef>) -> Vec<[u8; 16]> {
        let names = ["a", "b", "c"];
        let batch = RecordBatch::try_from_iter(names.into_iter().zip(columns)).unwrap();
        let all: Vec<usize> = (0..batch.num_columns()).collect();
        key_hashes(&batch, &all).unwrap()
    }

    #[track_caller]
    fn same(arrays: Vec<ArrayRef>) {
        let mut all = arrays.into_iter().map(|array| hashes(vec![array]));
        let first = all.next().unwrap();
        for other in all {
            assert_eq!(first, other);
        }
    }

    #[test]
    fn a_key_is_the_same_whatever_the_width_of_its_type() {
        let plain = Decimal128Array::from(vec![700, -200]).with_precision_and_scale(20, 2).unwrap();
        let narrow = Decimal32Array::from(vec![7, -2]).with_precision_and_scale(5, 0).unwrap();
        same(vec![
            Arc::new(Int8Array::from(vec![7, -2])),
            Arc::new(Int64Array::from(vec![7, -2])),
            Arc::new(Float64Array::from(vec![7.0, -2.0])),
            Arc::new(StringArray::from(vec!["7", "-2"])),
            Arc::new(plain),
            Arc::new(narrow),
        ]);
        same(vec![
            Arc::new(StringArray::from(vec!["x", ""])),
            Arc::new(LargeStringArray::from(vec!["x", ""])),
            Arc::new(StringViewArray::from(vec!["x", ""])),
            Arc::new(vec!["x", ""].into_iter().collect::<arrow_array::DictionaryArray<Int8Type>>()),
        ]);
        same(vec![
            Arc::new(BinaryArray::from(vec![b"\x01\xff".as_slice()])),
            Arc::new(FixedSizeBinaryArray::try_from_iter([[1, 255]].into_iter()).unwrap()),
        ]);
        same(vec![
            Arc::new(Float32Array::from(vec![0.5])),
            Arc::new(Float64Array::from(vec![0.5])),
        ]);
        same(vec![Arc::new(Float64Array::from(vec![-0.0])), Arc::new(UInt32Array::from(vec![0]))]);
    }

    #[test]
    fn a_time_is_the_same_in_every_unit_and_zone() {
        let day = 20_454_i64;
        same(vec![
            Arc::new(Date32Array::from(vec![day as i32])),
            Arc::new(TimestampMillisecondArray::from(vec![day * 86_400_000])),
            Arc::new(TimestampNanosecondArray::from(vec![day * 86_400_000_000_000])),
            Arc::new(
                TimestampMillisecondArray::from(vec![day * 86_400_000]).with_timezone("+05:00"),
            ),
            Arc::new(StringArray::from(vec!["2026-01-01T00:00:00"])),
        ]);
        same(vec![
            Arc::new(Time32SecondArray::from(vec![3661])),
            Arc::new(Time64NanosecondArray::from(vec![3_661_000_000_000])),
            Arc::new(StringArray::from(vec!["01:01:01"])),
        ]);
    }

    #[test]
    fn decimals_lose_only_zeros_that_mean_nothing() {
        let text = |digits: &str, scale| {
            let mut text = Vec::new();
            write_decimal(&mut text, digits, scale);
            String::from_utf8(text).unwrap()
        };
        assert_eq!(text("1500", 3), "1.5");
        assert_eq!(text("5", 3), "0.005");
        assert_eq!(text("-5", 1), "-0.5");
        assert_eq!(text("100", 0), "100");
        assert_eq!(text("12", -2), "1200");
        assert_eq!(text("0", -2), "0");
        assert_eq!(text("0", 4), "0");
    }

    #[test]
    fn null_differs_from_empty_text() {
        let all = hashes(vec![Arc::new(StringArray::from(vec![None, Some(""), None]))]);
        assert_ne!(all[0], all[1]);
        assert_eq!(all[0], all[2]);
    }

    #[test]
    fn composite_keys_do_not_run_into_each_other() {
        let a = StringArray::from(vec![Some("ab"), Some("a"), None, Some("")]);
        let b = StringArray::from(vec![Some("c"), Some("bc"), Some(""), None]);
        let all = hashes(vec![Arc::new(a), Arc::new(b)]);
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), 4);
    }

    #[test]
    fn a_list_cannot_be_a_key() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
        let batch = RecordBatch::try_from_iter([("tags", Arc::new(list) as ArrayRef)]).unwrap();
        let fault = key_hashes(&batch, &[0]).unwrap_err();
        assert!(fault.to_string().contains("`tags`"));
        assert!(key_hashes(&batch, &[1]).is_err());
    }
}
