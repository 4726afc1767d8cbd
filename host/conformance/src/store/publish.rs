//! Loads that go well.

use hygge_core::contract::{Mode, StorePlanRequest};
use hygge_core::fault::FaultKind;

use super::Subject;
use super::load::{finish, journalled, load, looked, see, stage, tally};
use crate::{Bench, Held, Seen, Tally, does_not_apply, holds, sample_schema};

pub(super) async fn check(subject: &Subject) -> Held {
    let finding = (subject.store)().check().await?;
    match finding.fault {
        Some(fault) => Err(Seen(format!("{}: {}", finding.subject, fault.chain()))),
        None => holds(finding.note),
    }
}

pub(super) async fn all_at_once(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..100, bench).await?;
    see(subject, tally(0..100)?, "after the first load", bench).await?;
    let store = (subject.store)();
    let run = bench.run();
    let staged = stage(store.as_ref(), Mode::Replace, 200..434, &run).await?;
    see(subject, tally(0..100)?, "while a load was staged", bench).await?;
    finish(store.as_ref(), &staged, 234).await?;
    see(subject, tally(200..434)?, "after it was published", bench).await?;
    run.all_given_back().await?;
    holds(format!("234 rows, {}", looked(subject)))
}

pub(super) async fn again(subject: &Subject, bench: &Bench) -> Held {
    (subject.store)().sweep(None).await?;
    let run = bench.run();
    let staged = stage((subject.store)().as_ref(), Mode::Replace, 0..120, &run).await?;
    let manifest = journalled(&staged.manifest)?;
    let first = (subject.store)().publish(&manifest).await?;
    let second = (subject.store)().publish(&manifest).await?;
    let answer = |published: &hygge_core::contract::Published| {
        (published.rows, published.bytes, published.parts)
    };
    if answer(&first) != answer(&second) {
        return Err(Seen(format!("the first answer was {first:?}, the second {second:?}")));
    }
    if first.rows != 120 {
        return Err(Seen(format!("120 rows were staged, {} published", first.rows)));
    }
    see(subject, tally(0..120)?, "published twice", bench).await?;
    (subject.store)().sweep(None).await?;
    see(subject, tally(0..120)?, "published twice and swept", bench).await?;
    holds(looked(subject))
}

pub(super) async fn replace(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..150, bench).await?;
    load(subject, Mode::Replace, 70..71, bench).await?;
    see(subject, tally(70..71)?, "replaced by one row", bench).await?;
    load(subject, Mode::Replace, 0..0, bench).await?;
    see(subject, Tally::default(), "replaced by none", bench).await?;
    holds(looked(subject))
}

pub(super) async fn append(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..80, bench).await?;
    let store = (subject.store)();
    let run = bench.run();
    let staged = match stage(store.as_ref(), Mode::Append, 80..140, &run).await {
        Ok(staged) => staged,
        Err(fault) if fault.kind() == FaultKind::Config => return does_not_apply(fault.chain()),
        Err(fault) => return Err(fault.into()),
    };
    see(subject, tally(0..80)?, "while rows to add were staged", bench).await?;
    finish(store.as_ref(), &staged, 60).await?;
    // Rows must not be added twice by one who does not know how far it came.
    (subject.store)().publish(&journalled(&staged.manifest)?).await?;
    see(subject, tally(0..140)?, "after rows were added", bench).await?;
    store.sweep(None).await?;
    load(subject, Mode::Append, 140..141, bench).await?;
    see(subject, tally(0..141)?, "after one more was added", bench).await?;
    load(subject, Mode::Replace, 5..10, bench).await?;
    see(subject, tally(5..10)?, "replaced after rows were added", bench).await?;
    holds(looked(subject))
}

pub(super) async fn plan(subject: &Subject, bench: &Bench) -> Held {
    load(subject, Mode::Replace, 0..30, bench).await?;
    let store = (subject.store)();
    for mode in [Mode::Replace, Mode::Append] {
        for schema in [None, Some(sample_schema())] {
            match store.plan(&StorePlanRequest { schema, mode }).await {
                Ok(plan) if plan.rows.is_some_and(|rows| rows != 30) => {
                    return Err(Seen(format!("of 30 rows the plan sees {:?}", plan.rows)));
                }
                Ok(_) => {}
                Err(fault) if mode == Mode::Append && fault.kind() == FaultKind::Config => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }
    see(subject, tally(0..30)?, "after planning", bench).await?;
    holds("")
}
