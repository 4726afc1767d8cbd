//! A process that moves rows into files is killed at random moments and begun again: it goes on
//! from its last checkpoint, and all rows are there once.
//!
//! `HYGGE_SEED` replays a sequence of moments.

#![allow(clippy::unwrap_used, clippy::panic)]

mod counter;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use hygge_core::contract::{Kinds, Wanted};
use hygge_core::engine::event::{EntityName, Listener, Silent};
use hygge_core::journal::{Checkpoint, Journal};
use hygge_core::project::load::{Request, load};
use hygge_core::project::problem::Problems;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use counter::CounterKind;

/// Names the project to the process that is killed.
const PROJECT: &str = "HYGGE_KILLED_PROJECT";

/// Runs the project that the environment names. By itself it does nothing: it is the process
/// that the other test begins and kills.
#[test]
#[ignore = "the process that is killed"]
fn the_process() {
    let Some(root) = std::env::var_os(PROJECT) else { return };
    let root = Path::new(&root);
    let kinds = |_: &Wanted<'_>, _: &mut Problems| Kinds {
        homes: vec![Box::new(CounterKind)],
        stores: hygge_files::store::kinds(),
        ..Kinds::default()
    };
    let plan = load(root, &kinds, &Request::default(), &|_| None).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let journal = Journal::open(root, "test", plan.options.durability).unwrap();
    let listener: Arc<dyn Listener> = Arc::new(Silent);
    let running = hygge_core::engine::run(&plan, Arc::new(journal), listener, Default::default());
    let report = runtime.block_on(running).unwrap();
    assert!(!report.failed(), "{report:?}");
}

fn begin(root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_process", "--nocapture"])
        .env(PROJECT, root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the source is opened, and says at which row.
fn opened(said: &mut impl BufRead) -> Option<i64> {
    let mut lines = said.lines().map_while(Result::ok);
    lines.find_map(|line| line.strip_prefix("opened at ")?.parse().ok())
}

fn checkpoint(root: &Path) -> Option<Checkpoint> {
    let name = EntityName { flow: "f".into(), entity: "numbers".into() };
    Journal::read_only(root).unwrap().checkpoint_of(&name)
}

fn is_staged(root: &Path) -> bool {
    !Journal::read_only(root).unwrap().pending().unwrap().is_empty()
}

/// The ids at the destination, in order.
fn landed(root: &Path) -> Vec<i64> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(root.join("lake/numbers")).unwrap() {
        let file = fs::File::open(entry.unwrap().path()).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            ids.extend(batch.unwrap().column(0).as_primitive::<Int64Type>().values());
        }
    }
    ids.sort_unstable();
    ids
}

/// Begins the process and kills it until it comes to its end. Says how often it went on.
fn kill_until_done(root: &Path, random: &mut impl FnMut(u64) -> u64) -> u64 {
    let mut went_on = 0;
    loop {
        let (before, staged) = (checkpoint(root), is_staged(root));
        let mut process = begin(root);
        // Kept open: a process may say more before it ends.
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let at = opened(&mut said);
        if let (Some(at), false) = (at, staged) {
            let expected = before.as_ref().map_or(0, |kept| kept.reader["next"].as_i64().unwrap());
            assert_eq!(at, expected, "it goes on from the last checkpoint");
            went_on += u64::from(before.is_some());
        }
        std::thread::sleep(Duration::from_millis(random(100)));
        match process.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success());
                return went_on;
            }
            // A process that is just ending cannot be killed any more, and need not be.
            None => process.kill().unwrap(),
        }
        if process.wait().unwrap().success() {
            return went_on;
        }
    }
}

#[test]
fn killed_at_random_moments_it_goes_on_from_its_last_checkpoint() {
    let seed = std::env::var("HYGGE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    println!("HYGGE_SEED={seed}");
    let mut state = seed;
    let mut random = |bound: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let flows = [
        "home: {type: counter, count: count}\nstore: lake\nentities: [numbers]\n",
        "home: {type: counter, count: count}\nstore: lake\nentities: [numbers]\n\
         run_type: incremental\nwatermark: {primary_key: id, watermark_column: changed}\n",
    ];
    let mut went_on = 0;
    for flow in flows {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("flows/f")).unwrap();
        let options = "options: {durability: process, checkpoint: 5ms}\n";
        fs::write(root.join("hygge.yml"), options).unwrap();
        fs::write(root.join("flows/f/flow.yml"), flow).unwrap();
        // The source grows between loads, by less than a whole number of ties.
        for count in [30_001, 55_003] {
            fs::write(root.join("count"), count.to_string()).unwrap();
            went_on += kill_until_done(root, &mut random);
            assert!(landed(root).into_iter().eq(0..count), "of {count} rows");
            assert_eq!(checkpoint(root), None);
            assert!(!root.join("lake/.hygge_staging").exists(), "staging is left behind");
        }
    }
    assert!(went_on > 4, "killed too seldom: {went_on}");
}
