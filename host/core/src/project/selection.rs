//! `--flow` and `--entity`: which entities of a project run.

use std::path::PathBuf;
use std::sync::Arc;

use super::keys::nearest;
use super::load::Request;
use super::problem::Problems;
use super::yaml::{Source, Span};
use crate::engine::event::EntityName;

/// One name from the command line.
struct Term {
    option: &'static str,
    text: String,
    span: Span,
}

impl Term {
    fn matches(&self, name: &EntityName) -> bool {
        let dotted = self
            .text
            .strip_prefix(&*name.flow)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|entity| entity == &*name.entity);
        let flow = self.option == FLOW && (*self.text == *name.flow || self.text == name.label());
        dotted || flow
    }
}

const FLOW: &str = "--flow";
const ENTITY: &str = "--entity";

/// Says for each name whether it was asked for. `complete` is whether all names are known: one
/// that is asked for may stand in a file that could not be read.
pub(super) fn select(
    names: &[&EntityName],
    request: &Request,
    complete: bool,
    problems: &mut Problems,
) -> Vec<bool> {
    let mut terms = Vec::new();
    read(FLOW, &request.flows, &mut terms, problems);
    read(ENTITY, &request.entities, &mut terms, problems);
    if request.flows.is_empty() && request.entities.is_empty() {
        return vec![true; names.len()];
    }
    let mut selected = vec![false; names.len()];
    for term in &terms {
        let mut found = false;
        for (name, selected) in names.iter().zip(&mut selected) {
            if term.matches(name) {
                found = true;
                *selected = true;
            }
        }
        if !found && complete {
            unknown(term, names, problems);
        }
    }
    selected
}

fn read(option: &'static str, values: &[String], terms: &mut Vec<Term>, problems: &mut Problems) {
    for value in values {
        let source =
            Arc::new(Source { name: option.to_owned(), path: PathBuf::new(), text: value.clone() });
        let mut start = 0;
        let mut any = false;
        for part in value.split(',') {
            let text = part.trim();
            let at = start + (part.len() - part.trim_start().len());
            start += part.len() + 1;
            if text.is_empty() {
                continue;
            }
            any = true;
            let span = Span { source: Arc::clone(&source), start: at, end: at + text.len() };
            terms.push(Term { option, text: text.to_owned(), span });
        }
        if !any {
            let whole = Span { source, start: 0, end: value.len() };
            problems.add(&whole, format!("`{option}` names nothing"));
        }
    }
}

fn unknown(term: &Term, names: &[&EntityName], problems: &mut Problems) {
    let what = if term.option == FLOW { "flow" } else { "entity" };
    let problem = problems.add(&term.span, format!("there is no {what} named `{}`", term.text));
    // Someone who leaves out the flow means the entity of that name.
    let alone = names.iter().find(|name| *name.entity == *term.text).map(|name| dotted(name));
    let mut known: Vec<String> = Vec::new();
    for name in names {
        if term.option == FLOW {
            known.push(name.flow.to_string());
            known.push(name.label());
        } else {
            known.push(dotted(name));
        }
    }
    known.dedup();
    match alone.as_deref().or_else(|| nearest(&term.text, known.iter().map(String::as_str))) {
        Some(near) => {
            problem.label(format!("did you mean `{near}`?"));
        }
        None => {
            let mut flows: Vec<&str> = names.iter().map(|name| &*name.flow).collect();
            flows.dedup();
            problem.help(format!("the flows are: {}", flows.join(", ")));
        }
    }
}

fn dotted(name: &EntityName) -> String {
    format!("{}.{}", name.flow, name.entity)
}
