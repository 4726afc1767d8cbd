//! The pages of rows, of one endpoint, or of one for each record of its parents.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use hygge_sdk::http::Response;
use hygge_sdk::{Error, Result, host};
use serde::{Deserialize, Serialize};

use crate::endpoint::{Answer, Bound, Endpoint, Parent, Part, RowSink, Stream};
use crate::json::{Found, Path, Scanner};
use crate::paging::{Page, Pages, Position, Room, look_of};

/// How long to wait before a page that was cut off is asked for again: first, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LAST_WAIT: Duration = Duration::from_millis(3200);

/// What is needed to go on behind a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parents: Vec<ParentState>,
    at: Position,
}

/// Which record of a parent the rows belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ParentState {
    /// Its page.
    at: Position,
    /// Its number on that page.
    record: u64,
    /// What it bound: it must be the same record when it is found again.
    bind: Bound,
}

/// How far one step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the end of a page: [`Walk::state`] leads on from here.
    Page,
    /// To somewhere within a page.
    Within,
    /// There are no more rows.
    End,
}

/// Walks through all pages.
pub(crate) struct Walk {
    base: Rc<str>,
    endpoint: Rc<Endpoint>,
    levels: Vec<Level>,
    room: Room,
    /// The record of before had many pages: the next one may have as many.
    was_long: bool,
    /// The pages of rows; none before the first record of a parent.
    pages: Option<Pages>,
    /// The page that is being read.
    open: Option<(Page, Stream)>,
}

/// A parent endpoint, and the record of it whose rows are being read.
struct Level {
    parent: Rc<Parent>,
    pages: Option<Pages>,
    /// Where the page of the records is.
    here: Position,
    records: VecDeque<Record>,
    current: Option<Record>,
}

/// A record of a parent: what it has for its child.
#[derive(Debug)]
struct Record {
    number: u64,
    bind: Bound,
    include: Bound,
    /// The pages of its child, once they have been asked for.
    pages: Option<Pages>,
}

impl Walk {
    /// With at most so many requests side by side.
    pub(crate) fn new(
        base: &str,
        endpoint: Rc<Endpoint>,
        parents: &[Rc<Parent>],
        most: usize,
    ) -> Self {
        let level = |parent: &Rc<Parent>| Level {
            parent: Rc::clone(parent),
            pages: None,
            here: Position::first(),
            records: VecDeque::new(),
            current: None,
        };
        let levels = parents.iter().map(level).collect();
        let room = Room::new(most);
        Self { base: base.into(), endpoint, levels, room, was_long: false, pages: None, open: None }
    }

    /// Goes to where a state leads. The parents' pages of that time are read again.
    pub(crate) fn go_to(&mut self, state: State) -> Result<()> {
        if state.parents.len() != self.levels.len() {
            return Err(Error::missing("what was read before had other parents"));
        }
        for (depth, wanted) in state.parents.into_iter().enumerate() {
            let pages = self.pages_of(depth, self.bound(depth), wanted.at);
            let level = &mut self.levels[depth];
            level.begin(pages);
            level.fetch()?;
            let found = level.records.iter().position(|record| record.number == wanted.record);
            level.records.drain(..found.unwrap_or(level.records.len()));
            level.current = level.records.pop_front().filter(|record| record.bind == wanted.bind);
            if level.current.is_none() {
                return Err(Error::missing(format!(
                    "the records of {} are not those they were",
                    level.parent.endpoint.path
                )));
            }
        }
        let depth = self.levels.len();
        self.pages = Some(self.pages_of(depth, self.bound(depth), state.at));
        Ok(())
    }

    /// Where to go on behind the page that was read last.
    pub(crate) fn state(&self) -> Option<State> {
        let parents = self.levels.iter().map(|level| {
            let current = level.current.as_ref()?;
            Some(ParentState {
                at: level.here.clone(),
                record: current.number,
                bind: current.bind.clone(),
            })
        });
        let at = self.pages.as_ref()?.position().clone();
        Some(State { parents: parents.collect::<Option<_>>()?, at })
    }

    /// Gives the rows of the next page, or of as much of it as the sink has room for.
    pub(crate) fn step(&mut self, sink: &mut dyn RowSink) -> Result<Step> {
        let is_open = self.open.is_some();
        if !is_open {
            if !self.has_page()? {
                return Ok(Step::End);
            }
            self.ask_ahead();
        }
        let records = self.levels.iter().filter_map(|level| level.current.as_ref());
        let of_parents = records.flat_map(|record| record.include.iter());
        let parent: Bound = self.endpoint.include.iter().chain(of_parents).cloned().collect();
        let Some(pages) = &mut self.pages else { return Ok(Step::End) };
        let read = match self.open.take() {
            Some(open) => read_on(pages, open, &parent, sink),
            None => read_page(&self.endpoint, pages, &parent, sink),
        };
        match read.map_err(|error| pages.blame(error))? {
            None => Ok(Step::Page),
            open => {
                self.open = open;
                Ok(Step::Within)
            }
        }
    }

    /// Makes sure that there is a page to be read.
    fn has_page(&mut self) -> Result<bool> {
        if self.pages.as_ref().is_some_and(|pages| !pages.ended()) {
            return Ok(true);
        }
        match self.levels.len() {
            0 if self.pages.is_some() => return Ok(false),
            0 => {}
            depth => {
                if !self.next_record(depth - 1)? {
                    return Ok(false);
                }
            }
        }
        self.was_long = self.pages.as_ref().is_some_and(Pages::is_long);
        self.pages = Some(self.first_pages(self.levels.len()));
        Ok(true)
    }

    /// Goes to the next record of a parent, and of its own parents if it has to.
    fn next_record(&mut self, depth: usize) -> Result<bool> {
        loop {
            let level = &mut self.levels[depth];
            if let Some(record) = level.records.pop_front() {
                level.current = Some(record);
                return Ok(true);
            }
            match &level.pages {
                Some(pages) if !pages.ended() => level.fetch()?,
                begun => {
                    let no_more = match depth {
                        0 => begun.is_some(),
                        _ => !self.next_record(depth - 1)?,
                    };
                    if no_more {
                        return Ok(false);
                    }
                    let pages = self.first_pages(depth);
                    self.levels[depth].begin(pages);
                }
            }
        }
    }

    /// Sends what will be needed soon, as far as there is room: the page that is read next, those
    /// behind it, the first pages of the records to come, and the next page of those.
    fn ask_ahead(&mut self) {
        let Some(pages) = &mut self.pages else { return };
        if self.room.most() == 1 || self.levels.is_empty() && !pages.reaches_on() {
            // Nothing goes out beside it: it is sent by whoever waits for it.
            return;
        }
        pages.ask();
        pages.ask_ahead();
        if pages.wants_room() && pages.is_long() {
            // What waits for its turn would wait for long.
            for level in &mut self.levels {
                level.give_up();
            }
            pages.ask_ahead();
        }
        if pages.wants_room() || self.was_long && !pages.ends_soon() {
            return;
        }
        for depth in (0..self.levels.len()).rev() {
            let outer = self.bound(depth);
            let mut records = std::mem::take(&mut self.levels[depth].records);
            for record in records.iter_mut().filter(|record| record.pages.is_none()) {
                if !self.room.is_free() {
                    break;
                }
                let bound = outer.iter().chain(&record.bind).cloned().collect();
                let mut pages = self.pages_of(depth + 1, bound, Position::first());
                pages.ask();
                record.pages = Some(pages);
            }
            let level = &mut self.levels[depth];
            level.records = records;
            if !self.room.is_free() {
                return;
            }
            if let Some(pages) = &mut level.pages {
                pages.ask();
            }
        }
    }

    /// The pages that are read next at a depth, from the first one on.
    fn first_pages(&mut self, depth: usize) -> Pages {
        let parent = depth.checked_sub(1).and_then(|above| self.levels[above].current.as_mut());
        let asked = parent.and_then(|record| record.pages.take());
        asked.unwrap_or_else(|| self.pages_of(depth, self.bound(depth), Position::first()))
    }

    /// Pages at a depth: of a parent, or of the rows below all of them.
    fn pages_of(&self, depth: usize, bound: Bound, at: Position) -> Pages {
        let endpoint = self.levels.get(depth).map_or(&self.endpoint, |own| &own.parent.endpoint);
        Pages::new(Rc::clone(endpoint), Rc::clone(&self.base), bound, at, self.room.clone())
    }

    /// What the parents before this depth have bound.
    fn bound(&self, depth: usize) -> Bound {
        let records = self.levels[..depth].iter().filter_map(|level| level.current.as_ref());
        records.flat_map(|record| record.bind.iter().cloned()).collect()
    }
}

impl Level {
    fn begin(&mut self, pages: Pages) {
        self.pages = Some(pages);
        self.records.clear();
    }

    /// Gives up what was asked for and is not needed yet.
    fn give_up(&mut self) {
        for record in &mut self.records {
            if record.pages.take().is_none() {
                break;
            }
        }
        if let Some(pages) = &mut self.pages {
            pages.give_up();
        }
    }

    /// Reads the next page of records.
    fn fetch(&mut self) -> Result<()> {
        let Some(pages) = &mut self.pages else { return Ok(()) };
        self.here = pages.position().clone();
        let (parent, records) = (&self.parent, &mut self.records);
        let mut sink = Gather { parent, records };
        let read = read_page(&parent.endpoint, pages, &Bound::new(), &mut sink);
        read.map_err(|error| pages.blame(error)).map(|_| ())
    }
}

/// Gathers the records of a parent's page, of which only what the child needs is kept.
struct Gather<'g> {
    parent: &'g Parent,
    records: &'g mut VecDeque<Record>,
}

impl RowSink for Gather<'_> {
    fn record(&mut self, record: &mut Scanner<'_>, _: &Bound) -> Result<()> {
        let record = record.skip()?;
        let pick = |paths: &[(String, Path)], needed: bool| {
            let mut picked = Bound::with_capacity(paths.len());
            for (name, path) in paths {
                match path.first(record)? {
                    Found::Value(value) => picked.push((name.clone(), value.to_owned())),
                    Found::Nothing if needed => {
                        return Err(Error::data(format!(
                            "a record of the parent has nothing at `{path}`, which `{name}` is \
                             bound to"
                        )));
                    }
                    Found::Nothing => {}
                }
            }
            Ok(picked)
        };
        let (bind, include) = (pick(&self.parent.bind, true)?, pick(&self.parent.include, false)?);
        let number = self.records.len() as u64;
        self.records.push_back(Record { number, bind, include, pages: None });
        Ok(())
    }

    fn header(&mut self, _: &[String]) -> Result<()> {
        Err(Error::config("the `format` of a `parent` is json or ndjson"))
    }

    fn cells(&mut self, _: &[String], _: &Bound) -> Result<()> {
        Ok(())
    }

    fn is_full(&self) -> bool {
        false
    }
}

/// Reads the next page. What is left of it, if the sink is full before its end.
fn read_page(
    endpoint: &Endpoint,
    pages: &mut Pages,
    parent: &Bound,
    sink: &mut dyn RowSink,
) -> Result<Option<(Page, Stream)>> {
    let mut page = pages.fetch()?;
    let mut wait = FIRST_WAIT;
    let body = loop {
        let Some(response) = page.response.take() else {
            pages.turn(&page, None, 0, 0)?;
            return Ok(None);
        };
        // The host repeats what fails before its answer begins; nothing has been made of this one
        // yet, so that it can be asked for again when it is cut off, or has waited for too long.
        match Body::open(endpoint, response) {
            Err(error) if error.is_retryable() && wait <= LAST_WAIT => {
                host::sleep(wait)?;
                wait *= 2;
                page = pages.fetch_again()?;
            }
            body => break body?,
        }
    };
    let mut answer = match body {
        Body::Whole(answer) => answer,
        Body::Stream(stream) => return read_on(pages, (page, stream), parent, sink),
    };
    let rows = answer.records(endpoint, |record| sink.record(record, parent))?;
    let document = answer.document();
    let look = document.as_ref().filter(|_| pages.compares());
    let look = look.map_or(0, |document| look_of(document.text));
    pages.turn(&page, document.as_ref(), rows, look)?;
    Ok(None)
}

/// What an answer holds.
enum Body {
    Whole(Answer),
    /// Its beginning has been read.
    Stream(Stream),
}

impl Body {
    fn open(endpoint: &Endpoint, response: Response) -> Result<Self> {
        Ok(match endpoint.format.is_whole() {
            true => Self::Whole(Answer::read(response, endpoint.format)?),
            false => Self::Stream(Stream::open(endpoint, response)?),
        })
    }
}

/// Reads more of a page.
fn read_on(
    pages: &mut Pages,
    (page, mut stream): (Page, Stream),
    parent: &Bound,
    sink: &mut dyn RowSink,
) -> Result<Option<(Page, Stream)>> {
    if stream.read(parent, sink)? == Part::Some {
        return Ok(Some((page, stream)));
    }
    pages.turn(&page, None, stream.rows, stream.look())?;
    Ok(None)
}
