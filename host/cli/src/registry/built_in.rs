//! The connectors that travel inside hygge.

/// Each by its name.
pub(crate) const BUILT_IN: &[(&str, &[u8])] = &[];
