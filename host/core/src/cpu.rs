//! Where work that keeps a core busy goes, away from the threads of the async reactor.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::fault::Fault;

/// Runs work that keeps a core busy, at most as many pieces at once as there are cores.
///
/// A thread that has done a piece goes on with the one that has waited longest. Were each piece
/// handed over by the reactor, a core would be idle for two changes of threads before each.
///
/// Cheap to clone. Must be used inside a tokio runtime.
#[derive(Clone, Debug)]
pub struct Cpu {
    cores: usize,
    line: Arc<Line>,
}

/// Pieces of work that wait for a core.
#[derive(Debug, Default)]
struct Line(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Piece>,
    /// Threads at work, or about to be.
    threads: usize,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting")
            .field("pieces", &self.pieces.len())
            .field("threads", &self.threads)
            .finish()
    }
}

/// Does its work, and tells whoever waits for it.
type Piece = Box<dyn FnOnce() + Send>;

impl Line {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines up, and answers whether a thread is to be sent for it.
    fn add(&self, piece: Piece, cores: usize) -> bool {
        let mut waiting = self.waiting();
        waiting.pieces.push_back(piece);
        let sends = waiting.threads < cores;
        waiting.threads += usize::from(sends);
        sends
    }

    /// The next piece. When there is none the thread is counted out, in the same moment, so that
    /// whoever adds more knows to send another.
    fn next(&self) -> Option<Piece> {
        let mut waiting = self.waiting();
        let next = waiting.pieces.pop_front();
        if next.is_none() {
            waiting.threads = waiting.threads.saturating_sub(1);
        }
        next
    }
}

impl Cpu {
    /// As many pieces at once as this process may use cores.
    pub fn new() -> Self {
        Self::with_cores(std::thread::available_parallelism().map_or(2, usize::from))
    }

    /// At most `cores` pieces at once.
    pub fn with_cores(cores: usize) -> Self {
        Self { cores: cores.max(1), line: Arc::default() }
    }

    /// How many pieces run at once.
    pub fn cores(&self) -> usize {
        self.cores
    }

    /// Runs `work` as soon as a core is free, unless nobody waits for it by then. A panic in it
    /// becomes a fault.
    ///
    /// `work` must not wait for other work on this pool.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Fault>
    where
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let piece = move || {
            if tell.is_closed() {
                return;
            }
            // A piece is moved into this and gone after it: none sees what a panic left.
            let done = catch_unwind(AssertUnwindSafe(work));
            // Who has stopped waiting meanwhile does not miss it.
            let _ = tell.send(done);
        };
        if self.line.add(Box::new(piece), self.cores) {
            let line = Arc::clone(&self.line);
            tokio::task::spawn_blocking(move || {
                while let Some(piece) = line.next() {
                    piece();
                }
            });
        }
        // It is let go untold only by a runtime that is being shut down.
        let done = told.await.map_err(|_| Fault::cancelled())?;
        done.map_err(|payload| panicked(payload.as_ref()))?
    }

    /// Runs `work` that mostly waits for the disk: not counted against the cores.
    pub async fn run_io<T, F>(&self, work: F) -> Result<T, Fault>
    where
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
        T: Send + 'static,
    {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => Err(match error.try_into_panic() {
                Ok(payload) => panicked(payload.as_ref()),
                Err(_) => Fault::cancelled(),
            }),
        }
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

fn panicked(payload: &(dyn Any + Send)) -> Fault {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Fault::bug(format!("a task panicked: {said}"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};

    use super::*;

    #[tokio::test]
    async fn as_many_pieces_run_at_once_as_there_are_cores() {
        let cpu = Cpu::with_cores(3);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // The first three wait for one another: with fewer threads they would never end.
        let barrier = Arc::new(Barrier::new(3));
        let pieces = (0..30).map(|n| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let (cpu, barrier) = (cpu.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                cpu.run(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    barrier.wait();
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(n)
                })
                .await
            })
        });
        let pieces: Vec<_> = pieces.collect();
        for (n, piece) in pieces.into_iter().enumerate() {
            assert_eq!(piece.await.unwrap().unwrap(), n);
        }
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert_eq!(cpu.line.waiting().pieces.len(), 0);
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_and_the_next_piece_runs() {
        let cpu = Cpu::with_cores(1);
        let fault = cpu.run(|| -> Result<(), Fault> { panic!("no {}", "luck") }).await.unwrap_err();
        assert!(fault.chain().contains("no luck"), "{}", fault.chain());
        assert_eq!(cpu.run(|| Ok(7)).await.unwrap(), 7);
        let fault = cpu.run_io(|| -> Result<(), Fault> { panic!("again") }).await.unwrap_err();
        assert!(fault.chain().contains("again"), "{}", fault.chain());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_begun() {
        let cpu = Cpu::with_cores(1);
        let (go, begin) = mpsc::channel::<()>();
        let (say, busy) = oneshot::channel();
        let first = tokio::spawn({
            let cpu = cpu.clone();
            let work = move || {
                say.send(()).unwrap();
                Ok(begin.recv().is_ok())
            };
            async move { cpu.run(work).await }
        });
        busy.await.unwrap();
        let begun = Arc::new(AtomicUsize::new(0));
        let second = tokio::spawn({
            let (cpu, begun) = (cpu.clone(), Arc::clone(&begun));
            async move { cpu.run(move || Ok(begun.fetch_add(1, Ordering::SeqCst))).await }
        });
        while cpu.line.waiting().pieces.is_empty() {
            tokio::task::yield_now().await;
        }
        second.abort();
        assert!(second.await.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        assert!(first.await.unwrap().unwrap());
        assert_eq!(cpu.run(|| Ok(1)).await.unwrap(), 1);
        assert_eq!(begun.load(Ordering::SeqCst), 0);
    }
}
