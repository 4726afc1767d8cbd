//! A connector as a kind of Home and a kind of Store: nothing in a flow tells it from a built-in
//! one.

use std::borrow::Cow;
use std::sync::Arc;

use hygge_core::contract::{Home, HomeKind, Site, Store, StoreKind};
use hygge_core::project::keys::{Key, KeyInfo, KeySet};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Span};
use hygge_http::{Auth, BaseUrl, Spec};
use serde_json::{Map, Value};

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

/// The key of a home or a store whose value is the host's, and that connectors never see.
const AUTH: &str = hygge_http::auth::KEY;
/// The key of a home or a store that relative targets are relative to.
const BASE_URL: &str = "base_url";

/// The keys a connector says it takes; any, where it says nothing. And those of the host.
fn keys(schema: Option<&Value>) -> KeySet {
    let mut set = KeySet::from_json_schema(schema.unwrap_or(&Value::Null));
    set.keys.retain(|key| key.name != AUTH);
    let mut add = |name: &'static str, about: &str, schema: Value| {
        let (name, about) = (Cow::Borrowed(name), about.to_owned());
        set.keys.push(KeyInfo { name, about, required: false, default: None, schema });
    };
    add(AUTH, "Credentials, which the host adds to requests.", Auth::schema());
    set
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
    let before = problems.list.len();
    let config = {
        let mut of_connector = mapping.clone();
        of_connector.entries.shift_remove(AUTH);
        keys.read_json(&of_connector, span, of_project, problems)
    };
    let auth = match mapping.get(AUTH) {
        Some(node) => Auth::read(node, site.root, problems),
        None => Some(Auth::default()),
    };
    let base = base_url(mapping, config.as_ref(), problems);
    let policy = match site.connector {
        None => Some(connector.policy().clone()),
        Some(laid_over) => PolicyKeys::from_mapping(laid_over, span, &[], problems)
            .map(|keys| connector.policy().clone().with(&keys)),
    };
    let (config, auth, mut policy) = (config?, auth?, policy?);
    if problems.list.len() > before {
        return None;
    }
    policy.http.ca_file = policy.http.ca_file.map(|path| site.root.join(path));
    let granted = mapping.get(BASE_URL).is_some();
    let net = Arc::new(Spec {
        connector: connector.name().to_owned(),
        settings: policy.http.clone(),
        base_granted: granted,
        base,
        auth,
    });
    let guest = rights::guest(connector, &policy, &net, site.root);
    Some(Client {
        connector: Arc::clone(connector),
        policy,
        net,
        flow: site.flow.to_owned(),
        entity: site.entity.to_owned(),
        config,
        guest,
    })
}

/// What relative targets are relative to: what the user wrote, or else what the connector says.
fn base_url(
    mapping: &Mapping,
    config: Option<&Map<String, Value>>,
    problems: &mut Problems,
) -> Option<BaseUrl> {
    let Some(node) = mapping.get(BASE_URL) else {
        // A connector's own is its author's business: one that is no URL is as good as none.
        return BaseUrl::parse(config?.get(BASE_URL)?.as_str()?).ok();
    };
    let text = String::read(node, problems)?;
    match BaseUrl::parse(&text) {
        Ok(base) => Some(base),
        Err(why) => {
            problems.add(&node.span, format!("`{BASE_URL}` {why}"));
            None
        }
    }
}
