//! A connector as a kind of Home and a kind of Store: nothing in a flow tells it from a built-in
//! one.

use std::sync::Arc;

use hygge_core::contract::{Home, HomeKind, Site, Store, StoreKind};
use hygge_core::project::keys::KeySet;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Span};
use serde_json::Value;

use crate::component::Connector;
use crate::home::ConnectorHome;
use crate::job::Client;
use crate::policy::PolicyKeys;
use crate::rights;
use crate::store::ConnectorStore;

/// Keys that every Home may carry and that the project reads, not the connector.
const OF_HOMES: [&str; 1] = ["type"];
/// Keys that every Store may carry and that the project reads, not the connector.
const OF_STORES: [&str; 2] = ["type", "incremental"];

/// The connector as a kind of Home, if tables can be read from it.
pub fn home(connector: &Arc<Connector>) -> Option<Box<dyn HomeKind>> {
    let schema = connector.manifest().and_then(|manifest| manifest.home_config());
    connector.worlds().home().then(|| {
        Box::new(ConnectorHomeKind { connector: Arc::clone(connector), keys: keys(schema) }) as _
    })
}

/// The connector as a kind of Store, if tables can be written to it.
pub fn store(connector: &Arc<Connector>) -> Option<Box<dyn StoreKind>> {
    let schema = connector.manifest().and_then(|manifest| manifest.store_config());
    connector.worlds().store().then(|| {
        Box::new(ConnectorStoreKind { connector: Arc::clone(connector), keys: keys(schema) }) as _
    })
}

/// The keys a connector says it takes; any, where it says nothing.
fn keys(schema: Option<&Value>) -> KeySet {
    KeySet::from_json_schema(schema.unwrap_or(&Value::Null))
}

struct ConnectorHomeKind {
    connector: Arc<Connector>,
    keys: KeySet,
}

struct ConnectorStoreKind {
    connector: Arc<Connector>,
    keys: KeySet,
}

impl HomeKind for ConnectorHomeKind {
    fn name(&self) -> &str {
        self.connector.name()
    }

    fn keys(&self) -> &KeySet {
        &self.keys
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>> {
        let client =
            client(&self.connector, &self.keys, &OF_HOMES, (mapping, span), site, problems)?;
        Some(Arc::new(ConnectorHome::new(client)))
    }
}

impl StoreKind for ConnectorStoreKind {
    fn name(&self) -> &str {
        self.connector.name()
    }

    fn keys(&self) -> &KeySet {
        &self.keys
    }

    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Store>> {
        let client =
            client(&self.connector, &self.keys, &OF_STORES, (mapping, span), site, problems)?;
        Some(Arc::new(ConnectorStore::new(client)))
    }
}

fn client(
    connector: &Arc<Connector>,
    keys: &KeySet,
    of_project: &[&str],
    (mapping, span): (&Mapping, &Span),
    site: Site<'_>,
    problems: &mut Problems,
) -> Option<Client> {
    let config = keys.read_json(mapping, span, of_project, problems);
    let policy = match site.connector {
        None => Some(connector.policy().clone()),
        Some(laid_over) => PolicyKeys::from_mapping(laid_over, span, &[], problems)
            .map(|keys| connector.policy().clone().with(&keys)),
    };
    let policy = policy?;
    let guest = rights::guest(connector, &policy, site.root);
    Some(Client {
        connector: Arc::clone(connector),
        policy,
        flow: site.flow.to_owned(),
        entity: site.entity.to_owned(),
        config: config?,
        guest,
    })
}
