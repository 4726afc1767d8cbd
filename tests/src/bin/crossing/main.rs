//! Measures what it costs that a connector is a WebAssembly component in a sandbox.
//!
//! ```text
//! load       a Home in WASM ─┬─▶ engine ─▶ Parquet     against the same Home, built in
//! boundary   a Home in WASM ─┴─▶ rows, decoded         nothing behind it
//! start      process ─▶ hygge ─▶ the first call into a connector
//! many       50 instances at the same time             the memory of the process
//! ```
//!
//! Whatever is compared runs in turn, and the median counts.

mod boundary;
mod ground;
mod load;
mod many;
mod native;
mod start;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use ground::Ground;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures connectors: what crosses the boundary of the sandbox, and how fast
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything when left out
    #[arg(long, value_enum)]
    only: Vec<What>,
    /// How often each thing is measured
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// The connector tests/guests/pass_through, if it is built already
    #[arg(long)]
    connector: Option<PathBuf>,
    /// Measures the memory of this process over a project that another one has laid out
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Load,
    Boundary,
    Start,
    Many,
}

/// One thing that was measured.
struct Figure {
    what: String,
    figure: String,
    goal: &'static str,
}

impl Figure {
    fn new(what: impl Into<String>, figure: impl Into<String>, goal: &'static str) -> Self {
        Self { what: what.into(), figure: figure.into(), goal }
    }
}

fn main() -> ExitCode {
    hygge_core::heap::share();
    let arguments = Arguments::parse();
    let done = match &arguments.inside {
        Some(root) => many::inside(root),
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let ground = Ground::new(arguments.connector.as_deref())?;
    let runs = arguments.runs.max(1);
    println!("| measured | | goal |\n| --- | ---: | --- |");
    for what in [What::Load, What::Boundary, What::Start, What::Many] {
        if !arguments.only.is_empty() && !arguments.only.contains(&what) {
            continue;
        }
        let figures = match what {
            What::Load => load::measure(&ground, runs)?,
            What::Boundary => boundary::measure(&ground, runs)?,
            What::Start => start::measure(&ground, runs)?,
            What::Many => many::measure(&ground)?,
        };
        for Figure { what, figure, goal } in figures {
            println!("| {what} | {figure} | {goal} |");
        }
    }
    Ok(())
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
