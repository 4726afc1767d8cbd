//! What a command looked at, line by line, and how many faults there were.

use std::fmt::Write as _;
use std::process::ExitCode;

use hygge_core::fault::Fault;

use crate::failure::{Failure, print};
use crate::report::fault;
use crate::report::format::counted;
use crate::report::style::{BAD, FAINT, GOOD, HEADING, WARN, paint};

/// What has been looked at, and how many faults there were.
#[derive(Default)]
pub(super) struct Checks {
    /// One line for each look, further ones for faults.
    pub(super) text: String,
    /// How many faults there were.
    pub(super) faults: u64,
}

impl Checks {
    /// All is well.
    pub(super) fn good(&mut self, what: &str, note: &str) {
        let _ = writeln!(self.text, "{} {}", paint(GOOD, "✓"), subject(what, note));
    }

    /// Worth knowing.
    pub(super) fn remark(&mut self, what: &str, note: &str) {
        let _ = writeln!(self.text, "{} {}", paint(WARN, "!"), subject(what, note));
    }

    /// Something is wrong.
    pub(super) fn fault(&mut self, what: &str, fault: &Fault) {
        self.faults += 1;
        let _ = writeln!(self.text, "{} {what}", paint(BAD, "✗"));
        for line in fault::lines(fault) {
            let _ = writeln!(self.text, "    {line}");
        }
    }

    /// A further line about what was just looked at.
    pub(super) fn detail(&mut self, what: &str, note: &str) {
        let _ = writeln!(self.text, "    {}  {note}", paint(FAINT, format!("{what:8}")));
    }

    /// Begins another part.
    pub(super) fn heading(&mut self, title: &str) {
        let _ = writeln!(self.text, "\n{}", paint(HEADING, title));
    }

    /// Prints it all with a verdict, and answers with the exit code.
    pub(super) fn tell(self) -> Result<ExitCode, Failure> {
        let verdict = match self.faults {
            0 => paint(GOOD, "all well".to_owned()),
            faults => paint(BAD, counted(faults, "fault", "faults")),
        };
        print(&format!("{}\n{verdict}\n", self.text))?;
        Ok(if self.faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn subject(what: &str, note: &str) -> String {
    if note.is_empty() { what.to_owned() } else { format!("{what}  {}", paint(FAINT, note)) }
}
