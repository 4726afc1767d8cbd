//! Why something a connector handed over is not taken.

use hygge_core::fault::Fault;

/// What is wrong with something that came out of a connector, without saying yet whose it was.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

impl Refused {
    /// A reason, as the second half of a sentence that begins with who it was.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The fault a user sees: `who` is the connector with its entity.
    pub(crate) fn by(self, who: &str) -> Fault {
        Fault::data(format!("{who}: {}", self.0)).with_help(
            "the connector made a mistake: nothing of it was taken; tell its author, or use \
             another version of it",
        )
    }
}

/// A name as messages show it: its beginning, on one line.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 60;
    let line: String =
        name.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if name.chars().nth(LONGEST).is_some() { format!("{line}…") } else { line }
}
