//! How a single value reads as text: in a CSV file, and in what a hash is taken of.

mod time;

use std::io::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, downcast_dictionary_array};
use arrow_schema::{DataType, TimeUnit};
use hygge_core::fault::Fault;

use self::time::{date, time_zone, times, timestamps};

/// The choices in which text forms differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Between a date and its time.
    pub separator: char,
    /// `+00:00` rather than `+0000`.
    pub offset_colon: bool,
    /// Whether a time of day shows parts of a second.
    pub time_fraction: bool,
    /// Binary values as hexadecimal digits; otherwise they must be UTF-8 and are taken as it.
    pub binary_as_hex: bool,
    /// Digits after the decimal point of a floating-point number; `None` for as many as needed.
    pub float_digits: Option<usize>,
    /// How dates, timestamps and times are written, in the terms of `strftime`.
    pub date_format: Option<String>,
    /// As `date_format`, for timestamps.
    pub datetime_format: Option<String>,
    /// As `date_format`, for times of day.
    pub time_format: Option<String>,
}

impl Style {
    /// What a hash is taken of: `2024-01-01 00:00:00.000000`.
    pub(crate) fn hashed() -> Self {
        Self {
            separator: ' ',
            offset_colon: true,
            time_fraction: false,
            binary_as_hex: false,
            float_digits: None,
            date_format: None,
            datetime_format: None,
            time_format: None,
        }
    }

    /// What a CSV file holds: `2024-01-01T00:00:00.000000`.
    pub(crate) fn csv() -> Self {
        Self {
            separator: 'T',
            offset_colon: false,
            time_fraction: true,
            binary_as_hex: true,
            ..Self::hashed()
        }
    }
}

/// Writes the value of a row, which must not be null.
pub(crate) type CellWriter<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), Fault> + 'a>;

/// Whether values of this type have a text form.
pub(crate) fn has_text_form(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => has_text_form(values),
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => true,
        other => other.is_numeric(),
    }
}

/// Prepares to write the values of a column. `name` is for messages.
pub(crate) fn cells<'a>(
    name: &'a str,
    array: &'a dyn Array,
    style: &'a Style,
) -> Result<CellWriter<'a>, Fault> {
    macro_rules! display {
        ($ty:ty) => {{
            let array = array.as_primitive::<$ty>();
            Box::new(move |row, out: &mut Vec<u8>| put(out, format_args!("{}", array.value(row))))
        }};
    }
    macro_rules! decimal {
        ($ty:ty) => {{
            let array = array.as_primitive::<$ty>();
            Box::new(move |row, out: &mut Vec<u8>| {
                put(out, format_args!("{}", array.value_as_string(row)))
            })
        }};
    }
    Ok(match array.data_type() {
        DataType::Null => Box::new(|_, _| Ok(())),
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |row, out| put(out, format_args!("{}", array.value(row))))
        }
        DataType::Int8 => display!(Int8Type),
        DataType::Int16 => display!(Int16Type),
        DataType::Int32 => display!(Int32Type),
        DataType::Int64 => display!(Int64Type),
        DataType::UInt8 => display!(UInt8Type),
        DataType::UInt16 => display!(UInt16Type),
        DataType::UInt32 => display!(UInt32Type),
        DataType::UInt64 => display!(UInt64Type),
        DataType::Float16 => {
            let array = array.as_primitive::<Float16Type>();
            Box::new(move |row, out| float32(array.value(row).to_f32(), style, out))
        }
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            Box::new(move |row, out| float32(array.value(row), style, out))
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            Box::new(move |row, out| float64(array.value(row), style, out))
        }
        DataType::Decimal32(..) => decimal!(Decimal32Type),
        DataType::Decimal64(..) => decimal!(Decimal64Type),
        DataType::Decimal128(..) => decimal!(Decimal128Type),
        DataType::Decimal256(..) => decimal!(Decimal256Type),
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            Box::new(move |row, out| bytes(array.value(row).as_bytes(), out))
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            Box::new(move |row, out| bytes(array.value(row).as_bytes(), out))
        }
        DataType::Utf8View => {
            let array = array.as_string_view();
            Box::new(move |row, out| bytes(array.value(row).as_bytes(), out))
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            Box::new(move |row, out| binary(name, array.value(row), style, out))
        }
        DataType::LargeBinary => {
            let array = array.as_binary::<i64>();
            Box::new(move |row, out| binary(name, array.value(row), style, out))
        }
        DataType::BinaryView => {
            let array = array.as_binary_view();
            Box::new(move |row, out| binary(name, array.value(row), style, out))
        }
        DataType::FixedSizeBinary(_) => {
            let array = array.as_fixed_size_binary();
            Box::new(move |row, out| binary(name, array.value(row), style, out))
        }
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            Box::new(move |row, out| date(name, i64::from(array.value(row)), style, out))
        }
        DataType::Date64 => {
            let array = array.as_primitive::<Date64Type>();
            Box::new(move |row, out| {
                date(name, array.value(row).div_euclid(86_400_000), style, out)
            })
        }
        DataType::Time32(TimeUnit::Second) => times::<Time32SecondType>(name, array, 0, style),
        DataType::Time32(_) => times::<Time32MillisecondType>(name, array, 3, style),
        DataType::Time64(TimeUnit::Nanosecond) => {
            times::<Time64NanosecondType>(name, array, 9, style)
        }
        DataType::Time64(_) => times::<Time64MicrosecondType>(name, array, 6, style),
        DataType::Timestamp(unit, zone) => {
            let zone = zone.as_deref().filter(|zone| !zone.is_empty());
            let zone = zone.map(|zone| time_zone(name, zone)).transpose()?;
            match unit {
                TimeUnit::Second => timestamps::<TimestampSecondType>(name, array, 0, zone, style),
                TimeUnit::Millisecond => {
                    timestamps::<TimestampMillisecondType>(name, array, 3, zone, style)
                }
                TimeUnit::Microsecond => {
                    timestamps::<TimestampMicrosecondType>(name, array, 6, zone, style)
                }
                TimeUnit::Nanosecond => {
                    timestamps::<TimestampNanosecondType>(name, array, 9, zone, style)
                }
            }
        }
        DataType::Dictionary(..) => downcast_dictionary_array!(
            array => {
                let values = cells(name, array.values().as_ref(), style)?;
                Box::new(move |row, out: &mut Vec<u8>| match array.key(row) {
                    Some(key) if array.values().is_valid(key) => values(key, out),
                    _ => Ok(()),
                })
            },
            _ => return Err(no_text_form(name, array.data_type())),
        ),
        other => return Err(no_text_form(name, other)),
    })
}

/// Whether the value of a row is null, also where the null is in a dictionary.
pub(crate) fn is_null(array: &dyn Array, row: usize) -> bool {
    match array.as_any_dictionary_opt() {
        Some(dictionary) if array.is_valid(row) => {
            let keys = dictionary.keys();
            let key = match keys.data_type() {
                DataType::Int8 => keys.as_primitive::<Int8Type>().value(row) as usize,
                DataType::Int16 => keys.as_primitive::<Int16Type>().value(row) as usize,
                DataType::Int32 => keys.as_primitive::<Int32Type>().value(row) as usize,
                DataType::Int64 => keys.as_primitive::<Int64Type>().value(row) as usize,
                DataType::UInt8 => keys.as_primitive::<UInt8Type>().value(row) as usize,
                DataType::UInt16 => keys.as_primitive::<UInt16Type>().value(row) as usize,
                DataType::UInt32 => keys.as_primitive::<UInt32Type>().value(row) as usize,
                _ => keys.as_primitive::<UInt64Type>().value(row) as usize,
            };
            dictionary.values().is_null(key)
        }
        _ => array.data_type() == &DataType::Null || array.is_null(row),
    }
}

fn no_text_form(name: &str, data_type: &DataType) -> Fault {
    Fault::config(format!("the column `{name}` ({data_type}) has no text form"))
        .with_help("leave the column out at the source, or turn it into text there")
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) -> Result<(), Fault> {
    out.write_fmt(text).map_err(|error| Fault::bug("cannot format a value").because(error))
}

fn bytes(value: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    out.extend_from_slice(value);
    Ok(())
}

fn binary(name: &str, value: &[u8], style: &Style, out: &mut Vec<u8>) -> Result<(), Fault> {
    if style.binary_as_hex {
        hexadecimal(value, out);
        return Ok(());
    }
    if std::str::from_utf8(value).is_err() {
        return Err(Fault::data(format!(
            "the column `{name}` holds binary values that are no text"
        ))
        .with_help("leave the column out of `from_columns`"));
    }
    bytes(value, out)
}

/// Appends two lower-case hexadecimal digits for each byte.
pub(crate) fn hexadecimal(value: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(value.len() * 2);
    for byte in value {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

fn float64(value: f64, style: &Style, out: &mut Vec<u8>) -> Result<(), Fault> {
    match style.float_digits {
        Some(digits) if value.is_finite() => put(out, format_args!("{value:.digits$}")),
        _ => bytes(zmij::Buffer::new().format(value).as_bytes(), out),
    }
}

fn float32(value: f32, style: &Style, out: &mut Vec<u8>) -> Result<(), Fault> {
    match style.float_digits {
        Some(digits) if value.is_finite() => put(out, format_args!("{value:.digits$}")),
        _ => bytes(zmij::Buffer::new().format(value).as_bytes(), out),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::*;

    use super::*;

    fn texts(array: &dyn Array, style: &Style) -> Vec<String> {
        let write = cells("c", array, style).unwrap();
        (0..array.len())
            .map(|row| {
                let mut out = Vec::new();
                write(row, &mut out).unwrap();
                String::from_utf8(out).unwrap()
            })
            .collect()
    }

    #[test]
    fn numbers_read_as_the_existing_tool_hashed_them() {
        let style = Style::hashed();
        let values = [1.0, 0.1, 1e15, 1e16, 1e-5, 1e-7, -0.0, 1.5e300, 123_456_789_012_345_680.0];
        assert_eq!(
            texts(&Float64Array::from(values.to_vec()), &style),
            [
                "1.0",
                "0.1",
                "1000000000000000.0",
                "1e+16",
                "0.00001",
                "1e-7",
                "-0.0",
                "1.5e+300",
                "1.2345678901234568e+17"
            ]
        );
        let odd = Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!(texts(&odd, &style), ["NaN", "inf", "-inf"]);
        assert_eq!(
            texts(&Float32Array::from(vec![0.1, 16_777_216.0, 1e13]), &style),
            ["0.1", "16777216.0", "1e+13"]
        );
        let money = Decimal128Array::from(vec![150, -5]).with_precision_and_scale(10, 2).unwrap();
        assert_eq!(texts(&money, &style), ["1.50", "-0.05"]);
        assert_eq!(texts(&UInt64Array::from(vec![u64::MAX]), &style), ["18446744073709551615"]);
        assert_eq!(texts(&BooleanArray::from(vec![true, false]), &style), ["true", "false"]);
    }

    #[test]
    fn timestamps_show_the_digits_of_their_unit() {
        let style = Style::hashed();
        let micros = TimestampMicrosecondArray::from(vec![1_704_067_200_000_000, -1]);
        assert_eq!(
            texts(&micros, &style),
            ["2024-01-01 00:00:00.000000", "1969-12-31 23:59:59.999999"]
        );
        assert_eq!(
            texts(&micros.clone().with_timezone("UTC"), &style)[0],
            "2024-01-01 00:00:00.000000+00:00"
        );
        assert_eq!(
            texts(&micros.with_timezone("-05:30"), &Style::csv())[0],
            "2023-12-31T18:30:00.000000-0530"
        );
        let millis = TimestampMillisecondArray::from(vec![1_704_067_200_456]);
        assert_eq!(texts(&millis, &style), ["2024-01-01 00:00:00.456"]);
        let nanos = TimestampNanosecondArray::from(vec![1]);
        assert_eq!(texts(&nanos, &Style::csv()), ["1970-01-01T00:00:00.000000001"]);
    }

    #[test]
    fn dates_and_times_read_as_a_calendar_has_them() {
        let dates = Date32Array::from(vec![19_724, -1, -719_162, 2_932_896]);
        assert_eq!(
            texts(&dates, &Style::hashed()),
            ["2024-01-02", "1969-12-31", "0001-01-01", "9999-12-31"]
        );
        let times = Time64MicrosecondArray::from(vec![3_723_456_789]);
        assert_eq!(texts(&times, &Style::hashed()), ["01:02:03"]);
        assert_eq!(texts(&times, &Style::csv()), ["01:02:03.456789"]);
    }

    #[test]
    fn a_format_of_ones_own_is_followed() {
        let style = Style {
            date_format: Some("%d.%m.%Y".into()),
            datetime_format: Some("%Y/%m/%d %H:%M".into()),
            time_format: Some("%H.%M".into()),
            float_digits: Some(2),
            ..Style::csv()
        };
        assert_eq!(texts(&Date32Array::from(vec![19_724]), &style), ["02.01.2024"]);
        let seconds = TimestampSecondArray::from(vec![1_704_067_260]);
        assert_eq!(texts(&seconds, &style), ["2024/01/01 00:01"]);
        assert_eq!(texts(&Time32SecondArray::from(vec![3_723]), &style), ["01.02"]);
        assert_eq!(texts(&Float64Array::from(vec![1.0]), &style), ["1.00"]);
    }

    #[test]
    fn a_null_inside_a_dictionary_is_a_null() {
        let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let keys = Int8Array::from(vec![Some(0), Some(1), None]);
        let array = DictionaryArray::new(keys, values);
        assert_eq!(texts(&array, &Style::csv()), ["a", "", ""]);
        let nulls: Vec<bool> = (0..3).map(|row| is_null(&array, row)).collect();
        assert_eq!(nulls, [false, true, true]);
    }

    #[test]
    fn what_has_no_text_form_is_refused_by_name() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
        assert!(!has_text_form(list.data_type()));
        let fault = cells("tags", &list, &Style::csv()).err().unwrap();
        assert!(fault.to_string().contains("`tags`"));
    }
}
