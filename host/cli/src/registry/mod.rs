//! The one place that names kinds of Homes and Stores.

pub(crate) mod connectors;

use hygge_core::contract::{Kinds, Wanted};
use hygge_core::project::problem::Problems;
use hygge_sandbox::{PolicyKeys, Sandbox, kinds as of};

/// Every kind this build knows, those of the project's connectors, and the names of those it does
/// not have.
pub(crate) fn kinds(wanted: &Wanted<'_>, problems: &mut Problems) -> Kinds {
    let mut kinds = own();
    kinds.connector_keys = Some(PolicyKeys::key_set());
    let sandbox = Sandbox::default();
    for found in connectors::find(wanted, problems) {
        kinds.connectors.push(found.name.clone());
        let Some(policy) = connectors::policy(&found, problems) else { continue };
        if !wanted.uses(&found.name) {
            continue;
        }
        if let Some(connector) = connectors::load(&found, policy, &sandbox, problems) {
            kinds.homes.extend(of::home(&connector));
            kinds.stores.extend(of::store(&connector));
        }
    }
    kinds
}

/// The kinds that are no connectors.
fn own() -> Kinds {
    Kinds {
        homes: hygge_files::home::kinds(),
        stores: hygge_files::store::kinds(),
        absent: &["mssql", "sqlite", "adls", "onelake", "open_mirroring", "rest", "salesforce"],
        ..Kinds::default()
    }
}
