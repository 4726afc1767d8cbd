//! Batches out of an instance, decoded, with nothing behind.

use std::sync::Arc;
use std::time::Instant;

use hygge_core::budget::Budget;
use hygge_core::contract::{Context, Delivery, Durability, Progress, ReadRequest, RunIds};
use hygge_core::cpu::Cpu;
use hygge_core::engine::event::{Notices, Silent};
use tokio_util::sync::CancellationToken;

use super::ground::{CONNECTOR, Ground, Shape, home, plan, runtime};
use super::{Figure, Result, median};

const WHOLE: u64 = 4 << 30;

/// Reads batches of several sizes from one instance.
pub(crate) fn measure(ground: &Ground, runs: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (encode, how, goal) in
        [(false, "handed out as they are", "10 GB/s"), (true, "encoded each time", "4 GB/s")]
    {
        for mebibytes in [1, 2, 4] {
            let batch = mebibytes << 20;
            let shape = Shape { batch, batches: WHOLE / batch, splits: 1, encode };
            ground.lay("boundary", CONNECTOR, shape);
            let rates: Result<Vec<f64>> = (0..runs).map(|_| rate(ground, shape)).collect();
            let rate = median(rates?);
            let what = format!("boundary, {mebibytes} MiB batches, {how}");
            figures.push(Figure::new(what, format!("{rate:.1} GB/s"), goal));
        }
    }
    Ok(figures)
}

/// Gigabytes in a second, from the first batch to the last.
fn rate(ground: &Ground, shape: Shape) -> Result<f64> {
    let plan = plan(ground.root(), "boundary", None)?;
    let home = home(&plan)?;
    let context = Arc::new(Context {
        flow: "boundary".to_owned(),
        entity: "numbers".to_owned(),
        run: RunIds {
            coordinator: "crossing".to_owned(),
            flow: "crossing-flow".to_owned(),
            entity: "crossing-entity".to_owned(),
        },
        memory: Budget::new(1 << 30).share(),
        cpu: Cpu::new(),
        cancel: CancellationToken::new(),
        durability: Durability::Process,
        progress: Progress::silent(),
        notices: Notices::new(None, Arc::new(Silent)),
    });
    runtime()?.block_on(async {
        let mut reader = home.open(&ReadRequest::default(), context).await?;
        let (mut rows, mut first) = (0, None);
        while let Some(delivery) = reader.next().await? {
            let Delivery::Rows(batch) = delivery else { return Err("a parcel came".into()) };
            match first {
                Some(_) => rows += batch.rows.num_rows() as u64,
                None => first = Some((Instant::now(), batch.rows.num_rows() as u64)),
            }
        }
        let (since, before) = first.ok_or("no batch came")?;
        let took = since.elapsed().as_secs_f64();
        if rows + before != shape.rows() {
            return Err(format!("{} rows of {}", rows + before, shape.rows()).into());
        }
        Ok(shape.bytes() as f64 * (rows as f64 / shape.rows() as f64) / took / 1e9)
    })
}
