//! What a connector may ask of its host.

use std::time::{Duration, SystemTime};

use crate::error::Result;
use crate::imports;

/// The time. Connectors have no clock of their own.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(imports::now())
}

/// Waits. A `cancelled` error when the run is cancelled meanwhile: hand it on with `?`.
pub fn sleep(wait: Duration) -> Result<()> {
    imports::sleep(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

/// Says how far the work of this instance has come, in whatever it counts. Only for what the host
/// cannot see by itself: rows and bytes that cross the boundary are counted anyway.
pub fn progress(done: u64, total: Option<u64>) {
    imports::progress(done, total);
}
