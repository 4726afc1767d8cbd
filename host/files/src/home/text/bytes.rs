//! The characters of a text file, whatever it is compressed with.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use hygge_core::fault::Fault;

use super::super::source::{OpenFile, Sequential};

/// Bytes read from the disk at a time.
const READ: usize = 256 << 10;

/// The contents of a text file, decompressed, without a byte order mark.
pub(super) struct Contents {
    file: Arc<OpenFile>,
    input: Box<dyn Read + Send>,
    compressed: Option<&'static str>,
    /// Bytes that were looked at and are still to be given.
    peeked: Vec<u8>,
}

impl Contents {
    /// Opens a file. Compression is told by the first bytes: many files, or frames, one after the
    /// other are read as one.
    pub(super) fn open(file: &Arc<OpenFile>) -> Result<Self, Fault> {
        let source = file.source();
        let mut magic = [0; 4];
        let known = usize::try_from(source.len()).unwrap_or(4).min(4);
        if let Some(magic) = magic.get_mut(..known) {
            file.read_exact_at(magic, 0).map_err(|error| source.unreadable(error))?;
        }
        let raw = BufReader::with_capacity(READ, Sequential::new(Arc::clone(file), 0));
        let named = source.shown.to_lowercase();
        let (input, compressed): (Box<dyn Read + Send>, _) = match magic {
            [0x1f, 0x8b, ..] => (Box::new(MultiGzDecoder::new(raw)), Some("gzip")),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                let decoder = zstd::stream::read::Decoder::with_buffer(raw)
                    .map_err(|error| source.unreadable(error))?;
                (Box::new(decoder), Some("Zstandard"))
            }
            _ => {
                for (ending, name) in [(".gz", "gzip"), (".zst", "Zstandard")] {
                    if named.ends_with(ending) {
                        return Err(Fault::data(format!(
                            "{} is not {name} data, though its name ends in {ending}",
                            source.shown
                        ))
                        .with_help("write it again, or rename it if it is plain text"));
                    }
                }
                (Box::new(raw), None)
            }
        };
        let mut contents = Self { file: Arc::clone(file), input, compressed, peeked: Vec::new() };
        contents.look_at_mark()?;
        Ok(contents)
    }

    /// Appends up to `most` bytes to `buffer`; fewer only at the end. Answers whether that is
    /// reached.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>, most: usize) -> Result<bool, Fault> {
        let mut wanted = most;
        let take = self.peeked.len().min(wanted);
        buffer.extend(self.peeked.drain(..take));
        wanted -= take;
        let start = buffer.len();
        // Grown bit by bit it would be copied each time.
        buffer.reserve(wanted);
        let read = self
            .input
            .by_ref()
            .take(wanted as u64)
            .read_to_end(buffer)
            .map_err(|error| self.failed(error))?;
        debug_assert_eq!(buffer.len(), start + read);
        Ok(read < wanted)
    }

    fn look_at_mark(&mut self) -> Result<(), Fault> {
        let mut start = Vec::with_capacity(3);
        self.fill(&mut start, 3)?;
        match start.as_slice() {
            [0xef, 0xbb, 0xbf] => start.clear(),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                return Err(Fault::data(format!("{} is UTF-16", self.file.source().shown))
                    .with_help(
                        "convert it to UTF-8, for instance with `iconv -f UTF-16 -t UTF-8`",
                    ));
            }
            _ => {}
        }
        self.peeked = start;
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Fault {
        let source = self.file.source();
        // What the operating system says is about the disk, anything else about the data.
        match self.compressed {
            Some(name) if error.raw_os_error().is_none() => {
                if let Err(changed) = self.file.verify() {
                    return changed;
                }
                let what = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "ends early",
                    _ => "is broken",
                };
                Fault::data(format!("{} is damaged: its {name} data {what}", source.shown))
                    .with_help("write it again from its source")
                    .because(error)
            }
            _ => source.unreadable(error),
        }
    }
}
