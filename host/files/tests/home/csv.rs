//! CSV files.

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, BooleanArray, Int64Array, StringArray};
use arrow_schema::DataType;
use flate2::Compression;
use flate2::write::GzEncoder;
use hygge_core::contract::ReadRequest;
use hygge_core::fault::FaultKind;
use serde_json::{Value as Json, json};

use crate::support::{Project, Read, age, next_rows, plan, read, run, told};

async fn read_text(text: impl AsRef<[u8]>, options: Json) -> Read {
    let project = Project::new();
    project.write("a.csv", text);
    read(&project.csv(options)).await.unwrap()
}

async fn fault_of(text: impl AsRef<[u8]>, options: Json) -> String {
    let project = Project::new();
    project.write("a.csv", text);
    let fault = read(&project.csv(options)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Data, "{fault:?}");
    told(&fault)
}

fn types(read: &Read) -> Vec<(&str, DataType)> {
    read.schema.fields().iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect()
}

fn texts(read: &Read, column: &str) -> Vec<Option<String>> {
    let all = read.all();
    let column = all.column_by_name(column).unwrap().as_string::<i32>().clone();
    column.iter().map(|value| value.map(str::to_owned)).collect()
}

#[tokio::test]
async fn types_nulls_and_quotes() {
    let text = "id,price,ok,name,nothing,when\n\
                1,1.5,true,\"a, \"\"b\"\"\",,2026-01-31\n\
                2,2,false,\"two\nlines\",,2026-02-01\r\n\
                ,,,,,\n\
                4,4e2,TRUE,\"\",,x\n";
    let read = read_text(text, json!({})).await;
    assert_eq!(
        types(&read),
        [
            ("id", DataType::Int64),
            ("price", DataType::Float64),
            ("ok", DataType::Boolean),
            ("name", DataType::Utf8),
            ("nothing", DataType::Utf8),
            ("when", DataType::Utf8),
        ]
    );
    let all = read.all();
    assert_eq!(all.column(0).as_ref(), &Int64Array::from(vec![Some(1), Some(2), None, Some(4)]));
    assert_eq!(all.column(1).as_primitive::<Float64Type>().value(3), 400.0);
    assert_eq!(
        all.column(2).as_ref(),
        &BooleanArray::from(vec![Some(true), Some(false), None, Some(true)])
    );
    assert_eq!(
        all.column(3).as_ref(),
        &StringArray::from(vec![Some("a, \"b\""), Some("two\nlines"), None, Some("")])
    );
    assert_eq!(all.column(4).null_count(), 4);
}

#[tokio::test]
async fn the_dialect_is_as_told() {
    let text = "skipped \"line\n# comment\na;b\n# another\n'x;\\'y';1\nNA;2\nnone;-\n";
    let options = json!({
        "separator": ";",
        "quote_char": "'",
        "escape_char": "\\",
        "comment_prefix": "#",
        "skip_rows": 1,
        "null_values": ["NA", "none", "-"],
    });
    let read = read_text(text, options).await;
    assert_eq!(types(&read), [("a", DataType::Utf8), ("b", DataType::Int64)]);
    assert_eq!(texts(&read, "a"), [Some("x;'y".to_owned()), None, None]);

    let read = read_text(
        "1\t\"x\n2\ty\n",
        json!({
            "delimiter": "\\t", "quote_char": null, "has_header": false, "null_values": "y",
        }),
    )
    .await;
    assert_eq!(types(&read), [("column_1", DataType::Int64), ("column_2", DataType::Utf8)]);
    assert_eq!(texts(&read, "column_2"), [Some("\"x".to_owned()), None]);
}

#[tokio::test]
async fn headers_may_be_odd() {
    let read = read_text("\u{feff}a,a,,a\n1,2,3,4\n", json!({})).await;
    let names: Vec<&str> = read.schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, ["a", "a_duplicated_0", "column_3", "a_duplicated_1"]);
    assert_eq!(read.rows(), 1);
    let empty = read_text("a,b", json!({})).await;
    assert_eq!((empty.rows(), empty.schema.fields().len()), (0, 2));
    let told = fault_of("", json!({})).await;
    assert!(told.starts_with("in: there is no header line"), "{told}");
}

#[tokio::test]
async fn types_can_be_given() {
    let text = "zip,amount,day,at\n007,1.10,2026-01-31,2026-01-31T10:00:00Z\n";
    let options = json!({
        "schema_overrides": { "zip": "string", "amount": "decimal(10,2)" },
        "dtypes": { "day": "date", "at": "datetime(us, UTC)" },
    });
    let read = read_text(text, options).await;
    assert_eq!(texts(&read, "zip"), [Some("007".to_owned())]);
    let all = read.all();
    assert_eq!(all.column(1).as_primitive::<arrow_array::types::Decimal128Type>().value(0), 110);
    assert_eq!(read.schema.field(2).data_type(), &DataType::Date32);
    assert_eq!(all.column(3).null_count(), 0);

    // Nothing is rounded away.
    let told = fault_of("a\n1.005\n", json!({ "dtypes": { "a": "decimal(10,2)" } })).await;
    assert!(told.contains("line 2, column `a`: `1.005`"), "{told}");

    let project = Project::new();
    project.write("a.csv", "amount\n1\n");
    let home = project.csv(json!({ "schema_overrides": { "amont": "string" } }));
    let fault = read_fault(&home).await;
    assert!(fault.ends_with("did you mean `amount`?"), "{fault}");

    let read = read_text(text, json!({ "try_parse_dates": true, "infer_schema_length": null }));
    assert_eq!(read.await.schema.field(2).data_type(), &DataType::Date32);
    let read = read_text(text, json!({ "infer_schema_length": 0 }));
    assert!(read.await.schema.fields().iter().all(|f| f.data_type() == &DataType::Utf8));
}

async fn read_fault(home: &Arc<dyn hygge_core::contract::Home>) -> String {
    told(&read(home).await.unwrap_err())
}

#[tokio::test]
async fn a_late_surprise_is_told_with_its_line_column_and_value() {
    let mut text = "id,name\n".to_owned();
    for row in 0..30_000 {
        text.push_str(&format!("{row},\"two\nlines {row}\"\n"));
    }
    text.push_str("\nseven,x\n");
    let said = fault_of(&text, json!({})).await;
    assert_eq!(
        said,
        "in/a.csv, line 60003, column `id`: `seven` is not a whole number (int64) | the columns \
         were found from the first rows: raise `infer_schema_length` in `format_options`, or give \
         the column a type in `schema_overrides` there"
    );
    let all = read_text(&text, json!({ "infer_schema_length": null })).await;
    assert_eq!(all.schema.field(0).data_type(), &DataType::Utf8);
    assert_eq!(all.rows(), 30_001);
}

#[tokio::test]
async fn lines_of_other_lengths() {
    let text = "a,b\n1,2\n3\n";
    let read = read_text(text, json!({})).await;
    assert_eq!(read.all().column(1).as_ref(), &Int64Array::from(vec![Some(2), None]));
    let told = fault_of("a,b\n1,2\n3,4,5\n", json!({})).await;
    assert!(told.starts_with("in/a.csv, line 3: 3 values where there are 2 columns"), "{told}");
    let ragged = json!({ "truncate_ragged_lines": true });
    let read = read_text("a,b\n1,2\n3,4,5\n6\n", ragged).await;
    assert_eq!(read.all().column(0).as_ref(), &Int64Array::from(vec![1, 3, 6]));
}

#[tokio::test]
async fn what_is_not_utf8_is_told_or_replaced() {
    let text = b"a,b\nx,y\ncaf\xe9,z\n";
    let told = fault_of(text, json!({})).await;
    assert!(told.starts_with("in/a.csv, line 3, column `a`: the text is not UTF-8"), "{told}");
    let read = read_text(text, json!({ "encoding": "utf8-lossy" })).await;
    assert_eq!(texts(&read, "a"), [Some("x".to_owned()), Some("caf�".to_owned())]);
    let told = fault_of(b"\xff\xfea\0,\0b\0\n\0", json!({})).await;
    assert!(told.starts_with("in/a.csv is UTF-16"), "{told}");
}

#[tokio::test]
async fn a_quote_left_open_does_not_swallow_all_memory() {
    let mut text = b"a,b\n1,\"open\n".to_vec();
    text.resize(70 << 20, b'x');
    let told = fault_of(&text, json!({})).await;
    assert!(told.contains("the record that begins in line 2 is longer than 64 MB"), "{told}");
    assert!(told.contains("a quote may have been left open"), "{told}");
}

#[tokio::test]
async fn files_with_other_columns_are_one_table() {
    let project = Project::new();
    project.write("a.csv", "id,name\n1,x\n");
    project.write("b.csv", "extra,id\n2.5,2\n");
    project.write("c.csv", "");
    project.write("d.csv", "id\n3.5\n");
    let read = read(&project.csv(json!({}))).await.unwrap();
    assert_eq!(
        types(&read),
        [("id", DataType::Float64), ("name", DataType::Utf8), ("extra", DataType::Float64)]
    );
    let all = read.all();
    assert_eq!(all.column(0).as_primitive::<Float64Type>().values(), &[1.0, 2.0, 3.5]);
    assert_eq!(all.column(1).null_count(), 2);
    let plan = plan(&project.csv(json!({}))).await;
    assert_eq!((plan.rows, plan.note.as_str()), (None, "4 files"));
}

fn gz(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compressed_files_are_read_whole() {
    let zst = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
    let many: String = (10..200_000).map(|at| format!("{at}\n")).collect();
    let project = Project::new();
    // More than one member, more than one frame; and compressed without saying so.
    project.write("a.csv.gz", [gz(b"id\n1\n"), gz(b"2\n3\n")].concat());
    project.write("b.csv.zst", [zst(b"id\n4\n"), zst(b"5\n6\n")].concat());
    project.write("c.csv", gz(b"id\n7\n8\n9\n"));
    project.write("d.csv.zst", zst(format!("id\n{many}").as_bytes()));
    let all = read(&project.csv(json!({}))).await.unwrap().all();
    let ids = all.column(0).as_primitive::<Int64Type>();
    assert!(ids.values().iter().copied().eq(1..200_000));
}

#[tokio::test]
async fn compressed_files_that_are_broken_are_faults() {
    let whole = gz("id\n1\n".repeat(10_000).as_bytes());
    let project = Project::new();
    project.write("a.csv.gz", &whole[..whole.len() / 2]);
    let said = read_fault(&project.csv(json!({}))).await;
    assert!(said.starts_with("in/a.csv.gz is damaged: its gzip data ends early"), "{said}");
    project.write("a.csv.gz", "id\n1\n");
    let said = read_fault(&project.csv(json!({}))).await;
    assert!(said.starts_with("in/a.csv.gz is not gzip data"), "{said}");
    let mut frame = zstd::encode_all("id\n1\n".repeat(10_000).as_bytes(), 1).unwrap();
    let middle = frame.len() / 2;
    frame.truncate(middle);
    std::fs::remove_file(project.path("a.csv.gz")).unwrap();
    project.write("a.csv.zst", &frame);
    let said = read_fault(&project.csv(json!({}))).await;
    assert!(said.starts_with("in/a.csv.zst is damaged: its Zstandard data"), "{said}");
}

#[tokio::test]
async fn large_files_come_in_order_within_the_budget() {
    let project = Project::new();
    let mut text = "id,name\n".to_owned();
    for row in 0..400_000 {
        text.push_str(&format!("{row},\"name, {row}\"\n"));
    }
    project.write("a.csv", &text);
    let run = run(4 << 20);
    let home = project.csv(json!({}));
    let mut reader = home.open(&ReadRequest::default(), Arc::clone(&run.context)).await.unwrap();
    let mut next = 0;
    while let Some(batch) = next_rows(reader.as_mut()).await.unwrap() {
        assert!(run.budget.used() <= 6 << 20, "{} bytes", run.budget.used());
        let ids = batch.rows.column(0).as_primitive::<Int64Type>().values();
        assert!(ids.iter().copied().eq(next..next + ids.len() as i64));
        next += ids.len() as i64;
    }
    assert_eq!(next, 400_000);

    let keys = json!({ "path": "in", "format": "csv", "batch_size": 1000 });
    let read = read(&project.home("local", keys)).await.unwrap();
    assert!(read.batches.iter().all(|batch| batch.num_rows() <= 1000));
    assert_eq!(read.rows(), 400_000);
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_no_source() {
    let project = Project::new();
    let path = project.write("a.csv", format!("id\n{}", "1\n".repeat(2_000_000)));
    age(&path);
    let run = run(1 << 20);
    let home = project.csv(json!({}));
    let mut reader = home.open(&ReadRequest::default(), Arc::clone(&run.context)).await.unwrap();
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"2\n").unwrap();
    let fault = loop {
        match next_rows(reader.as_mut()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the change went unnoticed"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.kind(), FaultKind::Transient);
    assert_eq!(fault.to_string(), "in/a.csv changed while it was being read");
}
