//! Time, read window by window. The clock of these tests begins at 2026-01-01T00:00:00Z.

use hygge_sdk::{Home as _, Watermark};

use super::*;
use crate::table::time;

fn micros(text: &str) -> i64 {
    time::parse(text).unwrap().micros
}

/// An API with a row every half hour of 2025-12-01 to 2025-12-31, on pages of 24; whether it gives
/// rows of the moment `to`.
fn api(inclusive: bool) -> World {
    world(move |sent| {
        let (from, to) = (sent.param("from").unwrap(), sent.param("to").unwrap());
        let (from, to) = (from.replace("%3A", ":"), to.replace("%3A", ":"));
        let (from, to) = (micros(&from), micros(&to) + i64::from(inclusive));
        let page: usize = sent.param("page").unwrap().parse().unwrap();
        let first = micros("2025-12-01");
        let rows = (0..31 * 48).map(|id| (id, first + id * 1800 * time::SECOND));
        let rows = rows.filter(|(_, at)| (from..to).contains(at));
        let rows = rows.map(
            |(id, at)| json!({"id": id, "at": time::format(at, "%Y-%m-%dT%H:%M:%SZ").unwrap()}),
        );
        Answer::json(Value::from_iter(rows.skip((page - 1) * 24).take(24)))
    })
}

fn config(inclusive: bool, step: Option<&str>) -> Value {
    json!({
        "paginate": "page_number",
        "incremental": {
            "param": "from", "until": {"param": "to", "inclusive": inclusive},
            "start": "2025-12-01", "step": step,
        },
    })
}

fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

fn since(value: &str) -> Query {
    let (column, kind) = ("at".to_owned(), "timestamp".to_owned());
    let since = Watermark { column, value: value.to_owned(), kind };
    Query { since: Some(since), ..Query::table("rows") }
}

#[test]
fn every_row_comes_once_whether_the_end_is_included_or_not() {
    for inclusive in [false, true] {
        for step in [None, Some("1d"), Some("10d"), Some("1mo"), Some("90m"), Some("7000s")] {
            let api = api(inclusive);
            let rows = rows(&api, config(inclusive, step));
            assert!(ids(&rows).into_iter().eq(0..31 * 48), "{inclusive} {step:?}");
        }
        // Said wrong, the rows at the borders come twice, or do not come.
        let rows = rows(&api(inclusive), config(!inclusive, Some("1d")));
        assert_eq!(rows.len(), if inclusive { 31 * 48 + 30 } else { 31 * 48 });
    }
}

#[test]
fn windows_are_splits_and_long_times_are_grouped() {
    let splits = |step: &str| {
        let api = api(false);
        let home = open(&api, config(false, Some(step)));
        api.run(|| home.home().plan(&Query::table("rows"))).unwrap()
    };
    assert_eq!(splits("1d").len(), 32, "31 days, and the second that has begun");
    assert_eq!(splits("30m").len(), 128);

    // All splits together stand in every checkpoint, and columns in every split.
    let columns = (0..400).map(|at| (format!("a column with a long name {at}"), json!("int64")));
    let mut wide = config(false, Some("30m"));
    wide["schema"] = Value::Object(columns.collect());
    let api = api(false);
    let home = open(&api, wide);
    let splits = api.run(|| home.home().plan(&Query::table("rows"))).unwrap().len();
    assert!((2..12).contains(&splits), "{splits}");
}

#[test]
fn what_was_begun_goes_on_within_its_windows() {
    for step in ["10d", "6h"] {
        let api = api(true);
        let home = open(&api, config(true, Some(step)));
        assert!(home.check_resume(&Query::table("rows")).unwrap() > 60);
    }
}

#[test]
fn the_watermark_goes_before_the_start_but_not_for_the_sample() {
    let api = api(false);
    let home = open(&api, config(false, Some("1d")));
    let read = home.read(&since("2025-12-29T23:45:00.000000Z")).unwrap();
    let found = ids(&read.to_json().unwrap());
    assert!(found.into_iter().eq(29 * 48..31 * 48), "{}", read.rows());
    let asked: Vec<String> = api.sent().into_iter().map(|sent| sent.target).collect();
    assert!(asked[0].contains("from=2025-12-01T00%3A00%3A00Z&to=2025-12-02T00%3A00%3A00Z"));
    let first = "from=2025-12-29T23%3A45%3A00Z&to=2025-12-30T23%3A45%3A00Z";
    assert!(asked.iter().any(|asked| asked.contains(first)), "{asked:?}");
    // Behind all that there was when the run began, nothing is asked for.
    assert!(asked.iter().all(|asked| !asked.contains("to=2026-01-02")));
}

#[test]
fn both_ends_can_stand_anywhere() {
    let api = only(json!([{"id": 1}]));
    let config = json!({
        "path": "/log/{since}/{until}", "schema": {"id": "int64"},
        "headers": {"X-Range": "{since}..{until}"}, "body": {"when": {"to": "{until}"}},
        "incremental": {"format": "unix", "start": 0, "end": 20, "step": "10s"},
    });
    let read = open(&api, config).read(&Query::table("rows")).unwrap();
    assert_eq!(read.rows(), 2);
    let sent = api.sent();
    assert_eq!((sent[0].target.as_str(), sent[1].target.as_str()), ("log/0/10", "log/10/20"));
    assert_eq!(sent[1].header("x-range"), Some("10..20"));
    let body: Value = serde_json::from_slice(&sent[1].body).unwrap();
    assert_eq!(body, json!({"when": {"to": 20}}));

    // A parent that has its child's headers has nothing to say there.
    let config = json!({
        "path": "/log/{id}", "schema": {"id": "int64"}, "headers": {"X-To": "{until}"},
        "params": {"from": "{since}"}, "incremental": {"format": "date", "start": "2025-12-31"},
        "parent": {"path": "/logs", "bind": {"id": "id"}},
    });
    let parents = only(json!([{"id": 1}]));
    open(&parents, config).read(&Query::table("rows")).unwrap();
    let sent = parents.sent();
    assert_eq!((sent[0].header("x-to"), sent[0].target.as_str()), (None, "logs"));
    assert_eq!(sent[1].header("x-to"), Some("2026-01-02"));
    assert_eq!(sent[1].target, "log/1?from=2025-12-31");
}

#[test]
fn an_error_names_its_window() {
    let api = world(|sent| {
        let broken = sent.param("from") == Some("2025-12-03");
        Answer::json(if broken { json!([{"id": "x"}]) } else { json!([{"id": 1}]) })
    });
    let mut config = config(false, Some("2d"));
    config["incremental"]["format"] = json!("date");
    config["schema"] = json!({"id": "int64"});
    config["paginate"] = json!("none");
    let told = fault(&api, config).to_string();
    assert!(told.starts_with("2025-12-03 to 2025-12-05: page 1 of /rows: row"), "{told}");
}

#[test]
fn what_is_missing_is_told() {
    let told = |incremental: Value| {
        let config = json!({"incremental": incremental, "schema": {"id": "int64"}});
        fault(&only(json!([])), config).to_string()
    };
    let until = json!({"param": "to"});
    for (incremental, wanted) in [
        (json!({"param": "from", "until": until}), "`incremental.start` is missing"),
        (json!({"param": "from", "step": "1d"}), "nothing says where one ends"),
        (json!({"until": until, "step": "1d"}), "nothing says where one begins"),
        (json!({"param": "from", "until": until, "start": "2027-01-01"}), "is not before now"),
        (
            json!({"param": "from", "until": until, "start": "2025-01-01", "end": "2024-01-01"}),
            "is not before `end`",
        ),
        (
            json!({"param": "from", "until": until, "start": "2020-01-01", "step": "1s"}),
            "cuts time into 189388801 windows",
        ),
        (json!({"param": "from", "until": {"param": "a", "header": "b"}}), "more than one of"),
    ] {
        let error = told(incremental);
        assert!(error.contains(wanted), "{error}");
    }
    let path = json!({"path": "/{until}"});
    assert!(fault(&only(json!([])), path).to_string().contains("`incremental.until` would fill"));
}

#[test]
fn a_watermark_of_the_future_brings_nothing_and_is_told() {
    let api = api(false);
    let mut config = config(false, Some("1d"));
    config["schema"] = json!({"id": "int64"});
    let read = open(&api, config).read(&since("2027-01-01T00:00:00.000000Z")).unwrap();
    assert_eq!((read.rows(), api.sent().len()), (0, 0));
    assert!(api.lines()[0].1.contains("`at` came to 2027-01-01"), "{:?}", api.lines());
}
