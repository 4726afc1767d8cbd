//! Loads that are killed and go on.

use std::sync::Arc;

use hygge_core::contract::{Manifest, Mode, Store, Writer};
use hygge_core::fault::{Fault, FaultKind};

use super::Subject;
use super::load::{finish, journalled, load, looked, request, see, tally, write};
use crate::bench::Run;
use crate::{Bench, Held, Seen, does_not_apply, holds};

const NONE: &str = "it has no checkpoints";

/// Writes 90 rows, makes them durable, writes more and is killed. `None` where there are no
/// checkpoints.
async fn cut_short(store: &dyn Store, mode: Mode, run: &Run) -> Result<Option<Manifest>, Seen> {
    let context = run.context();
    let mut writer = store.begin(&request(mode), Arc::clone(&context)).await?;
    write(writer.as_mut(), 0..90, &context).await?;
    let checkpoint = at(writer.as_mut(), 90).await?;
    if checkpoint.is_some() {
        // These are lost: whoever goes on reads them again.
        write(writer.as_mut(), 90..200, &context).await?;
    }
    Ok(checkpoint)
}

async fn at(writer: &mut dyn Writer, rows: u64) -> Result<Option<Manifest>, Seen> {
    let Some(checkpoint) = writer.checkpoint().await? else { return Ok(None) };
    if checkpoint.rows != rows {
        let said = checkpoint.rows;
        return Err(Seen(format!("{rows} rows were written, the checkpoint has {said}")));
    }
    journalled(&checkpoint).map(Some)
}

async fn go_on(subject: &Subject, from: &Manifest, run: &Run) -> Result<Box<dyn Writer>, Fault> {
    (subject.store)().resume(&request(from.mode), from, run.context()).await
}

pub(super) async fn goes_on(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 500..510, bench).await?;
    let run = bench.run();
    let Some(from) = cut_short((subject.store)().as_ref(), Mode::Replace, &run).await? else {
        return does_not_apply(NONE);
    };
    run.all_given_back().await?;
    see(subject, tally(500..510)?, "after a load with a checkpoint was killed", bench).await?;
    (subject.store)().sweep(Some(&from)).await?;
    let run = bench.run();
    let mut writer = go_on(subject, &from, &run).await?;
    write(writer.as_mut(), 90..170, &run.context()).await?;
    let staged = writer.stage().await?;
    see(subject, tally(500..510)?, "before the rest was published", bench).await?;
    finish((subject.store)().as_ref(), &staged, 170).await?;
    see(subject, tally(0..170)?, "after the rest was published", bench).await?;
    (subject.store)().sweep(None).await?;
    see(subject, tally(0..170)?, "after that was swept", bench).await?;
    holds(format!("90 rows and 80 more, {}", looked(subject)))
}

pub(super) async fn goes_on_again(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 500..510, bench).await?;
    let run = bench.run();
    let Some(first) = cut_short((subject.store)().as_ref(), Mode::Replace, &run).await? else {
        return does_not_apply(NONE);
    };
    // Killed before there is another checkpoint.
    let run = bench.run();
    let mut writer = go_on(subject, &first, &run).await?;
    write(writer.as_mut(), 90..150, &run.context()).await?;
    drop(writer);
    run.all_given_back().await?;
    (subject.store)().sweep(Some(&first)).await?;
    // Killed after there is another one, which was not journalled: the first must still do.
    let run = bench.run();
    let mut writer = go_on(subject, &first, &run).await?;
    write(writer.as_mut(), 90..160, &run.context()).await?;
    let second = at(writer.as_mut(), 160).await?;
    drop(writer);
    run.all_given_back().await?;
    let run = bench.run();
    let mut writer = go_on(subject, &first, &run).await?;
    write(writer.as_mut(), 90..160, &run.context()).await?;
    let third = at(writer.as_mut(), 160).await?;
    writer.leave().await;
    // And on from that one.
    let last = third.or(second).unwrap_or(first);
    (subject.store)().sweep(Some(&last)).await?;
    let run = bench.run();
    let mut writer = go_on(subject, &last, &run).await?;
    write(writer.as_mut(), last.rows..190, &run.context()).await?;
    let staged = writer.stage().await?;
    finish((subject.store)().as_ref(), &staged, 190).await?;
    see(subject, tally(0..190)?, "after four attempts", bench).await?;
    holds(looked(subject))
}

pub(super) async fn lost(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 500..510, bench).await?;
    let run = bench.run();
    let Some(from) = cut_short((subject.store)().as_ref(), Mode::Replace, &run).await? else {
        return does_not_apply(NONE);
    };
    (subject.store)().sweep(None).await?;
    let run = bench.run();
    match go_on(subject, &from, &run).await {
        Ok(_) => Err("it went on from nothing".into()),
        Err(fault) if fault.kind() == FaultKind::Missing => {
            see(subject, tally(500..510)?, "after it was refused", bench).await?;
            holds(fault.chain())
        }
        Err(fault) => Err(fault.into()),
    }
}
