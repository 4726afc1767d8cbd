//! When a load goes on, when it begins anew, and what is kept of one that failed.

use std::sync::Arc;

use super::world::World;
use crate::contract::Mode;
use crate::engine::event::{Outcome, RunReport};
use crate::fault::{Fault, FaultKind};

/// A load of 30 rows whose source fails at row 20.
fn interrupted(fault: Fault) -> (Arc<World>, RunReport) {
    let world = World::new(Mode::Replace, 30);
    world.outside().faults.push((20, fault));
    let report = world.run();
    (world, report)
}

/// One that a signal ended, with 20 rows durable.
fn cancelled() -> Arc<World> {
    let world = World::new(Mode::Replace, 30);
    *world.cancel_at.lock().unwrap() = Some(20);
    assert!(world.run().cancelled);
    assert!(world.checkpoint().is_some());
    world.outside().opened_at.clear();
    world
}

#[track_caller]
fn fault(report: &RunReport) -> &Fault {
    match &report.entities[0].outcome {
        Outcome::Failed(fault) => fault,
        other => panic!("{other:?}"),
    }
}

fn heard(world: &World, what: &str) -> bool {
    world.outside().heard.iter().any(|message| message.contains(what))
}

fn all() -> Vec<i64> {
    (0..30).collect()
}

#[test]
fn a_retry_goes_on_where_the_last_attempt_was() {
    let (world, report) = interrupted(Fault::new(FaultKind::Transient, "for a moment"));
    assert!(!report.failed());
    assert_eq!(report.entities[0].rows, 30);
    assert_eq!(world.outside().opened_at[0], 0);
    assert!(world.outside().opened_at[1] >= 10, "{:?}", world.outside().opened_at);
    assert!(heard(&world, "rows that the last attempt made durable"));
    assert_eq!(world.visible(), all());
}

#[test]
fn a_run_that_was_cancelled_goes_on() {
    let world = cancelled();
    let durable = world.checkpoint().unwrap().rows;
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at, [durable as i64]);
    assert!(heard(&world, &format!("goes on after {durable} rows that an interrupted run")));
    assert_eq!(world.visible(), all());
    assert_eq!(world.successes().0, [30]);
}

#[test]
fn the_message_of_a_failure_says_what_is_durable() {
    let (world, report) = interrupted(Fault::data("a row cannot be read"));
    let durable = world.checkpoint().unwrap().rows;
    let help = fault(&report).help().unwrap();
    assert!(help.contains(&format!("{durable} rows are durable")), "{help}");
}

#[test]
fn what_the_user_mends_is_gone_on_with_once() {
    let (world, _) = interrupted(Fault::data("a row cannot be read"));
    let durable = world.checkpoint().unwrap().rows as i64;
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at, [0, durable]);

    // Not mended: the checkpoint itself may be what is wrong.
    let (world, _) = interrupted(Fault::data("a row cannot be read"));
    let durable = world.checkpoint().unwrap().rows as i64;
    world.outside().faults.push((durable, Fault::data("still")));
    assert!(world.run().failed());
    assert_eq!(world.checkpoint(), None);
    assert!(world.outside().staging.is_empty());
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at, [0, durable, 0]);
    assert_eq!(world.visible(), all());
}

#[test]
fn a_mistake_of_the_program_leaves_nothing_to_go_on_from() {
    let (world, _) = interrupted(Fault::bug("impossible"));
    assert_eq!(world.checkpoint(), None);
    assert!(world.outside().staging.is_empty());
}

#[test]
fn a_passing_fault_on_going_on_keeps_the_checkpoint() {
    let world = cancelled();
    let before = world.checkpoint();
    for kind in [FaultKind::Auth, FaultKind::Resource] {
        world.outside().home_refuses = Some(Fault::new(kind, "not now"));
        assert_eq!(fault(&world.run()).kind(), kind);
        assert_eq!(world.checkpoint(), before);
    }
    // Nothing is known of the checkpoint while the source is away, however it is asked.
    world.outside().home_is_away = true;
    assert_eq!(fault(&world.run()).kind(), FaultKind::Missing);
    assert_eq!(world.checkpoint(), before);
    world.outside().home_is_away = false;
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at, [before.unwrap().rows as i64]);
    assert_eq!(world.visible(), all());
}

#[test]
fn who_refuses_to_go_on_is_asked_for_everything() {
    let world = cancelled();
    world.outside().home_refuses = Some(Fault::missing("the cursor expired"));
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at, [0]);
    assert!(heard(&world, "it cannot go on: the cursor expired; it begins anew"));
    assert_eq!(world.visible(), all());
    assert_eq!(world.checkpoint(), None);

    let world = cancelled();
    world.outside().staging.clear();
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at.last(), Some(&0));
    assert!(heard(&world, "what was staged is gone"));
    assert_eq!(world.visible(), all());
}

#[test]
fn another_configuration_or_other_columns_begin_anew() {
    let world = cancelled();
    world.configure("another");
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at, [0]);
    assert!(heard(&world, "it is not what is asked for now"));
    assert!(world.outside().staging.is_empty());
    assert_eq!(world.visible(), all());

    let world = World::new(Mode::Replace, 30);
    world.outside().column = "one";
    *world.cancel_at.lock().unwrap() = Some(20);
    world.run();
    world.outside().column = "other";
    assert!(!world.run().failed());
    assert_eq!(world.outside().opened_at.last(), Some(&0));
    assert!(heard(&world, "the columns of the source changed meanwhile"));
    assert_eq!(world.visible(), all());
}

#[test]
fn rows_that_do_not_add_up_are_never_gone_on_from() {
    let world = World::new(Mode::Replace, 30);
    world.outside().loses = 1;
    let report = world.run();
    assert!(fault(&report).to_string().contains("rows were read but"), "{report:?}");
    assert_eq!(world.checkpoint(), None);
    assert_eq!(world.visible(), [0; 0]);
}

#[test]
fn what_cannot_be_swept_does_not_hide_why_an_attempt_failed() {
    let world = World::new(Mode::Replace, 30);
    world.outside().faults.push((20, Fault::data("a row cannot be read")));
    world.outside().sweep_fails = Some(Fault::new(FaultKind::Auth, "no permission"));
    let report = world.run();
    assert_eq!(fault(&report).to_string(), "a row cannot be read");
    assert!(heard(&world, "could not tidy up after a failed attempt: no permission"));
}
