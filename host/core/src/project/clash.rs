//! No two entities may write to one place.

use std::collections::HashMap;
use std::path::Path;

use super::problem::Problems;
use super::yaml::Span;
use crate::contract::Territory;
use crate::engine::event::EntityName;

/// What one entity claims.
#[derive(Debug)]
pub(super) struct Claim {
    /// Who claims it.
    pub(super) name: EntityName,
    /// What is claimed.
    pub(super) territory: Territory,
    /// How people call it.
    pub(super) location: String,
    /// Where the configuration says so.
    pub(super) span: Span,
}

/// Reports claims that get in each other's way.
pub(super) fn check(claims: &[Claim], problems: &mut Problems) {
    let mut names: HashMap<&str, &Claim> = HashMap::new();
    let mut folders: Vec<(&Path, &Claim)> = Vec::new();
    for claim in claims {
        match &claim.territory {
            Territory::Folder(folder) => folders.push((folder, claim)),
            Territory::Name(name) => {
                if let Some(first) = names.get(name.as_str()) {
                    same(first, claim, problems);
                } else {
                    names.insert(name, claim);
                }
            }
        }
    }
    // Sorted, a folder comes right before all that lies within it: one pass finds every clash.
    // The sort is stable, so that of two equal claims the later one is reported.
    folders.sort_by(|a, b| a.0.cmp(b.0));
    let mut around: Vec<(&Path, &Claim)> = Vec::new();
    for (folder, claim) in folders {
        while around.last().is_some_and(|(outer, _)| !folder.starts_with(outer)) {
            around.pop();
        }
        match around.last() {
            Some((outer, first)) if *outer == folder => same(first, claim, problems),
            Some((_, first)) => within(first, claim, problems),
            None => {}
        }
        around.push((folder, claim));
    }
}

fn full(name: &EntityName) -> String {
    if name.flow == name.entity {
        format!("`{}`", name.flow)
    } else {
        format!("`{}.{}`", name.flow, name.entity)
    }
}

fn same(first: &Claim, second: &Claim, problems: &mut Problems) {
    let message = format!(
        "{} and {} would both write to {}",
        full(&first.name),
        full(&second.name),
        second.location
    );
    report(message, first, second, problems).help("give each a place of its own");
}

fn within(outer: &Claim, inner: &Claim, problems: &mut Problems) {
    let message = format!(
        "{} would write to {}, which lies within what {} replaces as a whole",
        full(&inner.name),
        inner.location,
        full(&outer.name),
    );
    report(message, outer, inner, problems).help("give each a place of its own");
}

fn report<'p>(
    message: String,
    first: &Claim,
    second: &Claim,
    problems: &'p mut Problems,
) -> &'p mut super::problem::Problem {
    let problem = problems.add(&second.span, message);
    if second.span.place() != first.span.place() {
        problem.label(format!("place of {}", full(&second.name)));
        problem.also(&first.span, format!("place of {}", full(&first.name)));
    }
    problem
}
