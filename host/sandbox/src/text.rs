//! Text that comes from a connector, made fit to be shown; and sizes for people.

/// The text without what could steer a terminal or mislead a reader, at most `most` bytes of it.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(most));
    for c in text.trim().chars() {
        let c = match c {
            '\n' | '\t' => ' ',
            // Marks that turn the direction of text around.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => continue,
            c if c.is_control() => continue,
            c => c,
        };
        if cleaned.len() + c.len_utf8() > most {
            cleaned.push('…');
            break;
        }
        cleaned.push(c);
    }
    cleaned
}

/// A size as a person would write it: `256 MB`, `64 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("GiB", 1 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("KB", 1_000),
    ];
    UNITS
        .iter()
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(|| format!("{bytes} bytes"), |(name, unit)| format!("{} {name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_taken_out() {
        assert_eq!(clean("  a\u{1b}[31mb\nc\u{202e}d\r\0 ", 100), "a[31mb cd");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(clean("äöü", 4), "äö…");
        assert_eq!(clean("äöü", 3), "ä…");
        assert_eq!(clean(&"x".repeat(10_000), 4096).len(), 4096 + '…'.len_utf8());
    }

    #[test]
    fn sizes_read_as_they_are_written() {
        assert_eq!(size(256_000_000), "256 MB");
        assert_eq!(size(64 << 20), "64 MiB");
        assert_eq!(size(4 << 30), "4 GiB");
        assert_eq!(size(1_500), "1500 bytes");
        assert_eq!(size(0), "0 bytes");
    }
}
