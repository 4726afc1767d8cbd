//! A table read from beginning to end.

use arrow_array::{Array, RecordBatch};
use hygge_core::contract::{Batch, Delivery, ReadRequest, Reader};
use hygge_core::fault::Fault;

use super::Subject;
use crate::{Bench, Held, Seen, Tally, does_not_apply, holds};

/// The next rows of a reader. A request without terms asks for rows alone.
pub(super) async fn next(reader: &mut dyn Reader) -> Result<Option<Batch>, Seen> {
    match reader.next().await? {
        Some(Delivery::Rows(batch)) => Ok(Some(batch)),
        Some(Delivery::Parcel(parcel)) => {
            Err(Seen(format!("nobody asked for parcels, and there is one of {} rows", parcel.rows)))
        }
        None => Ok(None),
    }
}

/// What was read.
pub(super) struct Read {
    pub(super) tally: Tally,
    pub(super) batches: u64,
    /// How many rows the reader promised before the first.
    pub(super) promised: Option<u64>,
}

/// Reads everything that `request` asks for, looking at every batch.
pub(super) async fn read(
    subject: &Subject,
    request: &ReadRequest,
    bench: &Bench,
    mut look: impl FnMut(&RecordBatch) -> Result<(), Seen>,
) -> Result<Read, Seen> {
    let run = bench.run();
    let mut reader = subject.home.open(request, run.context()).await?;
    let promised = reader.rows_expected();
    let (mut tally, mut batches) = (Tally::default(), 0);
    while let Some(batch) = next(reader.as_mut()).await? {
        look(&batch.rows)?;
        tally.add(&batch.rows)?;
        batches += 1;
    }
    Ok(Read { tally, batches, promised })
}

async fn read_all(subject: &Subject, bench: &Bench) -> Result<Read, Seen> {
    read(subject, &subject.request, bench, |_| Ok(())).await
}

pub(super) async fn check(subject: &Subject) -> Held {
    let finding = subject.home.check().await?;
    match finding.fault {
        Some(fault) => Err(Seen(format!("{}: {}", finding.subject, fault.chain()))),
        None => holds(finding.note),
    }
}

pub(super) async fn plan(subject: &Subject, bench: &Bench) -> Held {
    let Some(plan) = subject.home.plan(&subject.request).await? else {
        return does_not_apply("nothing is known without reading");
    };
    let run = bench.run();
    let reader = subject.home.open(&subject.request, run.context()).await?;
    if reader.schema().fields() != plan.schema.fields() {
        return Err(Seen(format!(
            "planned are the columns {}, read are {}",
            columns(&plan.schema),
            columns(&reader.schema())
        )));
    }
    drop(reader);
    let read = read_all(subject, bench).await?;
    match plan.rows {
        Some(rows) if rows < read.tally.rows => {
            Err(Seen(format!("{rows} rows were planned, and there are {}", read.tally)))
        }
        Some(rows) => holds(format!("{} of {rows} planned", read.tally)),
        None => holds(columns(&plan.schema)),
    }
}

fn columns(schema: &arrow_schema::Schema) -> String {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| {
            let null = if field.is_nullable() { "" } else { " not null" };
            format!("{} {}{null}", field.name(), field.data_type())
        })
        .collect();
    columns.join(", ")
}

pub(super) async fn schema(subject: &Subject, bench: &Bench) -> Held {
    let run = bench.run();
    let mut reader = subject.home.open(&subject.request, run.context()).await?;
    let announced = reader.schema();
    let mut batches = 0;
    while let Some(batch) = next(reader.as_mut()).await? {
        batches += 1;
        for schema in [batch.rows.schema(), reader.schema()] {
            if schema.fields() != announced.fields() {
                return Err(Seen(format!(
                    "batch {batches} has the columns {}, announced were {}",
                    columns(&schema),
                    columns(&announced)
                )));
            }
        }
    }
    if next(reader.as_mut()).await?.is_some() {
        return Err("rows came after the end".into());
    }
    holds(format!("{} columns in {batches} batches", announced.fields().len()))
}

pub(super) async fn batches(subject: &Subject, bench: &Bench) -> Held {
    let read = read(subject, &subject.request, bench, |rows| {
        for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
            column.to_data().validate_full().map_err(|error| {
                Seen(format!("the column `{}` is not valid: {error}", field.name()))
            })?;
            if !field.is_nullable() && column.logical_null_count() > 0 {
                return Err(Seen(format!("`{}` cannot be null, and is", field.name())));
            }
        }
        Ok(())
    })
    .await?;
    holds(format!("{} in {} batches", read.tally, read.batches))
}

pub(super) async fn rows(subject: &Subject, bench: &Bench) -> Held {
    let read = read_all(subject, bench).await?;
    match read.promised {
        None => does_not_apply("it does not say how many there will be"),
        Some(rows) if rows == read.tally.rows => holds(read.tally.to_string()),
        Some(rows) => {
            Err(Seen(format!("{rows} rows were promised, and there were {}", read.tally)))
        }
    }
}

pub(super) async fn again(subject: &Subject, bench: &Bench) -> Held {
    let first = read_all(subject, bench).await?;
    let second = read_all(subject, bench).await?;
    match second.tally.unlike(first.tally) {
        Some(unlike) => Err(Seen(format!("the second time there were {unlike}"))),
        None => holds(first.tally.to_string()),
    }
}

/// The whole table, for points that compare with it.
pub(super) async fn whole(subject: &Subject, bench: &Bench) -> Result<Tally, Seen> {
    Ok(read_all(subject, bench).await?.tally)
}

/// Opens the Home for what the subject asks for, from a state on.
pub(super) async fn open_from(
    subject: &Subject,
    state: &serde_json::Value,
    run: &crate::bench::Run,
) -> Result<Box<dyn Reader>, Fault> {
    // What a journal gives back went through text.
    let text = state.to_string();
    let state = serde_json::from_str(&text)
        .map_err(|error| Fault::data("a state did not survive being written").because(error))?;
    let request = ReadRequest { resume: Some(state), ..subject.request.clone() };
    subject.home.open(&request, run.context()).await
}
