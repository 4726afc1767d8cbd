//! Runs that are killed in the middle go on with the next page.

use std::time::{Duration, Instant};

use hygge_tests::project::finish;
use hygge_tests::random::Random;

use super::*;

#[test]
fn a_killed_run_goes_on_and_every_table_is_whole() {
    let kills =
        std::env::var("HYGGE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20);
    let seed = Random::seed_or(20_261_121);
    println!("HYGGE_SEED={seed}");
    let mut random = Random::new(seed);
    let api = Api::start();
    // Slow enough for a kill to meet every stage.
    let project = project(&api, "", 2000, 25);
    let clock = Instant::now();
    project.hygge(&["go"]).ok();
    let mut typical = clock.elapsed();
    let (mut killed, mut went_on) = (0, 0);
    for round in 0..kills {
        let mut child = project.start(&["go"]);
        let micros = u64::try_from(typical.as_micros()).unwrap();
        std::thread::sleep(Duration::from_micros(random.below(micros)));
        child.kill().unwrap();
        killed += u64::from(finish(child).code.is_none());
        let clock = Instant::now();
        let said = project.hygge(&["go", "--verbose"]);
        assert_eq!(said.code, Some(0), "HYGGE_SEED={seed}, round {round}:\n{}", said.all());
        typical = (typical * 3 + clock.elapsed()) / 4;
        went_on += said.all().matches("goes on after ").count();
        assert_equal(&project, &api, 2000);
        assert_eq!(project.strays(), Vec::<String>::new(), "HYGGE_SEED={seed}, round {round}");
    }
    println!("{killed} kills; {went_on} loads went on");
    assert!(killed < 5 || went_on > 0, "nothing ever went on");
}

#[test]
fn what_was_sent_before_a_kill_is_not_taken_twice() {
    let seed = Random::seed_or(7);
    println!("HYGGE_SEED={seed}");
    let mut random = Random::new(seed);
    let mut typical = Duration::from_millis(400);
    let mut killed = 0;
    for round in 0..12 {
        let api = Api::start();
        let project = super::sink::project(&api, 3000);
        let mut child = project.start(&["go"]);
        let micros = u64::try_from(typical.as_micros()).unwrap();
        std::thread::sleep(Duration::from_micros(random.below(micros)));
        child.kill().unwrap();
        let ended = finish(child).code.is_some();
        if ended || project.hygge(&["runs"]).stdout.contains("success") {
            // It was done before: the next run is another load, whose rows are rows again.
            continue;
        }
        killed += 1;
        let clock = Instant::now();
        let said = project.hygge(&["go"]);
        assert_eq!(said.code, Some(0), "HYGGE_SEED={seed}, round {round}:\n{}", said.all());
        typical = (typical * 3 + clock.elapsed()) / 4;
        let ids: Vec<i64> =
            api.taken("orders").iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert!(ids.into_iter().eq(0..3000), "HYGGE_SEED={seed}, round {round}");
    }
    assert!(killed > 0, "every run was done before it was killed");
}
