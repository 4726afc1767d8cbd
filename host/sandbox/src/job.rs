//! A piece of work for a connector: for whom it is done, and what may be used for it.

use std::sync::Arc;
use std::time::Instant;

use hygge_core::budget::Share;
use hygge_core::contract::{Context, Guest, Progress};
use hygge_core::engine::event::{Notices, Silent};
use hygge_http::Spec;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::component::Connector;
use crate::imports::log::Log;
use crate::policy::Policy;

/// Whose entity a connector is asked about, and with what configuration.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The connector.
    pub connector: Arc<Connector>,
    /// What it may use and reach for this flow.
    pub policy: Policy,
    /// Where its requests may go, and with which credentials.
    pub net: Arc<Spec>,
    /// The flow.
    pub flow: String,
    /// The entity.
    pub entity: String,
    /// The user's keys.
    pub config: Map<String, Value>,
    /// The connector and its rights, as the user should know them.
    pub guest: Guest,
}

/// One attempt at something: a load, a look, a publication.
pub(crate) struct Job {
    /// Whose.
    pub client: Arc<Client>,
    /// The id of the entity's run; empty outside of one.
    pub run_id: String,
    /// Ends every call.
    pub cancel: CancellationToken,
    /// What instances hold is charged to this.
    pub memory: Option<Arc<Share>>,
    /// Takes what the connector has to say.
    pub log: Log,
    /// How far the entity is, for whoever would give it up as stalled.
    pub progress: Progress,
    /// When it must be over.
    pub overdue: Option<Instant>,
}

impl Job {
    /// Work that belongs to a run.
    pub(crate) fn of_run(client: &Arc<Client>, context: &Context) -> Arc<Self> {
        Arc::new(Self {
            run_id: context.run.entity.clone(),
            cancel: context.cancel.clone(),
            memory: Some(Arc::clone(&context.memory)),
            log: Log::new(client, context.notices.clone()),
            progress: context.progress.clone(),
            overdue: overdue(client),
            client: Arc::clone(client),
        })
    }

    /// Work outside of a run, or after its end: there is nobody to tell what the connector logs.
    pub(crate) fn aside(client: &Arc<Client>) -> Arc<Self> {
        Arc::new(Self {
            run_id: String::new(),
            cancel: CancellationToken::new(),
            memory: None,
            log: Log::new(client, Notices::new(None, Arc::new(Silent))),
            progress: Progress::silent(),
            overdue: overdue(client),
            client: Arc::clone(client),
        })
    }

    /// The connector's name in the project.
    pub(crate) fn connector(&self) -> &str {
        self.client.connector.name()
    }

    /// How messages about what the connector handed over begin.
    pub(crate) fn who(&self) -> String {
        format!("connector `{}`, `{}`", self.connector(), self.client.entity)
    }

    /// What the connector may use and reach.
    pub(crate) fn policy(&self) -> &Policy {
        &self.client.policy
    }

    /// The user's keys, as connectors are given them.
    pub(crate) fn config(&self) -> String {
        Value::Object(self.client.config.clone()).to_string()
    }

    /// For whom a session is opened, as connectors are told.
    pub(crate) fn about(&self) -> Vec<(String, String)> {
        [("flow", &self.client.flow), ("entity", &self.client.entity), ("run-id", &self.run_id)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }
}

fn overdue(client: &Client) -> Option<Instant> {
    client.policy.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}
