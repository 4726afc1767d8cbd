//! How much memory a process had.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::project::{Said, finish};

/// Waits for a started `hygge`. Answers also with the most bytes it had in memory at a time, its
/// children not included.
pub fn finish_with_peak(child: Child) -> (Said, u64) {
    let status = format!("/proc/{}/status", child.id());
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // The kernel remembers the peak as long as the process lives, and no longer.
        let watching = scope.spawn(|| {
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                peak = peak_in(&std::fs::read_to_string(&status).unwrap_or_default()).max(peak);
                std::thread::sleep(Duration::from_millis(5));
            }
            peak
        });
        let said = finish(child);
        ended.store(true, Ordering::Relaxed);
        (said, watching.join().expect("it was watched"))
    })
}

fn peak_in(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}
