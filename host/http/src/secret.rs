//! Values that nobody may see.

use std::fmt;

use hygge_core::project::keys::{Json, Key};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::Node;
use zeroize::Zeroizing;

/// A secret. It is not shown by `Display` or `Debug`, and is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a value secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself, for sending it or for taking it out of something.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Key for Secret {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        if text.is_empty() {
            problems
                .add(&node.span, "a credential is empty")
                .help("give it a value, or a variable that has one: `${NAME}`");
            return None;
        }
        Some(Self::new(text))
    }

    fn to_json(&self) -> Json {
        Json::String("***".to_owned())
    }

    fn schema() -> Json {
        serde_json::json!({ "type": "string", "examples": ["${API_TOKEN}"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "*** *** Some(***)");
        assert_eq!(secret.to_json(), "***");
        assert_eq!(secret.reveal(), "hunter2");
    }
}
