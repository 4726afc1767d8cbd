//! How dates, times of day and timestamps read as text.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray};
use hygge_core::fault::Fault;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::{CellWriter, Style, put};

pub(super) fn date(name: &str, days: i64, style: &Style, out: &mut Vec<u8>) -> Result<(), Fault> {
    if let Some(format) = &style.date_format {
        let seconds = days.checked_mul(86_400);
        return formatted(name, seconds, 0, &TimeZone::UTC, format, out);
    }
    let (year, month, day) = civil(days);
    put(out, format_args!("{year:04}-{month:02}-{day:02}"))
}

pub(super) fn times<'a, T>(
    name: &'a str,
    array: &'a dyn Array,
    digits: u32,
    style: &'a Style,
) -> CellWriter<'a>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64>,
{
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| {
        let (seconds, fraction) = split(array.value(row).into(), digits);
        if let Some(format) = &style.time_format {
            let nanos = fraction * 10_i64.pow(9 - digits);
            return formatted(name, Some(seconds), nanos, &TimeZone::UTC, format, out);
        }
        clock(seconds, out)?;
        if style.time_fraction { decimals(fraction, digits, out) } else { Ok(()) }
    })
}

pub(super) fn timestamps<'a, T>(
    name: &'a str,
    array: &'a dyn Array,
    digits: u32,
    zone: Option<TimeZone>,
    style: &'a Style,
) -> CellWriter<'a>
where
    T: ArrowPrimitiveType<Native = i64>,
{
    let array: &PrimitiveArray<T> = array.as_primitive();
    Box::new(move |row, out| {
        let (seconds, fraction) = split(array.value(row), digits);
        if let Some(format) = &style.datetime_format {
            let nanos = fraction * 10_i64.pow(9 - digits);
            let zone = zone.clone().unwrap_or(TimeZone::UTC);
            return formatted(name, Some(seconds), nanos, &zone, format, out);
        }
        let offset = match &zone {
            Some(zone) => Some(offset_at(name, zone, seconds)?),
            None => None,
        };
        let local = seconds.saturating_add(offset.map_or(0, |offset| i64::from(offset.seconds())));
        let (year, month, day) = civil(local.div_euclid(86_400));
        let separator = style.separator;
        put(out, format_args!("{year:04}-{month:02}-{day:02}{separator}"))?;
        clock(local.rem_euclid(86_400), out)?;
        decimals(fraction, digits, out)?;
        if let Some(offset) = offset {
            let sign = if offset.seconds() < 0 { '-' } else { '+' };
            let minutes = offset.seconds().unsigned_abs() / 60;
            let colon = if style.offset_colon { ":" } else { "" };
            put(out, format_args!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60))?;
        }
        Ok(())
    })
}

fn offset_at(name: &str, zone: &TimeZone, seconds: i64) -> Result<Offset, Fault> {
    if zone == &TimeZone::UTC {
        return Ok(Offset::UTC);
    }
    let instant = Timestamp::from_second(seconds).map_err(|error| beyond(name, error))?;
    Ok(zone.to_offset(instant))
}

fn formatted(
    name: &str,
    seconds: Option<i64>,
    nanos: i64,
    zone: &TimeZone,
    format: &str,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let seconds = seconds.unwrap_or(i64::MAX);
    let instant = Timestamp::new(seconds, i32::try_from(nanos).unwrap_or(0))
        .map_err(|error| beyond(name, error))?;
    put(out, format_args!("{}", instant.to_zoned(zone.clone()).strftime(format)))
}

fn beyond(name: &str, error: jiff::Error) -> Fault {
    Fault::data(format!("the column `{name}` holds a date beyond the year 9999"))
        .with_help("write it without a format of its own, or correct it at the source")
        .because(error)
}

/// The time zone of a column.
pub(super) fn time_zone(name: &str, zone: &str) -> Result<TimeZone, Fault> {
    if zone.eq_ignore_ascii_case("utc") || zone.eq_ignore_ascii_case("z") {
        return Ok(TimeZone::UTC);
    }
    if let Some(offset) = fixed_offset(zone) {
        return Ok(offset);
    }
    TimeZone::get(zone).map_err(|error| {
        Fault::config(format!("the time zone `{zone}` of the column `{name}` is not known here"))
            .with_help("install the time zone database of this system (the package `tzdata`)")
            .because(error)
    })
}

/// `+02:00`, `-0530`.
fn fixed_offset(zone: &str) -> Option<TimeZone> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits.replace(':', "")),
        ("-", digits) => (-1, digits.replace(':', "")),
        _ => return None,
    };
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = if digits.len() > 2 { digits.get(2..)?.parse().ok()? } else { 0 };
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok().map(TimeZone::fixed)
}

/// Whole seconds, and what is left of them in the column's unit.
fn split(value: i64, digits: u32) -> (i64, i64) {
    let unit = 10_i64.pow(digits);
    (value.div_euclid(unit), value.rem_euclid(unit))
}

fn clock(seconds: i64, out: &mut Vec<u8>) -> Result<(), Fault> {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    put(out, format_args!("{hour:02}:{minute:02}:{second:02}"))
}

fn decimals(fraction: i64, digits: u32, out: &mut Vec<u8>) -> Result<(), Fault> {
    if digits == 0 {
        return Ok(());
    }
    let width = digits as usize;
    put(out, format_args!(".{fraction:0width$}"))
}

/// Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar, extended
/// in both directions.
fn civil(days: i64) -> (i64, i64, i64) {
    // The year begins in March here: the leap day is then its last, and months have a formula.
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
