//! Why something a connector handed over is not taken.

use hygge_core::fault::Fault;

/// What is wrong with something that came out of a connector, without saying yet whose it was.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

impl Refused {
    /// A reason, as the second half of a sentence that begins with who it was. It may quote what
    /// came from a guest.
    pub(crate) fn new(reason: impl AsRef<str>) -> Self {
        Self(line(reason.as_ref(), 1000))
    }

    /// The fault a user sees: `who` is the connector with its entity.
    pub(crate) fn by(self, who: &str) -> Fault {
        Fault::data(format!("{who}: {}", self.0)).with_help(
            "the connector made a mistake: nothing of it was taken; tell its author, or use \
             another version of it",
        )
    }
}

/// A name as messages show it.
pub(crate) fn shown(name: &str) -> String {
    line(name, 60)
}

/// The beginning of a text, on one line.
fn line(text: &str, longest: usize) -> String {
    let line = text.chars().take(longest).map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let more = text.chars().nth(longest).map(|_| '…');
    line.chain(more).collect()
}
