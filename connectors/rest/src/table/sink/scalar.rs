//! Single values. Each reader gives none for what its type cannot hold without loss.

use crate::json::Token;

/// What a text of a format without types stands for.
pub(super) fn token(text: &str) -> Token<'_> {
    match text.trim() {
        "true" => Token::Bool(true),
        "false" => Token::Bool(false),
        number if number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.')) => {
            Token::Number(number)
        }
        text => Token::Text(text.into()),
    }
}

pub(super) fn text<'t>(token: &'t Token<'_>) -> Option<&'t str> {
    match token {
        Token::Text(text) => Some(text.trim()),
        // In a format without types a date begins as a number does.
        Token::Number(text) => Some(text),
        _ => None,
    }
}

/// The text of a number; also one that stands in quotes.
fn number<'t>(token: &'t Token<'_>, lenient: bool) -> Option<&'t str> {
    match token {
        Token::Number(text) => Some(text),
        Token::Text(text) if lenient => Some(text.trim()),
        _ => None,
    }
}

pub(super) fn boolean(token: &Token<'_>, lenient: bool) -> Option<bool> {
    match token {
        Token::Bool(value) => Some(*value),
        Token::Text(text) if lenient => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[inline]
pub(super) fn integer<T: TryFrom<i64> + TryFrom<i128>>(
    token: &Token<'_>,
    lenient: bool,
) -> Option<T> {
    let text = number(token, lenient)?;
    match short(text.as_bytes()) {
        Some(value) => T::try_from(value).ok(),
        None => T::try_from(scaled(text, 0)?).ok(),
    }
}

/// A whole number of at most 18 digits, which is nearly all there are.
#[inline]
fn short(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}

pub(super) fn float(token: &Token<'_>, lenient: bool) -> Option<f64> {
    let value: f64 = number(token, lenient)?.parse().ok()?;
    // JSON knows no infinity: a number beyond all bounds is one that does not fit.
    value.is_finite().then_some(value)
}

pub(super) fn decimal(token: &Token<'_>, precision: u8, scale: i8) -> Option<i128> {
    let value = scaled(number(token, true)?, u32::try_from(scale).ok()?)?;
    (value.unsigned_abs() < 10_u128.pow(u32::from(precision))).then_some(value)
}

/// Seconds (`places` is 6) or milliseconds (3) since 1970, in microseconds.
pub(super) fn unix(token: &Token<'_>, places: u32) -> Option<i64> {
    i64::try_from(scaled(number(token, true)?, places)?).ok()
}

/// The number times ten to the power of `places`, if that is whole.
fn scaled(text: &str, places: u32) -> Option<i128> {
    const MOST: i64 = 60;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (true, mantissa),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0_i128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    if value == 0 {
        return Some(0);
    }
    let shift = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)? + i64::from(places);
    if shift.abs() > MOST {
        return None;
    }
    if shift >= 0 {
        value = value.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
    } else {
        for _ in shift..0 {
            if value % 10 != 0 {
                return None;
            }
            value /= 10;
        }
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Token<'_> {
        Token::Number(text)
    }

    #[test]
    fn numbers_are_taken_whole_or_not_at_all() {
        let int = |text| integer::<i64>(&of(text), false);
        assert_eq!(int("-42"), Some(-42));
        assert_eq!(int("9223372036854775807"), Some(i64::MAX));
        assert_eq!(int("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int("9223372036854775808"), None);
        assert_eq!(int("1.0"), Some(1));
        assert_eq!(int("1.5e1"), Some(15));
        assert_eq!(int("1.5"), None);
        assert_eq!(int("1e400"), None);
        assert_eq!(integer::<u8>(&of("-1"), false), None);
        assert_eq!(integer::<u64>(&of("18446744073709551615"), false), Some(u64::MAX));
        let quoted = Token::Text(" 7 ".into());
        assert_eq!((integer::<i8>(&quoted, true), integer::<i8>(&quoted, false)), (Some(7), None));

        let price = |text| decimal(&of(text), 5, 2);
        assert_eq!(price("123.45"), Some(12_345));
        assert_eq!(price("-0.10"), Some(-10));
        assert_eq!(price("123.450"), Some(12_345));
        assert_eq!(price("123.456"), None);
        assert_eq!(price("1000"), None);
        assert_eq!(unix(&of("1.5"), 6), Some(1_500_000));
        assert_eq!(unix(&of("1500"), 3), Some(1_500_000));
        assert_eq!(float(&of("1e999"), false), None);
        for bad in ["", "-", ".", "1e", "x", "1.2.3"] {
            assert_eq!(scaled(bad, 0), None, "{bad}");
        }
    }
}
