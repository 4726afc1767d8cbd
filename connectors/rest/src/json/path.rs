//! JSON paths: where in an answer something is.
//!
//! Of JSONPath this is what leads to places: `$`, `.name`, `['name']`, `[0]`, `[-1]`, `[*]` and
//! `.*`. The `$.` may be left out.

use std::fmt;
use std::ops::Range;

use hygge_sdk::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::scan::{Kind, Scanner};

/// A text of JSON, of which a part may be known already.
#[derive(Clone, Debug)]
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    /// A value that has been passed before, and need not be again.
    pub(crate) passed: Range<usize>,
}

/// Where in an answer something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    /// From the end where it is negative.
    Index(i64),
    All,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// This value, as it is written.
    Value(&'a str),
    /// Nothing: a name, an item or an object on the way is not there.
    Nothing,
}

impl Path {
    /// The whole of it.
    pub(crate) fn root() -> Self {
        Self { text: "$".to_owned(), steps: Vec::new() }
    }

    /// The way to what has the name that this leads to; none where it leads to no name.
    pub(crate) fn around(&self) -> Option<Self> {
        let name = self.steps.iter().rposition(|step| matches!(step, Step::Name(_)))?;
        Some(Self { text: self.text.clone(), steps: self.steps[..name].to_vec() })
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::config(format!(
                "`{text}` is no path: {why}; paths are such as `$.data[*]` or `meta.next`"
            ))
        };
        let mut steps = Vec::new();
        let mut rest = text.trim();
        if let Some(behind) = rest.strip_prefix('$') {
            rest = behind;
        } else if !rest.starts_with(['.', '[']) && !rest.is_empty() {
            let (name, behind) = name(rest);
            steps.push(Step::Name(name.to_owned()));
            rest = behind;
        }
        while !rest.is_empty() {
            if rest.starts_with("..") {
                return Err(wrong("`..` is not supported: name the way"));
            }
            if let Some(behind) = rest.strip_prefix('.') {
                let (name, behind) = name(behind);
                match name {
                    "" => return Err(wrong("a name is missing")),
                    "*" => steps.push(Step::All),
                    name => steps.push(Step::Name(name.to_owned())),
                }
                rest = behind;
                continue;
            }
            let Some(inner) = rest.strip_prefix('[') else {
                return Err(wrong("`.` or `[` is missing"));
            };
            if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) {
                let quoted = &inner[1..];
                let end = quoted.find(quote).ok_or_else(|| wrong("a quote is missing"))?;
                steps.push(Step::Name(quoted[..end].to_owned()));
                rest =
                    quoted[end + 1..].strip_prefix(']').ok_or_else(|| wrong("`]` is missing"))?;
                continue;
            }
            let (inside, behind) = inner.split_once(']').ok_or_else(|| wrong("`]` is missing"))?;
            steps.push(match inside.trim() {
                "*" => Step::All,
                number => Step::Index(
                    number.parse().map_err(|_| wrong("filters and slices are not supported"))?,
                ),
            });
            rest = behind;
        }
        Ok(Self { text: text.trim().to_owned(), steps })
    }

    /// The names it consists of, if it consists of names alone.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Name(name) => Some(name.clone()),
                _ => None,
            })
            .collect()
    }

    /// Comes to every value it leads to; whoever is told passes it. Answers with whether it led to
    /// a place at all: a list without items is one.
    pub(crate) fn each<'a>(
        &self,
        document: impl Into<Document<'a>>,
        mut found: impl FnMut(&mut Scanner<'a>) -> Result<()>,
    ) -> Result<bool> {
        let Document { text, passed } = document.into();
        walk(&mut Scanner::new(text), &self.steps, &passed, &mut found)
    }

    /// The first value it leads to.
    pub(crate) fn first<'a>(&self, document: impl Into<Document<'a>>) -> Result<Found<'a>> {
        let mut first = Found::Nothing;
        self.each(document, |scanner| {
            let value = scanner.skip()?;
            if first == Found::Nothing {
                first = Found::Value(value);
            }
            Ok(())
        })?;
        Ok(first)
    }
}

impl<'a> From<&'a str> for Document<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, passed: 0..0 }
    }
}

/// A name, and what stands behind it.
fn name(text: &str) -> (&str, &str) {
    text.split_at(text.find(['.', '[']).unwrap_or(text.len()))
}

fn walk<'a>(
    scanner: &mut Scanner<'a>,
    steps: &[Step],
    passed: &Range<usize>,
    found: &mut impl FnMut(&mut Scanner<'a>) -> Result<()>,
) -> Result<bool> {
    let Some((step, further)) = steps.split_first() else {
        found(scanner)?;
        return Ok(true);
    };
    let mut led = false;
    let mut first = true;
    match (step, scanner.peek()?) {
        (Step::Name(wanted), Kind::Object) => {
            scanner.enter_object()?;
            while let Some(key) = scanner.key(&mut first)? {
                if key == wanted.as_str() && !led {
                    led = walk(scanner, further, passed, found)?;
                } else {
                    scanner.pass_over(passed)?;
                }
            }
        }
        (Step::All, Kind::Object) => {
            led = true;
            scanner.enter_object()?;
            while scanner.key(&mut first)?.is_some() {
                walk(scanner, further, passed, found)?;
            }
        }
        (Step::All, Kind::List) => {
            led = true;
            scanner.enter_list()?;
            while scanner.item(&mut first)? {
                walk(scanner, further, passed, found)?;
            }
        }
        (Step::Index(index), Kind::List) => {
            let index = match usize::try_from(*index) {
                Ok(index) => Some(index),
                Err(_) => from_end(scanner.clone(), index.unsigned_abs())?,
            };
            scanner.enter_list()?;
            let mut at = 0;
            while scanner.item(&mut first)? {
                if Some(at) == index {
                    led = walk(scanner, further, passed, found)?;
                } else {
                    scanner.pass_over(passed)?;
                }
                at += 1;
            }
        }
        _ => {
            scanner.pass_over(passed)?;
        }
    }
    Ok(led)
}

/// Which item of the list that comes next is this far from its end.
fn from_end(mut scanner: Scanner<'_>, back: u64) -> Result<Option<usize>> {
    scanner.enter_list()?;
    let (mut first, mut count) = (true, 0_usize);
    while scanner.item(&mut first)? {
        scanner.skip()?;
        count += 1;
    }
    Ok(usize::try_from(back).ok().and_then(|back| count.checked_sub(back)))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
