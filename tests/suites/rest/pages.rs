//! Every way from page to page brings the rows that there are.

use super::*;

#[test]
fn every_pagination_brings_every_row() {
    let api = Api::start();
    let project = project(&api, "", 1234, 0);
    project.hygge(&["go"]).ok();
    assert_equal(&project, &api, 1234);
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn csv_and_xml_have_types_and_parents_have_children() {
    let api = Api::start();
    let project = Project::new();
    let url = api.url();
    project.write(
        "flows/f/flow.yml",
        format!(
            "home: {{ type: rest, base_url: \"{url}\", times: true, empty_on: [404] }}\nstore: lake\n\
             connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
        ),
    );
    project
        .write("flows/f/entities/csv.yml", "name: csv\nhome: { path: /csv/rows, format: csv }\n");
    project.write(
        "flows/f/entities/xml.yml",
        "name: xml\nhome: { path: /xml/rows, format: xml, records: $.rows.row }\n",
    );
    project.write(
        "flows/f/entities/children.yml",
        "name: children\nhome:\n  path: /parents/{id}/children\n  parent:\n    path: /parents\n    \
         params: { rows: 45, size: 45 }\n    bind: { id: $.id }\n    \
         include: { parent: $.id, city: $.place.city }\n",
    );
    project.hygge(&["go"]).ok();
    script(
        r#"
import sys, duckdb
of = {}
for table in ["csv", "xml"]:
    rows = duckdb.sql(f"select * from read_parquet('{sys.argv[1]}/lake/{table}/*.parquet') order by 1")
    assert sorted(str(t) for t in rows.types) == sorted(["BIGINT", "VARCHAR", "DOUBLE", "BOOLEAN", "VARCHAR", "TIMESTAMP WITH TIME ZONE"]), rows.types
    id = '"@id"' if table == "xml" else "id"
    rows = duckdb.sql(f"select {id}, name, amount, flag, note, updated_at from rows order by 1")
    of[table] = rows.fetchall()
    found = duckdb.sql(f"select count(*), min({id}), max({id}), count(note), max(note) from rows").fetchall()[0]
    assert found == (1000, 0, 999, 666, 'note "998"'), found
assert of["csv"] == of["xml"]
rows = duckdb.sql(f"select * from read_parquet('{sys.argv[1]}/lake/children/*.parquet')")
wanted = [(p * 100 + n, f"{p}/{n}", p, f"c{p % 17}") for p in range(45) for n in range(p % 4 + 1)]
assert rows.columns == ["child", "text", "parent", "city"], rows.columns
assert sorted(rows.fetchall()) == sorted((c, t, p, f'{city}') for c, t, p, city in wanted), rows
"#,
        &[&project.root().display().to_string()],
    );
}

#[test]
fn a_second_run_asks_for_what_is_new_alone() {
    let api = Api::start();
    let project = Project::new();
    let url = api.url();
    let flow = |rows: u64| {
        project.write(
            "flows/f/flow.yml",
            format!(
                "home:\n  type: rest\n  base_url: {url}\n  path: /page_number/rows\n  \
                 records: data\n  paginate: page_number\n  params: {{ rows: {rows} }}\n  \
                 incremental: {{ param: since }}\n  times: true\nstore: lake\nentities: [rows]\n\
                 run_type: incremental\nwatermark: {{ primary_key: id, watermark_column: updated_at }}\n\
                 connectors: {{ rest: {{ allow_hosts: [\"{url}\"] }} }}\n"
            ),
        );
    };
    project.write("hygge.yml", "name: rest\njournal: { path: journal }\n");
    flow(345);
    project.hygge(&["go"]).ok();
    api.forget();
    flow(1000);
    project.hygge(&["go"]).ok();
    let since: Vec<String> =
        api.asked().into_iter().filter(|asked| asked.contains("since=")).collect();
    // Seven pages from row 340 on, one without rows, and at most three behind that.
    let pages = |since: &str| since.rsplit_once("page=")?.1.split('&').next()?.parse().ok();
    let mut pages: Vec<u64> = since.iter().filter_map(|since| pages(since)).collect();
    pages.sort_unstable();
    assert!(pages.iter().copied().eq(1..=pages.len() as u64), "each once: {since:?}");
    assert!((8..=11).contains(&pages.len()), "{since:?}");
    assert!(since[0].contains("2026-01-01T00%3A00%3A34Z"), "{since:?}");
    let landed = hygge_tests::table::read(&project.path("lake/rows")).unwrap();
    let mut ids = hygge_tests::table::ints(&landed, "id");
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..1000), "every row once");
}
