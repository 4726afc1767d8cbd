//! What a connector has to say, as far as its share of the log goes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use hygge_core::engine::event::Notices;
use hygge_core::project::looks_secret;
use serde_json::{Map, Value};

use crate::job::Client;
use crate::text::clean;

/// The longest line that is kept whole, in bytes.
const LONGEST_LINE: usize = 4096;
/// What a line takes of the share beyond its text: many empty lines are many lines too.
const BYTES_OF_LINE: u64 = 32;
/// Warnings stay in memory for the summary, where nobody reads more of them.
const MOST_WARNINGS: u64 = 100;
/// A secret of fewer characters is left in: taking a short word out of every line would make them
/// unreadable.
const LEAST_SECRET: usize = 6;

/// How much a line matters to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// For those who look closely.
    Debug,
    /// Good to know.
    Info,
    /// Shown in the summary.
    Warn,
}

/// Takes the lines of all instances that work for one entity.
pub(crate) struct Log {
    connector: String,
    notices: Notices,
    secrets: Vec<String>,
    share: u64,
    taken: AtomicU64,
    warnings: AtomicU64,
    left_out: AtomicU64,
}

impl Log {
    pub(crate) fn new(client: &Client, notices: Notices) -> Self {
        let mut secrets = Vec::new();
        collect_secrets(&client.config, &mut secrets);
        let credentials = client.net.auth.secrets();
        secrets.extend(credentials.iter().map(|secret| secret.reveal().to_owned()));
        // A secret that holds another one is taken out first.
        secrets.retain(|secret| secret.chars().count() >= LEAST_SECRET);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self {
            connector: client.connector.name().to_owned(),
            notices,
            secrets,
            share: client.policy.log,
            taken: AtomicU64::new(0),
            warnings: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// Takes a line, if there is room left for it.
    pub(crate) fn line(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let all: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let bytes = BYTES_OF_LINE + (message.len() + all) as u64;
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            taken.checked_add(bytes).filter(|taken| *taken <= self.share)
        });
        if taken.is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut line = format!("{}: {message}", self.connector);
        for (name, value) in fields {
            line.push_str(&format!(" {name}={value}"));
        }
        let line = clean(&self.scrub(line), LONGEST_LINE);
        match level {
            Level::Debug => self.notices.debug(line),
            Level::Warn if self.warnings.fetch_add(1, Ordering::Relaxed) < MOST_WARNINGS => {
                self.notices.warn(line);
            }
            Level::Info | Level::Warn => self.notices.info(line),
        }
    }

    /// Takes a line of the host's own about what the connector does.
    pub(crate) fn of_host(&self, line: fmt::Arguments<'_>) {
        self.notices.debug(self.scrub(format!("{}: {line}", self.connector)));
    }

    /// Takes a warning of the host's own about what the connector meets.
    pub(crate) fn warning_of_host(&self, line: String) {
        self.notices.warn(self.scrub(format!("{}: {line}", self.connector)));
    }

    /// The text without the secrets of the configuration.
    pub(crate) fn scrub(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "***");
            }
        }
        text
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let left_out = *self.left_out.get_mut();
        if left_out > 0 {
            self.notices.warn(format!(
                "{}: {left_out} more log lines were not kept (`log` of `{}` under `connectors:`)",
                self.connector, self.connector
            ));
        }
    }
}

fn collect_secrets(config: &Map<String, Value>, secrets: &mut Vec<String>) {
    for (name, value) in config {
        if looks_secret(name) {
            collect_texts(value, secrets);
        } else if let Value::Object(inner) = value {
            collect_secrets(inner, secrets);
        }
    }
}

fn collect_texts(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => secrets.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, secrets)),
        Value::Object(inner) => inner.values().for_each(|item| collect_texts(item, secrets)),
        _ => {}
    }
}
