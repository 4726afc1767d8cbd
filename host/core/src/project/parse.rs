//! YAML text as a tree of [`Node`]s.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::problem::Problems;
use super::scalar;
use super::yaml::{Mapping, Node, Source, Span, Value};

/// How deep mappings and lists may lie within each other.
const DEPTH: usize = 64;

/// How many values aliases may repeat in one file: more is a mistake or an attack.
const REPEATED: usize = 20_000;

/// Reads one file. Everything wrong in it is recorded in `problems`; `None` when there is nothing
/// to go on with. A file with nothing in it is an empty mapping.
pub fn parse(source: &Arc<Source>, problems: &mut Problems) -> Option<Node> {
    let mut builder = Builder {
        source,
        offsets: Offsets::new(&source.text),
        open: Vec::new(),
        anchors: HashMap::new(),
        repeated: 0,
        root: None,
        problems,
    };
    let mut documents = 0;
    for event in Parser::new_from_str(&source.text) {
        let (event, place) = match event {
            Ok(event) => event,
            Err(error) => {
                builder.syntax(&error);
                return None;
            }
        };
        let span = builder.offsets.span(source, place.start, place.end);
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    builder
                        .problems
                        .add(&span, "a second document begins here")
                        .label("not allowed")
                        .help("a file holds one document: remove the `---` or make two files");
                    return None;
                }
            }
            Event::Alias(anchor) => builder.alias(anchor, &span)?,
            Event::Scalar(text, style, anchor, tag) => {
                let node = builder.scalar(&text, style, tag.as_deref(), span);
                builder.finish(node, anchor, Weight { nodes: 1, depth: 0 });
            }
            Event::SequenceStart(anchor, tag) => {
                builder.check_tag(tag.as_deref(), &["seq"], &span);
                builder.open(Frame::new(Kind::Sequence(Vec::new()), anchor, span))?;
            }
            Event::MappingStart(anchor, tag) => {
                builder.check_tag(tag.as_deref(), &["map"], &span);
                builder.open(Frame::new(Kind::Mapping(OpenMapping::default()), anchor, span))?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(&span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    let whole = Span { source: Arc::clone(source), start: 0, end: 0 };
    let empty = Node { value: Value::Mapping(Mapping::default()), span: whole };
    Some(builder.root.filter(|node| !matches!(node.value, Value::Null)).unwrap_or(empty))
}

/// From the parser's count of characters to bytes.
struct Offsets {
    /// The byte of every character; empty where all are single bytes.
    bytes: Vec<usize>,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(byte, _)| byte).collect()
        };
        Self { bytes, length: text.len() }
    }

    fn byte(&self, marker: Marker) -> usize {
        if self.bytes.is_empty() {
            marker.index().min(self.length)
        } else {
            self.bytes.get(marker.index()).copied().unwrap_or(self.length)
        }
    }

    fn span(&self, source: &Arc<Source>, start: Marker, end: Marker) -> Span {
        let start = self.byte(start);
        Span { source: Arc::clone(source), start, end: self.byte(end).max(start) }
    }
}

/// What an alias of a value would cost.
#[derive(Clone, Copy)]
struct Weight {
    nodes: usize,
    depth: usize,
}

/// A list or a mapping whose end has not been seen.
struct Frame {
    kind: Kind,
    anchor: usize,
    span: Span,
    weight: Weight,
}

enum Kind {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

#[derive(Default)]
struct OpenMapping {
    mapping: Mapping,
    /// A key whose value comes next.
    key: Option<PendingKey>,
    /// Values of `<<`, in the order written.
    merged: Vec<Node>,
}

enum PendingKey {
    Named(String, Span),
    Merge,
    /// A key that was reported: its value is read and dropped.
    Bad,
}

impl Frame {
    fn new(kind: Kind, anchor: usize, span: Span) -> Self {
        Self { kind, anchor, span, weight: Weight { nodes: 1, depth: 1 } }
    }
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    offsets: Offsets,
    open: Vec<Frame>,
    /// Finished values that aliases may repeat, by the parser's number of the anchor.
    anchors: HashMap<usize, (Node, Weight)>,
    repeated: usize,
    root: Option<Node>,
    problems: &'a mut Problems,
}

impl Builder<'_> {
    fn open(&mut self, frame: Frame) -> Option<()> {
        if self.open.len() >= DEPTH {
            self.too_deep(&frame.span);
            return None;
        }
        self.open.push(frame);
        Some(())
    }

    fn too_deep(&mut self, span: &Span) {
        self.problems.add(span, format!("more than {DEPTH} levels within each other"));
    }

    fn close(&mut self, end: &Span) {
        let Some(frame) = self.open.pop() else { return };
        let mut span = frame.span;
        let value = match frame.kind {
            Kind::Sequence(items) => Value::Sequence(items),
            Kind::Mapping(open) => {
                let mut mapping = open.mapping;
                for node in open.merged {
                    self.merge(&mut mapping, node);
                }
                Value::Mapping(mapping)
            }
        };
        // In block style the parser only knows the end when the next thing begins: blank lines
        // and comments in between do not belong to it.
        span.end = self.trimmed(span.start, end);
        self.finish(Node { value, span }, frame.anchor, frame.weight);
    }

    fn trimmed(&self, start: usize, end: &Span) -> usize {
        let text = &self.source.text;
        let closed = text.get(end.start..end.end).is_some_and(|t| matches!(t, "]" | "}"));
        if closed {
            return end.end;
        }
        let mut stop = end.start.max(start);
        while let Some(before) = text.get(start..stop) {
            let kept = before.trim_end();
            let line = kept.rfind('\n').map_or(0, |at| at + 1);
            stop = start + kept.len();
            if line > 0 && kept[line..].trim_start().starts_with('#') {
                stop = start + line;
            } else {
                break;
            }
        }
        stop
    }

    /// Puts a finished value where it belongs, and remembers it if it has an anchor.
    fn finish(&mut self, node: Node, anchor: usize, weight: Weight) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        self.attach(node, weight);
    }

    fn attach(&mut self, node: Node, weight: Weight) {
        let Some(frame) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        frame.weight.nodes += weight.nodes;
        frame.weight.depth = frame.weight.depth.max(weight.depth + 1);
        match &mut frame.kind {
            Kind::Sequence(items) => items.push(node),
            Kind::Mapping(open) => match open.key.take() {
                None => open.key = Some(key(node, &open.mapping, self.problems)),
                Some(PendingKey::Named(name, span)) => {
                    open.mapping.entries.insert(name, (span, node));
                }
                Some(PendingKey::Merge) => open.merged.push(node),
                Some(PendingKey::Bad) => {}
            },
        }
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Option<()> {
        let Some((node, weight)) = self.anchors.get(&anchor) else {
            self.problems
                .add(span, "this repeats a value from within that value")
                .help("an alias can only stand after the end of the value that its anchor names");
            return None;
        };
        self.repeated += weight.nodes;
        if self.repeated > REPEATED {
            self.problems
                .add(span, format!("aliases repeat more than {REPEATED} values"))
                .help("write the values out, or put what they share under `defaults`");
            return None;
        }
        let (node, weight) = (node.clone(), *weight);
        if self.open.len() + weight.depth > DEPTH {
            self.too_deep(span);
            return None;
        }
        self.attach(node, weight);
        Some(())
    }

    /// The keys of `<<` stand behind those of the mapping itself, which win.
    fn merge(&mut self, into: &mut Mapping, node: Node) {
        match node.value {
            Value::Mapping(from) => {
                for (name, entry) in from.entries {
                    into.entries.entry(name).or_insert(entry);
                }
            }
            Value::Sequence(items) => {
                for item in items {
                    if matches!(item.value, Value::Mapping(_)) {
                        self.merge(into, item);
                    } else {
                        self.bad_merge(&item);
                    }
                }
            }
            _ => self.bad_merge(&node),
        }
    }

    fn bad_merge(&mut self, node: &Node) {
        self.problems
            .add(&node.span, format!("`<<` takes in a mapping, found {}", node.describe()))
            .help("write `<<: *name` where `&name` marks a mapping");
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        mut span: Span,
    ) -> Node {
        let known = self.check_tag(tag, &["str", "int", "float", "bool", "null"], &span);
        let value = match known {
            Some("str") => Value::String(text.to_owned()),
            Some(_) => scalar::resolve(text),
            None if style == ScalarStyle::Plain => scalar::resolve(text),
            None => Value::String(text.to_owned()),
        };
        if style == ScalarStyle::Plain {
            // The parser counts an anchor or a tag before the value as part of it.
            if let Some(start) = span.end.checked_sub(text.len())
                && self.source.text.get(start..span.end) == Some(text)
            {
                span.start = start;
            } else if text.is_empty() {
                // Nothing at all: the parser marks what comes next.
                span.end = span.start;
            }
        }
        Node { value, span }
    }

    /// The standard tag of a value, one of `allowed`; others are reported.
    fn check_tag<'t>(
        &mut self,
        tag: Option<&'t Tag>,
        allowed: &[&str],
        span: &Span,
    ) -> Option<&'t str> {
        let tag = tag?;
        let standard = tag.is_yaml_core_schema() && allowed.contains(&tag.suffix.as_str());
        // A lone `!` says that the value is what it looks like in quotes.
        let plain = tag.suffix.is_empty() || (tag.handle.is_empty() && tag.suffix == "!");
        if standard {
            return Some(&tag.suffix);
        }
        if plain {
            return allowed.contains(&"str").then_some("str");
        }
        self.problems
            .add(span, "this YAML tag means nothing here")
            .label("remove the `!…`")
            .help("a text that begins with `!` needs quotes");
        None
    }

    fn syntax(&mut self, error: &ScanError) {
        let text = &self.source.text;
        let found = self.offsets.byte(*error.marker());
        // The parser notices a tab only behind it.
        let line = text.get(..found).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let tab = text.get(line..found).and_then(|before| before.find('\t')).map(|at| line + at);
        let start = tab.filter(|_| error.info().contains("tab")).unwrap_or(found);
        let length = text.get(start..).and_then(|rest| rest.chars().next());
        let end = start + length.filter(|c| *c != '\n' && *c != '\r').map_or(0, char::len_utf8);
        let span = Span { source: Arc::clone(self.source), start, end };
        let ended = text.get(found..).is_none_or(|rest| rest.trim().is_empty());
        let (message, help) = match text.get(found.saturating_sub(1)..end) {
            _ if ended && !self.open.is_empty() && error.info().contains("node content") => (
                "the file ends within brackets or braces".to_owned(),
                Some("add the missing `]` or `}`"),
            ),
            Some("${") => (
                "a variable within braces or brackets needs quotes".to_owned(),
                Some("write `\"${NAME}\"`"),
            ),
            _ => in_plain_words(error.info()),
        };
        let (span, label) = if ended {
            let last = text.trim_end();
            let start = last.char_indices().next_back().map_or(0, |(at, _)| at);
            let span = Span { start, end: last.len(), ..span };
            (span, "the file ends here")
        } else {
            (span, "YAML cannot be read from here on")
        };
        let problem = self.problems.add(&span, message);
        problem.label(label);
        if let Some(help) = help {
            problem.help(help);
        }
    }
}

fn key(node: Node, mapping: &Mapping, problems: &mut Problems) -> PendingKey {
    let name = match &node.value {
        Value::String(text) => {
            let written = node.span.source.text.get(node.span.start..node.span.end);
            if text == "<<" && written == Some("<<") {
                return PendingKey::Merge;
            }
            text.clone()
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => node.span.text().to_owned(),
        Value::Null => {
            problems.add(&node.span, "a key is missing before `:`");
            return PendingKey::Bad;
        }
        Value::Sequence(_) | Value::Mapping(_) => {
            problems
                .add(&node.span, format!("a key should be a word, found {}", node.describe()))
                .help("a text with braces or brackets in it needs quotes");
            return PendingKey::Bad;
        }
    };
    if let Some(first) = mapping.key_span(&name) {
        let first = first.clone();
        problems
            .add(&node.span, format!("the key `{name}` is here twice"))
            .label("again here")
            .also(&first, "first here")
            .help("keep one of them");
        return PendingKey::Bad;
    }
    PendingKey::Named(name, node.span)
}

/// What the parser says, as a person would: a message, and what to do.
fn in_plain_words(info: &str) -> (String, Option<&'static str>) {
    const QUOTES: Option<&str> =
        Some("a text that contains `: ` or ` #`, or begins with a sign, needs quotes");
    const INDENTATION: Option<&str> = Some(
        "compare its indentation with the lines above: keys of one mapping stand in one column",
    );
    let known: &[(&str, &str, Option<&'static str>)] = &[
        ("tab", "a tab stands where YAML allows only spaces", Some("indent with spaces")),
        (
            "unknown escape",
            "this text has an escape with `\\` that YAML does not know",
            Some("in single quotes a backslash is just a backslash: write Windows paths so"),
        ),
        (
            "hexadecimal",
            "this text has an escape with `\\` that YAML does not know",
            Some("in single quotes a backslash is just a backslash: write Windows paths so"),
        ),
        (
            "unexpected end of stream",
            "the quote that opens here is not closed",
            Some("add the closing quote"),
        ),
        (
            "invalid indentation in quoted",
            "the quote that opens here is not closed",
            Some("add the closing quote"),
        ),
        ("trailing content", "there is more after the closing quote", QUOTES),
        (
            "unknown anchor",
            "this alias has no anchor before it",
            Some("a text that begins with `*` needs quotes"),
        ),
        (
            "',' or '}'",
            "a `,` or the closing `}` is missing",
            Some("a text that contains `{`, `}` or `,` needs quotes here"),
        ),
        (
            "',' or ']'",
            "a `,` or the closing `]` is missing",
            Some("a text that contains `[`, `]` or `,` needs quotes here"),
        ),
        (
            "illegal placement of ':'",
            "a `:` cannot stand here",
            Some("is a `]` or `}` missing before it?"),
        ),
        ("misplaced bracket", "there is nothing that this bracket closes", QUOTES),
        ("mapping values are not allowed", "a second `:` where only one can stand", QUOTES),
        ("block sequence entries", "a list item cannot begin here", INDENTATION),
        ("\"-\" is only valid", "a list item cannot begin within brackets", QUOTES),
        ("simple key expect", "a key without its `:`", Some("write `key: value`")),
        ("mapping keys are not allowed", "a key cannot begin here", INDENTATION),
        ("did not find expected key", "this does not belong to the mapping above it", INDENTATION),
        ("did not find expected node content", "a value is missing here", QUOTES),
        ("indentation", "this line's indentation fits nothing above it", INDENTATION),
        ("wrongly indented", "this line's indentation fits nothing above it", INDENTATION),
        ("unexpected character", "a text cannot begin with this sign", Some("put it in quotes")),
        (
            "plain scalar cannot start",
            "a text cannot begin with this sign",
            Some("put it in quotes"),
        ),
        ("unprintable", "there is a character that cannot be printed", Some("remove it")),
        ("recursion limit", "too many brackets within each other", None),
        ("document start", "there is something behind the end of the document", INDENTATION),
    ];
    known.iter().find(|(sign, _, _)| info.contains(sign)).map_or_else(
        || (format!("this is not YAML: {info}"), None),
        |(_, message, help)| ((*message).to_owned(), *help),
    )
}
