//! What is known of code that came from elsewhere.

/// The connector behind a Home or a Store: code that came from elsewhere, what it asks for and
/// what it was granted. For `hygge debug` and `--dry-run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The connector's name, as the project has it.
    pub name: String,
    /// Its version, if it says so.
    pub version: Option<String>,
    /// Where its code is: `built in`, `connectors/shop.wasm`.
    pub source: String,
    /// The SHA-256 of its code, in hexadecimal.
    pub digest: String,
    /// What it asks for.
    pub asks: Rights,
    /// What it was granted. Of the limits only those that differ from what every connector has.
    pub has: Rights,
}

/// What a connector may reach and use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Hosts it may connect to.
    pub hosts: Vec<String>,
    /// Names of the credentials that the host adds to its requests.
    pub credentials: Vec<String>,
    /// Limits by their key, each with its value as written in `hygge.yml`.
    pub limits: Vec<(String, String)>,
}
