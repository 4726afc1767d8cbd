//! A fault as people read it: what failed, why, and what to do.

use std::error::Error;

use hygge_core::fault::Fault;

use super::style::{BAD, FAINT, HEADING, paint};

/// What each cause says, from the nearest to the root, without repeating what was said before.
pub(crate) fn causes(fault: &Fault) -> Vec<String> {
    let mut said = vec![fault.to_string()];
    let mut cause = fault.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.iter().any(|earlier| earlier.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    said.split_off(1)
}

/// The lines for a fault, without indentation: the message, its causes, what to do.
pub(crate) fn lines(fault: &Fault) -> Vec<String> {
    let mut lines: Vec<String> =
        fault.to_string().lines().map(|line| paint(BAD, line).to_string()).collect();
    for cause in causes(fault) {
        lines.push(format!("{} {}", paint(FAINT, "because:"), cause.replace('\n', " ")));
    }
    if let Some(help) = fault.help() {
        let mut parts = help.lines();
        let first = parts.next().unwrap_or_default();
        lines.push(format!("{} {first}", paint(HEADING, "what to do:")));
        lines.extend(parts.map(str::to_owned));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::plain;

    #[test]
    fn a_cause_is_told_once() {
        let root = std::io::Error::other("disk on fire");
        let inner = Fault::data("cannot read a page: disk on fire").because(root);
        let fault = Fault::data("cannot read data/in/a.parquet")
            .because(inner)
            .with_help("call the fire brigade");
        assert_eq!(
            lines(&fault).iter().map(|line| plain(line)).collect::<Vec<_>>(),
            [
                "cannot read data/in/a.parquet",
                "because: cannot read a page: disk on fire",
                "what to do: call the fire brigade",
            ]
        );
    }
}
