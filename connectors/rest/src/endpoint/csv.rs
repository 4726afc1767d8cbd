//! Records of CSV, as RFC 4180 has them, and as most write them.

use hygge_sdk::{Error, Result};

/// Reads the record that `bytes` begin with into `cells`. Answers with how many bytes it takes, and
/// with none if its end is not among them; unless they are `all` there are. A line without anything
/// has no cells.
pub(super) fn record(
    bytes: &[u8],
    delimiter: u8,
    all: bool,
    cells: &mut Vec<String>,
) -> Result<Option<usize>> {
    cells.clear();
    let mut at = 0;
    loop {
        let mut cell = Vec::new();
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                match bytes.get(at) {
                    Some(b'"') if bytes.get(at + 1) == Some(&b'"') => {
                        cell.push(b'"');
                        at += 2;
                    }
                    // What follows decides whether this is its end.
                    Some(b'"') if at + 1 == bytes.len() && !all => return Ok(None),
                    Some(b'"') => {
                        at += 1;
                        break;
                    }
                    Some(byte) => {
                        cell.push(*byte);
                        at += 1;
                    }
                    None if all => {
                        return Err(Error::data("a quoted cell of CSV has no end: is it cut off?"));
                    }
                    None => return Ok(None),
                }
            }
        }
        let from = at;
        while bytes.get(at).is_some_and(|byte| *byte != delimiter && *byte != b'\n') {
            at += 1;
        }
        let is_end = match bytes.get(at) {
            Some(byte) => *byte == b'\n',
            None if all => true,
            None => return Ok(None),
        };
        let rest = &bytes[from..at];
        cell.extend_from_slice(if is_end {
            rest.strip_suffix(b"\r").unwrap_or(rest)
        } else {
            rest
        });
        cells.push(String::from_utf8(cell)?);
        at = (at + 1).min(bytes.len());
        if is_end {
            if let [only] = cells.as_slice()
                && only.is_empty()
            {
                cells.clear();
            }
            return Ok(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All records, with the bytes coming this many at a time.
    fn read(text: &str, step: usize) -> Vec<Vec<String>> {
        let (mut records, mut at, mut have) = (Vec::new(), 0, 0);
        while at < text.len() {
            let mut cells = Vec::new();
            let all = have == text.len();
            match record(&text.as_bytes()[at..have], b',', all, &mut cells).unwrap() {
                Some(length) if length > 0 => {
                    at += length;
                    records.push(cells);
                }
                _ => have = (have + step).min(text.len()),
            }
        }
        records
    }

    #[test]
    fn records_are_read_however_their_bytes_come() {
        let text = "a,b\r\n1,\"x, \"\"y\"\"\nz\"\n\n,\n\"\"\"\",ä";
        let wanted: &[&[&str]] =
            &[&["a", "b"], &["1", "x, \"y\"\nz"], &[], &["", ""], &["\"", "ä"]];
        for step in 1..=text.len() {
            assert_eq!(read(text, step), wanted, "{step}");
        }
        assert!(record(b"\"a", b',', true, &mut Vec::new()).is_err());
    }
}
