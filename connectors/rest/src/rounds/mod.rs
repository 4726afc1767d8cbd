//! Rounds: an endpoint is read once for each combination of the values of `each`, and for each
//! window of time. All rounds together are the table.

mod each;
mod windows;

use hygge_sdk::{Error, Result, Watermark};

pub(crate) use self::each::Each;
pub(crate) use self::windows::{Span, WindowKeys, Windows};
use crate::endpoint::{Bound, Given, Place, SINCE, Since};

/// More rounds than anybody wants on purpose.
const MOST: u64 = 100_000;

/// All rounds of a table.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    pub(crate) each: Each,
    pub(crate) when: When,
}

/// Which rows are wanted, by their time.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// All of them.
    Always,
    /// Those from somewhere on, and where that is said besides `{since}`.
    From(Since, Option<Place>),
    /// Those of one window after the other.
    Windows(Box<Windows>),
}

/// What one round says in its requests, and has in its rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    /// For the endpoint and those of its parents.
    pub(crate) values: Vec<Given>,
    /// For the endpoint alone.
    pub(crate) times: Vec<Given>,
    pub(crate) include: Bound,
    /// What it is called; nothing where there is one round alone.
    pub(crate) told: String,
}

impl Rounds {
    /// The time to be read, if it is cut into windows.
    pub(crate) fn span(&self, watermark: Option<&Watermark>, now: i64) -> Result<Option<Span>> {
        match &self.when {
            When::Windows(windows) => windows.span(watermark, now).map(Some),
            When::Always | When::From(..) => Ok(None),
        }
    }

    /// How many rounds there are in this time.
    pub(crate) fn count(&self, span: Option<Span>) -> Result<u64> {
        let windows = self.windows(span);
        let count = self.each.count().saturating_mul(windows);
        if count > MOST {
            let what = match (self.each.count(), windows) {
                (each, 1) => format!("`each` has {each} combinations"),
                (1, windows) => format!("`incremental.step` cuts time into {windows} windows"),
                (each, windows) => format!(
                    "`each` has {each} combinations, and `incremental.step` cuts time into \
                     {windows} windows"
                ),
            };
            return Err(Error::config(format!(
                "{what}: that are more than {MOST} rounds of requests; take a longer step, a later \
                 start or fewer values"
            )));
        }
        Ok(count)
    }

    /// A round, by its number. Windows of one combination come one after the other.
    pub(crate) fn round(
        &self,
        span: Option<Span>,
        watermark: Option<&Watermark>,
        number: u64,
    ) -> Result<Round> {
        let windows = self.windows(span).max(1);
        let chosen = self.each.chosen(number / windows);
        let mut round = Round {
            values: chosen.given,
            times: Vec::new(),
            include: chosen.include,
            told: chosen.told,
        };
        match (&self.when, span) {
            (When::Windows(cut), Some(span)) => {
                let (times, told) = cut.window(span, number % windows);
                round.times = times;
                if windows > 1 {
                    let gap = if round.told.is_empty() { "" } else { ", " };
                    round.told = format!("{}{gap}{told}", round.told);
                }
            }
            (When::From(since, place), _) => {
                let said = since.said(watermark)?;
                round.times.extend(said.map(|value| Given::new(SINCE, value, place.clone())));
            }
            _ => {}
        }
        Ok(round)
    }

    /// A round for those who only ask what there is in all of them: its times are not told.
    pub(crate) fn any(&self) -> Round {
        let chosen = self.each.chosen(0);
        Round { values: chosen.given, include: chosen.include, ..Round::default() }
    }

    fn windows(&self, span: Option<Span>) -> u64 {
        match (&self.when, span) {
            (When::Windows(windows), Some(span)) => windows.count(span),
            _ => 1,
        }
    }
}
