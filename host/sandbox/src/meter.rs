//! How long a call into a connector has kept a core busy, and when it last got on.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_util::sync::CancellationToken;

use crate::policy::Policy;

/// Why a call into a connector ended before it answered.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It trapped, or the boundary was crossed in a way it may not be.
    Trap(wasmtime::Error),
    /// It made no progress for too long.
    Idle,
    /// Its entity has taken too long altogether.
    Overdue,
    /// The run was cancelled.
    Cancelled,
}

/// A call kept a core busy for longer than it may: the reason given for the trap that ends it.
#[derive(Debug, thiserror::Error)]
#[error("the call used up its CPU time")]
pub(crate) struct OutOfCpu;

/// Times the calls into one instance. Calls do not overlap.
///
/// CPU time is that of the thread, taken around every poll of the call: neither waiting in the
/// host nor a machine that is busy with other things counts. A thread that does nothing else is
/// looked at once for each call, for a look takes longer than many a poll; what it does for the
/// call's connections counts there.
#[derive(Debug)]
pub(crate) struct Meter {
    cpu: u64,
    idle: Duration,
    overdue: Option<Instant>,
    /// Nanoseconds of CPU time in those polls of the call that have ended.
    spent: AtomicU64,
    /// The thread's clock when the present poll began, or the call where the thread has no other.
    entered: AtomicU64,
    epoch: Instant,
    /// Milliseconds after `epoch` when the call last got on.
    moved: AtomicU64,
}

impl Meter {
    pub(crate) fn new(policy: &Policy, overdue: Option<Instant>) -> Arc<Self> {
        Arc::new(Self {
            cpu: u64::try_from(policy.cpu.as_nanos()).unwrap_or(u64::MAX),
            idle: policy.idle,
            overdue,
            spent: AtomicU64::new(0),
            entered: AtomicU64::new(0),
            epoch: Instant::now(),
            moved: AtomicU64::new(0),
        })
    }

    /// Whether the call under way has used up its CPU time. Called from within its poll.
    pub(crate) fn is_out_of_cpu(&self) -> bool {
        let here = thread_time().saturating_sub(self.entered.load(Ordering::Relaxed));
        self.spent.load(Ordering::Relaxed).saturating_add(here) > self.cpu
    }

    /// The call under way got on.
    pub(crate) fn mark(&self) {
        let now = u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(now, Ordering::Relaxed);
    }

    /// When the call under way has been without progress for too long, or its entity has taken
    /// too long altogether, whichever comes first.
    fn deadline(&self) -> Option<(Instant, Stop)> {
        let moved = self.epoch + Duration::from_millis(self.moved.load(Ordering::Relaxed));
        // A limit too far off to be told is none.
        let idle = moved.checked_add(self.idle);
        match (idle, self.overdue) {
            (Some(idle), Some(overdue)) if overdue < idle => Some((overdue, Stop::Overdue)),
            (Some(idle), _) => Some((idle, Stop::Idle)),
            (None, overdue) => overdue.map(|overdue| (overdue, Stop::Overdue)),
        }
    }

    /// Runs one call into the instance within its limits. The call is dropped when it is stopped:
    /// the instance must not be called again.
    pub(crate) async fn watch<T>(
        &self,
        cancel: &CancellationToken,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Stop> {
        self.spent.store(0, Ordering::Relaxed);
        self.entered.store(thread_time(), Ordering::Relaxed);
        self.mark();
        let mut call = pin!(Metered { meter: self, alone: is_alone(), call: pin!(call) });
        loop {
            let deadline = self.deadline();
            let wait = async {
                match &deadline {
                    Some((at, _)) => tokio::time::sleep_until((*at).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Stop::Cancelled),
                answered = &mut call => return answered.map_err(Stop::Trap),
                () = wait => {}
            }
            match self.deadline() {
                Some((at, stop)) if at <= Instant::now() => return Err(stop),
                _ => {}
            }
        }
    }
}

/// A call whose CPU time is measured.
struct Metered<'a, F> {
    meter: &'a Meter,
    /// Whether the thread does nothing else.
    alone: bool,
    call: Pin<&'a mut F>,
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.alone {
            return self.call.as_mut().poll(context);
        }
        let entered = thread_time();
        self.meter.entered.store(entered, Ordering::Relaxed);
        let polled = self.call.as_mut().poll(context);
        let spent = thread_time().saturating_sub(entered);
        self.meter.spent.fetch_add(spent, Ordering::Relaxed);
        polled
    }
}

/// Whether this thread is the only one of its runtime, where a call stays from beginning to end.
fn is_alone() -> bool {
    let here = Handle::try_current();
    here.is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::CurrentThread)
}

/// Nanoseconds that this thread has kept a core busy.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000) + u64::try_from(time.tv_nsec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(policy: &Policy, overdue: Option<Instant>) -> Arc<Meter> {
        Meter::new(policy, overdue)
    }

    async fn never() -> wasmtime::Result<()> {
        std::future::pending().await
    }

    #[tokio::test]
    async fn a_call_that_waits_for_ever_is_stopped() {
        let policy = Policy { idle: Duration::from_millis(20), ..Policy::default() };
        let cancel = CancellationToken::new();
        let stopped = meter(&policy, None).watch(&cancel, never()).await;
        assert!(matches!(stopped, Err(Stop::Idle)));
        let overdue = Some(Instant::now() + Duration::from_millis(1));
        let stopped = meter(&Policy::default(), overdue).watch(&cancel, never()).await;
        assert!(matches!(stopped, Err(Stop::Overdue)));
        cancel.cancel();
        let stopped = meter(&Policy::default(), None).watch(&cancel, never()).await;
        assert!(matches!(stopped, Err(Stop::Cancelled)));
    }

    #[tokio::test]
    async fn progress_puts_the_end_off() {
        let policy = Policy { idle: Duration::from_millis(200), ..Policy::default() };
        let meter = meter(&policy, None);
        let slow = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                meter.mark();
            }
            Ok(7)
        };
        assert_eq!(meter.watch(&CancellationToken::new(), slow).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn waiting_costs_no_cpu_time_but_working_does_on_a_thread_of_its_own() {
        waiting_costs_no_cpu_time_but_working_does().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn waiting_costs_no_cpu_time_but_working_does_on_shared_threads() {
        waiting_costs_no_cpu_time_but_working_does().await;
    }

    async fn waiting_costs_no_cpu_time_but_working_does() {
        let policy = Policy { cpu: Duration::from_millis(5), ..Policy::default() };
        let meter = meter(&policy, None);
        let call = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let waited = meter.is_out_of_cpu();
            while !meter.is_out_of_cpu() {
                std::hint::spin_loop();
            }
            Ok(waited)
        };
        assert!(!meter.watch(&CancellationToken::new(), call).await.unwrap());
    }

    #[tokio::test]
    async fn no_limit_is_too_long() {
        let policy = Policy { idle: Duration::MAX, cpu: Duration::MAX, ..Policy::default() };
        let meter = meter(&policy, None);
        let call = async { Ok(meter.is_out_of_cpu()) };
        assert!(!meter.watch(&CancellationToken::new(), call).await.unwrap());
    }
}
