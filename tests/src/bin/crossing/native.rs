//! The same Home, built in: hands out one batch again and again.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use hygge_core::contract::{
    Batch, Context, Delivery, Finding, Home, HomeKind, ReadRequest, Reader, Site, SourcePlan,
};
use hygge_core::fault::Fault;
use hygge_core::project::keys::KeySet;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Span};
use hygge_sandbox::Connector;
use serde::Deserialize;
use serde_json::Value;

use super::ground::NATIVE;

/// Takes the keys that the connector takes.
pub(crate) struct NativeKind {
    keys: KeySet,
}

impl NativeKind {
    /// With the keys of `connector`.
    pub(crate) fn like(connector: &Connector) -> Self {
        let schema = connector.manifest().and_then(|manifest| manifest.home_config());
        Self { keys: KeySet::from_json_schema(schema.unwrap_or(&Value::Null)) }
    }
}

impl HomeKind for NativeKind {
    fn name(&self) -> &str {
        NATIVE
    }

    fn keys(&self) -> &KeySet {
        &self.keys
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        _: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        let keys = self.keys.read_json(mapping, span, &["type"], problems)?;
        match serde_json::from_value::<Native>(Value::Object(keys)) {
            Ok(home) => Some(Arc::new(home)),
            Err(error) => {
                problems.add(span, error.to_string());
                None
            }
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Native {
    rows: u32,
    columns: u32,
    batches: u64,
    splits: u64,
}

impl Native {
    fn schema(&self) -> SchemaRef {
        let field = |column| Field::new(format!("c{column}"), DataType::Int64, false);
        Arc::new(Schema::new((0..self.columns).map(field).collect::<Vec<_>>()))
    }

    /// The batch of a split: what the connector makes.
    fn batch(&self, split: u64) -> Result<RecordBatch, Fault> {
        let rows = i64::from(self.rows);
        let columns = (0..i64::from(self.columns)).map(|column| {
            let first = split as i64 * rows + column;
            Arc::new(Int64Array::from_iter_values(first..first + rows)) as ArrayRef
        });
        RecordBatch::try_new(self.schema(), columns.collect())
            .map_err(|error| Fault::bug("no batch can be made").because(error))
    }
}

#[async_trait]
impl Home for Native {
    fn location(&self) -> String {
        NATIVE.to_owned()
    }

    async fn check(&self) -> Result<Finding, Fault> {
        Ok(Finding { subject: self.location(), fault: None, note: String::new() })
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        Ok(None)
    }

    async fn open(&self, _: &ReadRequest, context: Arc<Context>) -> Result<Box<dyn Reader>, Fault> {
        let batches = (0..self.splits).map(|split| self.batch(split)).collect::<Result<_, _>>()?;
        Ok(Box::new(Repeat { home: self.clone(), context, batches, given: 0 }))
    }
}

/// Gives out batches of all splits in turn: as they come where splits are read side by side. One
/// split after the other would make other row groups, and less work of them.
struct Repeat {
    home: Native,
    context: Arc<Context>,
    /// One of each split.
    batches: Vec<RecordBatch>,
    given: u64,
}

#[async_trait]
impl Reader for Repeat {
    fn schema(&self) -> SchemaRef {
        self.home.schema()
    }

    async fn next(&mut self) -> Result<Option<Delivery>, Fault> {
        if self.given == self.home.batches * self.home.splits {
            return Ok(None);
        }
        let split = usize::try_from(self.given % self.home.splits).unwrap_or(0);
        self.given += 1;
        let Some(batch) = self.batches.get(split) else { return Ok(None) };
        let permit = self.context.memory.acquire(batch.get_array_memory_size()).await;
        Ok(Some(Delivery::Rows(Batch { rows: batch.clone(), permit })))
    }
}
