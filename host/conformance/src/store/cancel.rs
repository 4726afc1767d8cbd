//! Loads that are cancelled.

use std::sync::Arc;

use hygge_core::contract::Mode;
use hygge_core::fault::{Fault, FaultKind};

use super::Subject;
use super::load::{load, request, see, tally, write};
use crate::{Bench, Held, Seen, holds};

pub(super) async fn anywhere(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..40, bench).await?;
    for (before, after) in [(0, 0), (0, 300), (200, 300), (200, 200)] {
        let run = bench.run();
        let context = run.context();
        let store = (subject.store)();
        let cancelled = async {
            let mut writer = store.begin(&request(Mode::Replace), Arc::clone(&context)).await?;
            write(writer.as_mut(), 0..before, &context).await?;
            run.cancel();
            match write(writer.as_mut(), before..after, &context).await {
                // A store may finish what it has been given.
                Ok(()) => writer.stage().await.map(|_| ()),
                Err(fault) => {
                    writer.abort().await;
                    Err(fault)
                }
            }
        };
        told(cancelled.await)?;
        drop(store);
        run.all_given_back().await?;
        see(subject, tally(0..40)?, "after a load was cancelled", bench).await?;
        (subject.store)().sweep(None).await?;
        see(subject, tally(0..40)?, "after what it left was swept", bench).await?;
    }
    load(subject, Mode::Replace, 0..43, bench).await?;
    see(subject, tally(0..43)?, "loaded after one was cancelled", bench).await?;
    holds("")
}

fn told(ended: Result<(), Fault>) -> Result<(), Seen> {
    match ended {
        Err(fault) if fault.kind() != FaultKind::Cancelled => Err(fault.into()),
        _ => Ok(()),
    }
}
