//! Walks through a text of JSON.
//!
//! Everything that is passed is checked, so that what is handed on as JSON is JSON.

use std::borrow::Cow;

use hygge_sdk::{Error, Result};

/// How deep values may lie within each other.
const DEEPEST: usize = 128;

/// A place in a text of JSON.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
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

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
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
        if !self.another(first, b'}')? {
            return Ok(None);
        }
        self.pass_space();
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.unexpected("a name in quotes"));
        }
        let key = self.string()?;
        self.pass_space();
        self.pass(b':', "`:`")?;
        Ok(Some(key))
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
        let (mut at, mut escapes) = (from, false);
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escapes = true;
                    at = self.escape(at)?;
                }
                Some(0..=0x1f) => {
                    self.at = at;
                    return Err(self.unexpected("text without control characters"));
                }
                Some(_) => at += 1,
                None => {
                    self.at = at;
                    return Err(self.unexpected("the end of a text"));
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
        Ok(if escapes { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) })
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => format!("{found:?}"),
            None => "the end".to_owned(),
        };
        Error::data(format!("no JSON: at byte {} is {found}, not {wanted}", self.at))
    }
}

/// What a string says whose escapes have been checked. Halves of characters become U+FFFD.
fn unescape(raw: &str) -> String {
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
