//! A stream taken apart into its messages.

use arrow_buffer::Buffer;
use arrow_ipc::{Message, MetadataVersion, root_as_message_with_opts};
use flatbuffers::VerifierOptions;

use crate::refused::Refused;

/// What every message begins with.
const MARKER: [u8; 4] = [0xff; 4];

/// Messages of one stream. A batch of a few megabytes has three; dictionaries add one each.
const MOST_MESSAGES: usize = 16_384;

/// Metadata may name one thing many times over. This bounds what it comes to when spelt out.
const METADATA: VerifierOptions = VerifierOptions {
    max_depth: 128,
    max_tables: 131_072,
    max_apparent_size: 16 << 20,
    ignore_missing_null_terminator: true,
};

/// The messages of a stream, one after the other.
pub(super) struct Frames<'a> {
    stream: &'a Buffer,
    at: usize,
    seen: usize,
}

/// One message: its verified head and its body.
pub(super) struct Frame<'a> {
    /// What the message says of itself.
    pub(super) head: Message<'a>,
    /// The bytes of its buffers.
    pub(super) body: Buffer,
}

impl<'a> Frames<'a> {
    pub(super) fn new(stream: &'a Buffer) -> Self {
        Self { stream, at: 0, seen: 0 }
    }

    /// The next message, or none when the stream has ended as it should: with its marker, at the
    /// last byte.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'a>>, Refused> {
        if self.take(4, "a message")? != MARKER {
            return Err(Refused::new(match self.at {
                4 => "not an Arrow IPC stream: it does not begin with a message".to_owned(),
                at => format!("the Arrow IPC stream is damaged at byte {}: no message", at - 4),
            }));
        }
        let length = self.take(4, "a message")?;
        let length = i32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        if length == 0 {
            return match self.stream.len() - self.at {
                0 => Ok(None),
                rest => Err(Refused::new(format!(
                    "{rest} bytes follow the end of the Arrow IPC stream"
                ))),
            };
        }
        self.seen += 1;
        if self.seen > MOST_MESSAGES {
            return Err(Refused::new(format!(
                "the Arrow IPC stream has more than {MOST_MESSAGES} messages"
            )));
        }
        let length = usize::try_from(length)
            .map_err(|_| Refused::new(format!("a message claims {length} bytes")))?;
        let head =
            root_as_message_with_opts(&METADATA, self.take(length, "the head of a message")?)
                .map_err(|error| {
                    Refused::new(format!("the head of a message is damaged: {error}"))
                })?;
        if !matches!(head.version(), MetadataVersion::V4 | MetadataVersion::V5) {
            return Err(Refused::new("the Arrow IPC stream is of a version before 0.8 or after 1"));
        }
        let length = head.bodyLength();
        let length = usize::try_from(length)
            .map_err(|_| Refused::new(format!("the body of a message claims {length} bytes")))?;
        let start = self.at;
        self.take(length, "the body of a message")?;
        Ok(Some(Frame { head, body: self.stream.slice_with_length(start, length) }))
    }

    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], Refused> {
        let rest = &self.stream.as_slice()[self.at..];
        let taken = rest.get(..length).ok_or_else(|| {
            Refused::new(match rest.len() {
                0 => "the Arrow IPC stream stops before its end marker".to_owned(),
                there => format!(
                    "the Arrow IPC stream is cut short: {what} has {there} of {length} bytes"
                ),
            })
        })?;
        self.at += length;
        Ok(taken)
    }
}
