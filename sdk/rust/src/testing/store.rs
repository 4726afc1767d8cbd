//! A Store in a unit test.

use arrow_array::RecordBatch;
use serde_json::Value;

use super::World;
use crate::batch::{Received, write_ipc};
use crate::error::{Error, Result};
use crate::glue::{StoreSession, StoreWriter};
use crate::store::{self, Committed, Load, Mode};

/// A session of a Store, in a test.
pub struct Store<S> {
    session: StoreSession<S>,
    config: String,
    world: World,
}

impl<S: store::Store> Store<S> {
    /// Opens a session with the keys that a user would give.
    pub fn open(world: &World, config: Value) -> Result<Self> {
        let config = config.to_string();
        let session = world.run(|| StoreSession::open(&config, super::context()))?;
        Ok(Self { session, config, world: world.clone() })
    }

    /// The Store itself.
    pub fn store(&self) -> &S {
        self.session.store()
    }

    /// Loads a table: writes every batch, prepares, and commits twice, each time in a session of
    /// its own, as after a crash. It is an error if the counts of rows do not agree, or if the
    /// second commit says something else than the first.
    pub fn load(&self, table: &str, mode: Mode, batches: &[RecordBatch]) -> Result<Committed> {
        self.world.run(|| {
            let writer = self.session.begin(load(table, mode, batches)?)?;
            write(&writer, batches)?;
            self.finish(&writer, batches)
        })
    }

    /// As [`Store::load`], but after every batch a checkpoint is made and the load is gone on with
    /// in a new session, after rows that must be discarded were written. Answers with the rows, and
    /// how many checkpoints there were.
    pub fn load_resumed(
        &self,
        table: &str,
        mode: Mode,
        batches: &[RecordBatch],
    ) -> Result<(Committed, usize)> {
        self.world.run(|| {
            let mut writer = self.session.begin(load(table, mode, batches)?)?;
            let mut checkpoints = 0;
            for batch in batches {
                write(&writer, std::slice::from_ref(batch))?;
                if let Some(checkpoint) = writer.checkpoint()? {
                    checkpoints += 1;
                    write(&writer, std::slice::from_ref(batch))?;
                    let session = StoreSession::<S>::open(&self.config, super::context())?;
                    writer = session.resume(load(table, mode, batches)?, &checkpoint)?;
                }
            }
            Ok((self.finish(&writer, batches)?, checkpoints))
        })
    }

    /// Writes every batch and gives up.
    pub fn abort(&self, table: &str, mode: Mode, batches: &[RecordBatch]) -> Result<()> {
        self.world.run(|| {
            let writer = self.session.begin(load(table, mode, batches)?)?;
            write(&writer, batches)?;
            writer.abort();
            Ok(())
        })
    }

    /// Removes what is staged for a table and committed by nobody.
    pub fn sweep(&self, table: &str) -> Result<()> {
        self.world.run(|| self.session.sweep(table, &[]))
    }

    fn finish(
        &self,
        writer: &StoreWriter<S::Writer>,
        batches: &[RecordBatch],
    ) -> Result<Committed> {
        let given: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let staged = writer.prepare()?;
        let commit =
            || StoreSession::<S>::open(&self.config, super::context())?.commit(&staged.token);
        let (first, second) = (commit()?, commit()?);
        if first != second {
            return Err(Error::bug(format!(
                "a second commit answered {second:?}, the first one {first:?}"
            )));
        }
        if [staged.rows, first.rows] != [given as u64; 2] {
            return Err(Error::bug(format!(
                "{given} rows were written, {} staged, {} committed",
                staged.rows, first.rows
            )));
        }
        Ok(first)
    }
}

fn load(table: &str, mode: Mode, batches: &[RecordBatch]) -> Result<Load> {
    let first = batches.first().ok_or_else(|| Error::bug("a test needs at least one batch"))?;
    Ok(Load {
        table: table.to_owned(),
        schema: Received::new(write_ipc(&first.schema(), None)?),
        mode,
        keys: Vec::new(),
        run_id: "test-run".to_owned(),
        options: Vec::new(),
    })
}

fn write<W: store::Writer>(writer: &StoreWriter<W>, batches: &[RecordBatch]) -> Result<()> {
    batches.iter().try_for_each(|batch| writer.write(write_ipc(&batch.schema(), Some(batch))?))
}
