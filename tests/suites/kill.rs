//! Killed at any moment, nothing is lost, nothing lands twice, and no reader ever sees a part.
//!
//! `HYGGE_KILLS` says how often to kill (200), `HYGGE_SEED` replays a sequence of moments.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hygge_tests::project::{Project, finish};
use hygge_tests::random::Random;
use hygge_tests::table;

fn kills() -> u64 {
    std::env::var("HYGGE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(200)
}

/// Rows of the replaced tables at a version: the count tells versions apart as well.
fn rows_of(version: i64) -> i64 {
    20_000 + version % 7 * 1_000
}

/// Rows that the growing source has by a version.
fn grown(version: i64) -> i64 {
    version * 900
}

/// Puts the sources of a version in place.
fn write_sources(project: &Project, version: i64) {
    for name in ["whole", "many_files"] {
        let path = project.path(&format!("source/{name}/data.parquet"));
        table::write(&path, &table::rows(0..rows_of(version), version, 1));
    }
    // 40 rows share each value of the watermark, and 900 is no multiple of 40: rows arrive late
    // with a value that was loaded before.
    let from = grown(version - 1);
    let path = project.path(&format!("source/grows/{version:05}.parquet"));
    table::write(&path, &table::rows(from..grown(version), 0, 40));
}

fn project() -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: kill\njournal:\n  path: journal\noptions:\n  durability: process\n",
    );
    project.write(
        "flows/f/flow.yml",
        "home: source\nstore: lake\nentities:\n  - name: whole\n  - name: many_files\n    \
         batch_size: 3000\n  - name: grows\n    run_type: incremental\n    batch_size: 350\n    \
         watermark:\n      primary_key: id\n      watermark_column: updated_at\n",
    );
    project
}

/// Which version of a replaced table is in a folder; panics if it is a part or a mixture.
fn version_in(folder: &Path) -> Option<i64> {
    let landed = table::read(folder)?;
    let versions: BTreeSet<i64> = table::ints(&landed, "version").into_iter().collect();
    assert_eq!(versions.len(), 1, "a mixture of versions: {versions:?}");
    let version = *versions.first().unwrap();
    assert_eq!(landed.num_rows() as i64, rows_of(version), "a part of version {version}");
    Some(version)
}

/// How many rows the growing table has; panics unless they are the first so many, once each.
fn grown_in(folder: &Path) -> i64 {
    let Some(landed) = table::read(folder) else { return 0 };
    let mut ids = table::ints(&landed, "id");
    let count = ids.len() as i64;
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..count), "rows are missing or landed twice");
    count
}

/// A folder as one moment had it: through a handle, so that an exchange of the folder cannot mix
/// two tables. `None` when files vanished while they were read, as an old table's may.
fn snapshot<T>(folder: &Path, read: impl FnOnce(&Path) -> T + std::panic::UnwindSafe) -> Option<T> {
    let handle = std::fs::File::open(folder).ok()?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
    let before = table::files(&path).len();
    let seen = std::panic::catch_unwind(|| read(&path));
    let after = table::files(&path).len();
    match seen {
        Ok(seen) => (before == after).then_some(seen),
        // Its files went away meanwhile: it was the old table, already replaced.
        Err(_) if after < before => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[test]
fn at_200_moments() {
    let seed = Random::seed_or(20_261_121);
    println!("HYGGE_SEED={seed}");
    let mut random = Random::new(seed);
    let project = project();
    let lake = |name: &str| project.path(&format!("lake/{name}"));

    let watching = Arc::new(AtomicBool::new(true));
    let looks = Arc::new(AtomicU64::new(0));
    let watcher = {
        let (watching, looks) = (Arc::clone(&watching), Arc::clone(&looks));
        let folders = [lake("whole"), lake("many_files"), lake("grows")];
        std::thread::spawn(move || {
            // Expected panics of `snapshot` are not to fill the output.
            while watching.load(Ordering::Relaxed) {
                for folder in &folders[..2] {
                    let folder = folder.clone();
                    snapshot(&folder, version_in);
                }
                snapshot(&folders[2], |path| {
                    let rows = grown_in(path);
                    assert_eq!(rows % 900, 0, "a part of an increment: {rows} rows");
                });
                looks.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        })
    };

    // How long a run takes here, to spread the moments over all of it.
    let mut version = 1;
    write_sources(&project, version);
    let clock = Instant::now();
    project.hygge(&["go"]).ok();
    let mut typical = clock.elapsed();

    let (mut killed, mut finished, mut after_staging) = (0, 0, 0);
    while killed < kills() {
        version += 1;
        write_sources(&project, version);
        let before = (version_in(&lake("whole")), grown_in(&lake("grows")));

        let mut child = project.start(&["go", "--log-format", "json"]);
        if random.below(2) == 0 {
            // Any moment.
            let micros = typical.as_micros() as u64 * 11 / 10;
            std::thread::sleep(Duration::from_micros(random.below(micros)));
        } else {
            // A moment at which something is staged: the crash that matters most.
            let which = random.below(3);
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let staged = (&mut lines)
                .map_while(Result::ok)
                .filter(|line| line.contains("\"event\":\"staged\""))
                .nth(which as usize);
            after_staging += u64::from(staged.is_some());
            std::thread::sleep(Duration::from_micros(random.below(4_000)));
        }
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        if ended.code().is_some() {
            finished += 1;
        } else {
            killed += 1;
        }

        // Old or new, whole.
        for name in ["whole", "many_files"] {
            let seen = version_in(&lake(name)).unwrap();
            assert!(
                seen == version || Some(seen) >= before.0.map(|v| v.min(version - 1)),
                "{seen}"
            );
        }
        let rows = grown_in(&lake("grows"));
        assert!(rows == before.1 || rows == grown(version), "{rows} rows of {before:?}");

        // The second run gives exactly the rows of one clean run, and tidies up.
        let clock = Instant::now();
        let said = finish(project.start(&["go"]));
        assert_eq!(said.code, Some(0), "HYGGE_SEED={seed}, kill {killed}:\n{}", said.all());
        typical = (typical * 3 + clock.elapsed()) / 4;
        for name in ["whole", "many_files"] {
            assert_eq!(version_in(&lake(name)), Some(version));
        }
        assert_eq!(grown_in(&lake("grows")), grown(version));
        assert_eq!(project.strays(), Vec::<String>::new(), "HYGGE_SEED={seed}, kill {killed}");
    }
    watching.store(false, Ordering::Relaxed);
    watcher.join().expect("the watching reader never saw a part");
    println!(
        "{killed} kills, {after_staging} of them after staging, {finished} runs were quicker; a \
         reader looked {} times meanwhile",
        looks.load(Ordering::Relaxed)
    );

    // The journal tells the same story, to any reader.
    let rows = hygge_tests::independent::script(
        r#"
import sys, pyarrow.parquet as pq
rows = [r for r in pq.read_table(sys.argv[1]).to_pylist() if r["entity"] == "grows" and r["status"] == "success"]
ids = [r["entity_run_id"] for r in rows]
assert len(ids) == len(set(ids)), "a run is in the journal twice"
print(sum(r["row_count"] for r in rows))
"#,
        &[&project.path("journal/journal.parquet").display().to_string()],
    );
    assert_eq!(rows, grown(version).to_string());
}
