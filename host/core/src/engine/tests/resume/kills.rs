//! Killed between any two steps and run again, a load has exactly the rows of a clean one.

use std::sync::Arc;

use super::world::World;
use crate::contract::Mode;

const ROWS: i64 = 33;

/// A source that has grown since its first rows landed, for loads that append.
fn world(mode: Mode) -> Arc<World> {
    let world = World::new(mode, 14);
    if mode == Mode::Append {
        assert!(!world.run().failed());
    }
    world.outside().rows = ROWS;
    world
}

fn assert_as_clean(world: &Arc<World>, when: &str) {
    let clean = self::world(world.mode);
    assert!(!clean.run().failed());
    assert_eq!(world.visible(), clean.visible(), "{when}");
    assert_eq!(world.visible(), (0..ROWS).collect::<Vec<_>>(), "{when}");
    let ((rows, last), (clean_rows, clean_last)) = (world.successes(), clean.successes());
    assert_eq!(rows, clean_rows, "{when}");
    // Ties at the last watermark are told apart by what was seen before the kill, too.
    let (last, clean_last) = (last.unwrap(), clean_last.unwrap());
    assert_eq!(last.watermark, clean_last.watermark, "{when}");
    assert_eq!(last.boundary, clean_last.boundary, "{when}");
    assert!(world.outside().staging.is_empty(), "{when}");
    assert_eq!(world.checkpoint(), None, "{when}");
}

/// Runs to the end, and sees that this goes on from the last checkpoint.
fn goes_on(world: &Arc<World>, when: &str) {
    let (checkpoint, staged) = (world.checkpoint(), world.is_staged());
    let success = world.successes().0.len();
    world.outside().opened_at.clear();
    let report = world.run();
    assert!(!report.failed(), "{when}: {report:?}");
    // What was staged is published first, and what was recorded is done: then a run begins anew.
    if let Some(checkpoint) = checkpoint {
        assert!(!staged, "{when}");
        let next = checkpoint.reader["next"].as_i64().unwrap();
        assert_eq!(world.outside().opened_at, [next], "{when}");
        assert_eq!(world.successes().0.len(), success + 1, "{when}");
        if world.mode == Mode::Replace {
            assert_eq!(report.entities[0].rows, ROWS as u64, "{when}");
        }
    }
}

#[test]
fn a_kill_between_any_two_steps_costs_no_row_and_doubles_none() {
    for mode in [Mode::Replace, Mode::Append] {
        let mut went_on = 0;
        for steps in 0.. {
            let world = world(mode);
            let when = format!("{mode:?}, killed after {steps} steps");
            if world.process(Some(steps)).is_some() {
                assert!(went_on > 15, "{went_on} of {steps} kills left a checkpoint");
                break;
            }
            let already = world.successes().0.len();
            let resumable = world.checkpoint().is_some();
            went_on += u64::from(resumable);
            let staged = world.is_staged();
            goes_on(&world, &when);
            // A load that had landed before its process died is not the one that follows.
            let loads = world.successes().0.len() - already;
            assert_eq!(loads, 1 + usize::from(staged), "{when}");
            if loads == 1 && already == usize::from(mode == Mode::Append) {
                assert_as_clean(&world, &when);
            }
            assert_eq!(world.visible(), (0..ROWS).collect::<Vec<_>>(), "{when}");
        }
    }
}

#[test]
fn a_load_that_is_killed_again_and_again_comes_to_its_end() {
    for mode in [Mode::Replace, Mode::Append] {
        for steps in 14..20 {
            let world = world(mode);
            let when = format!("{mode:?}, killed after {steps} steps each time");
            let mut kills = 0;
            let mut last = (0, 0);
            while world.process(Some(steps)).is_none() {
                kills += 1;
                assert!(kills < 100, "{when}: no progress");
                let load = world.successes().0.len();
                let rows = world.checkpoint().map_or(0, |checkpoint| checkpoint.rows);
                assert!((load, rows) >= last || world.is_staged(), "{when}: it went back");
                last = last.max((load, rows));
            }
            assert!(kills > 1, "{when}");
            assert_eq!(world.visible(), (0..ROWS).collect::<Vec<_>>(), "{when}");
        }
    }
}
