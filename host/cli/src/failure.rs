//! What ends a command before its time, and how the user hears of it.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use hygge_core::fault::Fault;

use crate::report::fault;
use crate::report::style::{BAD, paint};
use hygge_core::project::problem::Problems;
use hygge_core::project::render;

/// What ends a command before its time.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The project's files have mistakes.
    Problems(Problems),
    /// Something could not be done.
    Fault(Fault),
    /// Stdout could not be written to.
    Output(io::Error),
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Failure {
    /// Tells it on stderr, and answers with the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        let text = match self {
            Self::Problems(problems) => {
                let stderr = io::stderr();
                let color = AutoStream::choice(&stderr) != ColorChoice::Never;
                let mut text = render(problems, color);
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text
            }
            Self::Fault(fault) => fault_text(fault),
            // Whoever read stdout has seen enough: `hygge runs | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Self::Output(error) => {
                format!("{} cannot write to stdout: {error}\n", paint(BAD, "error:"))
            }
        };
        // There is nowhere left to complain about a stderr that is gone.
        let _ = anstream::stderr().write_all(text.as_bytes());
        ExitCode::FAILURE
    }
}

fn fault_text(fault: &Fault) -> String {
    let mut text = format!("{} ", paint(BAD.bold(), "error:"));
    for (place, line) in fault::lines(fault).iter().enumerate() {
        if place > 0 {
            text.push_str("  ");
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Writes a command's answer to stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Tells the user something beside the answer: on stderr, and only where someone is looking.
pub(crate) fn remark(text: &str) {
    if io::stderr().is_terminal() {
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}
