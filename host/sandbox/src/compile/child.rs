//! The compiler in a process of its own.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal};
use wasmtime::Engine;

use super::{Failed, LARGEST, LONGEST, MOST_CODE, MOST_CPU, MOST_MEMORY, reason};

/// Whether this program knows the argument below.
pub(super) static AVAILABLE: AtomicBool = AtomicBool::new(false);

const ARGUMENT: &str = "--compile-connector-from-stdin";
/// How a child says that it is the component's fault.
const UNFIT: u8 = 3;
/// What is kept of what a child says.
const MOST_SAID: u64 = 4096;
/// How often a child is looked after.
const TICK: Duration = Duration::from_millis(5);

/// What a program that runs connectors does first of all: where it was started to compile one, it
/// does so and answers how that went. Otherwise it answers nothing, and connectors are from here on
/// compiled in a process of their own.
///
/// `engine` makes the engine whose settings the code is for.
pub fn child_main(
    arguments: impl IntoIterator<Item = OsString>,
    engine: fn() -> wasmtime::Result<Engine>,
) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next().is_some_and(|argument| argument == ARGUMENT) && arguments.next().is_none() {
        return Some(serve(engine).unwrap_or_else(|failed| match failed {
            Failed::Unfit(why) => {
                eprint!("{why}");
                ExitCode::from(UNFIT)
            }
            Failed::Bounds(why) => {
                eprint!("{why}");
                ExitCode::FAILURE
            }
            Failed::Machine(doing, error) => {
                eprint!("cannot {doing}: {error}");
                ExitCode::FAILURE
            }
        }));
    }
    AVAILABLE.store(true, Ordering::Relaxed);
    None
}

/// Compiles what comes in on stdin, and writes the code to stdout.
fn serve(engine: fn() -> wasmtime::Result<Engine>) -> Result<ExitCode, Failed> {
    let machine = |doing| move |error: rustix::io::Errno| Failed::Machine(doing, error.into());
    // Whoever asked is gone: so is the need for an answer.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(machine("be ended together with its parent"))?;
    for (resource, most) in [
        (Resource::As, MOST_MEMORY),
        (Resource::Cpu, MOST_CPU.as_secs()),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(resource, limit).map_err(machine("limit itself"))?;
    }
    let mut component = Vec::new();
    io::stdin()
        .lock()
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut component)
        .map_err(|error| Failed::Machine("read a component", error))?;
    let engine = engine().map_err(|error| Failed::Bounds(reason(&error)))?;
    let code =
        engine.precompile_component(&component).map_err(|error| Failed::Unfit(reason(&error)))?;
    let mut out = io::stdout().lock();
    out.write_all(&code)
        .and_then(|()| out.flush())
        .map_err(|error| Failed::Machine("hand over the code", error))?;
    Ok(ExitCode::SUCCESS)
}

/// Has a child compile `component`.
pub(super) fn compile(component: &[u8]) -> Result<Vec<u8>, Failed> {
    // The file this process was started from, even where another lies in its place by now.
    let program = match std::fs::exists("/proc/self/exe") {
        Ok(true) => "/proc/self/exe".into(),
        _ => std::env::current_exe().map_err(|error| Failed::Machine("find", error))?,
    };
    let mut command = Command::new(program);
    command.arg(ARGUMENT).env_clear().current_dir("/");
    run(command, component, LONGEST)
}

/// Gives `component` to a child and takes what it writes, for at most `longest`.
pub(super) fn run(
    mut command: Command,
    component: &[u8],
    longest: Duration,
) -> Result<Vec<u8>, Failed> {
    let piped = || Stdio::piped();
    let mut child = command
        .stdin(piped())
        .stdout(piped())
        .stderr(piped())
        .spawn()
        .map_err(|error| Failed::Machine("start", error))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (ended, code, said) = thread::scope(|scope| {
        scope.spawn(move || {
            // A child that stops reading has something else to say.
            stdin.map(|mut stdin| stdin.write_all(component))
        });
        let code = scope.spawn(move || all(stdout, MOST_CODE));
        let said = scope.spawn(move || all(stderr, MOST_SAID));
        let ended = wait(&mut child, longest);
        (ended, code.join(), said.join())
    });
    let read = |read: thread::Result<io::Result<Vec<u8>>>| match read {
        Ok(bytes) => bytes.map_err(|error| Failed::Machine("listen to", error)),
        Err(_) => Err(Failed::Machine("listen to", io::ErrorKind::Other.into())),
    };
    let status = ended.map_err(|error| Failed::Machine("wait for", error))?;
    let (code, said) = (read(code)?, read(said)?);
    let said = String::from_utf8_lossy(&said).trim().replace(char::is_control, " ");
    match status {
        None => Err(Failed::Bounds(format!(
            "takes longer than {} seconds to compile",
            longest.as_secs()
        ))),
        Some(status) if status.success() => Ok(code),
        Some(status) if status.code() == Some(i32::from(UNFIT)) => Err(Failed::Unfit(said)),
        Some(status) => Err(Failed::Bounds(died(status, &said))),
    }
}

fn died(status: ExitStatus, said: &str) -> String {
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => {
            format!("takes more than {} seconds of CPU time to compile", MOST_CPU.as_secs())
        }
        Some(_) if said.contains("memory allocation") => {
            format!("takes more than {} GiB of memory to compile", MOST_MEMORY >> 30)
        }
        _ if said.is_empty() => format!("could not be compiled: the compiler ended with {status}"),
        _ => format!("could not be compiled: {said}"),
    }
}

fn all(from: Option<impl Read>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.by_ref().take(most).read_to_end(&mut bytes)?;
        // What is beyond is not kept, but the child must be able to write it and end.
        io::copy(&mut from, &mut io::sink())?;
    }
    Ok(bytes)
}

/// How the child ended; none where it had to be ended.
fn wait(child: &mut Child, longest: Duration) -> io::Result<Option<ExitStatus>> {
    let until = Instant::now() + longest;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(TICK);
    }
}
