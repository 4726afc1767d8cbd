//! What a plain scalar of YAML 1.1 stands for.
//!
//! Projects written for the earlier tool were read under the rules of YAML 1.1, where `yes` is a
//! truth value and `017` is fifteen; the same file has to mean the same here.

use super::yaml::Value;

/// The value of a scalar written without quotes.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    // Most scalars are words: one look at the first character settles those.
    let first = text.as_bytes().first().copied().unwrap_or_default();
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Value::String(text.to_owned());
    }
    whole(text).or_else(|| fraction(text)).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn signed(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn whole(text: &str) -> Option<Value> {
    let (negative, body) = signed(text);
    let (radix, digits) = if let Some(rest) = body.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = body.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = body.strip_prefix("0o") {
        (8, rest)
    } else if body.len() > 1 && body.starts_with('0') {
        (8, body)
    } else if body.contains(':') {
        return base_sixty(body).map(|value| Value::Int(if negative { -value } else { value }));
    } else {
        (10, body)
    };
    let begins_well = match radix {
        10 => digits.starts_with(|c: char| c.is_ascii_digit()),
        _ => true,
    };
    if !begins_well || !digits.chars().all(|c| c == '_' || c.is_digit(radix)) {
        return None;
    }
    let plain = digits.replace('_', "");
    if plain.is_empty() {
        return None;
    }
    // The sign belongs to the text: the smallest number has no positive twin.
    let number = if negative { format!("-{plain}") } else { plain };
    match i64::from_str_radix(&number, radix) {
        Ok(value) => Some(Value::Int(value)),
        // Beyond 64 bits only the size of it can be kept; where text is wanted, the digits are.
        Err(_) if radix == 10 => number.parse().ok().map(Value::Float),
        Err(_) => None,
    }
}

/// `1:30` is ninety: YAML 1.1 counts minutes and seconds.
fn base_sixty(body: &str) -> Option<i64> {
    let mut parts = body.split(':');
    let head = parts.next()?;
    if !head.starts_with(|c: char| matches!(c, '1'..='9'))
        || !head.chars().all(|c| c == '_' || c.is_ascii_digit())
    {
        return None;
    }
    let mut value: i64 = head.replace('_', "").parse().ok()?;
    for part in parts {
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let part: i64 = digits.then(|| part.parse().ok()).flatten().filter(|part| *part < 60)?;
        value = value.checked_mul(60)?.checked_add(part)?;
    }
    Some(value)
}

fn fraction(text: &str) -> Option<Value> {
    let (negative, body) = signed(text);
    let sign = if negative { -1.0 } else { 1.0 };
    match body {
        ".inf" | ".Inf" | ".INF" => return Some(Value::Float(sign * f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if body.len() == text.len() => {
            return Some(Value::Float(f64::NAN));
        }
        _ => {}
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let (before, after) = mantissa.split_once('.')?;
    let digits = |part: &str| part.bytes().all(|b| b == b'_' || b.is_ascii_digit());
    let begins_well = if before.is_empty() {
        after.starts_with(|c: char| c.is_ascii_digit()) && body.len() == text.len()
    } else {
        before.starts_with(|c: char| c.is_ascii_digit())
    };
    // An exponent needs its sign: `1.5e3` is text in YAML 1.1.
    let exponent_is_well = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['+', '-'])
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    });
    if !begins_well || !digits(before) || !digits(after) || !exponent_is_well {
        return None;
    }
    body.replace('_', "").parse::<f64>().ok().map(|value| Value::Float(sign * value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match resolve(text) {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => format!("bool {value}"),
            Value::Int(value) => format!("int {value}"),
            Value::Float(value) => format!("float {value}"),
            Value::String(value) => format!("text {value}"),
            Value::Sequence(_) | Value::Mapping(_) => unreachable!(),
        }
    }

    #[test]
    fn words() {
        for (text, value) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("nULL", "text nULL"),
            ("yes", "bool true"),
            ("Off", "bool false"),
            ("tRUE", "text tRUE"),
            ("y", "text y"),
            ("-", "text -"),
            ("=", "text ="),
        ] {
            assert_eq!(shown(text), value, "{text}");
        }
    }

    #[test]
    fn whole_numbers() {
        for (text, value) in [
            ("0", "int 0"),
            ("10_000", "int 10000"),
            ("-5", "int -5"),
            ("+5", "int 5"),
            ("0x1F", "int 31"),
            ("0b101", "int 5"),
            ("017", "int 15"),
            ("0o17", "int 15"),
            ("08", "text 08"),
            ("1:30", "int 90"),
            ("1:75", "text 1:75"),
            ("-9223372036854775808", "int -9223372036854775808"),
            ("9223372036854775808", "float 9223372036854776000"),
            ("12ab", "text 12ab"),
            ("_1", "text _1"),
            ("-_1", "text -_1"),
            ("0_", "int 0"),
        ] {
            assert_eq!(shown(text), value, "{text}");
        }
    }

    #[test]
    fn other_numbers() {
        for (text, value) in [
            ("1.5", "float 1.5"),
            ("-1.5", "float -1.5"),
            (".5", "float 0.5"),
            ("1.", "float 1"),
            ("1_0.5", "float 10.5"),
            ("1.5e+3", "float 1500"),
            ("1.5e3", "text 1.5e3"),
            ("1e5", "text 1e5"),
            (".inf", "float inf"),
            ("-.INF", "float -inf"),
            (".nan", "float NaN"),
            ("-.nan", "text -.nan"),
            ("1.2.3", "text 1.2.3"),
            (".", "text ."),
            ("2024-01-31", "text 2024-01-31"),
        ] {
            assert_eq!(shown(text), value, "{text}");
        }
    }
}
