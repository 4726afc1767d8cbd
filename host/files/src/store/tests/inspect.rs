//! What `hygge debug` and `--dry-run` say, and that they change nothing.

use hygge_core::contract::StorePlanRequest;

use super::*;

fn request(mode: Mode) -> StorePlanRequest {
    StorePlanRequest { schema: Some(rows(&[]).schema()), mode }
}

#[tokio::test]
async fn a_plan_tells_what_is_there_and_what_will_be() {
    let project = Project::new();
    let constant = mapping([("name", text("source")), ("value", text("web"))]);
    let polish = mapping([("constants", list([Value::Mapping(constant)]))]);
    let store = project.local(mapping([
        ("path", text("out")),
        ("batch_size", Value::Int(2)),
        ("polish", Value::Mapping(polish)),
    ]));
    let plan = store.plan(&request(Mode::Replace)).await.unwrap();
    assert!(plan.current.is_none() && plan.rows.is_none());
    assert_eq!(plan.note, "new table");
    assert_eq!(project.everything(), Vec::<String>::new(), "nothing was made");

    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1, 2, 3])]).await;
    let before = project.everything();
    let plan = store.plan(&request(Mode::Replace)).await.unwrap();
    assert_eq!(plan.rows, Some(3));
    assert_eq!(plan.current, plan.future);
    assert_eq!(plan.future.unwrap().field(2).name(), "source");
    assert_eq!(plan.note, "swap: 2 files → new table");
    let plan = store.plan(&request(Mode::Append)).await.unwrap();
    assert_eq!(plan.note, format!("append after {}", number(2)));
    assert_eq!(project.everything(), before);
}

#[tokio::test]
async fn a_check_says_what_is_there_without_touching_it() {
    let project = Project::new();
    let store = project.parquet();
    let found = store.check().await.unwrap();
    assert_eq!(found.subject, "destination out/orders");
    assert!(found.fault.is_none());
    assert!(found.note.starts_with("will be created, "), "{}", found.note);
    assert_eq!(project.everything(), Vec::<String>::new());
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    assert!(store.check().await.unwrap().note.starts_with("1 file, "));
}

fn problems(kind: &str, keys: Mapping) -> String {
    let found = Project::new().try_store(kind, keys).err().unwrap();
    found.list.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_wrong_in_the_configuration_is_said() {
    let with = |key: &'static str, value: Value| mapping([("path", text("out")), (key, value)]);
    for (kind, keys, expected) in [
        ("parquet", mapping([]), "the key `path` is missing"),
        ("parquet", mapping([("path", text(""))]), "`path` is empty"),
        ("parquet", with("file_pattern", text("x.parquet")), "no `{sequence}`"),
        ("parquet", with("compresion", text("zstd")), "unknown key `compresion`"),
        ("parquet", with("batch_size", Value::Int(0)), "out of range"),
        ("local", with("format", text("excel")), "`excel` is not one of"),
    ] {
        let found = problems(kind, keys);
        assert!(found.contains(expected), "{found}");
    }
    let csv = |key: &'static str, value: Value| {
        mapping([("path", text("out")), ("format", text("csv")), (key, value)])
    };
    let option = |key: &'static str, value: Value| Value::Mapping(mapping([(key, value)]));
    for (keys, expected) in [
        (csv("compression", text("snappy")), "cannot be compressed with snappy"),
        (csv("format_options", option("separator", text("::"))), "`separator` is \"::\""),
        (csv("format_options", option("seperator", text(";"))), "unknown key `seperator`"),
        (csv("format_options", option("date_format", text("%!"))), "`date_format`"),
    ] {
        let found = problems("local", keys);
        assert!(found.contains(expected), "{found}");
    }
    let twice = |name: &str| Value::Mapping(mapping([("name", text(name)), ("value", text("x"))]));
    let polish = option("constants", list([twice("a"), twice("a")]));
    assert!(problems("parquet", with("polish", polish)).contains("adds the column `a` twice"));
}

#[tokio::test]
async fn the_older_place_for_options_still_counts() {
    let project = Project::new();
    let options = mapping([
        ("batch_size", Value::Int(1)),
        ("file_pattern", text("{name}-{sequence}.parquet")),
    ]);
    let keys = mapping([
        ("type", text("parquet")),
        ("incremental", Value::Bool(false)),
        ("if_exists", text("append")),
        ("path", text("out")),
        ("options", Value::Mapping(options)),
    ]);
    let store = project.try_store("parquet", keys).unwrap();
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1, 2])]).await;
    let names: Vec<String> = ids(&project.table()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["sales_orders-1.parquet", "sales_orders-2.parquet"]);
}

#[tokio::test]
async fn csv_follows_its_options() {
    let project = Project::new();
    let options = mapping([
        ("separator", text(";")),
        ("include_header", Value::Bool(false)),
        ("quote_style", text("always")),
    ]);
    let store = project.local(mapping([
        ("path", text("out")),
        ("format", text("csv")),
        ("format_options", Value::Mapping(options)),
    ]));
    project.load(store.as_ref(), "a", Mode::Replace, &[rows(&[1])]).await;
    let file = project.table().join("00000000000000000001.csv");
    assert_eq!(fs::read_to_string(file).unwrap(), "\"1\";\"name 1\"\n");
}
