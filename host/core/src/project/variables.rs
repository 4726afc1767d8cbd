//! `${VARIABLE}` and `${VARIABLE:-default}` in the strings of a project.

use std::collections::HashSet;
use std::sync::Arc;

use super::problem::Problems;
use super::secret::{Secrets, looks_secret};
use super::yaml::{Node, Span, Value};

/// Replaces variables by what the environment has for them.
pub(super) struct Variables<'a> {
    /// Looks a variable up.
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Where secret values are remembered.
    pub(super) secrets: &'a mut Secrets,
    /// Where mistakes go.
    pub(super) problems: &'a mut Problems,
    /// What could not be expanded.
    pub(super) unexpanded: &'a mut Unexpanded,
}

/// Values whose variables are not to be had. What else is said of such a value is only a
/// consequence.
#[derive(Debug, Default)]
pub(super) struct Unexpanded {
    /// The values.
    values: Vec<Span>,
    /// Which problems say so.
    problems: HashSet<usize>,
}

impl Unexpanded {
    /// Drops the consequences.
    pub(super) fn drop_consequences(&self, problems: &mut Problems) {
        let same = |a: &Span, b: &Span| {
            Arc::ptr_eq(&a.source, &b.source) && (a.start, a.end) == (b.start, b.end)
        };
        let mut index = 0;
        problems.list.retain(|problem| {
            index += 1;
            let span = problem.span.as_ref();
            self.problems.contains(&(index - 1))
                || !span.is_some_and(|span| self.values.iter().any(|value| same(span, value)))
        });
    }
}

impl Variables<'_> {
    /// Expands every string in `node`. `secret` says that the key above it looks secret.
    pub(super) fn expand(&mut self, node: &mut Node, secret: bool) {
        match &mut node.value {
            Value::Sequence(items) => {
                for item in items {
                    self.expand(item, secret);
                }
            }
            Value::Mapping(mapping) => {
                for (name, (_, value)) in &mut mapping.entries {
                    self.expand(value, secret || looks_secret(name));
                }
            }
            Value::String(text) => {
                let mut secret = secret;
                if text.contains("${") {
                    let known = self.problems.list.len();
                    *text = self.replace(text, &node.span, &mut secret);
                    let added = known..self.problems.list.len();
                    if !added.is_empty() {
                        self.unexpanded.values.push(node.span.clone());
                        self.unexpanded.problems.extend(added);
                    }
                }
                if secret {
                    self.secrets.add(text, &node.span);
                }
            }
            Value::Int(_) | Value::Float(_) if secret => {
                self.secrets.add(node.span.text(), &node.span);
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
        }
    }

    fn replace(&mut self, text: &str, span: &Span, secret: &mut bool) -> String {
        let mut whole = String::with_capacity(text.len());
        let mut rest = text;
        // How far the file's own text has been searched, to mark the right reference.
        let mut searched = span.start;
        while let Some(start) = rest.find("${") {
            whole.push_str(&rest[..start]);
            let body = &rest[start + 2..];
            let Some(end) = body.find('}') else {
                let place = locate(span, &mut searched, &rest[start..]);
                self.problems
                    .add(&place, "`${` without its `}`")
                    .help("write `${NAME}`, or `${NAME:-value}` to have a default");
                whole.push_str(&rest[start..]);
                return whole;
            };
            let reference = &rest[start..start + 2 + end + 1];
            let place = locate(span, &mut searched, reference);
            if let Some(value) = self.value(&body[..end], &place) {
                let name = body[..end].split(':').next().unwrap_or_default();
                *secret |= looks_secret(name);
                whole.push_str(&value);
            }
            rest = &body[end + 1..];
        }
        whole.push_str(rest);
        whole
    }

    fn value(&mut self, body: &str, place: &Span) -> Option<String> {
        let (name, default) = match body.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (body, None),
        };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            self.problems
                .add(place, "this is not the name of a variable")
                .help("write `${NAME}`, or `${NAME:-value}` to have a default");
            return None;
        }
        // As in a shell, `:-` stands in for a variable that is empty, too.
        let value = (self.lookup)(name).filter(|value| !(value.is_empty() && default.is_some()));
        if value.is_none() && default.is_none() {
            self.problems
                .add(place, format!("the environment variable `{name}` is not set"))
                .label("needed here")
                .help(format!("set `{name}`, or give a default: `${{{name}:-value}}`"));
        }
        value.or_else(|| default.map(str::to_owned))
    }
}

/// Where `part` stands within `span`; all of `span` where the file writes it differently.
fn locate(span: &Span, searched: &mut usize, part: &str) -> Span {
    let found = span
        .source
        .text
        .get(*searched..span.end)
        .and_then(|text| text.find(part).map(|at| *searched + at));
    match found {
        Some(start) => {
            *searched = start + part.len();
            Span { start, end: start + part.len(), ..span.clone() }
        }
        None => span.clone(),
    }
}
