//! A connector as a Store.
//!
//! A load is written by one instance. What it stages is published by a fresh one, perhaps in
//! another process: the token is all it is given.

mod staged;
mod writer;

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use hygge_core::contract::{
    Context, DestinationPlan, Finding, Guest, LoadRequest, Manifest, Mode, Published, Store,
    StorePlanRequest, Territory, Writer,
};
use hygge_core::fault::Fault;
use hygge_forge::Digest;
use serde_json::{Map, Value};

use self::writer::{ConnectorWriter, Loading};
use crate::guest::{Load, StoreGuest};
use crate::home::finding;
use crate::ipc;
use crate::job::{Client, Job};

/// One table, written through a connector.
#[derive(Debug)]
pub(crate) struct ConnectorStore {
    client: Arc<Client>,
}

impl ConnectorStore {
    pub(crate) fn new(client: Client) -> Self {
        Self { client: Arc::new(client) }
    }

    /// Asks a fresh instance.
    async fn ask<T, F>(
        &self,
        ask: impl FnOnce(Box<dyn StoreGuest>) -> F + Send + 'static,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let connector = &self.client.connector;
        let (machine, loaded) = (connector.machine()?, connector.loaded().await?);
        let job = Job::aside(&self.client);
        let on = Arc::clone(&machine);
        machine.run(async move { ask(loaded.store(&on, &job).await?).await }).await
    }

    /// Opens a writer, of a new load or behind a checkpoint.
    async fn writer(
        &self,
        request: &LoadRequest,
        from: Option<staged::Checkpoint>,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        let connector = &self.client.connector;
        let (machine, loaded) = (connector.machine()?, connector.loaded().await?);
        let job = Job::of_run(&self.client, &context);
        let load = Load {
            table: self.client.entity.clone(),
            schema: ipc::schema_bytes(&request.schema)?,
            mode: mode(request.mode),
            run_id: context.run.entity.clone(),
            follows: request.follows.clone(),
        };
        for note in machine.cache.take_notes() {
            context.notices.debug(note);
        }
        let rows = from.as_ref().map_or(0, |from| from.rows);
        let (on, opened) = (Arc::clone(&machine), Arc::clone(&job));
        let guest = machine
            .run(async move {
                let mut guest = loaded.store(&on, &opened).await?;
                match from {
                    None => guest.begin(&load).await?,
                    Some(from) => guest.resume(&load, &from.state).await?,
                }
                Ok(guest)
            })
            .await?;
        let loading =
            Loading { machine, job, context, mode: request.mode, location: self.location() };
        Ok(Box::new(ConnectorWriter::new(loading, guest, rows)))
    }
}

#[async_trait]
impl Store for ConnectorStore {
    fn location(&self) -> String {
        format!("{} {}", self.client.connector.name(), self.client.entity)
    }

    fn territory(&self) -> Territory {
        let Client { connector, entity, config, .. } = &*self.client;
        // Two connectors never share a place; one with the same keys writes a table of one name
        // to one place. The keys themselves may hold secrets.
        let keys = Digest::of(canonical(config).as_bytes());
        Territory::Name(format!("{}:{entity}:{keys}", connector.digest()))
    }

    fn guest(&self) -> Option<Guest> {
        Some(self.client.guest.clone())
    }

    async fn check(&self) -> Result<Finding, Fault> {
        let subject = format!("destination {}", self.location());
        let found = self.ask(|mut guest| async move { guest.check().await }).await;
        Ok(finding(subject, found))
    }

    async fn plan(&self, request: &StorePlanRequest) -> Result<DestinationPlan, Fault> {
        Ok(DestinationPlan {
            future: request.schema.clone(),
            note: mode(request.mode).to_owned(),
            ..DestinationPlan::default()
        })
    }

    async fn begin(
        &self,
        load: &LoadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        self.writer(load, None, context).await
    }

    async fn resume(
        &self,
        load: &LoadRequest,
        from: &Manifest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Writer>, Fault> {
        let from = staged::checkpoint(from)?;
        self.writer(load, Some(from), context).await
    }

    async fn publish(&self, manifest: &Manifest) -> Result<Published, Fault> {
        let token = staged::token(manifest)?;
        let done = self.ask(|mut guest| async move { guest.commit(&token).await }).await?;
        Ok(Published {
            rows: done.rows,
            bytes: believable(done.bytes),
            parts: believable(done.parts),
        })
    }

    async fn sweep(&self, keep: Option<&Manifest>) -> Result<(), Fault> {
        let table = self.client.entity.clone();
        let keep = keep.map(staged::state).transpose()?;
        self.ask(|mut guest| async move { guest.sweep(&table, keep.as_slice()).await }).await
    }
}

/// A size that is told for information alone; none where nothing can be as large. Those of many
/// tables are added up.
fn believable(size: Option<u64>) -> u64 {
    const MOST: u64 = 1 << 50;
    size.filter(|size| *size <= MOST).unwrap_or_default()
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Replace => "replace",
        Mode::Append => "append",
    }
}

/// The keys as JSON in which the order they were written in does not show.
fn canonical(config: &Map<String, Value>) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let mut keys: Vec<_> = object.iter().collect();
                keys.sort_by(|a, b| a.0.cmp(b.0));
                Value::Object(
                    keys.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect(),
                )
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            plain => plain.clone(),
        }
    }
    sorted(&Value::Object(config.clone())).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_makes_no_other_place() {
        let keys = |value: Value| canonical(value.as_object().unwrap());
        assert_eq!(
            keys(json!({"a": 1, "b": {"c": [1, 2], "d": 2}})),
            keys(json!({"b": {"d": 2, "c": [1, 2]}, "a": 1})),
        );
        assert_ne!(keys(json!({"a": [1, 2]})), keys(json!({"a": [2, 1]})));
    }
}
