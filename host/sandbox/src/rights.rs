//! What a connector asks for and what it was granted, in the words of `hygge.yml`.

use std::path::Path;
use std::time::Duration;

use hygge_core::contract::{Guest, Rights};
use serde_json::Value;

use hygge_http::Spec;

use crate::component::{Connector, Source};
use crate::policy::Policy;

/// The connector as the user should know it, with what `policy` lets it do.
pub(crate) fn guest(connector: &Connector, policy: &Policy, net: &Spec, root: &Path) -> Guest {
    let manifest = connector.manifest();
    let version = manifest.map(|manifest| manifest.version.clone());
    Guest {
        name: connector.name().to_owned(),
        version: version.filter(|version| !version.is_empty()),
        source: source(connector, root),
        digest: connector.digest().to_string(),
        asks: asks(connector),
        has: Rights {
            hosts: net.grants().iter().map(ToString::to_string).collect(),
            credentials: net.auth.labels().map(str::to_owned).collect(),
            limits: unusual(policy),
        },
    }
}

/// Where its code is, and what else it speaks.
fn source(connector: &Connector, root: &Path) -> String {
    let place = match connector.source() {
        Source::Builtin(_) => "built in".to_owned(),
        Source::File(path) => path.strip_prefix(root).unwrap_or(path).display().to_string(),
    };
    match connector.worlds().wasi().any(|name| name.starts_with("wasi:http/")) {
        true => format!("{place}, which speaks wasi:http"),
        false => place,
    }
}

/// What the connector says it needs.
pub fn asks(connector: &Connector) -> Rights {
    let Some(manifest) = connector.manifest() else { return Rights::default() };
    let limits = manifest.asks.limits.iter();
    Rights {
        hosts: manifest.asks.hosts.clone(),
        credentials: manifest.asks.credentials.clone(),
        limits: limits.map(|(key, value)| (key.clone(), word(value))).collect(),
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The limits that are not those every connector has.
fn unusual(policy: &Policy) -> Vec<(String, String)> {
    let usual = limits(&Policy::default());
    let own = limits(policy).into_iter().zip(usual);
    own.filter(|(own, usual)| own != usual)
        .filter_map(|((key, value), _)| Some((key.to_owned(), value?)))
        .collect()
}

fn limits(policy: &Policy) -> [(&'static str, Option<String>); 16] {
    let http = &policy.http;
    [
        ("memory", Some(bytes(policy.memory as u64))),
        ("cpu", Some(time(policy.cpu))),
        ("idle", Some(time(policy.idle))),
        ("timeout", policy.timeout.map(time)),
        ("batch_size", Some(bytes(policy.batch_size.into()))),
        ("log", Some(bytes(policy.log))),
        ("handles", Some(policy.handles.to_string())),
        ("instances", policy.instances.map(|count| count.to_string())),
        ("rate_limit", http.rate_limit.as_ref().map(ToString::to_string)),
        ("requests", Some(http.requests.to_string())),
        ("ca_file", http.ca_file.as_ref().map(|path| path.display().to_string())),
        ("connect_timeout", Some(time(http.connect_timeout))),
        ("read_timeout", Some(time(http.read_timeout))),
        ("request_timeout", Some(time(http.request_timeout))),
        ("retries", Some(http.retries.to_string())),
        ("max_response", Some(bytes(http.max_response))),
    ]
}

/// A size as it can be written in `hygge.yml`.
fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KB", 1000),
    ];
    let exact = |(_, size): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*size);
    // Of 32 MB and 31250 KiB the shorter one.
    match UNITS.iter().filter(exact).max_by_key(|(_, size)| *size) {
        Some((unit, size)) => format!("{} {unit}", bytes / size),
        None => bytes.to_string(),
    }
}

/// A length of time as it can be written in `hygge.yml`.
fn time(length: Duration) -> String {
    let seconds = length.as_secs();
    match (length.subsec_nanos(), seconds) {
        (0, 1..) if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        (0, 1..) if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        (0, _) => format!("{seconds}s"),
        _ => format!("{}ms", length.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told_and_can_be_written_so() {
        assert_eq!(unusual(&Policy::default()), []);
        let policy = Policy {
            memory: 32_000_000,
            cpu: Duration::from_millis(1500),
            idle: Duration::from_secs(7200),
            timeout: Some(Duration::from_secs(90)),
            batch_size: 4 << 20,
            log: 12_345,
            instances: Some(3),
            ..Policy::default()
        };
        let told: Vec<String> =
            unusual(&policy).into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
        assert_eq!(
            told,
            [
                "memory: 32 MB",
                "cpu: 1500ms",
                "idle: 2h",
                "timeout: 90s",
                "batch_size: 4 MiB",
                "log: 12345",
                "instances: 3"
            ]
        );
    }
}
