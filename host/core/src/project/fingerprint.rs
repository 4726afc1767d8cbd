//! What a home and a store are configured to be, told apart by a hash.

use sha2::{Digest, Sha256};

use super::secret::{Secrets, looks_secret};
use super::yaml::{Mapping, Node, Value};

/// A hash of configuration. It is kept in the journal, so nothing secret is in it: another
/// password reads the same rows.
pub(super) struct Fingerprint<'a> {
    sum: Sha256,
    secrets: &'a Secrets,
}

impl<'a> Fingerprint<'a> {
    pub(super) fn new(secrets: &'a Secrets) -> Self {
        Self { sum: Sha256::new(), secrets }
    }

    /// Adds a kind and its keys.
    pub(super) fn add(&mut self, kind: &str, keys: &Mapping) {
        self.text(kind);
        self.mapping(keys);
    }

    /// All that was added, as 32 hexadecimal digits.
    pub(super) fn finish(self) -> String {
        self.sum.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    fn mapping(&mut self, mapping: &Mapping) {
        self.size(mapping.entries.len());
        for (name, (_, node)) in &mapping.entries {
            self.text(name);
            if !looks_secret(name) {
                self.node(node);
            }
        }
    }

    fn node(&mut self, node: &Node) {
        let kind = match node.value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 2,
            Value::Float(_) => 3,
            Value::String(_) => 4,
            Value::Sequence(_) => 5,
            Value::Mapping(_) => 6_u8,
        };
        self.sum.update([kind]);
        match &node.value {
            Value::Null => {}
            Value::Bool(value) => self.sum.update([u8::from(*value)]),
            Value::Int(value) => self.sum.update(value.to_le_bytes()),
            Value::Float(value) => self.sum.update(value.to_bits().to_le_bytes()),
            Value::String(value) => self.text(&self.secrets.hide(value)),
            Value::Sequence(items) => {
                self.size(items.len());
                items.iter().for_each(|item| self.node(item));
            }
            Value::Mapping(mapping) => self.mapping(mapping),
        }
    }

    fn text(&mut self, text: &str) {
        self.size(text.len());
        self.sum.update(text);
    }

    /// Sizes come first, so that nothing runs into what follows it.
    fn size(&mut self, size: usize) {
        self.sum.update((size as u64).to_le_bytes());
    }
}
