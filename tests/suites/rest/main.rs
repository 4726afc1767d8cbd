//! Tables from APIs, and to them.
//!
//! `HYGGE_KILLS` says how often to kill (20), `HYGGE_SEED` replays a sequence of moments.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod auth;
mod faults;
mod json_server;
mod kills;
mod memory;
mod pages;
mod proxies;
mod rebinding;
mod rounds;
mod side_by_side;
mod sink;

use hygge_tests::api::Api;
use hygge_tests::independent::script;
use hygge_tests::project::Project;

/// Every way from page to page: the path's first part, and the keys.
const STYLES: [(&str, &str); 12] = [
    ("page_number", "records: $.data[*]\n  paginate: page_number"),
    ("page_number", "records: data\n  paginate: {type: page_number, total: $.total}"),
    ("page_number", "records: data\n  paginate: {type: page_number, total_pages: pages}"),
    ("offset", "records: items\n  paginate: {type: offset, size: 100, short_page: true}"),
    ("cursor", "records: data\n  paginate: {type: cursor, param: after, path: meta.next}"),
    (
        "cursor",
        "records: data\n  body: {}\n  paginate: {type: cursor, body: page.after, path: meta.next}",
    ),
    ("next_url", "records: data\n  paginate: {type: next_url, path: $.next}"),
    ("relative_url", "records: data\n  paginate: {type: next_url, path: $.next}"),
    ("link_header", "paginate: link_header"),
    ("header_cursor", "paginate: {type: header_cursor, param: after, from_header: X-Next}"),
    ("list", "paginate: none"),
    ("ndjson", "format: ndjson"),
];

/// A project with one flow for each style, of tables with so many rows, whose answers take this
/// many milliseconds at least.
fn project(api: &Api, prefix: &str, rows: u64, latency: u64) -> Project {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: rest\njournal: { path: journal }\n\
         options: { durability: process, checkpoint: 20ms, retry_wait: 10ms }\n",
    );
    for (number, (style, keys)) in STYLES.iter().enumerate() {
        let url = api.url();
        project.write(
            &format!("flows/f{number}/flow.yml"),
            format!(
                "home:\n  type: rest\n  base_url: {url}{prefix}\n  path: /{style}/{{entity}}\n  \
                 params: {{rows: {rows}, latency: {latency}}}\n  {keys}\nstore: lake/{number}\n\
                 connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\nentities: [rows]\n"
            ),
        );
    }
    project
}

/// The tables are what the API holds, for three readers that share no code with hygge.
fn assert_equal(project: &Project, api: &Api, rows: u64) {
    let folders: Vec<String> = (0..STYLES.len())
        .map(|number| project.path(&format!("lake/{number}/rows")).display().to_string())
        .collect();
    let mut arguments = vec![format!("{}/list/rows?rows={rows}", api.url())];
    arguments.extend(folders);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    script(EQUAL, &arguments);
}

const EQUAL: &str = r#"
import sys, json, glob, urllib.request
import duckdb, polars, pyarrow.parquet
url, *folders = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
source = json.load(opener.open(url))
nested = ["place", "tags"]
for folder in folders:
    def plain(rows):
        return [{k: json.loads(v) if k in nested else v for k, v in row.items()} for row in rows]
    arrow = pyarrow.parquet.read_table(sorted(glob.glob(folder + "/*.parquet")))
    assert plain(arrow.to_pylist()) == source, (folder, arrow.num_rows, len(source))
    frame = polars.concat([polars.read_parquet(f) for f in sorted(glob.glob(folder + "/*.parquet"))])
    assert plain(frame.to_dicts()) == source, folder
    ducks = duckdb.sql(f"select * from read_parquet('{folder}/*.parquet') order by id")
    rows = [dict(zip(ducks.columns, row)) for row in ducks.fetchall()]
    assert plain(rows) == source, folder
"#;
