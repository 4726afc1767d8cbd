//! Short numbers, read while they are passed. Whatever is not short, or perhaps not a number at all,
//! is left to who reads them as text.

/// So many digits fit into 64 bits, whatever they are.
const DIGITS: usize = 18;

/// Powers of ten that a float holds exactly.
const POWERS: [f64; DIGITS] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17,
];

/// Whole numbers up to this are floats exactly.
const WHOLE: u64 = 1 << 53;

/// The whole number that the bytes begin with, and its length.
#[inline]
pub(super) fn integer(bytes: &[u8]) -> Option<(i64, usize)> {
    let from = usize::from(bytes.first() == Some(&b'-'));
    let (value, end) = whole(bytes, from)?;
    if matches!(bytes.get(end), Some(b'.' | b'e' | b'E')) {
        return None;
    }
    let value = value.cast_signed();
    Some((if from == 1 { -value } else { value }, end))
}

/// The number that the bytes begin with, and its length. It is the float that is nearest to it: all
/// of its digits and the power of ten are floats, so that one division rounds once.
#[inline]
pub(super) fn float(bytes: &[u8]) -> Option<(f64, usize)> {
    let from = usize::from(bytes.first() == Some(&b'-'));
    let (mut value, mut end) = whole(bytes, from)?;
    let mut places = 0;
    if bytes.get(end) == Some(&b'.') {
        let point = end + 1;
        (value, end) = digits(bytes, point, value);
        places = end - point;
        if places == 0 || end - from - 1 > DIGITS {
            return None;
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) || value > WHOLE {
        return None;
    }
    let value = value as f64 / POWERS.get(places)?;
    Some((if from == 1 { -value } else { value }, end))
}

/// Digits as JSON has them before a point, and where they end.
#[inline]
fn whole(bytes: &[u8], from: usize) -> Option<(u64, usize)> {
    let (value, end) = digits(bytes, from, 0);
    let superfluous = bytes.get(from) == Some(&b'0') && end > from + 1;
    (end > from && end - from <= DIGITS && !superfluous).then_some((value, end))
}

/// All digits from there on, behind those of `value`; nonsense if there are too many.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
    {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (value, at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_numbers_are_read_and_others_left() {
        assert_eq!(integer(b"-42,"), Some((-42, 3)));
        assert_eq!(integer(b"0"), Some((0, 1)));
        assert_eq!(integer(b"999999999999999999]"), Some((999_999_999_999_999_999, 18)));
        assert_eq!(float(b"12.5}"), Some((12.5, 4)));
        assert_eq!(float(b"-0").map(|(value, end)| (value.to_bits(), end)), Some((1 << 63, 2)));
        for left in ["", "-", "01", "1.5", "1e5", "1E5", "9999999999999999999", "x", "+1", "\"1\""]
        {
            assert_eq!(integer(left.as_bytes()), None, "{left}");
        }
        for left in ["", "-", "01.5", "1.", ".5", "1.5e3", "1e5", "9007199254740993", "null"] {
            assert_eq!(float(left.as_bytes()), None, "{left}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_text_says(text in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,24})?") {
            if let Some((value, length)) = float(text.as_bytes()) {
                prop_assert_eq!(length, text.len());
                prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
            if let Some((value, length)) = integer(text.as_bytes()) {
                prop_assert_eq!(length, text.len());
                prop_assert_eq!(Ok(value), text.parse::<i64>());
            }
        }
    }
}
