//! Texts of JSON: where they end, and what their escapes say.

/// The first byte from `at` on that does not stand for itself in a text: a quote, a backslash or a
/// control character; the end if there is none.
#[inline]
pub(super) fn plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let special = special(u64::from_le_bytes(*eight));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let stands = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
    while bytes.get(at).is_some_and(stands) {
        at += 1;
    }
    at
}

/// The highest bit of each of eight bytes that does not stand for itself. A borrow may set bits
/// above the lowest that is set: only that one counts.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let below = |word: u64, least: u8| word.wrapping_sub(ONES * u64::from(least)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (is(b'"') | is(b'\\') | below(word, 0x20)) & HIGHS
}

/// What a string says whose escapes have been checked. Halves of characters become U+FFFD.
pub(super) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        let mut end = (at + 2).min(rest.len());
        out.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (character, length) = unicode(&rest[at..]);
                end = at + length;
                character
            }
            other => char::from(other),
        });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The character of `\uXXXX`, or of two such, and how long that is.
fn unicode(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(high) = unit(0) else { return (char::REPLACEMENT_CHARACTER, text.len()) };
    if (0xd800..0xdc00).contains(&high)
        && let Some(low) = unit(6).filter(|low| (0xdc00..0xe000).contains(low))
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_stand_for_itself_is_found_wherever_it_stands() {
        for before in 0..20 {
            for special in 0..=255_u8 {
                let mut bytes = vec![b'a'; before];
                bytes.push(special);
                // What borrows would reach: a byte just above each that is looked for.
                bytes.extend([b'#', b']', b' ', 0x80, 0xff, b'"', b'z', b'z', b'z', b'z', b'z']);
                let stands = !matches!(special, b'"' | b'\\' | 0..=0x1f);
                let wanted = if stands { before + 6 } else { before };
                assert_eq!(plain(&bytes, 0), wanted, "{special} behind {before}");
            }
            assert_eq!(plain(&vec![b'a'; before], 0), before);
        }
    }
}
