//! What an entity's keys do to those of its flow: joined paths, and `{entity}` filled in.

use std::path::Path;

use super::yaml::{Node, Value};

/// The placeholder for an entity's name.
const ENTITY: &str = "{entity}";

/// Joins the path of an entity to that of its flow. An absolute path, or one with a scheme, stands
/// for itself.
pub(super) fn join_paths(flow: &str, entity: &str) -> String {
    let whole = Path::new(entity).is_absolute() || entity.contains("://");
    let base = flow.trim_end_matches('/');
    if whole || flow.is_empty() {
        entity.to_owned()
    } else {
        format!("{base}/{}", entity.strip_prefix("./").unwrap_or(entity))
    }
}

/// Whether a text leaves a place for the entity's name.
pub(super) fn has_placeholder(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => text.contains(ENTITY),
        _ => is_bare_placeholder(node),
    }
}

/// `table: {entity}` without quotes is a mapping to YAML; what it means is plain.
fn is_bare_placeholder(node: &Node) -> bool {
    matches!(node.value, Value::Mapping(_)) && node.span.text() == ENTITY
}

/// Puts the entity's name in the place of `{entity}` in every text. Other braces stay.
pub(super) fn fill_in(node: &mut Node, entity: &str) {
    if is_bare_placeholder(node) {
        node.value = Value::String(entity.to_owned());
        return;
    }
    match &mut node.value {
        Value::String(text) => {
            if text.contains(ENTITY) {
                *text = text.replace(ENTITY, entity);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| fill_in(item, entity)),
        Value::Mapping(mapping) => {
            mapping.entries.values_mut().for_each(|(_, value)| fill_in(value, entity));
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_unless_they_stand_for_themselves() {
        assert_eq!(join_paths("data/source", "users.parquet"), "data/source/users.parquet");
        assert_eq!(join_paths("data/source/", "./sub/x"), "data/source/sub/x");
        assert_eq!(join_paths("data", "/elsewhere/x"), "/elsewhere/x");
        assert_eq!(join_paths("data", "s3://bucket/x"), "s3://bucket/x");
        assert_eq!(join_paths("s3://bucket/", "x"), "s3://bucket/x");
        assert_eq!(join_paths("/", "x"), "/x");
    }
}
