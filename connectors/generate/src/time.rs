//! Dates and times, in the proleptic Gregorian calendar.

use hygge_sdk::calendar;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// `2026-01-31`, `2026-01-31T12:00:00`, `2026-01-31 12:00:00.5`, with or without `Z`: microseconds
/// since 1970.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if !(1..=12).contains(&month) || day < 1 || day > calendar::days_in_month(year, month) {
        return None;
    }
    let clock = match clock {
        Some(clock) => parse_clock(clock.strip_suffix('Z').unwrap_or(clock))?,
        None => 0,
    };
    calendar::days(year, month, day).checked_mul(DAY)?.checked_add(clock)
}

fn parse_clock(text: &str) -> Option<i64> {
    let (text, fraction) = match text.split_once('.') {
        Some((text, fraction)) if (1..=6).contains(&fraction.len()) => {
            let number: i64 = digits(fraction, fraction.len())?;
            (text, number * 10_i64.pow(6 - fraction.len() as u32))
        }
        Some(_) => return None,
        None => (text, 0),
    };
    let mut parts = text.splitn(3, ':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

/// `10s`, `5m`, `1h`, `1d`, `250ms`: microseconds.
pub(crate) fn parse_step(text: &str) -> Option<i64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => DAY,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read() {
        assert_eq!(parse("1970-01-01"), Some(0));
        assert_eq!(parse("1969-12-31"), Some(-DAY));
        assert_eq!(parse("2000-02-29").map(|time| time / DAY), Some(11_016));
        assert_eq!(parse("0000-03-01").map(|time| time / DAY), Some(-719_468));
        assert_eq!(parse("1970-01-02T01:02:03.5Z"), Some(DAY + 3_723_500_000));
        assert_eq!(parse("1970-01-01 10:30"), Some(37_800_000_000));
        for bad in [
            "",
            "2026",
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-01-01T24:00:00",
            "2026-01-01T1:00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn steps_have_a_unit() {
        assert_eq!(parse_step("10s"), Some(10_000_000));
        assert_eq!(parse_step("2d"), Some(2 * DAY));
        assert_eq!(parse_step("250ms"), Some(250_000));
        for bad in ["", "10", "s", "1 s", "-1s", "1y", "99999999999999999d"] {
            assert_eq!(parse_step(bad), None, "{bad}");
        }
    }
}
