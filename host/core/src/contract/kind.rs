//! Kinds of Homes and Stores, and how configuration becomes one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{Home, Store};
use crate::project::keys::KeySet;
use crate::project::problem::Problems;
use crate::project::yaml::{Mapping, Node, Span};

/// The `connections:` of a project: named mappings, read by the kinds that use them.
pub type Connections = IndexMap<String, Node>;

/// Where configuration is being read: what a kind needs to turn keys into a Home or a Store.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The project's folder: relative paths start here.
    pub root: &'a Path,
    /// The flow's name.
    pub flow: &'a str,
    /// The entity's name; in a flow without entities, the flow's name.
    pub entity: &'a str,
    /// What a Home or Store that works on paths appends to its `path`: the entity's name, or
    /// `None` where the path is already the entity's own.
    pub subfolder: Option<&'a str>,
    /// The project's connections.
    pub connections: &'a Connections,
    /// What the flow says under `connectors:` of the connector of this kind's name: it is laid
    /// over what the project says there.
    pub connector: Option<&'a Mapping>,
}

/// A kind of Home: `home: { type: … }`.
pub trait HomeKind: Send + Sync {
    /// The value of `type`.
    fn name(&self) -> &str;

    /// The keys it takes, apart from `type`.
    fn keys(&self) -> &KeySet;

    /// Makes a Home from its keys. Pure: nothing outside is touched. `None` when something is
    /// wrong, which is then in `problems`. The mapping may contain `type`; `{entity}` is already
    /// substituted and variables are expanded.
    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Home>>;
}

/// A kind of Store: `store: { type: … }`.
pub trait StoreKind: Send + Sync {
    /// The value of `type`.
    fn name(&self) -> &str;

    /// The keys it takes, apart from `type` and `incremental`, which every Store takes.
    fn keys(&self) -> &KeySet;

    /// Makes a Store from its keys. As [`HomeKind::configure`]; the mapping may also contain
    /// `incremental`.
    fn configure(
        &self,
        mapping: &Mapping,
        span: &Span,
        site: Site<'_>,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Store>>;
}

/// Where kinds come from, once a project's `hygge.yml` is read: those of the build, and the
/// connectors of the project.
pub trait KindSource {
    /// The kinds a project has. What is wrong with its connectors goes to `problems`.
    fn kinds(&self, wanted: &Wanted<'_>, problems: &mut Problems) -> Kinds;
}

impl<F: Fn(&Wanted<'_>, &mut Problems) -> Kinds> KindSource for F {
    fn kinds(&self, wanted: &Wanted<'_>, problems: &mut Problems) -> Kinds {
        self(wanted, problems)
    }
}

/// What a [`KindSource`] needs to know of a project.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// `connectors:` of `hygge.yml`, each name with its keys.
    pub connectors: &'a Mapping,
    /// The types that homes and stores name; `None` where all there are should be known. What
    /// nobody uses need not be read, and cannot be in the way.
    pub used: Option<&'a BTreeSet<String>>,
}

impl Wanted<'_> {
    /// Whether a kind of this name has to be there.
    pub fn uses(&self, name: &str) -> bool {
        self.used.is_none_or(|used| used.contains(name))
    }
}

/// All kinds this build knows, and the names of kinds that exist elsewhere.
#[derive(Default)]
pub struct Kinds {
    /// Kinds of Homes.
    pub homes: Vec<Box<dyn HomeKind>>,
    /// Kinds of Stores.
    pub stores: Vec<Box<dyn StoreKind>>,
    /// Kinds that projects may name but this build does not have: a message says so instead of
    /// taking them for a misspelling.
    pub absent: &'static [&'static str],
    /// The names of all connectors there are, also of those no home or store uses: for
    /// suggestions.
    pub connectors: Vec<String>,
    /// The keys of one connector under `connectors:`, apart from `path`.
    pub connector_keys: Option<&'static KeySet>,
}

impl Kinds {
    /// The names of all kinds, of Homes and of Stores.
    pub fn names(&self) -> Vec<&str> {
        let homes = self.homes.iter().map(|kind| kind.name());
        homes.chain(self.stores.iter().map(|kind| kind.name())).collect()
    }

    /// The Home kind of that name.
    pub fn home(&self, name: &str) -> Option<&dyn HomeKind> {
        self.homes.iter().map(Box::as_ref).find(|kind| kind.name() == name)
    }

    /// The Store kind of that name.
    pub fn store(&self, name: &str) -> Option<&dyn StoreKind> {
        self.stores.iter().map(Box::as_ref).find(|kind| kind.name() == name)
    }
}

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kinds")
            .field("homes", &self.homes.iter().map(|kind| kind.name()).collect::<Vec<_>>())
            .field("stores", &self.stores.iter().map(|kind| kind.name()).collect::<Vec<_>>())
            .finish()
    }
}
