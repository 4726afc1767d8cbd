//! Mistakes in a project's configuration, collected so that all are reported at once.

use std::collections::HashSet;
use std::sync::Arc;

use super::yaml::Span;

/// One mistake, where it stands, and what to do.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What is wrong, in one line.
    pub message: String,
    /// Where; `None` for what has no place in a file (a missing `hygge.yml`).
    pub span: Option<Span>,
    /// A few words shown under the marked place.
    pub label: Option<String>,
    /// Other places that belong to it, each with a few words.
    pub also: Vec<(Span, String)>,
    /// What to do: the nearest right name, the values allowed.
    pub help: Option<String>,
}

/// The mistakes found so far.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// In the order found.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Records a mistake at a place; the returned reference lets a label or help be added.
    pub fn add(&mut self, span: &Span, message: impl Into<String>) -> &mut Problem {
        self.push(Some(span.clone()), message.into())
    }

    /// Records a mistake that has no place in a file.
    pub fn add_nowhere(&mut self, message: impl Into<String>) -> &mut Problem {
        self.push(None, message.into())
    }

    fn push(&mut self, span: Option<Span>, message: String) -> &mut Problem {
        let index = self.list.len();
        self.list.push(Problem { message, span, label: None, also: Vec::new(), help: None });
        &mut self.list[index]
    }

    /// Drops repetitions: what is wrong in a flow is found again with each of its entities.
    pub fn dedup(&mut self) {
        let mut seen = HashSet::new();
        self.list.retain(|problem| {
            let place = problem
                .span
                .as_ref()
                .map(|span| (Arc::as_ptr(&span.source) as usize, span.start, span.end));
            seen.insert((place, problem.message.clone()))
        });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Problem {
    /// Adds words under the marked place.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place that belongs to the mistake.
    pub fn also(&mut self, span: &Span, label: impl Into<String>) -> &mut Self {
        self.also.push((span.clone(), label.into()));
        self
    }

    /// Adds what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}
