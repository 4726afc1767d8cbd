//! The colours of everything printed. Written as escape codes always; the stream they go to
//! removes them where they are not wanted.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// The name of a flow, in brackets at the head of a line.
pub(crate) const LABEL: Style = AnsiColor::White.on_default().bold();
/// What begins.
pub(crate) const BEGIN: Style = AnsiColor::Cyan.on_default();
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What may need a person.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();

/// Text in a style.
pub(crate) struct Painted<T>(Style, T);

/// Puts `text` into `style`.
pub(crate) fn paint<T: Display>(style: Style, text: T) -> Painted<T> {
    Painted(style, text)
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.0, self.1, self.0)
    }
}

/// `text` without escape codes.
pub(crate) fn plain(text: &str) -> String {
    // Most texts have none, and are many.
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    anstream::adapter::strip_str(text).to_string()
}
