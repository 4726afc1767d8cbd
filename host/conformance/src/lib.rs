//! What every Home and every Store must hold, as a suite.
//!
//! The suite knows the contracts alone ([`hygge_core::contract`]): kinds that are built in and
//! connectors pass the same points, and a flow cannot tell them apart.
//!
//! ```text
//! home::examine(Home)   ─┐
//!                        ├─▶ Point, Point, … : passed, failed, or does not apply, and why
//! store::examine(Store) ─┘
//! ```

mod bench;
pub mod home;
mod sample;
pub mod store;
mod tally;

use std::fmt;
use std::future::Future;

use hygge_core::fault::Fault;

pub use bench::Bench;
pub use sample::{sample, sample_schema};
pub use tally::Tally;

/// One thing that must hold, and whether it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// In a word or two: `resume`.
    pub name: &'static str,
    /// What must hold, in a sentence.
    pub about: &'static str,
    /// Whether it does.
    pub outcome: Outcome,
}

/// Whether a point holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does; what was seen.
    Passed(String),
    /// It does not; what was seen instead.
    Failed(String),
    /// It asks for something that this Home or Store does not offer, and need not; what.
    NotApplicable(String),
}

impl Outcome {
    /// The word for it in machine-readable output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed(_) => "passed",
            Self::Failed(_) => "failed",
            Self::NotApplicable(_) => "not_applicable",
        }
    }

    /// What was seen.
    pub fn note(&self) -> &str {
        match self {
            Self::Passed(note) | Self::Failed(note) | Self::NotApplicable(note) => note,
        }
    }
}

/// Whether no point failed.
pub fn passed(points: &[Point]) -> bool {
    !points.iter().any(|point| matches!(point.outcome, Outcome::Failed(_)))
}

/// Why a point does not hold: an unexpected fault, or what was seen instead.
struct Seen(String);

impl From<Fault> for Seen {
    fn from(fault: Fault) -> Self {
        let help = fault.help().map_or(String::new(), |help| format!("; {help}"));
        Self(format!("{} fault: {}{help}", fault.kind().as_str(), fault.chain()))
    }
}

impl From<String> for Seen {
    fn from(seen: String) -> Self {
        Self(seen)
    }
}

impl From<&str> for Seen {
    fn from(seen: &str) -> Self {
        Self(seen.to_owned())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Held = Result<Outcome, Seen>;

fn holds(note: impl Into<String>) -> Held {
    Ok(Outcome::Passed(note.into()))
}

fn does_not_apply(why: impl Into<String>) -> Held {
    Ok(Outcome::NotApplicable(why.into()))
}

/// Looks at one point, for as long as the bench's patience lasts.
async fn point(
    bench: &Bench,
    name: &'static str,
    about: &'static str,
    work: impl Future<Output = Held>,
) -> Point {
    let outcome = match tokio::time::timeout(bench.patience(), work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(seen)) => Outcome::Failed(seen.0),
        Err(_) => Outcome::Failed(format!("it did not end within {:?}", bench.patience())),
    };
    Point { name, about, outcome }
}
