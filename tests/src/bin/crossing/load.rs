//! A load to Parquet: the connector against the same Home built in.

use super::ground::{CONNECTOR, Ground, NATIVE, Shape, go, plan};
use super::{Figure, Result, median};

const WHOLE: u64 = 1 << 30;
const BATCH: u64 = 2 << 20;

/// Runs the loads in turn.
pub(crate) fn measure(ground: &Ground, runs: usize) -> Result<Vec<Figure>> {
    let shape = Shape { batch: BATCH, batches: WHOLE / BATCH / 2, splits: 2, encode: false };
    let flows = [
        ("native", NATIVE, shape),
        ("wasm", CONNECTOR, shape),
        ("wasm_encoding", CONNECTOR, Shape { encode: true, ..shape }),
    ];
    for (flow, kind, shape) in flows {
        ground.lay(flow, kind, shape);
    }
    let mut rates = vec![Vec::new(); flows.len()];
    for _ in 0..runs {
        for ((flow, _, shape), rates) in flows.iter().zip(&mut rates) {
            let took = go(&plan(ground.root(), flow, None)?, *shape)?;
            rates.push(shape.bytes() as f64 / took.as_secs_f64() / 1e6);
        }
    }
    let mut rates = rates.into_iter().map(median);
    let mut next = || rates.next().unwrap_or(f64::NAN);
    let (native, wasm, encoding) = (next(), next(), next());
    let ratio = |rate: f64| format!("{rate:.0} MB/s, {:.2} of built in", rate / native);
    Ok(vec![
        Figure::new("to Parquet, built in", format!("{native:.0} MB/s"), ""),
        Figure::new("to Parquet, in WASM", ratio(wasm), "0.9 of built in"),
        Figure::new("to Parquet, in WASM, encoding every batch", ratio(encoding), ""),
    ])
}
