//! What a connector is allowed, and how its requests are sent.

use std::path::PathBuf;
use std::time::Duration;

use hygge_core::project::keys::{Json, Key};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::Node;

use crate::grant::Grant;
use crate::rate::Rate;

/// What the keys under `connectors:` say about requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where requests may go, apart from the `base_url` of a flow.
    pub allow_hosts: Vec<Grant>,
    /// How often requests are sent, to each host.
    pub rate_limit: Option<Rate>,
    /// Requests side by side.
    pub requests: usize,
    /// Certificates to trust in place of the machine's.
    pub ca_file: Option<PathBuf>,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// The longest silence of a server.
    pub read_timeout: Duration,
    /// How long a request may take altogether, body included, apart from the time in which the
    /// connector is busy with what it got.
    pub request_timeout: Duration,
    /// How often a request is sent again that failed in passing.
    pub retries: u32,
    /// Bytes that an answer may have, unpacked.
    pub max_response: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_hosts: Vec::new(),
            rate_limit: None,
            requests: 8,
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(300),
            retries: 5,
            max_response: 1 << 30,
        }
    }
}

/// A length of time after which something is given up: any but none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

impl Key for Patience {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let time = Duration::read(node, problems)?;
        if time.is_zero() {
            problems
                .add(&node.span, "a time-out of zero would let nothing through")
                .label("should be more than 0");
            return None;
        }
        Some(Self(time))
    }

    fn to_json(&self) -> Json {
        self.0.to_json()
    }

    fn schema() -> Json {
        Duration::schema()
    }
}
