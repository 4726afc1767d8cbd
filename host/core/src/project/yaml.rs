//! YAML as a tree in which every key and value knows where it stands.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

/// A file of the project, kept whole so that a message can show the line it speaks of.
#[derive(Debug)]
pub struct Source {
    /// Relative to the project's folder, as shown to the user.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// Where something stands: a range of bytes in a file of the project.
///
/// Values that come from the command line (`--var`) stand in a [`Source`] of their own, whose
/// text is what was typed.
#[derive(Clone, Debug)]
pub struct Span {
    /// The file.
    pub source: Arc<Source>,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The marked text.
    pub fn text(&self) -> &str {
        self.source.text.get(self.start..self.end).unwrap_or_default()
    }

    /// `file:line:column`, for naming a second place in a message.
    pub fn place(&self) -> String {
        let (line, column) = self.line_column();
        format!("{}:{line}:{column}", self.source.name)
    }

    /// Line and column of the first character, both counted from 1.
    pub fn line_column(&self) -> (usize, usize) {
        let text = &self.source.text;
        let before = text.get(..self.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        (line, column)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true`, `false`, and YAML 1.1's `yes`, `no`, `on`, `off`.
    Bool(bool),
    /// A whole number; `1_000` is accepted as YAML 1.1 does.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values, in the order written.
    Mapping(Mapping),
}

/// Keys and values in the order written.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Each key with where it stands, and its value.
    pub entries: IndexMap<String, (Span, Node)>,
}

impl Mapping {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|(_, node)| node)
    }

    /// Where a key stands.
    pub fn key_span(&self, key: &str) -> Option<&Span> {
        self.entries.get(key).map(|(span, _)| span)
    }

    /// Lays `over` over it: its keys win, mappings within mappings are laid over each other, and
    /// lists are replaced.
    pub fn lay(&mut self, over: &Mapping) {
        for (name, (span, node)) in &over.entries {
            if let Some((place, below)) = self.entries.get_mut(name)
                && let (Value::Mapping(below), Value::Mapping(above)) =
                    (&mut below.value, &node.value)
            {
                *place = span.clone();
                below.lay(above);
                continue;
            }
            self.entries.insert(name.clone(), (span.clone(), node.clone()));
        }
    }
}

impl Node {
    /// The mapping, if it is one.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// What it is, in words, for messages: `a list`, `text`, `a number`.
    pub fn describe(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::String(_) => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}
