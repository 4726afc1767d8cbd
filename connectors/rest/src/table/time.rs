//! Dates and times: read, and written as APIs want them. All in microseconds since 1970.

use hygge_sdk::calendar;

/// Microseconds of a second and of a day.
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// In UTC if there is an offset, else as it stands.
    pub(crate) micros: i64,
    pub(crate) clock: bool,
    pub(crate) offset: bool,
}

/// `2026-01-31`, `2026-01-31T12:00`, `2026-01-31 12:00:00.5Z`, `2026-01-31T12:00:00+02:00`. What is
/// finer than microseconds must be nothing: it is not rounded.
pub(crate) fn parse(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let date = bytes.get(..10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&date[..4])?, digits(&date[5..7])?, digits(&date[8..])?);
    if !(1..=12).contains(&month) || day < 1 || day > calendar::days_in_month(year, month) {
        return None;
    }
    let midnight = calendar::days(year, month, day) * DAY;
    match bytes.get(10) {
        None => return Some(Moment { micros: midnight, clock: false, offset: false }),
        Some(b'T' | b't' | b' ') => {}
        Some(_) => return None,
    }
    let rest = &bytes[11..];
    let end = rest.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'));
    let (clock, offset) = rest.split_at(end.unwrap_or(rest.len()));
    let clock = clock.strip_suffix(b" ").unwrap_or(clock);
    let micros = midnight + parse_clock(clock)? - parse_offset(offset)?;
    Some(Moment { micros, clock: true, offset: !offset.is_empty() })
}

/// `12:00`, `12:00:00`, `12:00:00.250`.
pub(crate) fn parse_clock(text: &[u8]) -> Option<i64> {
    let colon = |at: usize| text.get(at) == Some(&b':');
    if !colon(2) {
        return None;
    }
    let (hour, minute) = (digits(text.get(..2)?)?, digits(text.get(3..5)?)?);
    let (mut second, mut fraction) = (0, 0);
    if text.len() > 5 {
        if !colon(5) {
            return None;
        }
        second = digits(text.get(6..8)?)?;
        if text.len() > 8 {
            let places = text[8..].strip_prefix(b".").or_else(|| text[8..].strip_prefix(b","))?;
            let kept = &places[..places.len().min(6)];
            if places[kept.len()..].iter().any(|digit| *digit != b'0') {
                return None;
            }
            fraction = digits(kept)? * 10_i64.pow(6 - kept.len() as u32);
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * SECOND + fraction)
}

/// None, `Z`, `+02:00`, `-0530`, `+02`.
fn parse_offset(text: &[u8]) -> Option<i64> {
    let (sign, text) = match text.split_first() {
        None => return Some(0),
        Some((b'Z' | b'z', [])) => return Some(0),
        Some((b'+', text)) => (1, text),
        Some((b'-', text)) => (-1, text),
        Some(_) => return None,
    };
    let (hours, minutes) = match text.len() {
        2 => (digits(text)?, 0),
        4 => (digits(&text[..2])?, digits(&text[2..])?),
        5 if text[2] == b':' => (digits(&text[..2])?, digits(&text[3..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60 * SECOND)
}

/// `10s`, `5m`, `1h`, `1d`, `1w`, `250ms`: microseconds.
pub(crate) fn parse_span(text: &str) -> Option<i64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let factor = match unit.trim() {
        "ms" => 1_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// A moment as `strftime` would write it, of which `%Y %m %d %H %M %S %L` (milliseconds) `%f`
/// (microseconds) `%s` (seconds since 1970) and `%%` are known.
pub(crate) fn format(micros: i64, pattern: &str) -> Result<String, String> {
    let (year, month, day) = calendar::date(micros.div_euclid(DAY));
    let clock = micros.rem_euclid(DAY);
    let second = clock / SECOND;
    let mut out = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        out.push_str(&match characters.next() {
            Some('Y') => format!("{year:04}"),
            Some('m') => format!("{month:02}"),
            Some('d') => format!("{day:02}"),
            Some('H') => format!("{:02}", second / 3600),
            Some('M') => format!("{:02}", second / 60 % 60),
            Some('S') => format!("{:02}", second % 60),
            Some('L') => format!("{:03}", clock % SECOND / 1000),
            Some('f') => format!("{:06}", clock % SECOND),
            Some('s') => micros.div_euclid(SECOND).to_string(),
            Some('%') => "%".to_owned(),
            other => {
                let other = other.map_or_else(String::new, String::from);
                return Err(format!(
                    "`%{other}` is not known; there are %Y %m %d %H %M %S %L %f %s and %%"
                ));
            }
        });
    }
    Ok(out)
}

fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_i64, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        parse(text).map(|moment| moment.micros)
    }

    #[test]
    fn times_are_read_as_apis_write_them() {
        assert_eq!(micros("1970-01-01"), Some(0));
        assert_eq!(micros("1970-01-02T00:00:01.5Z"), Some(DAY + 1_500_000));
        assert_eq!(micros("1970-01-01T02:00:00+02:00"), Some(0));
        assert_eq!(micros("1969-12-31 18:30:00-0530"), Some(0));
        assert_eq!(micros("1970-01-01T00:00"), Some(0));
        assert_eq!(micros("2024-02-29T12:00:00.123456000Z"), Some(1_709_208_000_123_456));
        assert!(!parse("1970-01-01T00:00:00").unwrap().offset);
        for bad in [
            "",
            "2026-1-1",
            "2023-02-29",
            "2026-01-01x",
            "2026-01-01T25:00",
            "2026-01-01T00",
            "2026-01-01T00:00:00.1234567Z",
            "2026-01-01T00:00:00+2",
            "2026-13-01",
            "äbcdefghijk",
        ] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_written_as_asked() {
        let moment = micros("2024-02-29T23:05:09.012345Z").unwrap();
        let pattern = "%Y-%m-%dT%H:%M:%S.%LZ %f %s 100%%";
        let written = format(moment, pattern).unwrap();
        assert_eq!(written, "2024-02-29T23:05:09.012Z 012345 1709247909 100%");
        assert!(format(0, "%q").unwrap_err().contains("`%q`"));
        for day in [-1_000_000, -1, 0, 59, 60, 365, 11_016, 19_782, 2_000_000] {
            let (year, month, date) = calendar::date(day);
            assert_eq!(calendar::days(year, month, date), day);
        }
        assert_eq!(parse_span("90m"), Some(90 * 60 * SECOND));
        assert_eq!(parse_span("90"), None);
    }
}
