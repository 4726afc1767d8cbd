//! `file_pattern`: how files are named and numbered.

use serde::{Deserialize, Serialize};

/// A `file_pattern` with everything but the number filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePattern {
    prefix: String,
    width: usize,
    suffix: String,
}

/// What stands for itself in a pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PatternNames<'a> {
    pub flow: &'a str,
    pub entity: &'a str,
}

/// The endings that mark a file as part of a table, when a name goes on with nothing or with
/// one of [`COMPRESSIONS`].
const FORMATS: [&str; 4] = [".parquet", ".csv", ".ndjson", ".jsonl"];
const COMPRESSIONS: [&str; 2] = [".gz", ".zst"];

/// Whether a file of this name is part of a table rather than somebody's note beside it.
pub(crate) fn is_data_file(name: &str) -> bool {
    !name.starts_with('.') && stem(name).is_some()
}

/// A name without the ending of a data file.
fn stem(name: &str) -> Option<&str> {
    let plain = COMPRESSIONS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    FORMATS.iter().find_map(|ending| plain.strip_suffix(ending))
}

impl FilePattern {
    /// Reads a pattern; `extension` is the ending of the files it is for. The error says what is
    /// wrong, and what to write.
    pub(crate) fn parse(
        text: &str,
        names: PatternNames<'_>,
        extension: &str,
    ) -> Result<Self, (String, String)> {
        let mut prefix = String::new();
        let mut after: Option<(usize, String)> = None;
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let literal = |after: &mut Option<(usize, String)>, prefix: &mut String, text: &str| {
                match after {
                    Some((_, suffix)) => suffix.push_str(text),
                    None => prefix.push_str(text),
                }
            };
            literal(&mut after, &mut prefix, &rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(more) = rest.strip_prefix(brace) {
                literal(&mut after, &mut prefix, brace);
                rest = more;
                continue;
            }
            let Some((inside, more)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err((
                    format!("`{text}` has a brace without its partner"),
                    "write `{{` and `}}` for braces that stand for themselves".to_owned(),
                ));
            };
            rest = more;
            let (name, spec) = inside.split_once(':').unwrap_or((inside, ""));
            match name {
                "sequence" if after.is_some() => {
                    return Err((
                        format!("`{text}` has `{{sequence}}` more than once"),
                        "keep one of them".to_owned(),
                    ));
                }
                "sequence" => after = Some((width(text, spec)?, String::new())),
                "entity" => literal(&mut after, &mut prefix, names.entity),
                "flow" | "flow_name" => literal(&mut after, &mut prefix, names.flow),
                "name" if names.flow == names.entity => {
                    literal(&mut after, &mut prefix, names.flow);
                }
                "name" => {
                    let label = format!("{}_{}", names.flow, names.entity);
                    literal(&mut after, &mut prefix, &label);
                }
                _ => {
                    return Err((
                        format!("`{text}` has `{{{inside}}}`, which is not known"),
                        "known are `{sequence}`, `{sequence:020d}`, `{entity}` and `{flow}`"
                            .to_owned(),
                    ));
                }
            }
        }
        let Some((width, mut suffix)) = after else {
            return Err((
                format!("`{text}` has no `{{sequence}}`: all files would have one name"),
                format!("write `{{sequence:020d}}{extension}`"),
            ));
        };
        suffix.push_str(rest);
        // Homes find files by their endings, so a name always has the one of its format.
        if !suffix.ends_with(extension) {
            let bare = stem(&suffix).map_or(suffix.len(), str::len);
            suffix.truncate(bare);
            suffix.push_str(extension);
        }
        let pattern = Self { prefix, width, suffix };
        let name = pattern.name(1);
        if name.contains(['/', '\0']) || name.starts_with('.') {
            return Err((
                format!("`{text}` gives the name `{name}`, which is hidden or in another folder"),
                "choose a name without `/` that does not begin with a dot".to_owned(),
            ));
        }
        Ok(pattern)
    }

    /// The name of the file with this number.
    pub(crate) fn name(&self, sequence: u64) -> String {
        format!("{}{sequence:0width$}{}", self.prefix, self.suffix, width = self.width)
    }

    /// The number in a name of this pattern, whatever its format and compression.
    pub(crate) fn sequence(&self, name: &str) -> Option<u64> {
        let number = stem(name)?.strip_prefix(&self.prefix)?;
        let number = number.strip_suffix(stem(&self.suffix)?)?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
    }
}

/// `020d`, `05`, `d` or nothing.
fn width(text: &str, spec: &str) -> Result<usize, (String, String)> {
    let digits = spec.strip_suffix('d').unwrap_or(spec);
    let width = match digits {
        "" => Some(0),
        _ => digits.strip_prefix('0').and_then(|digits| digits.parse().ok()),
    };
    width.filter(|width| *width <= 100).ok_or_else(|| {
        (
            format!("`{text}` has `{{sequence:{spec}}}`, which is not a width"),
            "write `{sequence:020d}` for twenty digits with leading zeros".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: PatternNames<'_> = PatternNames { flow: "sales", entity: "orders" };

    fn parse(text: &str) -> FilePattern {
        FilePattern::parse(text, NAMES, ".parquet").unwrap()
    }

    #[test]
    fn names_are_filled_in() {
        assert_eq!(parse("{sequence:020d}.parquet").name(7), "00000000000000000007.parquet");
        assert_eq!(
            parse("{flow}-{entity}_{sequence:03d}.parquet").name(12),
            "sales-orders_012.parquet"
        );
        assert_eq!(parse("{name}_{sequence}.parquet").name(1), "sales_orders_1.parquet");
        assert_eq!(parse("{{x}}{sequence:05}.parquet").name(3), "{x}00003.parquet");
    }

    #[test]
    fn every_name_has_the_ending_of_its_format() {
        assert_eq!(parse("part-{sequence}").name(1), "part-1.parquet");
        let csv = FilePattern::parse("{sequence:020d}.parquet", NAMES, ".csv.gz").unwrap();
        assert_eq!(csv.name(1), "00000000000000000001.csv.gz");
    }

    #[test]
    fn numbers_are_read_back_whatever_the_format() {
        let pattern = parse("{entity}_{sequence:05d}.parquet");
        assert_eq!(pattern.sequence("orders_00012.parquet"), Some(12));
        assert_eq!(pattern.sequence("orders_123456.csv.gz"), Some(123_456));
        for foreign in
            ["orders_.parquet", "orders_1a.parquet", "other_00001.parquet", "orders_00001"]
        {
            assert_eq!(pattern.sequence(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("data.parquet", "no `{sequence}`"),
            ("{sequence}{sequence}.parquet", "more than once"),
            ("{sequence:x}.parquet", "not a width"),
            ("{timestamp}_{sequence}.parquet", "`{timestamp}`"),
            ("{sequence.parquet", "brace"),
            ("a/{sequence}.parquet", "another folder"),
            (".{sequence}.parquet", "hidden"),
        ] {
            let (message, _) = FilePattern::parse(text, NAMES, ".parquet").unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn data_files_are_told_from_notes() {
        for name in ["a.parquet", "a.csv", "a.csv.gz", "a.ndjson.zst", "a.jsonl"] {
            assert!(is_data_file(name), "{name}");
        }
        for name in [".a.parquet", "README.md", "a.gz", "_SUCCESS", "parquet"] {
            assert!(!is_data_file(name), "{name}");
        }
    }
}
