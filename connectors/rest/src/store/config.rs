//! The keys of `store:`, and what they ask to be sent.

use std::num::NonZeroU32;

use hygge_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::{credential, headers};
use crate::endpoint::{Csv, Endpoint, Format};
use crate::json::Path;
use crate::paging::Paging;

/// The keys of `store:`. The host has checked them against `connector.toml` before.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    path: Option<String>,
    method: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    credential: Option<String>,
    pub(crate) body: Option<Value>,
    #[serde(default)]
    pub(crate) format: Form,
    #[serde(default = "hundred")]
    pub(crate) rows_per_request: NonZeroU32,
    #[serde(default)]
    pub(crate) nulls: Nulls,
    #[serde(default = "idempotency_key")]
    pub(crate) idempotency_header: String,
    pub(crate) error: Option<Path>,
    pub(crate) accepted: Option<Path>,
    #[serde(default)]
    pub(crate) replace: Replace,
    check: Option<String>,
    begin: Option<StepKeys>,
    commit: Option<StepKeys>,
    abort: Option<StepKeys>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    #[default]
    Json,
    Ndjson,
}

/// What becomes of nulls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Nulls {
    #[default]
    Send,
    Omit,
}

/// What becomes of a load that is to replace the whole table, which an API cannot do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Replace {
    #[default]
    Refuse,
    Send,
}

/// A request beside those that carry rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepKeys {
    path: String,
    method: Option<String>,
    body: Option<Value>,
}

/// What is sent beside the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before the first rows.
    Begin,
    /// When all rows are there: they become visible.
    Commit,
    /// When the load is given up.
    Abort,
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Commit => "commit",
            Self::Abort => "abort",
        }
    }
}

fn hundred() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(99)
}

fn idempotency_key() -> String {
    "Idempotency-Key".to_owned()
}

/// The names that every request can use.
pub(crate) const NAMES: [&str; 4] = ["load", "table", "mode", "rows"];

impl Config {
    /// The requests that carry rows. Their body is made elsewhere.
    pub(crate) fn rows(&self, table: &str) -> Result<Endpoint> {
        let path = self.path.clone().unwrap_or_else(|| format!("/{table}"));
        self.endpoint(path, self.method.as_deref(), None)
    }

    /// The request of a step, if it has one.
    pub(crate) fn step(&self, step: Step) -> Result<Option<Endpoint>> {
        let keys = match step {
            Step::Begin => &self.begin,
            Step::Commit => &self.commit,
            Step::Abort => &self.abort,
        };
        let Some(keys) = keys else { return Ok(None) };
        let endpoint =
            self.endpoint(keys.path.clone(), keys.method.as_deref(), keys.body.clone())?;
        endpoint.check(&NAMES).map_err(|error| error.while_doing(format!("`{}`", step.name())))?;
        Ok(Some(endpoint))
    }

    /// The request that looks whether the API answers, if there is one.
    pub(crate) fn check(&self) -> Result<Option<Endpoint>> {
        let Some(path) = &self.check else { return Ok(None) };
        self.endpoint(path.clone(), Some("GET"), None).map(Some)
    }

    /// Refuses what cannot be done, before anything is.
    pub(crate) fn accept(&self, replaces: bool) -> Result<()> {
        if replaces && self.replace == Replace::Refuse && self.commit.is_none() {
            return Err(Error::config(
                "an API cannot replace a table as a whole. Say `incremental: true` under `store:` \
                 to have rows added, or `replace: send` if sending all of them again replaces what \
                 is there row by row (rows that are gone stay), or `commit` if the API can",
            ));
        }
        if self.format == Form::Ndjson && self.body.is_some() {
            return Err(Error::config("`body` is for `format: json`: lines stand for themselves"));
        }
        Ok(())
    }

    fn endpoint(
        &self,
        path: String,
        method: Option<&str>,
        body: Option<Value>,
    ) -> Result<Endpoint> {
        Ok(Endpoint {
            method: method.unwrap_or("POST").to_ascii_uppercase(),
            path,
            params: self.params.clone(),
            headers: headers(&self.headers)?,
            body,
            form: None,
            records: Path::root(),
            format: Format::Json,
            csv: Csv { delimiter: b',', header: true },
            paging: Paging::None,
            credential: credential(self.credential.as_deref()),
            empty_on: Vec::new(),
            error: self.error.clone(),
            given: Vec::new(),
            include: Vec::new(),
            unpaged: None,
        })
    }
}
