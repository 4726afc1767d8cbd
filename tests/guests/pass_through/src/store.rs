//! A Store that counts what it is given, and keeps none of it.

use hygge_sdk::{Committed, Context, KeptBy, Load, Received, Result, Staged, Store, Writer};
use serde::{Deserialize, Serialize};

/// The keys of `store:`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    decode: bool,
}

/// The Store.
#[derive(Debug)]
pub(crate) struct Sink {
    config: Config,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Count {
    rows: u64,
    bytes: u64,
    sum: i64,
}

impl Store for Sink {
    type Config = Config;
    type Writer = Counter;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self { config })
    }

    fn begin(&self, _: Load) -> Result<Counter> {
        Ok(Counter { count: Count::default(), decode: self.config.decode })
    }

    fn resume(&self, _: Load, count: Count) -> Result<Counter> {
        Ok(Counter { count, decode: self.config.decode })
    }

    fn commit(&self, token: Count) -> Result<Committed> {
        Ok(Committed::new(token.rows).bytes(token.bytes))
    }

    fn sweep(&self, _: &str, _: Vec<KeptBy<Self>>) -> Result<()> {
        Ok(())
    }
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Counter {
    count: Count,
    decode: bool,
}

impl Writer for Counter {
    type Token = Count;
    type Checkpoint = Count;

    fn write(&mut self, batch: Received) -> Result<()> {
        self.count.bytes += batch.bytes().len() as u64;
        for batch in batch.batches()? {
            self.count.rows += batch.num_rows() as u64;
            if self.decode {
                self.count.sum = self.count.sum.wrapping_add(sum(&batch));
            }
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<Option<Count>> {
        Ok(Some(self.count))
    }

    fn prepare(&mut self) -> Result<Staged<Count>> {
        Ok(Staged::new(self.count, self.count.rows).bytes(self.count.bytes))
    }

    fn abort(&mut self) {}
}

/// The sum of every 64-bit integer of a batch.
fn sum(batch: &arrow_array::RecordBatch) -> i64 {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    batch
        .columns()
        .iter()
        .filter_map(|column| column.as_primitive_opt::<Int64Type>())
        .flat_map(|column| column.values().iter())
        .fold(0, |sum, value| sum.wrapping_add(*value))
}
