//! Rounds, walked one after the other.

use std::ops::Range;
use std::rc::Rc;

use hygge_sdk::{Error, Query, Result};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::endpoint::RowSink;
use crate::rounds::{Rounds, Span};
use crate::walk::{self, Step, Walk};

/// What is needed to go on behind a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Which round it belongs to.
    #[serde(default)]
    round: u64,
    #[serde(flatten)]
    at: walk::State,
}

/// Walks through rounds.
pub(crate) struct Tour {
    config: Rc<Config>,
    query: Query,
    rounds: Rounds,
    span: Option<Span>,
    /// How many requests of a round there are side by side, at most.
    most: usize,
    /// The rounds that are left, without the one that is being walked.
    left: Range<u64>,
    current: Option<Current>,
    /// Where to go on behind the last page, if no page of the current round has been read.
    before: Option<State>,
}

struct Current {
    number: u64,
    told: String,
    walk: Walk,
}

impl Tour {
    /// Through these rounds of a query, with at most so many requests side by side.
    pub(crate) fn new(
        config: &Rc<Config>,
        query: Query,
        span: Option<Span>,
        numbers: Range<u64>,
        most: usize,
    ) -> Result<Self> {
        let rounds = config.rounds(&query.table)?;
        let config = Rc::clone(config);
        Ok(Self { config, query, rounds, span, most, left: numbers, current: None, before: None })
    }

    /// Goes to where a state leads.
    pub(crate) fn go_to(&mut self, state: State) -> Result<()> {
        if !self.left.contains(&state.round) {
            return Err(Error::missing("what was read before had other rounds"));
        }
        self.left = state.round..self.left.end;
        self.next()?;
        match &mut self.current {
            Some(current) => current.walk.go_to(state.at),
            None => Ok(()),
        }
    }

    /// Where to go on behind the page that was read last.
    pub(crate) fn state(&self) -> Option<State> {
        let current = self
            .current
            .as_ref()
            .and_then(|current| Some(State { round: current.number, at: current.walk.state()? }));
        current.or_else(|| self.before.clone())
    }

    /// Gives the rows of the next page, or of as much of it as the sink has room for.
    pub(crate) fn step(&mut self, sink: &mut dyn RowSink) -> Result<Step> {
        loop {
            if self.current.is_none() && !self.next()? {
                return Ok(Step::End);
            }
            let Some(current) = &mut self.current else { return Ok(Step::End) };
            let step = current.walk.step(sink).map_err(|error| match current.told.as_str() {
                "" => error,
                told => error.while_doing(told),
            })?;
            if step != Step::End || self.left.is_empty() {
                return Ok(step);
            }
            self.before = self.state();
            self.current = None;
        }
    }

    /// Begins the next round, if there is one.
    fn next(&mut self) -> Result<bool> {
        let Some(number) = self.left.next() else { return Ok(false) };
        let round = self.rounds.round(self.span, self.query.since.as_ref(), number)?;
        let endpoint = self.config.endpoint(&self.query.table, &round)?;
        let parents = self.config.parents(&round)?;
        let walk = Walk::new(&self.config.base_url, endpoint, &parents, self.most);
        self.current = Some(Current { number, told: round.told, walk });
        Ok(true)
    }
}
