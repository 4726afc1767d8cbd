//! The sample project does what its README says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use hygge_tests::api::Api;
use hygge_tests::independent::{assert_same_tables, script};
use hygge_tests::project::{Project, repository};
use hygge_tests::{table, tpch};

/// The sample, with the API that its recipe starts.
fn quickstart() -> (Project, Api) {
    let (project, api) = (Project::new(), Api::start());
    for part in ["hygge.yml", "flows", "inbox"] {
        let from = repository().join("samples/quickstart").join(part);
        let copied = Command::new("cp").arg("-r").arg(from).arg(project.root()).status();
        assert!(copied.unwrap().success());
    }
    for table in tpch::TABLES {
        tpch::write(&project.path("data"), table, 0.01, 2);
    }
    let flow = std::fs::read_to_string(project.path("flows/web/flow.yml")).unwrap();
    project.write("flows/web/flow.yml", flow.replace("${SAMPLE_API}", &api.url()));
    (project, api)
}

#[test]
fn every_table_arrives() {
    let (project, _api) = quickstart();
    project.hygge(&["go"]).ok().says(&["[15 of 15]", "PASS=15", "ERROR=0"]);
    for table in tpch::TABLES {
        let (from, to) = (format!("data/{table}"), format!("lake/tpch/{table}"));
        assert_same_tables(&project.path(&from), &project.path(&to));
    }
    let inbox = project.path("lake/inbox/customers").display().to_string();
    let exports = project.path("exports").display().to_string();
    let shop = project.path("lake/shop").display().to_string();
    let web = project.path("lake/web").display().to_string();
    script(
        r#"
import sys, glob, hashlib, duckdb, datetime
rows = duckdb.sql(f"select * from read_parquet('{sys.argv[1]}/*.parquet') order by joined_on")
assert rows.columns == ["customer_id", "customer_name", "e_mail_work", "joined_on", "balance", "newsletter", "source", "loaded_at"], rows.columns
first, *_, last = rows.fetchall()
assert first[0] == hashlib.sha256(b"Astrid Lund|astrid@example.org").hexdigest(), first
assert first[1:7] == ("Astrid Lund", "astrid@example.org", datetime.date(2026, 1, 4), 120.5, None, "inbox"), first
assert last[1] == "Søren Ågård" and last[5] is False, last
nations = duckdb.sql(f"select count(*), max(n_name) from read_json('{sys.argv[2]}/nation/*.ndjson.gz')").fetchall()[0]
assert nations == (25, "VIETNAM"), nations
columns = "count(*), count(distinct id), min(id), max(id), max(ordered_at at time zone 'UTC'), bool_and(price between 1 and 500), any_value(typeof(price))"
for table in ["in_store", "online"]:
    orders = duckdb.sql(f"select {columns} from read_parquet('{sys.argv[3]}/{table}/*.parquet')").fetchall()[0]
    assert orders == (100000, 100000, 1, 100000, datetime.datetime(2026, 2, 4, 17, 19, 30), True, "DECIMAL(10,2)"), orders
    states = duckdb.sql(f"select distinct status from read_parquet('{sys.argv[3]}/{table}/*.parquet') order by 1").fetchall()
    assert states == [("new",), ("paid",), ("shipped",), (None,)], states
alike = duckdb.sql(f"select count(*) from read_parquet('{sys.argv[3]}/in_store/*.parquet') join read_parquet('{sys.argv[3]}/online/*.parquet') using (id, customer, price)").fetchall()[0][0]
assert alike < 100, alike
orders = duckdb.sql(f"select * from read_parquet('{sys.argv[4]}/orders/*.parquet')")
assert orders.columns == ["id", "name", "amount", "flag", "note", "updated_at", "place_city", "place_zip", "tags"], orders.columns
found = duckdb.sql("select count(*), count(distinct id), max(updated_at at time zone 'UTC'), max(place_zip) from orders").fetchall()[0]
assert found == (5000, 5000, datetime.datetime(2026, 1, 1, 0, 8, 19), 14999), found
lines = duckdb.sql(f"select count(*), count(distinct order_id), max(child) from read_parquet('{sys.argv[4]}/lines/*.parquet')").fetchall()[0]
assert lines == (sum(order % 4 + 1 for order in range(50)), 50, 4901), lines
"#,
        &[&inbox, &exports, &shop, &web],
    );
    assert_eq!(project.strays(), Vec::<String>::new());
}

#[test]
fn a_second_run_loads_only_what_is_new() {
    let (project, _api) = quickstart();
    let incremental = ["lake/tpch/orders", "lake/shop/online", "lake/web/orders"];
    let landed = || incremental.map(|to| (project.files(to), table::count(&project.path(to))));
    project.hygge(&["go"]).ok();
    let before = landed();
    project.hygge(&["go"]).ok();
    assert_eq!(landed(), before);
}

#[test]
fn a_dry_run_touches_nothing() {
    let (project, _api) = quickstart();
    let before = project.files(".");
    project.hygge(&["go", "--dry-run"]).ok().says(&[
        "data/lineitem",
        "lake/tpch/lineitem",
        "generate online",
        "memory 64 MB",
    ]);
    assert_eq!(project.files("."), before);
    project.hygge(&["go"]).ok();
    let before = project.files(".");
    project.hygge(&["go", "--dry-run"]).ok();
    assert_eq!(project.files("."), before);
}
