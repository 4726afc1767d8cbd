//! No two entities may write to one place.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

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
    let mut report = Report { seen: HashSet::new(), problems };
    let mut names: HashMap<&str, &Claim> = HashMap::new();
    let mut folders: Vec<(&Path, &Claim)> = Vec::new();
    for claim in claims {
        match &claim.territory {
            Territory::Folder(folder) => folders.push((folder, claim)),
            Territory::Name(name) => {
                if let Some(first) = names.get(name.as_str()) {
                    report.same(first, claim);
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
            Some((outer, first)) if *outer == folder => report.same(first, claim),
            Some((_, first)) => report.within(first, claim),
            None => {}
        }
        around.push((folder, claim));
    }
}

/// `flow.entity`, or the flow alone where it has no entities.
fn full(name: &EntityName) -> String {
    if name.flow == name.entity {
        format!("`{}`", name.flow)
    } else {
        format!("`{}.{}`", name.flow, name.entity)
    }
}

struct Report<'a> {
    /// Clashes of one line with one other entity: the rest of a list would say the same again.
    seen: HashSet<(EntityName, usize, usize)>,
    problems: &'a mut Problems,
}

impl Report<'_> {
    fn same(&mut self, first: &Claim, second: &Claim) {
        let message = format!(
            "{} and {} would both write to {}",
            full(&first.name),
            full(&second.name),
            second.location
        );
        self.add(message, first, second);
    }

    fn within(&mut self, outer: &Claim, inner: &Claim) {
        let message = format!(
            "{} would write to {}, which lies within {}, where {} writes",
            full(&inner.name),
            inner.location,
            outer.location,
            full(&outer.name),
        );
        self.add(message, outer, inner);
    }

    fn add(&mut self, message: String, first: &Claim, second: &Claim) {
        let line = Arc::as_ptr(&second.span.source) as usize;
        if !self.seen.insert((first.name.clone(), line, second.span.start)) {
            return;
        }
        let problem = self.problems.add(&second.span, message);
        let apart = !Arc::ptr_eq(&second.span.source, &first.span.source)
            || second.span.start != first.span.start;
        if apart {
            problem.label(format!("place of {}", full(&second.name)));
            problem.also(&first.span, format!("place of {}", full(&first.name)));
        }
        problem.help("give each a place of its own");
    }
}
