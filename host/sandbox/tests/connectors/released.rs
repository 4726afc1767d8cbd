//! Connectors of every released version of the contract, built from source and run.
//!
//! See `wit/README.md`: neither they nor what is expected of them is changed.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, RecordBatch};
use hygge_core::contract::{
    Batch, Delivery, LoadRequest, Manifest, Mode, ReadRequest, Reader, Since,
};
use hygge_core::fault::FaultKind;
use hygge_core::watermark::Watermark;
use hygge_forge::build::{Options, build};
use hygge_forge::{toolchain, world};
use hygge_sandbox::Policy;
use serde_json::json;

use crate::support::{Run, rows};

/// Builds the connector of a version.
fn released(version: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("tests/guests/released").join(version);
    let toolchain = toolchain::find(&folder).unwrap();
    let output = tempfile::tempdir().unwrap();
    let options = Options {
        output: Some(output.path().join("released.wasm")),
        // What other connectors are built of is there already.
        target_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("../guests")),
        quiet: true,
        ..Options::default()
    };
    let built = build(&folder, &toolchain, &options).unwrap();
    let worlds = world::check(&built.component).unwrap();
    assert_eq!(worlds.contract.to_string(), version);
    assert!(worlds.home() && worlds.store());
    built.component
}

/// Rows as lines of JSON, times with the offset of UTC: the writer knows no time zone by name.
fn lines(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let times = column.as_primitive_opt::<TimestampMicrosecondType>().cloned();
        let column: ArrayRef = times.map_or_else(
            || Arc::clone(column),
            |times| -> ArrayRef {
                assert_eq!(times.timezone(), Some("UTC"));
                Arc::new(times.with_timezone("+00:00"))
            },
        );
        (field.name(), column, true)
    });
    let batch = &RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    String::from_utf8(writer.into_inner()).unwrap().lines().map(str::to_owned).collect()
}

async fn next(reader: &mut dyn Reader) -> Option<Vec<String>> {
    reader.next().await.unwrap().map(|delivery| match delivery {
        Delivery::Rows(batch) => lines(&batch.rows),
        Delivery::Parcel(_) => panic!("connectors give rows"),
    })
}

async fn all(mut reader: Box<dyn Reader>) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(more) = next(reader.as_mut()).await {
        lines.extend(more);
    }
    lines
}

/// What it gives, in the order of its splits.
const ROWS: [&str; 12] = [
    r#"{"id":0,"town":"Århus","price":0.25,"share":0.5,"day":"2026-01-01","at":"2026-01-31T13:30:00.250Z","tags":["a0",null]}"#,
    r#"{"id":1,"town":"Århus","price":1.25,"share":1.5,"day":"2026-01-02","at":"2026-01-31T13:30:01.250Z","open":false,"tags":["a1",null]}"#,
    r#"{"id":2,"town":"Århus","price":2.25,"share":2.5,"day":"2026-01-03","at":"2026-01-31T13:30:02.250Z","open":true,"tags":["a2",null]}"#,
    r#"{"id":3,"town":"Århus","price":3.25,"share":3.5,"day":"2026-01-04","at":"2026-01-31T13:30:03.250Z","open":false,"tags":["a3",null]}"#,
    r#"{"id":4,"town":"Århus","price":4.25,"share":4.5,"day":"2026-01-05","at":"2026-01-31T13:30:04.250Z","open":true,"tags":["a4",null]}"#,
    r#"{"id":5,"town":"Århus","price":5.25,"share":5.5,"day":"2026-01-06","at":"2026-01-31T13:30:05.250Z","open":false,"tags":["a5",null]}"#,
    r#"{"id":100,"town":"Bergen","price":100.25,"share":0.5,"day":"2026-01-01","at":"2026-01-31T13:30:00.250Z","tags":["a0",null]}"#,
    r#"{"id":101,"town":"Bergen","price":101.25,"share":1.5,"day":"2026-01-02","at":"2026-01-31T13:30:01.250Z","open":false,"tags":["a1",null]}"#,
    r#"{"id":102,"town":"Bergen","price":102.25,"share":2.5,"day":"2026-01-03","at":"2026-01-31T13:30:02.250Z","open":true,"tags":["a2",null]}"#,
    r#"{"id":103,"town":"Bergen","price":103.25,"share":3.5,"day":"2026-01-04","at":"2026-01-31T13:30:03.250Z","open":false,"tags":["a3",null]}"#,
    r#"{"id":104,"town":"Bergen","price":104.25,"share":4.5,"day":"2026-01-05","at":"2026-01-31T13:30:04.250Z","open":true,"tags":["a4",null]}"#,
    r#"{"id":105,"town":"Bergen","price":105.25,"share":5.5,"day":"2026-01-06","at":"2026-01-31T13:30:05.250Z","open":false,"tags":["a5",null]}"#,
];

async fn reads_exactly(run: &Run) {
    let finding = run.home().check().await.unwrap();
    let refused = "host.not-granted, host.not-granted, host.not-granted";
    assert_eq!(finding.note, format!("flow f, {refused}"));
    let mut found = all(run.open(&run.context(), None).await.unwrap()).await;
    found.sort_by_key(|line| ROWS.iter().position(|row| row == line));
    assert_eq!(found, ROWS);
    assert!(run.told().iter().any(|said| said.contains("chunk 0 at true")), "{:?}", run.told());

    // It may give more than was asked for, and does.
    let since = Since { column: "id".to_owned(), value: Watermark::Int(103) };
    let request = ReadRequest { since: Some(since), ..ReadRequest::default() };
    let all_the_same = all(run.home().open(&request, run.context()).await.unwrap()).await;
    assert_eq!(all_the_same.len(), ROWS.len());
}

async fn goes_on_from_every_state(run: &Run) {
    for taken in 0..=6 {
        let mut reader = run.open(&run.context(), None).await.unwrap();
        let mut found = Vec::new();
        for _ in 0..taken {
            found.extend(next(reader.as_mut()).await.unwrap());
        }
        let state = reader.resume().expect("every chunk has a state");
        drop(reader);
        found.extend(all(run.open(&run.context(), Some(state)).await.unwrap()).await);
        found.sort_by_key(|line| ROWS.iter().position(|row| row == line));
        assert_eq!(found, ROWS, "after {taken} chunks");
    }
}

async fn counts_what_it_is_given(run: &Run) {
    let (store, context) = (run.store(), run.context());
    assert_eq!(store.check().await.unwrap().note, "counts");
    let load = LoadRequest { schema: rows().schema(), mode: Mode::Append, follows: None };
    let write = async || {
        let permit = context.memory.acquire(24).await;
        Batch { rows: rows(), permit }
    };
    let mut writer = store.begin(&load, Arc::clone(&context)).await.unwrap();
    writer.write(write().await).await.unwrap();
    writer.write(write().await).await.unwrap();
    let checkpoint = writer.checkpoint().await.unwrap().unwrap();
    writer.write(write().await).await.unwrap();
    drop(writer);
    store.sweep(Some(&checkpoint)).await.unwrap();

    let mut writer = store.resume(&load, &checkpoint, Arc::clone(&context)).await.unwrap();
    for _ in 0..2 {
        writer.write(write().await).await.unwrap();
    }
    let staged = writer.stage().await.unwrap();
    assert_eq!((checkpoint.rows, staged.rows), (6, 12));
    let foreign = Manifest { detail: json!({ "checkpoint": "AA==" }), ..checkpoint };
    let refused = store.resume(&load, &foreign, context).await.err().unwrap();
    assert_eq!(refused.kind(), FaultKind::Missing);
    assert!(refused.to_string().contains("nothing of this load is left"), "{refused}");
    for _ in 0..2 {
        let published = run.store().publish(&staged.manifest).await.unwrap();
        assert_eq!((published.rows, published.parts), (12, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_0_1_0_still_runs() {
    let component = released("0.1.0");
    let run = Run::of(&component, Policy { instances: Some(1), ..Policy::default() });
    reads_exactly(&run).await;
    goes_on_from_every_state(&run).await;
    counts_what_it_is_given(&run).await;
}
