//! Time read in windows, and endpoints read for each of some values.
//!
//! Ten rows of the API share a second, from 2026-01-01T00:00:00Z on: every border of a window has
//! rows.

use std::time::{Duration, Instant};

use hygge_tests::project::finish;
use hygge_tests::random::Random;
use hygge_tests::table;

use super::*;

/// A project with one flow of a table `rows`.
fn project(api: &Api, keys: &str, more: &str) -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: rest\njournal: { path: journal }\n\
         options: { durability: process, checkpoint: 20ms, retry_wait: 10ms }\n",
    );
    write(&project, api, keys, more);
    project
}

fn write(project: &Project, api: &Api, keys: &str, more: &str) {
    let url = api.url();
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: rest\n  base_url: {url}\n{keys}store: lake\nentities: [rows]\n{more}\
             connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
        ),
    );
}

/// Keys that read so many rows in windows of a minute.
fn windows(rows: u64, until: &str, latency: u64) -> String {
    format!(
        "  path: /page_number/rows\n  records: data\n  paginate: page_number\n  times: true\n  \
         params: {{ rows: {rows}, latency: {latency} }}\n  incremental:\n    param: since\n    \
         until: {until}\n    start: 2026-01-01\n    end: 2026-01-01T00:10:00Z\n    step: 1m\n"
    )
}

const INCREMENTAL: &str =
    "run_type: incremental\nwatermark: { primary_key: id, watermark_column: updated_at }\n";

fn ids(project: &Project) -> Vec<i64> {
    let mut ids = table::ints(&table::read(&project.path("lake/rows")).unwrap(), "id");
    ids.sort_unstable();
    ids
}

/// The windows that were asked for: where each begins.
fn begun(api: &Api) -> Vec<String> {
    let first_pages = api.asked().into_iter().filter(|asked| asked.contains("page=1"));
    let since = first_pages.filter_map(|asked| {
        let since = asked.split('&').find_map(|pair| pair.strip_prefix("since="))?;
        Some(since.replace("%3A", ":"))
    });
    let mut since: Vec<String> = since.collect();
    since.sort_unstable();
    since.dedup();
    since
}

#[test]
fn every_row_comes_once_whether_the_server_includes_the_end_or_not() {
    for until in ["{ param: until }", "{ param: through, inclusive: true }"] {
        let api = Api::start();
        let project = project(&api, &windows(4321, until, 0), INCREMENTAL);
        project.hygge(&["go"]).ok();
        assert!(ids(&project).into_iter().eq(0..4321), "{until}");
        let minutes: Vec<String> =
            (0..10).map(|minute| format!("2026-01-01T00:0{minute}:00Z")).collect();
        assert_eq!(begun(&api), minutes);

        // Row 4320 is of 00:07:12: windows begin there now.
        api.forget();
        write(&project, &api, &windows(5555, until, 0), INCREMENTAL);
        project.hygge(&["go"]).ok();
        assert!(ids(&project).into_iter().eq(0..5555), "{until}");
        let since = [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:07:12Z",
            "2026-01-01T00:08:12Z",
            "2026-01-01T00:09:12Z",
        ];
        let asked = begun(&api);
        assert!(since.iter().all(|since| asked.contains(&(*since).to_owned())), "{asked:?}");
        // The sample has enough within the first two minutes.
        assert!(asked.len() <= 5, "{asked:?}");
    }
}

#[test]
fn a_killed_run_goes_on_within_its_windows() {
    let kills = std::env::var("HYGGE_KILLS").ok().and_then(|kills| kills.parse().ok());
    let seed = Random::seed_or(20_261_122);
    println!("HYGGE_SEED={seed}");
    let mut random = Random::new(seed);
    let api = Api::start();
    let keys = windows(5000, "{ param: through, inclusive: true }", 10);
    let project = project(&api, &keys, "");
    let clock = Instant::now();
    project.hygge(&["go"]).ok();
    let mut typical = clock.elapsed();
    let (mut killed, mut went_on) = (0, 0);
    for round in 0..kills.unwrap_or(12) {
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
        assert!(ids(&project).into_iter().eq(0..5000), "HYGGE_SEED={seed}, round {round}");
        assert_eq!(project.strays(), Vec::<String>::new(), "HYGGE_SEED={seed}, round {round}");
    }
    println!("{killed} kills; {went_on} loads went on");
    assert!(killed < 5 || went_on > 0, "nothing ever went on");
}

#[test]
fn a_run_that_goes_on_ends_where_it_would_have_ended() {
    let api = Api::start();
    let keys = "  path: /page_number/rows\n  records: data\n  paginate: page_number\n  \
                params: { rows: 3000, latency: 40 }\n  schema: { id: int64 }\n  \
                incremental: { param: since, until: { param: until }, start: 2026-01-01 }\n";
    for _ in 0..10 {
        let project = project(&api, keys, "");
        api.forget();
        let mut child = project.start(&["go"]);
        while api.asked().len() < 20 {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        finish(child);
        // Until another second has come, which would be asked for.
        std::thread::sleep(Duration::from_millis(1100));
        let said = project.hygge(&["go", "--verbose"]).ok();
        assert!(ids(&project).into_iter().eq(0..3000));
        if said.all().contains("goes on after ") {
            let until = |asked: String| Some(asked.split_once("until=")?.1.to_owned());
            let mut until: Vec<String> = api
                .asked()
                .into_iter()
                .filter_map(until)
                .filter_map(|until| Some(until.split('&').next()?.to_owned()))
                .collect();
            until.sort_unstable();
            until.dedup();
            assert_eq!(until.len(), 1, "{until:?}");
            return;
        }
    }
    panic!("no run ever went on");
}

#[test]
fn children_of_the_parents_of_every_value_come() {
    let api = Api::start();
    let keys = "  path: /parents/{id}/children\n  \
                each:\n    count: { values: [3, 45], as: of }\n    size: [7]\n  \
                parent:\n    path: /parents\n    params: { rows: \"{count}\", size: \"{size}\" }\n    \
                bind: { id: $.id }\n    include: { parent: $.id }\n";
    let project = project(&api, keys, "");
    project.hygge(&["go"]).ok();
    script(
        r#"
import sys, duckdb
rows = duckdb.sql(f"select child, text, parent, \"of\" from read_parquet('{sys.argv[1]}/lake/rows/*.parquet')")
wanted = [(p * 100 + n, f"{p}/{n}", p, of) for of in [3, 45] for p in range(min(of, 7)) for n in range(p % 4 + 1)]
assert sorted(rows.fetchall()) == sorted(wanted), rows
"#,
        &[&project.root().display().to_string()],
    );
}

#[test]
fn more_pages_than_are_read_are_told_of_once() {
    let api = Api::start();
    let told = |keys: &str| {
        let project = project(&api, keys, "");
        let said = project.hygge(&["go"]).ok();
        let all = said.all();
        let summary = all.split_once("\nWarnings\n").map_or("", |(_, summary)| summary);
        (summary.matches("that there are more pages").count(), said)
    };
    let (count, said) = told("  path: /next_url/rows\n  records: data\n");
    assert_eq!(count, 1, "{}", said.all());
    said.says(&["at `$.next`", "`paginate: {type: next_url, path: $.next}`", "`paginate: none`"]);
    let (count, said) = told("  path: /link_header/rows\n");
    assert_eq!(count, 1, "{}", said.all());
    said.says(&["`paginate: link_header`"]);
    // In many splits, each of an instance of its own.
    let values = "  path: /cursor/rows\n  records: data\n  params: { rows: \"{rows}\" }\n  \
                  each: { rows: [200, 300, 400, 500] }\n";
    let (count, said) = told(values);
    assert_eq!(count, 1, "{}", said.all());
    said.says(&["`paginate: {type: cursor, param: page, path: $.meta.next}`"]);

    for silent in [
        "  path: /next_url/rows\n  records: data\n  paginate: none\n",
        "  path: /link_header/rows\n  paginate: { type: none }\n",
        "  path: /link_header/rows\n  params: { rows: 70 }\n",
        "  path: /cursor/rows\n  records: data\n  params: { rows: 70 }\n",
        "  path: /list/rows\n",
    ] {
        assert_eq!(told(silent).0, 0, "{silent}");
    }
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let api = Api::start();
    let project = project(&api, "", "");
    let flow = |keys: &str| {
        write(&project, &api, keys, "");
        project.hygge(&["go"])
    };
    flow("  incremental: { param: since, until: { param: until } }\n")
        .fails_with(&["`incremental.start` is missing"]);
    flow("  incremental: { param: since, start: 2026-01-01, step: 1d }\n")
        .fails_with(&["nothing says where one ends", "`until: {param: NAME}`"]);
    flow("  incremental: { param: since, start: 2026-01-01, step: soon, until: { param: to } }\n")
        .fails_with(&["`incremental.step: soon` is no span"]);
    flow("  path: /list/{part}\n  each: { part: [] }\n")
        .fails_with(&["`each.part` is an empty list"]);
    flow("  path: /list/rows\n  each: { part: [1] }\n").fails_with(&["nothing uses `each.part`"]);
    // These are told with their place.
    flow("  incremental: { param: since, until: { parm: to } }\n")
        .fails_with(&["flow.yml:4", "did you mean `param`?"]);
    flow("  each: { part: 7 }\n").fails_with(&["flow.yml:4", "part"]);
    assert_eq!(api.asked(), Vec::<String>::new());
}
