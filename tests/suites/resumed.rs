//! Connectors that serve many tables at a time, and go on where they were killed.
//!
//! `HYGGE_KILLS` says how often to kill (20), `HYGGE_SEED` replays a sequence of moments.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use hygge_tests::project::{Project, finish};
use hygge_tests::random::Random;
use hygge_tests::{guest, table};
use serde_json::Value;

fn kills() -> u64 {
    std::env::var("HYGGE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

#[test]
fn one_connector_serves_many_tables_side_by_side() {
    let project = Project::new();
    let names: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let list: String = names.iter().map(|name| format!("  - {name}\n")).collect();
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: generate\n  rows: 5000\n  splits: 3\n  batch_rows: 400\n  columns:\n    \
             id: {{ type: int64, sequence: 0 }}\n    name: {{ type: string, pattern: \"{{row}}\" }}\n\
             store: lake\nentities:\n{list}"
        ),
    );
    project.hygge(&["go"]).ok();
    for name in names {
        let landed = table::read(&project.path(&format!("lake/{name}"))).unwrap();
        let mut ids = table::ints(&landed, "id");
        assert!(ids == table::ints(&landed, "name"), "{name}: values of one row are in another");
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..5000), "{name} has other rows");
    }
}

/// Splits of the guest's slow tables, chunks in each, and rows in each of those.
const SPLITS: u64 = 2;
const CHUNKS: u64 = 40;
const CHUNK: u64 = 100;
const ROWS: u64 = SPLITS * CHUNKS * CHUNK;

/// What the guest's tables are read into, and what is written to it: a Home, a Store, and both.
const FLOWS: [(&str, &str, &str); 3] = [
    ("from", "{ type: hostile }", "lake"),
    (
        "to",
        "{ type: generate, rows: 8000, batch_rows: 100, pause_ms: 2, columns: { id: { type: int64 } } }",
        "{ type: hostile }",
    ),
    // The keys of the Store make it another place than that of the flow above.
    ("through", "{ type: hostile }", "{ type: hostile, behaviour: slow }"),
];
const TABLES: [&str; 2] = ["slow_a", "slow_b"];

fn project() -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: resumed\njournal: { path: journal }\n\
         options: { durability: process, checkpoint: 20ms, concurrency: 6 }\n",
    );
    guest::add_to(&project, "hostile");
    for (name, home, store) in FLOWS {
        let flow = format!("home: {home}\nstore: {store}\nentities: {TABLES:?}\n");
        project.write(&format!("flows/{name}/flow.yml"), flow);
    }
    project
}

/// What a run says of one table of one flow.
struct Told(Vec<Value>);

impl Told {
    fn of(lines: &[Value], flow: &str, table: &str) -> Self {
        let own = lines.iter().filter(|line| line["flow"] == flow && line["entity"] == table);
        Self(own.cloned().collect())
    }

    fn notices(&self) -> impl Iterator<Item = &str> {
        let notices = self.0.iter().filter(|line| line["event"] == "notice");
        notices.filter_map(|line| line["message"].as_str())
    }

    /// Rows that were durable before, and were not to be read again.
    fn went_on_after(&self) -> u64 {
        let number = |text: &str| {
            text.strip_prefix("goes on after ")?.split_once(" rows")?.0.parse::<u64>().ok()
        };
        self.notices().find_map(number).unwrap_or(0)
    }

    /// Rows that a dry run says are durable already.
    fn kept(&self) -> u64 {
        self.0.iter().find_map(|line| line["kept_rows"].as_u64()).unwrap_or(0)
    }

    /// Rows that the guest was asked for, by its own account.
    fn asked_for(&self) -> u64 {
        let begun = |text: &str| {
            let chunk = text.strip_prefix("hostile: reads part-")?.split_once(" after chunk ")?.1;
            chunk.parse::<u64>().ok()
        };
        self.notices().filter_map(begun).map(|chunk| (CHUNKS - chunk) * CHUNK).sum()
    }

    fn landed(&self) -> u64 {
        let finished = self.0.iter().find(|line| line["event"] == "finished").expect("it finishes");
        assert_eq!(finished["status"], "success", "{finished:#}");
        finished["rows"].as_u64().unwrap()
    }
}

fn lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_killed_run_goes_on_from_the_last_state_that_is_on_record() {
    let seed = Random::seed_or(20_261_121);
    println!("HYGGE_SEED={seed}");
    let mut random = Random::new(seed);
    let project = project();
    let go = ["go", "--log-format", "json"];
    let clock = Instant::now();
    let first = lines(&project.hygge(&go).ok().stdout);
    let mut typical = clock.elapsed();
    for table in TABLES {
        assert_eq!(Told::of(&first, "from", table).asked_for(), ROWS, "{first:#?}");
    }

    let (mut killed, mut went_on, mut spared) = (0, 0, 0);
    for round in 0..kills() {
        let mut child = project.start(&go);
        let micros = u64::try_from(typical.as_micros()).unwrap();
        std::thread::sleep(Duration::from_micros(random.below(micros)));
        child.kill().unwrap();
        killed += u64::from(finish(child).code.is_none());
        let dry = ["go", "--dry-run", "--log-format", "json"];
        let planned = lines(&project.hygge(&dry).ok().stdout);

        let clock = Instant::now();
        let said = project.hygge(&go);
        assert_eq!(said.code, Some(0), "HYGGE_SEED={seed}, round {round}:\n{}", said.all());
        typical = (typical * 3 + clock.elapsed()) / 4;
        let lines = lines(&said.stdout);
        for (flow, ..) in FLOWS {
            for table in TABLES {
                let told = Told::of(&lines, flow, table);
                let before = told.went_on_after();
                assert_eq!(Told::of(&planned, flow, table).kept(), before, "{planned:#?}");
                assert_eq!(told.landed(), ROWS, "{flow} {table} in round {round}");
                if flow != "to" {
                    // What was durable is not read again, and everything else is.
                    assert_eq!(before + told.asked_for(), ROWS, "{flow} {table}: {lines:#?}");
                }
                went_on += u64::from(before > 0);
                spared += before;
            }
        }
        for table in TABLES {
            let landed = table::read(&project.path(&format!("lake/{table}"))).unwrap();
            let mut ids = table::ints(&landed, "id");
            ids.sort_unstable();
            assert!(
                ids.into_iter().eq(0..ROWS as i64),
                "HYGGE_SEED={seed}, round {round}: {table}"
            );
        }
        assert_eq!(project.strays(), Vec::<String>::new(), "HYGGE_SEED={seed}, round {round}");
    }
    println!("{killed} kills; {went_on} loads went on, {spared} rows were not moved again");
    assert!(killed < 5 || went_on > 0, "nothing ever went on");
}
