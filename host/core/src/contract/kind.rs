//! Kinds of Homes and Stores, and how configuration becomes one.

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
}

/// A kind of Home: `home: { type: … }`.
pub trait HomeKind: Send + Sync {
    /// The value of `type`.
    fn name(&self) -> &'static str;

    /// The keys it takes, apart from `type`.
    fn keys(&self) -> &'static KeySet;

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
    fn name(&self) -> &'static str;

    /// The keys it takes, apart from `type` and `incremental`, which every Store takes.
    fn keys(&self) -> &'static KeySet;

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
}

impl Kinds {
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
