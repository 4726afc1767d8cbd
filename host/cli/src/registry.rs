//! The one place that names kinds of Homes and Stores.

use hygge_core::contract::{Kinds, Wanted};
use hygge_core::project::connectors::connectors;
use hygge_core::project::problem::Problems;

/// Every kind this build knows, and the names of those it does not have.
pub(crate) fn kinds(wanted: &Wanted<'_>, problems: &mut Problems) -> Kinds {
    let mut kinds = Kinds {
        homes: hygge_files::home::kinds(),
        stores: hygge_files::store::kinds(),
        absent: &["mssql", "sqlite", "adls", "onelake", "open_mirroring", "rest", "salesforce"],
        ..Kinds::default()
    };
    let found = connectors(wanted, &[], &kinds.names(), problems);
    kinds.connectors = found.into_iter().map(|connector| connector.name).collect();
    kinds
}
