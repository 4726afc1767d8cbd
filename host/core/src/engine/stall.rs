//! Notices when an entity makes no progress any more.

use std::time::Duration;

use crate::contract::Progress;
use crate::fault::{Fault, FaultKind};

/// Ends with a fault when nothing has moved for `limit`; never, when there is no limit.
pub(super) async fn watch(limit: Option<Duration>, progress: &Progress) -> Fault {
    let Some(limit) = limit else { return std::future::pending().await };
    loop {
        let idle = progress.idle();
        if idle >= limit {
            return Fault::new(
                FaultKind::Transient,
                format!("no rows moved for {} seconds", limit.as_secs_f64()),
            )
            .with_help("raise `timeout`, the seconds an entity may go without progress");
        }
        tokio::time::sleep(limit - idle).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stall_ends_in_a_fault_that_may_be_retried() {
        let progress = Progress::silent();
        let fault = watch(Some(Duration::from_millis(10)), &progress).await;
        assert_eq!(fault.kind(), FaultKind::Transient);
    }

    #[tokio::test]
    async fn without_a_limit_it_waits_for_ever() {
        let progress = Progress::silent();
        let waited = tokio::time::timeout(Duration::from_millis(30), watch(None, &progress)).await;
        assert!(waited.is_err());
    }
}
