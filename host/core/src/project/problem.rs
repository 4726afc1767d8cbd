//! Mistakes in a project's configuration, collected so that all are reported at once.

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
        self.list.push(Problem { message, span, label: None, help: None });
        &mut self.list[index]
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

    /// Adds what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}
