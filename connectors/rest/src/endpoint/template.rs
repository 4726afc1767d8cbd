//! Texts with places for values: `/posts/{id}/comments`.

use hygge_sdk::{Error, Result};
use serde_json::Value;

use super::Bound;
use crate::config::find;

/// The places for where an incremental load goes on, and for where a window of time ends.
pub(crate) const SINCE: &str = "since";
pub(crate) const UNTIL: &str = "until";

/// The names of the places in a text.
pub(super) fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('{') {
        let Some((name, behind)) = behind.split_once('}') else { break };
        if is_name(name) {
            names.push(name);
        }
        rest = behind;
    }
    names
}

/// Whether a name stands in one of the texts of a value.
pub(super) fn stands_in(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => placeholders(text).contains(&name),
        Value::Array(items) => items.iter().any(|item| stands_in(name, item)),
        Value::Object(members) => members.values().any(|member| stands_in(name, member)),
        _ => false,
    }
}

/// Whether a place can have this name.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The text with values in their places. None if it has a place for [`SINCE`] or [`UNTIL`], and
/// there is no such value.
pub(super) fn fill(
    text: &str,
    bound: &Bound,
    escape: impl Fn(&str) -> String,
) -> Result<Option<String>> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let known = behind.split_once('}').filter(|(name, _)| is_name(name));
        let value = known.and_then(|(name, _)| Some((name, find(bound, name)?)));
        match (known, value) {
            (Some((_, after)), Some((name, value))) => {
                out.push_str(&escape(&plain(name, value)?));
                rest = after;
            }
            (Some((SINCE | UNTIL, _)), None) => return Ok(None),
            _ => {
                out.push('{');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    Ok(Some(out))
}

/// A JSON value with values in the places of its texts. A text that is nothing but a place becomes
/// the value itself, a number say. None as for [`fill`]; members of objects are then left out.
pub(super) fn fill_json(value: &Value, bound: &Bound) -> Result<Option<Value>> {
    Ok(Some(match value {
        Value::String(text) => {
            let alone = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            match alone.and_then(|name| find(bound, name)) {
                Some(value) => serde_json::from_str(value)?,
                None => match fill(text, bound, str::to_owned)? {
                    Some(text) => Value::String(text),
                    None => return Ok(None),
                },
            }
        }
        Value::Array(items) => {
            let items = items.iter().filter_map(|item| fill_json(item, bound).transpose());
            Value::Array(items.collect::<Result<_>>()?)
        }
        Value::Object(members) => {
            let members = members.iter().filter_map(|(name, value)| {
                let value = fill_json(value, bound).transpose()?;
                Some(value.map(|value| (name.clone(), value)))
            });
            Value::Object(members.collect::<Result<_>>()?)
        }
        plain => plain.clone(),
    }))
}

/// The value of a name, which is JSON, as plain text.
pub(super) fn plain(name: &str, json: &str) -> Result<String> {
    match serde_json::from_str(json)? {
        Value::String(text) => Ok(text),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(Error::data(format!(
            "`{name}` is neither text nor a number in a record of the parent: {json}"
        ))),
        // As it is written: a number must not lose digits.
        Value::Number(_) | Value::Bool(_) => Ok(json.to_owned()),
    }
}
