//! Components into machine code.
//!
//! A compiler works hard on whatever it is given, and a stranger's component may have been made to
//! keep it busy or to fill the memory. So it works in a process of its own, whose memory and time
//! have an end: the same program, started with an argument that nobody types. Any other program
//! than hygge's own (a test) compiles in its own process.

mod child;
mod look;
#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;
use std::time::Duration;

use hygge_core::fault::{Fault, FaultKind};
use wasmtime::Engine;

pub use child::child_main;

/// The largest component that is taken. Those of interpreted languages have some 20 MB.
pub const LARGEST: usize = 64 << 20;
/// The most code that one component may become.
const MOST_CODE: u64 = 1 << 30;
/// How long compiling may take by the clock: long enough for a machine that is busy with other
/// things.
const LONGEST: Duration = Duration::from_secs(20 * 60);
/// The processor time it may take, on however many cores.
const MOST_CPU: Duration = Duration::from_secs(5 * 60);
/// The address space it may take.
const MOST_MEMORY: u64 = 4 << 30;

/// The machine code of a component. `who` begins the message of a fault.
pub(crate) fn compile(engine: &Engine, component: &[u8], who: &str) -> Result<Vec<u8>, Fault> {
    look::at(component).map_err(|what| unfit(who, &what))?;
    let code = if child::AVAILABLE.load(Ordering::Relaxed) {
        child::compile(component)
    } else {
        engine.precompile_component(component).map_err(|error| Failed::Unfit(reason(&error)))
    };
    code.map_err(|failed| match failed {
        Failed::Unfit(why) => unfit(who, &format!("cannot be compiled: {why}")),
        Failed::Bounds(why) => Fault::data(format!("{who}: {why}"))
            .with_help("a component is compiled within bounds; ask its author for a smaller one"),
        Failed::Machine(doing, error) => {
            Fault::new(FaultKind::Resource, format!("{who}: cannot {doing} the compiler"))
                .because(error)
        }
    })
}

/// Why there is no code.
#[derive(Debug)]
enum Failed {
    /// The component is not one that can be compiled.
    Unfit(String),
    /// It takes too long or too much.
    Bounds(String),
    /// The machine refused something.
    Machine(&'static str, std::io::Error),
}

fn unfit(who: &str, what: &str) -> Fault {
    Fault::data(format!("{who}: {what}"))
        .with_help("build it with `hygge connector build`, or get it again from where it came")
}

/// What the compiler says, on one line.
fn reason(error: &wasmtime::Error) -> String {
    const LONGEST: usize = 1000;
    let said = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    said.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
