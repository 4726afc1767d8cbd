//! Runs that end before the table does.

use hygge_core::contract::Reader;
use hygge_core::fault::{Fault, FaultKind};

use super::Subject;
use super::reading::next;
use crate::{Bench, Held, Seen, holds};

/// So many batches may still come of a cancelled run: those that were on their way.
const ON_THEIR_WAY: usize = 16;

/// Runs are cancelled after so many batches.
const AFTER: [usize; 4] = [0, 1, 2, 5];

pub(super) async fn anywhere(subject: &Subject, bench: &Bench) -> Held {
    before_open(subject, bench).await?;
    let mut cut_short = 0;
    for after in AFTER {
        let run = bench.run();
        let mut reader = subject.home.open(&subject.request, run.context()).await?;
        let mut ended = false;
        for _ in 0..after {
            ended |= next(reader.as_mut()).await?.is_none();
        }
        run.cancel();
        if !ended {
            cut_short += usize::from(end(reader.as_mut(), after).await?);
        }
        drop(reader);
        run.all_given_back().await.map_err(|left| format!("cancelled after {after}: {left}"))?;
    }
    holds(format!("{cut_short} of {} runs were cut short", AFTER.len()))
}

async fn before_open(subject: &Subject, bench: &Bench) -> Result<(), Seen> {
    let run = bench.run();
    run.cancel();
    match subject.home.open(&subject.request, run.context()).await {
        Ok(mut reader) => {
            end(reader.as_mut(), 0).await?;
        }
        Err(fault) => cancelled(&fault)?,
    }
    run.all_given_back().await?;
    Ok(())
}

/// Reads what is on its way, and answers whether the run was cut short.
async fn end(reader: &mut dyn Reader, after: usize) -> Result<bool, Seen> {
    for _ in 0..=ON_THEIR_WAY {
        match reader.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(false),
            Err(fault) => return cancelled(&fault).map(|()| true),
        }
    }
    Err(Seen(format!(
        "cancelled after {after} batches, it gave more than {ON_THEIR_WAY} further ones"
    )))
}

fn cancelled(fault: &Fault) -> Result<(), Seen> {
    match fault.kind() {
        FaultKind::Cancelled => Ok(()),
        kind => Err(Seen(format!(
            "a cancelled run ended with a {} fault: {}",
            kind.as_str(),
            fault.chain()
        ))),
    }
}

pub(super) async fn dropped(subject: &Subject, bench: &Bench) -> Held {
    for after in AFTER {
        let run = bench.run();
        let mut reader = subject.home.open(&subject.request, run.context()).await?;
        for _ in 0..after {
            next(reader.as_mut()).await?;
        }
        drop(reader);
        run.all_given_back().await.map_err(|left| format!("dropped after {after}: {left}"))?;
    }
    holds("all of it")
}
