//! `--var flow.<flow>.path.to.key=value`: values of `flow.yml` given on the command line.

use std::path::PathBuf;
use std::sync::Arc;

use super::keys::nearest;
use super::problem::Problems;
use super::yaml::{Mapping, Node, Source, Span, Value};

/// What messages show as the file of values from the command line.
const NAME: &str = "--var";

const FORM: &str = "write `--var flow.<flow>.path.to.key=value`";

/// Values given on the command line, by flow.
pub(super) struct Overrides {
    list: Vec<Override>,
}

struct Override {
    flow: String,
    /// The keys from the top of `flow.yml` down.
    path: Vec<(String, Span)>,
    value: Node,
}

impl Overrides {
    /// Reads what was typed; `flows` are the flows there are.
    pub(super) fn read(vars: &[String], flows: &[&str], problems: &mut Problems) -> Self {
        Self { list: vars.iter().filter_map(|text| read(text, flows, problems)).collect() }
    }

    /// Puts the values meant for `flow` into the mapping of its `flow.yml`.
    pub(super) fn apply(&self, flow: &str, mapping: &mut Mapping, problems: &mut Problems) {
        for over in self.list.iter().filter(|over| over.flow == flow) {
            set(mapping, &over.path, &over.value, problems);
        }
    }
}

fn read(text: &str, flows: &[&str], problems: &mut Problems) -> Option<Override> {
    let source =
        Arc::new(Source { name: NAME.to_owned(), path: PathBuf::new(), text: text.to_owned() });
    let span = |start, end| Span { source: Arc::clone(&source), start, end };
    let whole = span(0, text.len());
    let Some((keys, value)) = text.split_once('=') else {
        problems.add(&whole, "there is no `=` with a value").help(FORM);
        return None;
    };
    let Some(rest) = keys.strip_prefix("flow.") else {
        problems.add(&span(0, keys.len()), "this does not begin with `flow.`").help(FORM);
        return None;
    };
    let start = keys.len() - rest.len();
    // A flow's name may contain dots: the longest that fits is meant.
    let flow = flows
        .iter()
        .filter(|flow| {
            rest.strip_prefix(**flow).is_some_and(|keys| keys.is_empty() || keys.starts_with('.'))
        })
        .max_by_key(|flow| flow.len());
    let Some(flow) = flow else {
        let name = rest.split('.').next().unwrap_or(rest);
        let problem = problems
            .add(&span(start, start + name.len()), format!("there is no flow named `{name}`"));
        match nearest(name, flows.iter().copied()) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.help(format!("the flows are: {}", flows.join(", "))),
        };
        return None;
    };
    let mut at = start + flow.len() + 1;
    let mut path = Vec::new();
    for key in keys.get(at..).unwrap_or_default().split('.') {
        path.push((key.to_owned(), span(at, at + key.len())));
        at += key.len() + 1;
    }
    if path.iter().any(|(key, _)| key.is_empty()) {
        problems.add(&span(0, keys.len()), "a key is missing").help(FORM);
        return None;
    }
    let value = Node { value: typed(value), span: span(keys.len() + 1, text.len()) };
    Some(Override { flow: (*flow).to_owned(), path, value })
}

/// `true`, `false`, `yes` and `no` are truth values, digits a whole number (`1` and `0` are truth
/// values where one is wanted), digits with a dot a number, all else is text.
fn typed(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" => return Value::Bool(true),
        "false" | "no" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    if numeric && let Ok(value) = text.parse() {
        return Value::Int(value);
    }
    if numeric && let Ok(value) = text.parse() {
        return Value::Float(value);
    }
    Value::String(text.to_owned())
}

fn set(mapping: &mut Mapping, path: &[(String, Span)], value: &Node, problems: &mut Problems) {
    let Some(((key, span), rest)) = path.split_first() else { return };
    if rest.is_empty() {
        mapping.entries.insert(key.clone(), (span.clone(), value.clone()));
        return;
    }
    let empty = || Node { value: Value::Mapping(Mapping::default()), span: span.clone() };
    let (_, node) = mapping.entries.entry(key.clone()).or_insert_with(|| (span.clone(), empty()));
    match &mut node.value {
        Value::Mapping(inner) => set(inner, rest, value, problems),
        Value::Null => {
            *node = empty();
            if let Value::Mapping(inner) = &mut node.value {
                set(inner, rest, value, problems);
            }
        }
        // A home or a store written as a path alone is short for a mapping.
        Value::String(_) if key == "home" || key == "store" => {
            let path = ("path".to_owned(), (node.span.clone(), node.clone()));
            let mut inner = Mapping { entries: [path].into_iter().collect() };
            set(&mut inner, rest, value, problems);
            node.value = Value::Mapping(inner);
        }
        _ => {
            let found = node.describe();
            problems
                .add(span, format!("`{key}` has no keys within it: it is {found}"))
                .also(&node.span, "set here");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_type_they_look_like() {
        for (text, shown) in [
            ("true", "Bool(true)"),
            ("NO", "Bool(false)"),
            ("1", "Int(1)"),
            ("-12", "Int(-12)"),
            ("1.5", "Float(1.5)"),
            ("1.2.3", "String(\"1.2.3\")"),
            ("1e5", "String(\"1e5\")"),
            ("", "String(\"\")"),
            ("a=b", "String(\"a=b\")"),
        ] {
            assert_eq!(format!("{:?}", typed(text)), shown);
        }
    }
}
