//! A program that serves, once more, in a process of its own: what its server costs does not count
//! with what is measured.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Lines, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// This program with other arguments, until this is dropped.
pub struct Apart {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Apart {
    /// Starts it. It is to come to [`say_and_serve`].
    pub fn start<A: AsRef<OsStr>>(arguments: &[A]) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or_else(nothing)?;
        Ok(Self { child, said: BufReader::new(output).lines() })
    }

    /// The next line it says.
    pub fn line(&mut self) -> io::Result<String> {
        self.said.next().ok_or_else(nothing)?
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn nothing() -> io::Error {
    io::Error::other("the server said nothing")
}

/// Says what whoever started this is to know, and waits until that one ends.
pub fn say_and_serve(lines: &[&str]) -> io::Result<()> {
    let mut output = io::stdout();
    for line in lines {
        writeln!(output, "{line}")?;
    }
    output.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
