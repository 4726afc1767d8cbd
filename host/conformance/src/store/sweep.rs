//! Loads that end before they are published.

use std::sync::Arc;

use hygge_core::contract::Mode;
use hygge_core::fault::FaultKind;

use super::Subject;
use super::load::{finish, journalled, load, looked, request, see, stage, tally, write};
use crate::{Bench, Held, Seen, holds};

pub(super) async fn aborted(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..40, bench).await?;
    for rows in [100..100, 100..300] {
        let run = bench.run();
        let context = run.context();
        let store = (subject.store)();
        let mut writer = store.begin(&request(Mode::Replace), Arc::clone(&context)).await?;
        write(writer.as_mut(), rows, &context).await?;
        writer.abort().await;
        run.all_given_back().await?;
        see(subject, tally(0..40)?, "after a load was given up", bench).await?;
    }
    load(subject, Mode::Replace, 0..41, bench).await?;
    see(subject, tally(0..41)?, "loaded after one was given up", bench).await?;
    holds(looked(subject))
}

pub(super) async fn killed(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..40, bench).await?;
    for rows in [100..100, 100..300] {
        let run = bench.run();
        let context = run.context();
        let store = (subject.store)();
        let mut writer = store.begin(&request(Mode::Replace), Arc::clone(&context)).await?;
        write(writer.as_mut(), rows, &context).await?;
        drop(writer);
        run.all_given_back().await?;
        see(subject, tally(0..40)?, "after a load was killed", bench).await?;
        (subject.store)().sweep(None).await?;
        (subject.store)().sweep(None).await?;
        see(subject, tally(0..40)?, "after what it left was swept", bench).await?;
    }
    load(subject, Mode::Replace, 0..42, bench).await?;
    see(subject, tally(0..42)?, "loaded after one was killed", bench).await?;
    holds(looked(subject))
}

pub(super) async fn kept(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..40, bench).await?;
    let run = bench.run();
    let staged = stage((subject.store)().as_ref(), Mode::Replace, 10..90, &run).await?;
    let manifest = journalled(&staged.manifest)?;
    (subject.store)().sweep(Some(&manifest)).await?;
    see(subject, tally(0..40)?, "swept while a load was staged", bench).await?;
    finish((subject.store)().as_ref(), &staged, 80).await?;
    // Published, yet not journalled as such: it must still be possible to publish it again.
    (subject.store)().sweep(Some(&manifest)).await?;
    (subject.store)().publish(&manifest).await?;
    see(subject, tally(10..90)?, "published after a sweep", bench).await?;
    holds(looked(subject))
}

pub(super) async fn away(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..40, bench).await?;
    let run = bench.run();
    let staged = stage((subject.store)().as_ref(), Mode::Replace, 10..90, &run).await?;
    (subject.store)().sweep(None).await?;
    let fault = match (subject.store)().publish(&journalled(&staged.manifest)?).await {
        Err(fault) => fault,
        Ok(published) => {
            return Err(Seen(format!("{} rows were published all the same", published.rows)));
        }
    };
    if fault.kind() == FaultKind::Bug || fault.kind().is_retryable() {
        return Err(fault.into());
    }
    see(subject, tally(0..40)?, "after it was refused", bench).await?;
    holds(fault.chain())
}
