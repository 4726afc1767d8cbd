//! Files as Homes and Stores hold what every Home and every Store must hold.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use hygge_conformance::{Bench, Outcome, Point, home, passed, sample, store};
use hygge_core::contract::{Connections, Home, ReadRequest, Site, Store};
use hygge_core::project::parse::parse;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Node, Source};
use parquet::arrow::ArrowWriter;

const MEMORY: usize = 64 << 20;

/// Keys as a flow has them.
fn keys(text: &str) -> Node {
    let source = Source { name: "flow.yml".into(), path: "flow.yml".into(), text: text.into() };
    parse(&Arc::new(source), &mut Problems::default()).unwrap()
}

/// Hands a site in the folder to `make`.
fn configured<T>(root: &Path, make: impl FnOnce(Site<'_>, &mut Problems) -> Option<T>) -> T {
    let connections = Connections::new();
    let site = Site {
        root,
        flow: "shop",
        entity: "orders",
        subfolder: None,
        connections: &connections,
        connector: None,
    };
    let mut problems = Problems::default();
    let made = make(site, &mut problems);
    assert!(problems.is_empty(), "{:?}", problems.list);
    made.unwrap()
}

fn home_of(root: &Path, kind: &str, text: &str) -> Arc<dyn Home> {
    let (kinds, node) = (hygge_files::home::kinds(), keys(text));
    let kind = kinds.iter().find(|known| known.name() == kind).unwrap();
    configured(root, |site, problems| {
        kind.configure(node.as_mapping().unwrap(), &node.span, site, problems)
    })
}

fn store_of(root: &Path, kind: &str, text: &str) -> Arc<dyn Store> {
    let (kinds, node) = (hygge_files::store::kinds(), keys(text));
    let kind = kinds.iter().find(|known| known.name() == kind).unwrap();
    configured(root, |site, problems| {
        kind.configure(node.as_mapping().unwrap(), &node.span, site, problems)
    })
}

fn assert_passed(points: &[Point], must_apply: &[&str]) {
    let shown: String = points
        .iter()
        .map(|point| {
            let (word, note) = (point.outcome.as_str(), point.outcome.note());
            format!("{:16} {word}  {note}\n", point.name)
        })
        .collect();
    println!("{shown}");
    assert!(passed(points), "\n{shown}");
    for name in must_apply {
        let point = points.iter().find(|point| point.name == *name).unwrap();
        assert!(matches!(point.outcome, Outcome::Passed(_)), "{name}\n{shown}");
    }
}

async fn examine_home(kind: &str, write: impl Fn(&Path), options: &str) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir(root.join("in")).unwrap();
    write(&root.join("in"));
    let subject = home::Subject {
        home: home_of(root, kind, &format!("path: in\n{options}")),
        without_table: Some(home_of(root, kind, &format!("path: elsewhere\n{options}"))),
        request: ReadRequest::default(),
    };
    let points = home::examine(&subject, &Bench::new("shop", "orders", MEMORY)).await;
    assert_passed(&points, &["schema", "batches", "again", "cancel", "drop", "missing table"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parquet_home() {
    let write = |folder: &Path| {
        for part in 0..3 {
            let file = std::fs::File::create(folder.join(format!("{part}.parquet"))).unwrap();
            let rows = sample(part * 20_000, 20_000);
            let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
            writer.write(&rows).unwrap();
            writer.close().unwrap();
        }
    };
    examine_home("parquet", write, "batch_size: 1000\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_home() {
    let write = |folder: &Path| {
        for part in 0..3 {
            let line = |id: usize| format!("{id},name {id},{}.5\n", id * 3);
            let text: String = (part * 9000..(part + 1) * 9000).map(line).collect();
            std::fs::write(folder.join(format!("{part}.csv")), "id,name,x\n".to_owned() + &text)
                .unwrap();
        }
    };
    examine_home("local", write, "format: csv\nbatch_size: 1000\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ndjson_home() {
    let write = |folder: &Path| {
        let line = |id: usize| format!("{{\"id\":{id},\"tags\":[\"a\",\"b{id}\"]}}\n");
        let text: String = (0..20_000).map(line).collect();
        std::fs::write(folder.join("a.ndjson"), text).unwrap();
    };
    examine_home("local", write, "format: ndjson\nbatch_size: 1000\n").await;
}

async fn examine_store(kind: &'static str, options: &'static str, to_read: &str) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let text = format!("path: out\n{options}");
    let subject = store::Subject {
        read_back: Some(home_of(&root, kind, &format!("{text}\n{to_read}"))),
        store: Arc::new(move || store_of(&root, kind, &text)),
    };
    let points = store::examine(&subject, &Bench::new("shop", "orders", MEMORY)).await;
    let must_apply = [
        "publish",
        "publish again",
        "append",
        "abort",
        "crash",
        "swept away",
        "resume",
        "resume again",
        "lost checkpoint",
    ];
    assert_passed(&points, &must_apply);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parquet_store() {
    examine_store("parquet", "", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_store() {
    examine_store("local", "format: csv", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ndjson_store() {
    // A file without rows does not say what columns it has.
    let columns = "{ id: int64, name: utf8, amount: float64, paid: bool }";
    let options = format!("format_options: {{ schema_overrides: {columns} }}");
    examine_store("local", "format: ndjson", &options).await;
}
