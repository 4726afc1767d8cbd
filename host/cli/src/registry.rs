//! The one place that names kinds of Homes and Stores.

use hygge_core::contract::Kinds;

/// Every kind this build knows, and the names of those it does not have.
pub(crate) fn kinds() -> Kinds {
    Kinds {
        homes: hygge_files::home::kinds(),
        stores: hygge_files::store::kinds(),
        absent: &["mssql", "sqlite", "adls", "onelake", "open_mirroring", "rest", "salesforce"],
    }
}
