//! Text of a connector or a server, made fit to stand in a message.

/// As much of it as is shown.
const MOST: usize = 200;

/// The text without what could steer a terminal, cut to a length that can be read.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
