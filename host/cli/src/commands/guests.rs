//! The connectors a plan uses: which code that is, what it asks for and what it was granted.

use hygge_core::contract::{Guest, Rights};
use hygge_core::project::plan::Plan;
use serde_json::{Map, Value, json};

/// Hexadecimal digits of a digest that are enough for people to compare.
const SHORT: usize = 12;

/// A connector with the same rights in some flows.
#[derive(Debug)]
pub(super) struct InUse {
    /// The connector.
    pub(super) guest: Guest,
    /// The flows, in the plan's order.
    pub(super) flows: Vec<String>,
}

/// The connectors that the plan's entities use. One that flows have granted different rights to
/// is listed once for each.
pub(super) fn in_use(plan: &Plan) -> Vec<InUse> {
    let mut list: Vec<InUse> = Vec::new();
    for entity in &plan.entities {
        for guest in [entity.home.guest(), entity.store.guest()].into_iter().flatten() {
            let flow = &*entity.name.flow;
            match list.iter_mut().find(|known| known.guest == guest) {
                Some(known) if known.flows.iter().any(|name| name == flow) => {}
                Some(known) => known.flows.push(flow.to_owned()),
                None => list.push(InUse { guest, flows: vec![flow.to_owned()] }),
            }
        }
    }
    list.sort_by(|a, b| a.guest.name.cmp(&b.guest.name));
    list
}

impl InUse {
    /// `connector shop 1.2.0`.
    pub(super) fn title(&self) -> String {
        let version = self.guest.version.as_ref().map_or(String::new(), |text| format!(" {text}"));
        format!("connector {}{version}", self.guest.name)
    }

    /// Where its code is from, which code it is, and who uses it.
    pub(super) fn origin(&self) -> String {
        let digest: String = self.guest.digest.chars().take(SHORT).collect();
        let flows = self.flows.join(", ");
        format!("{} · sha256 {digest} · used by {flows}", self.guest.source)
    }

    /// What it asks for and what it has, in words.
    pub(super) fn rights(&self) -> [(&'static str, String); 2] {
        [("asks for", rights_words(&self.guest.asks)), ("has", rights_words(&self.guest.has))]
    }

    /// What it asks for and was not granted, in words for the user.
    pub(super) fn lacks(&self) -> Option<String> {
        let (asks, has) = (&self.guest.asks, &self.guest.has);
        let hosts: Vec<&str> = missing(&asks.hosts, &has.hosts);
        let credentials: Vec<&str> = missing(&asks.credentials, &has.credentials);
        let mut parts = Vec::new();
        if !hosts.is_empty() {
            parts.push(format!(
                "hosts {}: add them to `connectors: {{ {}: {{ allow_hosts: […] }} }}`",
                hosts.join(", "),
                self.guest.name
            ));
        }
        if !credentials.is_empty() {
            parts.push(format!(
                "credentials {}: add them to its home or store under `auth:`",
                credentials.join(", ")
            ));
        }
        (!parts.is_empty()).then(|| parts.join(" · "))
    }

    /// For machines.
    pub(super) fn object(&self) -> Value {
        let Guest { name, version, source, digest, asks, has } = &self.guest;
        json!({
            "event": "connector",
            "name": name,
            "version": version,
            "source": source,
            "digest": digest,
            "flows": self.flows,
            "asks": rights_object(asks),
            "has": rights_object(has),
        })
    }
}

fn missing<'a>(asked: &'a [String], granted: &[String]) -> Vec<&'a str> {
    asked.iter().filter(|name| !granted.contains(name)).map(String::as_str).collect()
}

/// Rights in words.
pub(super) fn rights_words(rights: &Rights) -> String {
    let mut parts = Vec::new();
    for (what, names) in [("hosts", &rights.hosts), ("credentials", &rights.credentials)] {
        if !names.is_empty() {
            parts.push(format!("{what} {}", names.join(", ")));
        }
    }
    parts.extend(rights.limits.iter().map(|(key, value)| format!("{key} {value}")));
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" · ") }
}

fn rights_object(rights: &Rights) -> Value {
    let limits: Map<String, Value> =
        rights.limits.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    json!({ "hosts": rights.hosts, "credentials": rights.credentials, "limits": limits })
}
