//! What went wrong in a connector, told in the user's terms.

use std::time::Duration;

use hygge_core::fault::{Fault, FaultKind};
use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use crate::guest::{GuestError, Sort};
use crate::job::Job;
use crate::limits::Denied;
use crate::meter::{OutOfCpu, Stop};
use crate::text::{clean, size};

/// As much of a connector's own words as is shown.
const MOST_SHOWN: usize = 4096;
/// The longest a connector can make the next try wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const ITS_MISTAKE: &str = "this is a mistake in the connector: tell its author";

/// The error that a connector answered with.
pub(crate) fn answered(job: &Job, error: &GuestError) -> Fault {
    let kind = match error.sort {
        Sort::Config => FaultKind::Config,
        Sort::Auth => FaultKind::Auth,
        Sort::Missing => FaultKind::Missing,
        Sort::Throttled => FaultKind::Throttled,
        Sort::Transient => FaultKind::Transient,
        Sort::Data => FaultKind::Data,
        Sort::Cancelled if job.cancel.is_cancelled() => return Fault::cancelled(),
        // Nobody asked it to stop: taken at its word, it could end a run unnoticed.
        Sort::Cancelled | Sort::Bug => FaultKind::Bug,
    };
    let said = clean(&job.log.scrub(error.message.clone()), MOST_SHOWN);
    let said = if said.is_empty() { "failed without saying why" } else { &said };
    let code = clean(&error.code, 100);
    let code = if code.is_empty() { code } else { format!(" [{code}]") };
    let mut fault = Fault::new(kind, format!("connector `{}`: {said}{code}", job.connector()));
    if let Some(wait) = error.retry_after_ms {
        fault = fault.after(Duration::from_millis(wait).min(LONGEST_WAIT));
    }
    if kind == FaultKind::Bug {
        fault = fault.with_help(ITS_MISTAKE);
    }
    fault
}

/// A call that ended without an answer.
pub(crate) fn stopped(job: &Job, export: &str, stop: Stop, denied: Option<Denied>) -> Fault {
    let policy = job.policy();
    match stop {
        Stop::Cancelled => Fault::cancelled(),
        Stop::Idle => {
            limit(job, "idle", &format!("made no progress in `{export}` for {:?}", policy.idle))
        }
        Stop::Overdue => limit(
            job,
            "timeout",
            &format!("was not done after {:?}, in `{export}`", policy.timeout.unwrap_or_default()),
        ),
        Stop::Trap(error) => trapped(job, export, &error, denied),
    }
}

fn trapped(job: &Job, export: &str, error: &wasmtime::Error, denied: Option<Denied>) -> Fault {
    let policy = job.policy();
    if error.downcast_ref::<OutOfCpu>().is_some() {
        let what = format!("kept a core busy for more than {:?} in `{export}`", policy.cpu);
        return limit(job, "cpu", &what);
    }
    let reason = reason(error);
    match denied {
        Some(Denied::Memory) => {
            let most = size(policy.memory as u64);
            let what =
                format!("asked for more than its {most} of memory in `{export}`, and {reason}");
            return limit(job, "memory", &what);
        }
        Some(Denied::Tables) => {
            return Fault::new(
                FaultKind::Resource,
                format!(
                    "connector `{}` asked for larger tables of functions than there may be in \
                     `{export}`, and {reason}",
                    job.connector()
                ),
            )
            .with_help(ITS_MISTAKE);
        }
        None => {}
    }
    let root = error.root_cause().to_string();
    let full = matches!(error.downcast_ref(), Some(ResourceTableError::Full));
    if full || root.contains("store handle limit") {
        let what = format!("held more than {} handles at a time in `{export}`", policy.handles);
        return limit(job, "handles", &what);
    }
    if root.contains("fuel allocated for hostcalls") {
        let most = size(policy.crossing() as u64);
        return broke(job, export, &format!("handed over more than {most} at once"));
    }
    Fault::new(FaultKind::Bug, format!("connector `{}` {reason} in `{export}`", job.connector()))
        .with_help(ITS_MISTAKE)
}

/// What a trap means, as the rest of a sentence about the connector.
fn reason(error: &wasmtime::Error) -> String {
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return format!("ended itself with exit code {}", exit.0);
    }
    let root = error.root_cause().to_string();
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "called itself too deeply (stack overflow)".to_owned(),
        Some(Trap::UnreachableCodeReached) => "aborted (`unreachable`)".to_owned(),
        Some(Trap::MemoryOutOfBounds) => "touched memory it does not have".to_owned(),
        Some(Trap::ListOutOfBounds | Trap::StringOutOfBounds) => {
            "handed over something larger than its memory".to_owned()
        }
        Some(trap) => {
            let text = trap.to_string();
            format!("trapped ({})", text.trim_start_matches("wasm trap: "))
        }
        None if root.contains("out of bounds of memory") => {
            "handed over something larger than its memory".to_owned()
        }
        None => format!("failed ({})", clean(&root, 300)),
    }
}

fn limit(job: &Job, key: &str, what: &str) -> Fault {
    let name = job.connector();
    Fault::new(FaultKind::Resource, format!("connector `{name}` {what}")).with_help(format!(
        "if it should be allowed more, raise `{key}` of `{name}` under `connectors:` in hygge.yml"
    ))
}

/// The connector did what the contract forbids.
pub(crate) fn broke(job: &Job, export: &str, what: &str) -> Fault {
    Fault::data(format!("connector `{}` {what}, in `{export}`", job.connector()))
        .with_help(ITS_MISTAKE)
}
