//! Walks through a text of JSON.
//!
//! Everything that is passed is checked, so that what is handed on as JSON is JSON.

use std::borrow::Cow;
use std::ops::Range;

use hygge_sdk::{Error, Result};

use super::{number, text};

/// How deep values may lie within each other.
const DEEPEST: usize = 128;

/// A place in a text of JSON.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

/// A name of an object as it is usually written: in quotes, without escapes.
#[derive(Clone, Debug)]
pub(crate) struct Likely {
    /// None where it cannot be written like that.
    written: Option<Box<str>>,
    /// Its first eight bytes, and which of their bits are its own if it has fewer.
    head: u64,
    mask: u64,
}

/// What comes where a name of an object may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name<'a> {
    /// The one that was expected.
    Expected,
    /// Any other way to write one.
    Other(Cow<'a, str>),
    /// The object's end.
    End,
}

/// What sort of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

/// A value, of which lists and objects are left as the JSON they are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A list or an object, as it is written.
    Nested(&'a str),
}

impl Likely {
    pub(crate) fn new(name: &str) -> Self {
        let plain = text::plain(name.as_bytes(), 0) == name.len();
        let written = format!("\"{name}\"");
        let mut head = [0; 8];
        let length = written.len().min(head.len());
        head[..length].copy_from_slice(&written.as_bytes()[..length]);
        let mask = u64::MAX >> (64 - 8 * length);
        let head = u64::from_le_bytes(head);
        Self { written: plain.then(|| written.into()), head, mask }
    }

    /// How long it is, if the bytes begin with it. Most that do not differ within the first eight,
    /// and most that do end there or within as many more.
    #[inline]
    fn begins(&self, bytes: &[u8]) -> Option<usize> {
        let written = self.written.as_deref()?.as_bytes();
        let same = match bytes.first_chunk() {
            Some(head) if u64::from_le_bytes(*head) & self.mask != self.head => false,
            Some(_) if written.len() <= 8 => true,
            Some(_) if written.len() <= 16 => {
                written.last_chunk::<8>()
                    == bytes.get(..written.len()).and_then(<[u8]>::last_chunk::<8>)
            }
            _ => bytes.starts_with(written),
        };
        same.then_some(written.len())
    }
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    /// How much of the text lies behind.
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// What sort of value comes next.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Kind> {
        self.pass_space();
        match self.bytes.get(self.at) {
            Some(b'"') => Ok(Kind::Text),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::List),
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// The next value.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<Token<'a>> {
        match self.peek()? {
            Kind::Text => Ok(Token::Text(self.string()?)),
            Kind::Number => Ok(Token::Number(self.number()?)),
            Kind::List | Kind::Object => Ok(Token::Nested(self.skip()?)),
            Kind::Null => self.word("null").map(|()| Token::Null),
            Kind::Bool if self.bytes[self.at] == b't' => {
                self.word("true").map(|()| Token::Bool(true))
            }
            Kind::Bool => self.word("false").map(|()| Token::Bool(false)),
        }
    }

    /// Passes the next value, and gives its text.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<&'a str> {
        self.pass_space();
        let from = self.at;
        self.pass_value(DEEPEST)?;
        Ok(&self.text[from..self.at])
    }

    /// Passes the next value; without a look at it if it is where one was `passed` before.
    #[inline]
    pub(crate) fn pass_over(&mut self, passed: &Range<usize>) -> Result<()> {
        self.pass_space();
        if self.at == passed.start && self.at < passed.end {
            self.at = passed.end;
            return Ok(());
        }
        self.pass_value(DEEPEST)
    }

    /// Goes into an object. Then [`Scanner::key`] until there is none.
    #[inline]
    pub(crate) fn enter_object(&mut self) -> Result<()> {
        self.pass_space();
        self.pass(b'{', "an object")
    }

    /// Goes into a list. Then [`Scanner::item`] until there is none.
    #[inline]
    pub(crate) fn enter_list(&mut self) -> Result<()> {
        self.pass_space();
        self.pass(b'[', "a list")
    }

    /// The next key of an object, whose value comes next; none behind the last one. `first` says
    /// whether it is the first, and is changed.
    #[inline]
    pub(crate) fn key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>> {
        Ok(match self.name(first, None)? {
            Name::Other(key) => Some(key),
            Name::Expected | Name::End => None,
        })
    }

    /// Like [`Scanner::key`], for who knows which name probably comes.
    #[inline]
    pub(crate) fn name(&mut self, first: &mut bool, likely: Option<&Likely>) -> Result<Name<'a>> {
        if !self.another(first, b'}')? {
            return Ok(Name::End);
        }
        self.pass_space();
        let name = match likely.and_then(|likely| likely.begins(&self.bytes[self.at..])) {
            Some(length) => {
                self.at += length;
                Name::Expected
            }
            _ if self.bytes.get(self.at) == Some(&b'"') => Name::Other(self.string()?),
            _ => return Err(self.unexpected("a name in quotes")),
        };
        self.pass_space();
        self.pass(b':', "`:`")?;
        Ok(name)
    }

    /// The whole number that comes next, if it is a plain and short one; else nothing is passed.
    #[inline]
    pub(crate) fn short_integer(&mut self) -> Option<i64> {
        self.pass_space();
        let (value, length) = number::integer(&self.bytes[self.at..])?;
        self.at += length;
        Some(value)
    }

    /// The number that comes next, if a float holds all of its digits; else nothing is passed.
    #[inline]
    pub(crate) fn short_float(&mut self) -> Option<f64> {
        self.pass_space();
        let (value, length) = number::float(&self.bytes[self.at..])?;
        self.at += length;
        Some(value)
    }

    /// Whether there is another item of a list, which then comes next.
    #[inline]
    pub(crate) fn item(&mut self, first: &mut bool) -> Result<bool> {
        self.another(first, b']')
    }

    /// Makes sure that nothing follows.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.pass_space();
        if self.at < self.bytes.len() { Err(self.unexpected("the end")) } else { Ok(()) }
    }

    #[inline]
    fn another(&mut self, first: &mut bool, close: u8) -> Result<bool> {
        self.pass_space();
        let byte = self.bytes.get(self.at);
        if byte == Some(&close) {
            self.at += 1;
            return Ok(false);
        }
        if *first {
            *first = false;
            return Ok(true);
        }
        if byte == Some(&b',') {
            self.at += 1;
            return Ok(true);
        }
        Err(self.unexpected(if close == b'}' { "`,` or `}`" } else { "`,` or `]`" }))
    }

    fn pass_value(&mut self, depth: usize) -> Result<()> {
        match self.peek()? {
            Kind::Text => self.raw_string().map(|_| ()),
            Kind::Number => self.number().map(|_| ()),
            Kind::Null => self.word("null"),
            Kind::Bool if self.bytes[self.at] == b't' => self.word("true"),
            Kind::Bool => self.word("false"),
            _ if depth == 0 => Err(Error::data(format!(
                "JSON that is nested deeper than {DEEPEST} levels, at byte {}",
                self.at
            ))),
            Kind::List => {
                self.at += 1;
                let mut first = true;
                while self.another(&mut first, b']')? {
                    self.pass_value(depth - 1)?;
                }
                Ok(())
            }
            Kind::Object => {
                self.at += 1;
                let mut first = true;
                while self.another(&mut first, b'}')? {
                    self.pass_space();
                    if self.bytes.get(self.at) != Some(&b'"') {
                        return Err(self.unexpected("a name in quotes"));
                    }
                    self.raw_string()?;
                    self.pass_space();
                    self.pass(b':', "`:`")?;
                    self.pass_value(depth - 1)?;
                }
                Ok(())
            }
        }
    }

    #[inline]
    fn pass_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    fn pass(&mut self, byte: u8, what: &str) -> Result<()> {
        if self.bytes.get(self.at) == Some(&byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(what))
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.unexpected("a value"))
    }

    fn number(&mut self) -> Result<&'a str> {
        let from = self.at;
        let byte = |at: usize| self.bytes.get(at).copied();
        let digits = |mut at: usize| {
            let from = at;
            while byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
                at += 1;
            }
            (at > from).then_some(at)
        };
        let mut at = from + usize::from(byte(from) == Some(b'-'));
        let mut end = if byte(at) == Some(b'0') { Some(at + 1) } else { digits(at) };
        if let Some(behind) = end.filter(|behind| byte(*behind) == Some(b'.')) {
            end = digits(behind + 1);
        }
        if let Some(behind) = end.filter(|behind| matches!(byte(*behind), Some(b'e' | b'E'))) {
            at = behind + 1;
            at += usize::from(matches!(byte(at), Some(b'+' | b'-')));
            end = digits(at);
        }
        let Some(end) = end else { return Err(self.unexpected("a number")) };
        self.at = end;
        Ok(&self.text[from..end])
    }

    /// A string without its quotes, as it is written, and whether it has escapes.
    #[inline]
    fn raw_string(&mut self) -> Result<(&'a str, bool)> {
        let from = self.at + 1;
        let mut escapes = false;
        let mut at = text::plain(self.bytes, from);
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escapes = true;
                    at = text::plain(self.bytes, self.escape(at)?);
                }
                found => {
                    self.at = at;
                    return Err(self.unexpected(match found {
                        Some(_) => "text without control characters",
                        None => "the end of a text",
                    }));
                }
            }
        }
        self.at = at + 1;
        Ok((&self.text[from..at], escapes))
    }

    /// Checks an escape, and says where it ends.
    fn escape(&mut self, at: usize) -> Result<usize> {
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u')
                if self
                    .bytes
                    .get(at + 2..at + 6)
                    .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) =>
            {
                Ok(at + 6)
            }
            _ => {
                self.at = at;
                Err(self.unexpected("an escape"))
            }
        }
    }

    #[inline]
    fn string(&mut self) -> Result<Cow<'a, str>> {
        let (raw, escapes) = self.raw_string()?;
        Ok(if escapes { Cow::Owned(text::unescape(raw)) } else { Cow::Borrowed(raw) })
    }

    #[cold]
    fn unexpected(&self, wanted: &str) -> Error {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => format!("{found:?}"),
            None => "the end".to_owned(),
        };
        Error::data(format!("no JSON: at byte {} is {found}, not {wanted}", self.at))
    }
}
