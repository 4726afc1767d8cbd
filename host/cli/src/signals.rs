//! Ctrl-C and SIGTERM: the first asks a run to end cleanly, the second ends it at once.

use std::io::Write;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::report::Report;

/// The exit code of a process that a signal ended, as shells expect it.
const INTERRUPTED: i32 = 130;

/// Watches for signals for as long as the runtime lives. Must be called inside it.
pub(crate) fn watch(cancel: CancellationToken, report: Arc<Report>) {
    // Where signals cannot be watched they do what they do by default.
    let Ok(mut signals) = Signals::new() else { return };
    tokio::spawn(async move {
        signals.next().await;
        cancel.cancel();
        report.interrupted();
        signals.next().await;
        // The first line break ends the line of a progress bar that is still drawn.
        let _ = writeln!(anstream::stderr(), "\nstopped at once; the next run tidies up");
        std::process::exit(INTERRUPTED);
    });
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
