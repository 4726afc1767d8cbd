//! A Store: writes tables to an HTTP API that stages and publishes.
//!
//! Each batch becomes `PUT /staging/RUN/NUMBER`, an Arrow IPC stream; `POST /tables/TABLE` makes
//! all of a run visible at once and answers `{"rows": …}`. Change that to what your destination
//! says; the test below shows how to try it without one.

use hygge_sdk::http::{self, Request};
use hygge_sdk::{
    Committed, Context, Keep, KeptBy, Load, Mode, Received, Result, Staged, Store, Writer,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The keys of the flow's `store:`. `connector.toml` describes them for the user.
#[derive(Debug, Deserialize)]
pub struct Config {}

/// The Store.
#[derive(Debug)]
pub struct Shelf;

/// Finds what a load staged again, in whatever process.
#[derive(Debug, Deserialize, Serialize)]
pub struct Run {
    id: String,
    table: String,
    append: bool,
}

#[derive(Deserialize)]
struct Published {
    rows: u64,
}

impl Store for Shelf {
    type Config = Config;
    type Writer = Parts;

    fn open(_: Config, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn begin(&self, load: Load) -> Result<Parts> {
        let append = load.mode == Mode::Append;
        let run = Run { id: load.run_id, table: load.table, append };
        Ok(Parts { run, parts: 0, rows: 0 })
    }

    fn commit(&self, run: Run) -> Result<Committed> {
        let published: Published = http::post(format!("/tables/{}", run.table))
            .credential("token")
            .json_body(&json!({"run": run.id, "append": run.append}))?
            // Publishing a run again changes nothing: the destination must see to that.
            .safe_to_repeat()
            .json()?;
        Ok(Committed::new(published.rows))
    }

    fn sweep(&self, table: &str, keep: Vec<KeptBy<Self>>) -> Result<()> {
        let mut request = Request::new("DELETE", "/staging").query("table", table);
        for kept in &keep {
            if let Keep::Token(run) = kept {
                request = request.query("keep", &run.id);
            }
        }
        request.credential("token").send()?.ok()?;
        Ok(())
    }
}

/// Writes part after part.
#[derive(Debug)]
pub struct Parts {
    run: Run,
    parts: u64,
    rows: u64,
}

impl Writer for Parts {
    type Token = Run;
    type Checkpoint = ();

    fn write(&mut self, batch: Received) -> Result<()> {
        self.rows += batch.batches()?.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
        let target = format!("/staging/{}/{}", self.run.id, self.parts);
        Request::new("PUT", target)
            .query("table", &self.run.table)
            .credential("token")
            .body(batch.into_bytes())
            .send()?
            .ok()?;
        self.parts += 1;
        Ok(())
    }

    fn prepare(&mut self) -> Result<Staged<Run>> {
        let Run { id, table, append } = &self.run;
        let token = Run { id: id.clone(), table: table.clone(), append: *append };
        Ok(Staged::new(token, self.rows))
    }

    fn abort(&mut self) {
        let request = Request::new("DELETE", format!("/staging/{}", self.run.id));
        if let Err(error) = request.credential("token").send() {
            hygge_sdk::warn!("what was staged is left for the next run to remove: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use hygge_sdk::testing::{Answer, Store, World};
    use hygge_sdk::{Field, Rows, Schema, Type};

    use super::*;

    #[test]
    fn rows_are_staged_and_published() {
        let ok = || Answer::status(200);
        let world = World::new()
            .on("PUT", "/staging/test-run/0?table=orders", ok())
            .on("POST", "/tables/orders", Answer::json(json!({"rows": 2})));
        let store = Store::<Shelf>::open(&world, json!({})).unwrap();

        let mut rows = Rows::new(&Schema::new([Field::new("id", Type::Int64)])).unwrap();
        rows.push(&json!({"id": 1})).unwrap();
        rows.push(&json!({"id": 2})).unwrap();
        store.load("orders", Mode::Replace, &[rows.take_arrow().unwrap()]).unwrap();
    }
}
