//! Text cut into blocks of whole records, so that blocks can be parsed side by side.

use std::sync::Arc;

use bytes::Bytes;
use hygge_core::fault::Fault;

use super::super::source::OpenFile;
use super::bytes::Contents;

/// Whole records.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The text.
    pub(super) bytes: Bytes,
    /// The number of its first line in the file.
    pub(super) line: u64,
}

impl Block {
    /// The number of the line in which this byte of the block is.
    pub(super) fn line_at(&self, offset: usize) -> u64 {
        self.line + lines(self.bytes.get(..offset).unwrap_or(&self.bytes))
    }

    /// What is left of the block behind the first `bytes` bytes.
    pub(super) fn after(&self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes.len());
        Self { line: self.line_at(bytes), bytes: self.bytes.slice(bytes..) }
    }
}

/// How many lines end in this text.
pub(super) fn lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// How large blocks are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Bytes of a block.
    pub(super) block: usize,
    /// Bytes a single record may have.
    pub(super) record: usize,
    /// Records in a block at most.
    pub(super) records: u64,
}

/// Cuts a file into blocks.
pub(super) struct Blocks {
    file: Arc<OpenFile>,
    contents: Contents,
    cutter: Cutter,
    sizes: Sizes,
    buffer: Vec<u8>,
    /// How much of the buffer the cutter has seen, and the end of the last record in that.
    seen: usize,
    cut: usize,
    line: u64,
    ended: bool,
}

impl Blocks {
    /// Begins at the start of a file, without its first `skip` lines.
    pub(super) fn open(
        file: &Arc<OpenFile>,
        cutter: Cutter,
        sizes: Sizes,
        skip: u64,
    ) -> Result<Self, Fault> {
        let mut blocks = Self {
            file: Arc::clone(file),
            contents: Contents::open(file)?,
            cutter,
            sizes,
            buffer: Vec::new(),
            seen: 0,
            cut: 0,
            line: 1,
            ended: false,
        };
        for _ in 0..skip {
            blocks.skip_line()?;
        }
        Ok(blocks)
    }

    /// The file.
    pub(super) fn file(&self) -> &Arc<OpenFile> {
        &self.file
    }

    fn skip_line(&mut self) -> Result<(), Fault> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                self.buffer.drain(..=end);
                self.line += 1;
                return Ok(());
            }
            self.buffer.clear();
            if self.ended {
                return Ok(());
            }
            self.ended = self.contents.fill(&mut self.buffer, self.sizes.block)?;
        }
    }

    /// The next block; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Block>, Fault> {
        let mut wanted = self.sizes.block;
        self.cut = 0;
        self.cutter.records = 0;
        loop {
            self.scan();
            let is_full = self.cutter.records >= self.sizes.records
                || (self.buffer.len() >= wanted && self.cut > 0);
            if is_full {
                return Ok(Some(self.take(self.cut)));
            }
            if self.ended {
                let all = self.buffer.len();
                return Ok((all > 0).then(|| self.take(all)));
            }
            if self.buffer.len() >= wanted {
                // One record larger than a block.
                if wanted >= self.sizes.record {
                    return Err(self.endless());
                }
                wanted = (wanted * 2).min(self.sizes.record);
            }
            let room = wanted.saturating_sub(self.buffer.len()).max(1);
            self.ended = self.contents.fill(&mut self.buffer, room)?;
        }
    }

    fn scan(&mut self) {
        let unseen = self.buffer.get(self.seen..).unwrap_or_default();
        let (seen, cut) = self.cutter.scan(unseen, self.sizes.records);
        if let Some(cut) = cut {
            self.cut = self.seen + cut;
        }
        self.seen += seen;
    }

    fn take(&mut self, end: usize) -> Block {
        let rest = self.buffer.split_off(end.min(self.buffer.len()));
        let bytes = Bytes::from(std::mem::replace(&mut self.buffer, rest));
        let block = Block { line: self.line, bytes };
        self.line += lines(&block.bytes);
        self.seen = self.seen.saturating_sub(end);
        block
    }

    fn endless(&self) -> Fault {
        let help = match self.cutter.grammar {
            Some(grammar) if grammar.quote.is_some() => {
                "a quote may have been left open: mend it, or set `quote_char` in `format_options`"
            }
            _ => "is this a text file?",
        };
        Fault::data(format!(
            "{}: the record that begins in line {} is longer than {} MB",
            self.file.source().shown,
            self.line,
            self.sizes.record >> 20
        ))
        .with_help(help)
    }
}

/// Finds where records end.
#[derive(Clone, Debug)]
pub(super) struct Cutter {
    /// How CSV is written; `None` where every line is a record.
    grammar: Option<Grammar>,
    state: State,
    /// Records that ended since the last cut.
    records: u64,
}

/// What has a meaning in CSV.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grammar {
    /// Between values.
    pub(super) separator: u8,
    /// Around values.
    pub(super) quote: Option<u8>,
    /// Before a quote that is none.
    pub(super) escape: Option<u8>,
    /// At the start of lines to pass over.
    pub(super) comment: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Field,
    Quoted,
    Escaped,
    AfterQuote,
    Comment,
}

impl Cutter {
    /// Every line is a record.
    pub(super) fn lines() -> Self {
        Self { grammar: None, state: State::RecordStart, records: 0 }
    }

    /// Records are those of CSV: a line end within quotes is part of a value.
    pub(super) fn csv(grammar: Grammar) -> Self {
        Self { grammar: Some(grammar), state: State::RecordStart, records: 0 }
    }

    /// Looks at the next bytes until `most` records have ended. Answers how many bytes it has
    /// seen, and where the last record in them ended.
    fn scan(&mut self, bytes: &[u8], most: u64) -> (usize, Option<usize>) {
        let Some(grammar) = self.grammar else {
            return self.scan_lines(bytes, most);
        };
        let mut cut = None;
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let rest = bytes.get(at..).unwrap_or_default();
            let passed = match self.state {
                State::Quoted => inside_quotes(rest, &grammar),
                _ if most == u64::MAX => self.before_quotes(rest, &grammar, at, &mut cut),
                _ => 0,
            };
            if passed > 0 {
                at += passed;
                continue;
            }
            at += 1;
            let is_end = matches!(byte, b'\n' | b'\r');
            self.state = match self.state {
                State::RecordStart if is_end => {
                    // An empty line, or the second half of a line end.
                    cut = Some(at);
                    State::RecordStart
                }
                State::RecordStart if Some(byte) == grammar.comment => State::Comment,
                State::RecordStart | State::FieldStart if Some(byte) == grammar.quote => {
                    State::Quoted
                }
                State::Quoted if Some(byte) == grammar.escape => State::Escaped,
                State::Quoted if Some(byte) == grammar.quote => State::AfterQuote,
                State::Quoted | State::Escaped => State::Quoted,
                State::AfterQuote if Some(byte) == grammar.quote => State::Quoted,
                State::Comment if byte != b'\n' => State::Comment,
                State::Comment => {
                    cut = Some(at);
                    State::RecordStart
                }
                _ if byte == grammar.separator => State::FieldStart,
                _ if is_end => {
                    cut = Some(at);
                    self.records += 1;
                    if self.records >= most {
                        self.state = State::RecordStart;
                        return (at, cut);
                    }
                    State::RecordStart
                }
                _ => State::Field,
            };
        }
        (bytes.len(), cut)
    }

    /// Passes over bytes among which every line end ends a record: those before the next quote,
    /// where no comment may begin. Answers how many they are; `at` is where they are.
    fn before_quotes(
        &mut self,
        bytes: &[u8],
        grammar: &Grammar,
        at: usize,
        cut: &mut Option<usize>,
    ) -> usize {
        let outside = matches!(self.state, State::RecordStart | State::FieldStart | State::Field);
        if grammar.comment.is_some() || !outside {
            return 0;
        }
        let quote = grammar.quote.and_then(|quote| memchr::memchr(quote, bytes));
        let plain = bytes.get(..quote.unwrap_or(bytes.len())).unwrap_or_default();
        if let Some(last) = plain.last() {
            self.state = match last {
                b'\n' | b'\r' => State::RecordStart,
                last if *last == grammar.separator => State::FieldStart,
                _ => State::Field,
            };
        }
        if let Some(end) = memchr::memrchr2(b'\n', b'\r', plain) {
            *cut = Some(at + end + 1);
        }
        plain.len()
    }

    /// Where the first record ends.
    #[cfg(test)]
    pub(super) fn first_cut(mut self, bytes: &[u8]) -> Option<usize> {
        self.scan(bytes, 1).1
    }

    fn scan_lines(&mut self, bytes: &[u8], most: u64) -> (usize, Option<usize>) {
        let mut cut = None;
        if most == u64::MAX {
            cut = memchr::memrchr(b'\n', bytes).map(|at| at + 1);
            return (bytes.len(), cut);
        }
        for at in memchr::memchr_iter(b'\n', bytes) {
            cut = Some(at + 1);
            self.records += 1;
            if self.records >= most {
                return (at + 1, cut);
            }
        }
        (bytes.len(), cut)
    }
}

/// How many bytes within quotes have no meaning.
fn inside_quotes(bytes: &[u8], grammar: &Grammar) -> usize {
    let found = match (grammar.quote, grammar.escape) {
        (Some(quote), Some(escape)) => memchr::memchr2(quote, escape, bytes),
        (Some(quote), None) => memchr::memchr(quote, bytes),
        (None, _) => return 0,
    };
    found.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Grammar =
        Grammar { separator: b',', quote: Some(b'"'), escape: None, comment: Some(b'#') };

    fn cut_csv(text: &str, grammar: Grammar) -> Option<usize> {
        let mut whole = Cutter::csv(grammar);
        let (_, cut) = whole.scan(text.as_bytes(), u64::MAX);
        // Seen byte by byte it must come to the same.
        let mut bytewise = Cutter::csv(grammar);
        let mut last = None;
        for (at, byte) in text.bytes().enumerate() {
            if bytewise.scan(&[byte], u64::MAX).1.is_some() {
                last = Some(at + 1);
            }
        }
        assert_eq!(cut, last);
        cut
    }

    #[test]
    fn a_record_ends_where_the_parser_ends_it() {
        assert_eq!(cut_csv("a,b\nc", CSV), Some(4));
        assert_eq!(cut_csv("a,\"b\nc", CSV), None);
        assert_eq!(cut_csv("a,\"b\n\"\nc", CSV), Some(7));
        assert_eq!(cut_csv("a,\"b\"\"\n\"\nc", CSV), Some(9));
        // A quote within a value is an ordinary character.
        assert_eq!(cut_csv("a,5\" pipe\nc", CSV), Some(10));
        assert_eq!(cut_csv("# it's \"open\na,b\nc", CSV), Some(17));
        assert_eq!(cut_csv("a\r\nb", CSV), Some(3));
        let escaped = Grammar { escape: Some(b'\\'), ..CSV };
        assert_eq!(cut_csv("\"a\\\"\n\"\nc", escaped), Some(7));
        let unquoted = Grammar { quote: None, ..CSV };
        assert_eq!(cut_csv("\"a\nb", unquoted), Some(3));
    }

    #[test]
    fn records_are_counted() {
        let mut cutter = Cutter::csv(CSV);
        assert_eq!(cutter.scan(b"a\nb\nc\nd", 2), (4, Some(4)));
        let mut cutter = Cutter::lines();
        assert_eq!(cutter.scan(b"a\nb\nc\nd", 2), (4, Some(4)));
        assert_eq!(Cutter::lines().scan(b"a\nb\nc", u64::MAX), (5, Some(4)));
    }
}
