//! What a connector may use and reach. Everything it is not granted is denied.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use hygge_core::project::keys::ByteSize;
use hygge_http::{Grant, Patience, Rate, Settings};

hygge_core::keys! {
    /// What one connector may use and reach. What is left out is denied, or has a default that is
    /// safe.
    pub struct PolicyKeys {
        /// The hosts it may send HTTP requests to, such as `api.example.com`, `*.example.com`,
        /// `http://localhost:8080` or `GET,HEAD files.example.com`. By default only that of the
        /// flow's `base_url`.
        allow_hosts: Option<Vec<Grant>>,
        /// How often it may send a request to one host, such as `10/s` or `600/min`. By default as
        /// often as it likes.
        rate_limit: Option<Rate>,
        /// How many requests it may send side by side. By default 8.
        requests: Option<NonZeroU32>,
        /// A file with certificates, in PEM, that are trusted in place of the machine's.
        ca_file: Option<String>,
        /// How long making a connection may take. By default 10 seconds.
        connect_timeout: Option<Patience>,
        /// The longest silence of a server, before and within its answer. By default 60 seconds.
        read_timeout: Option<Patience>,
        /// How long a request may take altogether, apart from the time in which the connector is
        /// busy with what it got. By default 5 minutes.
        request_timeout: Option<Patience>,
        /// How often a request is sent again that failed in passing. By default 5 times.
        retries: Option<u32>,
        /// How many bytes an answer may have, unpacked. By default `1 GiB`.
        max_response: Option<ByteSize>,
        /// The most memory that one instance of it may have; each part of a table that is read at
        /// the same time has its own. By default `256 MB`, at most `4 GiB`.
        memory: Option<ByteSize>,
        /// The longest that one call into it may keep a core busy. By default 30 seconds.
        cpu: Option<Duration>,
        /// The longest that one call into it may take without any progress, waiting included. By
        /// default 5 minutes.
        idle: Option<Duration>,
        /// The longest that it may take for one entity, from the first call to the last. By
        /// default as long as it needs.
        timeout: Option<Duration>,
        /// About how many bytes of rows it is asked for, or given, at a time: between `64 KiB` and
        /// `16 MiB`. By default `2 MiB`.
        batch_size: Option<ByteSize>,
        /// How many bytes of log lines are kept of one entity. By default `1 MiB`.
        log: Option<ByteSize>,
        /// How many handles (sessions, readers, answers of HTTP) one instance may hold at a time.
        /// By default 1000.
        handles: Option<NonZeroU32>,
        /// How many parts of a table are read at the same time, each by an instance of its own. By
        /// default as many as there are cores.
        instances: Option<NonZeroU32>,
    }
}

/// As much linear memory as a 32-bit component can have.
const MOST_MEMORY: u64 = 4 << 30;
const BATCH: std::ops::RangeInclusive<u64> = (64 << 10)..=(16 << 20);

/// [`PolicyKeys`] with the defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Where HTTP requests may go, and how they are sent.
    pub http: Settings,
    /// Bytes of linear memory that one instance may have.
    pub memory: usize,
    /// CPU time of one call.
    pub cpu: Duration,
    /// The longest time of one call without progress.
    pub idle: Duration,
    /// The longest time for one entity.
    pub timeout: Option<Duration>,
    /// Bytes of rows to move at a time.
    pub batch_size: u32,
    /// Bytes of log lines that are kept of one entity.
    pub log: u64,
    /// Handles that one instance may hold at a time.
    pub handles: usize,
    /// Instances that read one table at the same time; `None` for as many as there are cores.
    pub instances: Option<usize>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            http: Settings::default(),
            memory: 256_000_000,
            cpu: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            timeout: None,
            batch_size: 2 << 20,
            log: 1 << 20,
            handles: 1000,
            instances: None,
        }
    }
}

impl Policy {
    /// This policy with what `keys` say in place of what it said.
    #[must_use]
    pub fn with(mut self, keys: &PolicyKeys) -> Self {
        self.http = http(self.http, keys);
        if let Some(ByteSize(bytes)) = keys.memory {
            self.memory = usize::try_from(bytes.min(MOST_MEMORY)).unwrap_or(usize::MAX);
        }
        if let Some(bytes) = keys.batch_size {
            let bytes = bytes.0.clamp(*BATCH.start(), *BATCH.end());
            self.batch_size = u32::try_from(bytes).unwrap_or(u32::MAX);
        }
        if let Some(ByteSize(bytes)) = keys.log {
            self.log = bytes;
        }
        self.cpu = keys.cpu.unwrap_or(self.cpu);
        self.idle = keys.idle.unwrap_or(self.idle);
        self.timeout = keys.timeout.or(self.timeout);
        self.handles = keys.handles.map_or(self.handles, |n| n.get() as usize);
        self.instances = keys.instances.map(|n| n.get() as usize).or(self.instances);
        self
    }

    /// The most bytes that may leave an instance in one call: a chunk of rows may be larger than
    /// asked for, by a row that is large itself.
    pub(crate) fn crossing(&self) -> usize {
        (self.batch_size as usize).saturating_mul(4).max(64 << 20)
    }
}

/// These settings with what `keys` say in place of what they said.
fn http(mut http: Settings, keys: &PolicyKeys) -> Settings {
    if let Some(hosts) = &keys.allow_hosts {
        http.allow_hosts.clone_from(hosts);
    }
    if let Some(Patience(time)) = keys.connect_timeout {
        http.connect_timeout = time;
    }
    if let Some(Patience(time)) = keys.read_timeout {
        http.read_timeout = time;
    }
    if let Some(Patience(time)) = keys.request_timeout {
        http.request_timeout = time;
    }
    if let Some(ByteSize(bytes)) = keys.max_response {
        http.max_response = bytes;
    }
    http.rate_limit = keys.rate_limit.clone().or(http.rate_limit);
    http.requests = keys.requests.map_or(http.requests, |count| count.get() as usize);
    http.ca_file = keys.ca_file.as_ref().map(PathBuf::from).or(http.ca_file);
    http.retries = keys.retries.unwrap_or(http.retries);
    http
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> PolicyKeys {
        <PolicyKeys as hygge_core::project::keys::Key>::absent().unwrap()
    }

    #[test]
    fn nothing_is_granted_by_default() {
        let policy = Policy::default().with(&none());
        assert_eq!(policy, Policy::default());
        assert!(policy.http.allow_hosts.is_empty());
    }

    #[test]
    fn a_flow_changes_only_what_it_names() {
        let project =
            PolicyKeys { memory: Some(ByteSize(1_000_000)), cpu: Some(Duration::ZERO), ..none() };
        let flow = PolicyKeys { cpu: Some(Duration::from_secs(7)), ..none() };
        let policy = Policy::default().with(&project).with(&flow);
        assert_eq!((policy.memory, policy.cpu), (1_000_000, Duration::from_secs(7)));
        assert_eq!(policy.idle, Policy::default().idle);
    }

    #[test]
    fn sizes_stay_within_what_is_possible() {
        let keys = PolicyKeys {
            memory: Some(ByteSize(u64::MAX)),
            batch_size: Some(ByteSize(1)),
            ..none()
        };
        let policy = Policy::default().with(&keys);
        assert_eq!((policy.memory as u64, policy.batch_size), (4 << 30, 64 << 10));
    }
}
