//! Keeping secret values out of messages.
//!
//! A value is secret when its key says so (`password`, `client_secret`, `account_key`), or when it
//! came from a variable whose name does. Messages are scrubbed of such values, and lines shown
//! from a file are masked.

use std::borrow::Cow;
use std::sync::Arc;

use super::problem::Problems;
use super::yaml::Span;

/// What stands in a message in place of a secret.
const HIDDEN: &str = "***";

/// A secret of fewer characters is hidden only in messages about the place where it stands:
/// taking a short word out of every message would make them unreadable.
const LEAST: usize = 6;

/// Whether a key or variable of this name holds what nobody should see.
pub fn looks_secret(name: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "secrets",
        "token",
        "tokens",
        "apikey",
        "accesskey",
        "accountkey",
        "privatekey",
        "connectionstring",
    ];
    // Keys of tables, which are no secret.
    const TABLES: [&str; 8] =
        ["primary", "foreign", "partition", "sort", "merge", "business", "natural", "surrogate"];
    let lower = name.to_ascii_lowercase().replace(['-', '.', ' '], "_");
    let joined = lower.replace('_', "");
    if ENDINGS.iter().any(|ending| joined.ends_with(ending)) {
        return true;
    }
    lower == "key"
        || lower
            .strip_suffix("_key")
            .is_some_and(|owner| !TABLES.contains(&owner.rsplit('_').next().unwrap_or(owner)))
}

/// The secret values of a project, and where they stand.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    values: Vec<(String, Span)>,
}

impl Secrets {
    /// Remembers a secret value.
    pub(super) fn add(&mut self, value: &str, span: &Span) {
        if !value.is_empty() {
            self.values.push((value.to_owned(), span.clone()));
        }
    }

    /// A text without the secrets in it.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.values.iter().for_each(|(value, _)| hide(&mut text, value));
        text
    }

    /// Takes the secrets out of all messages.
    pub(super) fn scrub(&self, problems: &mut Problems) {
        for problem in &mut problems.list {
            for (value, place) in &self.values {
                let here = problem.span.as_ref().is_some_and(|span| overlap(span, place));
                if !here && value.chars().count() < LEAST {
                    continue;
                }
                hide(&mut problem.message, value);
                problem.label.iter_mut().for_each(|label| hide(label, value));
                problem.help.iter_mut().for_each(|help| hide(help, value));
                problem.also.iter_mut().for_each(|(_, label)| hide(label, value));
            }
        }
    }
}

fn overlap(a: &Span, b: &Span) -> bool {
    Arc::ptr_eq(&a.source, &b.source) && a.start <= b.end && b.start <= a.end
}

fn hide(text: &mut String, value: &str) {
    if text.contains(value) {
        *text = text.replace(value, HIDDEN);
    }
}

/// The text of a file with every secret value masked by as many `*` as it has bytes, so that
/// places stay where they are. References to variables (`${NAME}`) stay readable.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = String::with_capacity(text.len());
    let mut changed = false;
    // While inside a secret's own block: how far its key is indented.
    let mut within: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if !content.trim().is_empty() && within.is_some_and(|key| indent <= key) {
            within = None;
        }
        let from = if within.is_some() {
            Some(indent)
        } else if let Some(start) = value_of_secret_key(line) {
            within = Some(indent);
            Some(start)
        } else {
            None
        };
        match from {
            Some(from) => {
                let (head, value) = line.split_at(from);
                masked.push_str(head);
                mask_value(value, &mut masked);
                changed = true;
            }
            None => masked.push_str(line),
        }
    }
    if changed { Cow::Owned(masked) } else { Cow::Borrowed(text) }
}

/// Where the value begins of the first key in the line that looks secret.
fn value_of_secret_key(line: &str) -> Option<usize> {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    line.char_indices().filter(|(_, c)| matches!(c, ':' | '=')).find_map(|(at, _)| {
        let head = line[..at].trim_end().trim_end_matches(['"', '\'']);
        let start = head.char_indices().rev().take_while(|(_, c)| word(*c)).last()?.0;
        looks_secret(&head[start..]).then_some(at + 1)
    })
}

fn mask_value(value: &str, into: &mut String) {
    let mut rest = value;
    while !rest.is_empty() {
        if rest.starts_with("${")
            && let Some(end) = rest.find('}')
        {
            let (reference, after) = rest.split_at(end);
            let (name, default) = match reference.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (reference, None),
            };
            into.push_str(name);
            if let Some(default) = default {
                into.push_str(":-");
                into.extend(std::iter::repeat_n('*', default.len()));
            }
            into.push('}');
            rest = &after[1..];
            continue;
        }
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() || matches!(first, '"' | '\'') {
            into.push(first);
        } else {
            into.extend(std::iter::repeat_n('*', first.len_utf8()));
        }
        rest = &rest[first.len_utf8()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_secret() {
        for name in [
            "password",
            "DB_PASSWORD",
            "client_secret",
            "clientSecret",
            "api-key",
            "apiKey",
            "storage_account_key",
            "SAS_TOKEN",
            "key",
            "connection_string",
        ] {
            assert!(looks_secret(name), "{name}");
        }
        for name in
            ["primary_key", "key_columns", "key_column", "monkey", "token_url", "name", "table"]
        {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn masked_text_keeps_its_length() {
        let text = "server: a\npassword: hünter2\nkey: |\n  line one\n  line two\n\ntable: t\n\
                    auth: { token: abc, x: 1 }\nsecret: \"${A}-b\"\n";
        let masked = mask(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(
            masked,
            "server: a\npassword: ********\nkey: *\n  **** ***\n  **** ***\n\ntable: t\n\
             auth: { token: **** ** * *\nsecret: \"${A}**\"\n"
        );
    }

    #[test]
    fn a_default_in_a_reference_is_masked() {
        assert_eq!(mask("password: ${PW:-hunter2}"), "password: ${PW:-*******}");
        assert_eq!(mask("password: ${PW}"), "password: ${PW}");
        assert_eq!(mask("flow.a.store.client_secret=abc"), "flow.a.store.client_secret=***");
    }
}
