//! A connector as a Home.
//!
//! ```text
//!   open ─▶ an instance that plans ─▶ splits ─┬─▶ lane: instance, session, read, next, next, …
//!                                             ├─▶ lane: …                          │ two chunks ahead
//!                                             └─▶ lane: …                          ▼
//!                                       Reader::next ◀───────── decoded ◀──────────┘
//! ```

mod lane;
mod progress;
mod reader;
mod rows;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use hygge_core::contract::{Context, Finding, Guest, Home, ReadRequest, Reader, Since, SourcePlan};
use hygge_core::fault::{Fault, FaultKind};
use hygge_core::project::keys::nearest;
use hygge_core::watermark::Watermark;

use self::progress::Progress;
use crate::fault;
use crate::guest::{self, HomeGuest, Query, Split};
use crate::job::{Client, Job};
use crate::schema;

/// More splits than anybody plans on purpose.
const MOST_SPLITS: usize = 100_000;
/// The longest id of a split.
const LONGEST_ID: usize = 1024;
/// The longest state that the host keeps for a connector.
pub(crate) const LONGEST_STATE: usize = 64 << 10;

/// One table, read through a connector.
#[derive(Debug)]
pub(crate) struct ConnectorHome {
    client: Arc<Client>,
}

impl ConnectorHome {
    pub(crate) fn new(client: Client) -> Self {
        Self { client: Arc::new(client) }
    }

    async fn look(&self) -> Result<String, Fault> {
        let connector = &self.client.connector;
        let (machine, loaded) = (connector.machine()?, connector.loaded().await?);
        let job = Job::aside(&self.client);
        let on = Arc::clone(&machine);
        machine.run(async move { loaded.home(&on, &job).await?.check().await }).await
    }
}

#[async_trait]
impl Home for ConnectorHome {
    fn location(&self) -> String {
        format!("{} {}", self.client.connector.name(), self.client.entity)
    }

    fn guest(&self) -> Option<Guest> {
        Some(self.client.guest.clone())
    }

    async fn check(&self) -> Result<Finding, Fault> {
        let subject = format!("source {}", self.location());
        Ok(finding(subject, self.look().await))
    }

    async fn plan(&self, _: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        // What columns there are only the connector knows, and asking it may open connections.
        Ok(None)
    }

    async fn open(
        &self,
        request: &ReadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Reader>, Fault> {
        let connector = &self.client.connector;
        let (machine, loaded) = (connector.machine()?, connector.loaded().await?);
        let job = Job::of_run(&self.client, &context);
        let query =
            Query { table: self.client.entity.clone(), since: request.since.as_ref().map(since) };
        for note in machine.cache.take_notes() {
            context.notices.debug(note);
        }
        let state = request.resume.as_ref().map(state::read).transpose()?;

        let (on, with, asked) = (Arc::clone(&machine), Arc::clone(&loaded), Arc::clone(&job));
        let planned = machine
            .run(async move {
                let mut guest = with.home(&on, &asked).await?;
                let announced = match guest.schema(&query).await {
                    Ok(announced) => announced,
                    Err(fault) => return Err(with_tables(fault, &query, guest).await),
                };
                // A plan made before may speak of things that have changed since: whoever goes on
                // keeps to the plan that was begun.
                let splits = match state {
                    Some(splits) => splits,
                    None => Progress::of_plan(checked(&asked, guest.plan(&query).await?)?),
                };
                Ok((announced, splits))
            })
            .await;
        let (announced, splits) = planned?;
        let who = job.who();
        let schema = context.cpu.run(move || schema::announced(announced, &who)).await?;
        reader::ConnectorReader::start(machine, loaded, job, context, schema, splits)
    }
}

/// Of a table that is missing, with the tables that there are.
async fn with_tables(fault: Fault, query: &Query, mut guest: Box<dyn HomeGuest>) -> Fault {
    const MOST: usize = 20;
    if fault.kind() != FaultKind::Missing {
        return fault;
    }
    // An instance that cannot tell any more says so; the fault stands without it.
    let Ok(tables) = guest.tables().await else { return fault };
    let shown = |name: &str| format!("`{}`", crate::text::clean(name, 100));
    if let Some(near) = nearest(&query.table, tables.iter().map(String::as_str)) {
        return fault.with_note(&format!("did you mean the table {}?", shown(near)));
    }
    match tables.len() {
        0 => fault,
        count if count > MOST => fault.with_note(&format!("there are {count} other tables")),
        _ => {
            let names: Vec<_> = tables.iter().map(|name| shown(name)).collect();
            fault.with_note(&format!("there are the tables {}", names.join(", ")))
        }
    }
}

/// What a connector found when it looked.
pub(crate) fn finding(subject: String, found: Result<String, Fault>) -> Finding {
    match found {
        Ok(note) => Finding { subject, fault: None, note: crate::text::clean(&note, 200) },
        Err(fault) => Finding { subject, fault: Some(Arc::new(fault)), note: String::new() },
    }
}

/// A watermark as the contract writes it.
fn since(since: &Since) -> guest::Watermark {
    let (kind, value) = match &since.value {
        Watermark::Int(value) => ("int", value.to_string()),
        // The engine compares in UTC; the contract's timestamps are RFC 3339.
        Watermark::DateTime(_) => ("timestamp", format!("{}Z", since.value)),
        Watermark::String(value) => ("string", value.clone()),
    };
    guest::Watermark { column: since.column.clone(), value, kind }
}

/// The plan, if it is one that can be followed.
fn checked(job: &Job, splits: Vec<Split>) -> Result<Vec<Split>, Fault> {
    const PLAN: &str = "home.session.plan";
    if splits.len() > MOST_SPLITS {
        let what = format!("planned {} splits, of at most {MOST_SPLITS}", splits.len());
        return Err(fault::broke(job, PLAN, &what));
    }
    let mut ids = std::collections::HashSet::with_capacity(splits.len());
    let mut rows = 0_u64;
    for split in &splits {
        if split.id.is_empty() || split.id.len() > LONGEST_ID {
            let what = format!("named a split by {} bytes, of 1 to {LONGEST_ID}", split.id.len());
            return Err(fault::broke(job, PLAN, &what));
        }
        if split.spec.len() > LONGEST_STATE {
            let what = format!(
                "described split `{}` in {} bytes, of at most {LONGEST_STATE}",
                crate::text::clean(&split.id, 100),
                split.spec.len()
            );
            return Err(fault::broke(job, PLAN, &what));
        }
        if !ids.insert(split.id.as_str()) {
            let what = format!("planned two splits named `{}`", crate::text::clean(&split.id, 100));
            return Err(fault::broke(job, PLAN, &what));
        }
        let Some(all) = rows.checked_add(split.rows.unwrap_or_default()) else {
            return Err(fault::broke(job, PLAN, "planned more rows than can be counted"));
        };
        rows = all;
    }
    Ok(splits)
}

#[cfg(test)]
mod tests {
    use hygge_core::watermark::Watermark;

    use super::*;

    fn written(value: Watermark) -> (&'static str, String) {
        let since = since(&Since { column: "at".to_owned(), value });
        (since.kind, since.value)
    }

    #[test]
    fn watermarks_are_written_as_the_contract_says() {
        let parse = |kind, text| Watermark::parse(kind, text).unwrap();
        assert_eq!(written(parse("int", "-5")), ("int", "-5".to_owned()));
        assert_eq!(written(parse("string", "b ü")), ("string", "b ü".to_owned()));
        let time = written(parse("datetime", "2026-01-31T23:59:59.25"));
        assert_eq!(time, ("timestamp", "2026-01-31T23:59:59.250000Z".to_owned()));
    }
}
