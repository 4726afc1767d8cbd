//! Mistakes as people read them: what is wrong, the line it stands in, and what to do.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use super::problem::{Problem, Problems};
use super::secret::mask;
use super::yaml::{Source, Span};

/// Shows all mistakes, file by file, and counts them. Values of secret keys are masked.
pub fn render(problems: &Problems, color: bool) -> String {
    let mut problems = problems.clone();
    problems.dedup();
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut shown = Shown::default();
    let blocks = blocks(&problems.list);
    let mut text = String::new();
    for block in &blocks {
        text.push_str(&renderer.render(&[shown.group(block)]));
        text.push_str("\n\n");
    }
    let files: HashSet<&str> = problems
        .list
        .iter()
        .filter_map(|problem| problem.span.as_ref())
        .filter(|span| !span.source.path.as_os_str().is_empty())
        .map(|span| span.source.name.as_str())
        .collect();
    text.push_str(&count(problems.list.len(), "problem"));
    if !files.is_empty() {
        text.push_str(" in ");
        text.push_str(&count(files.len(), "file"));
    }
    text.push('\n');
    text
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Mistakes at the same place, shown together: the first with its help, the others as labels.
type Block<'a> = Vec<&'a Problem>;

/// Files in the order in which they first appear, and within a file by line.
fn blocks(problems: &[Problem]) -> Vec<Block<'_>> {
    let mut order: HashMap<*const Source, usize> = HashMap::new();
    let mut places: HashMap<(usize, usize, usize), usize> = HashMap::new();
    let mut blocks: Vec<((usize, usize), Block<'_>)> = Vec::new();
    for problem in problems {
        let Some(span) = &problem.span else {
            // Without a place there is nothing to share; such mistakes come first.
            blocks.push(((0, 0), vec![problem]));
            continue;
        };
        let next = order.len() + 1;
        let file = *order.entry(Arc::as_ptr(&span.source)).or_insert(next);
        match places.get(&(file, span.start, span.end)).and_then(|at| blocks.get_mut(*at)) {
            Some((_, block)) => block.push(problem),
            None => {
                places.insert((file, span.start, span.end), blocks.len());
                blocks.push(((file, span.start), vec![problem]));
            }
        }
    }
    blocks.sort_by_key(|(key, _)| *key);
    blocks.into_iter().map(|(_, block)| block).collect()
}

/// The masked text of each file, and where its lines begin.
#[derive(Default)]
struct Shown {
    files: HashMap<*const Source, File>,
}

struct File {
    text: Arc<str>,
    lines: Vec<usize>,
}

impl File {
    fn new(source: &Source) -> Self {
        let text = mask(&source.text);
        let lines =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text: Arc::from(text.as_ref()), lines }
    }

    /// The line that holds a byte, counted from 0.
    fn line(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    fn start(&self, line: usize) -> usize {
        self.lines.get(line).copied().unwrap_or(self.text.len())
    }

    /// What to mark of a span: its first line alone, so that a whole mapping is not drawn.
    fn first_line(&self, span: &Span) -> Range<usize> {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end).max(start);
        let marked = self.text.get(start..end).unwrap_or_default();
        let line = marked.split(['\n', '\r']).next().unwrap_or_default().trim_end();
        start..start + line.len()
    }

    fn boundary(&self, byte: usize) -> usize {
        (0..=byte.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0)
    }
}

/// One place to mark, with its words.
struct Mark<'a> {
    kind: AnnotationKind,
    span: &'a Span,
    label: Option<&'a str>,
}

impl Shown {
    fn group(&mut self, block: &[&Problem]) -> Group<'static> {
        let Some((first, others)) = block.split_first() else {
            return Group::with_level(Level::ERROR);
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(first.message.clone()));
        if let Some(span) = &first.span {
            let label = |text| Mark { kind: AnnotationKind::Primary, span, label: text };
            let mut here = vec![label(first.label.as_deref())];
            here.extend(others.iter().map(|other| label(Some(other.message.as_str()))));
            let mut elsewhere: Vec<(&Arc<Source>, Vec<Mark<'_>>)> = Vec::new();
            for (other, text) in block.iter().flat_map(|problem| &problem.also) {
                let mark = Mark { kind: AnnotationKind::Context, span: other, label: Some(text) };
                let known = |(source, _): &&mut (&Arc<Source>, Vec<Mark<'_>>)| {
                    Arc::ptr_eq(source, &other.source)
                };
                if Arc::ptr_eq(&span.source, &other.source) {
                    here.push(mark);
                } else if let Some((_, marks)) = elsewhere.iter_mut().find(known) {
                    marks.push(mark);
                } else {
                    elsewhere.push((&other.source, vec![mark]));
                }
            }
            group = group.element(self.snippet(&span.source, &here));
            for (source, marks) in &elsewhere {
                group = group.element(self.snippet(source, marks));
            }
        }
        let mut said = HashSet::new();
        for help in block.iter().filter_map(|problem| problem.help.as_deref()) {
            if said.insert(help) {
                group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
            }
        }
        group
    }

    fn snippet(
        &mut self,
        source: &Arc<Source>,
        marks: &[Mark<'_>],
    ) -> Snippet<'static, annotate_snippets::Annotation<'static>> {
        let file = self.files.entry(Arc::as_ptr(source)).or_insert_with(|| File::new(source));
        let ranges: Vec<Range<usize>> =
            marks.iter().map(|mark| file.first_line(mark.span)).collect();
        // Only the lines in question are handed on: a file may be large, and mistakes many.
        let first = ranges.iter().map(|range| file.line(range.start)).min().unwrap_or(0);
        let last = ranges.iter().map(|range| file.line(range.end)).max().unwrap_or(0);
        let start = file.start(first);
        let text = file.text.get(start..file.start(last + 1)).unwrap_or_default();
        let mut snippet =
            Snippet::source(text.to_owned()).path(source.name.clone()).line_start(first + 1);
        for (mark, range) in marks.iter().zip(ranges) {
            let label = mark.label.map(normalize_untrusted_str);
            snippet = snippet
                .annotation(mark.kind.span(range.start - start..range.end - start).label(label));
        }
        snippet
    }
}
