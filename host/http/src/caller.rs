//! For whom a request is sent.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hygge_core::budget::Share;
use tokio_util::sync::CancellationToken;

use crate::error::HttpError;

/// How often whoever waits shows that it is alive.
const PULSE: Duration = Duration::from_secs(1);

/// For whom a request is sent: what ends it, what it is charged to, and who hears of it.
pub trait Caller: Send + Sync {
    /// Ends every wait.
    fn cancel(&self) -> &CancellationToken;
    /// What answers hold is charged to this.
    fn memory(&self) -> Option<&Arc<Share>>;
    /// Something moved, or waits for what was asked of it.
    fn got_on(&self);
    /// For those who look closely: a line for every request.
    fn debug(&self, line: fmt::Arguments<'_>);
    /// For the user.
    fn warn(&self, line: String);
}

/// Waits for something without looking dead, until the run is cancelled.
pub(crate) async fn patiently<T>(
    caller: &dyn Caller,
    wait: impl Future<Output = T>,
) -> Result<T, HttpError> {
    let mut wait = pin!(wait);
    loop {
        tokio::select! {
            biased;
            () = caller.cancel().cancelled() => return Err(HttpError::cancelled()),
            done = &mut wait => {
                caller.got_on();
                return Ok(done);
            }
            () = tokio::time::sleep(PULSE) => caller.got_on(),
        }
    }
}
