//! The pages of one endpoint, one after the other: some are asked for before it is their turn.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::Hasher as _;
use std::rc::Rc;

use hygge_sdk::http::{Pending, Request, Response};
use hygge_sdk::paginate::next_link;
use hygge_sdk::{Error, Result, warn};
use serde::{Deserialize, Serialize};

use super::keys::{Lead, Paging};
use super::outlook::{Left, Outlook};
use super::room::{Room, Seat};
use super::signs::{Sign, sign};
use crate::endpoint::{Bound, Endpoint, Place, resolve};
use crate::json::{Document, Found, Path, Scanner, Token};

/// So many pages in a row that are all the same are one page, given again and again.
const SAME: u32 = 4;

/// Which page comes next: what is needed to go on from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    next: Turn,
    /// Pages and rows that come before it.
    #[serde(default)]
    pages: u64,
    #[serde(default)]
    rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Turn {
    First,
    /// The page of this number, or behind so many rows.
    Number(u64),
    /// What this leads to; JSON.
    Cursor(String),
    /// The page at this address.
    Address(String),
    End,
}

impl Position {
    pub(crate) fn first() -> Self {
        Self { next: Turn::First, pages: 0, rows: 0 }
    }
}

/// The pages of one endpoint.
#[derive(Debug)]
pub(crate) struct Pages {
    endpoint: Rc<Endpoint>,
    base: Rc<str>,
    bound: Bound,
    at: Position,
    /// Where it has been.
    seen: HashSet<u64>,
    /// What the last page looked like, and how often it came.
    last: (u64, u32),
    room: Room,
    /// What was asked for and not read yet: the next page, and those behind it.
    asked: VecDeque<Asked>,
    outlook: Outlook,
    is_long: bool,
}

/// A page that was asked for.
#[derive(Debug)]
struct Asked {
    turn: Turn,
    /// What is wrong counts when it is its turn.
    answer: Result<Pending>,
    seat: Seat,
}

/// A page whose body has not been read yet.
pub(crate) struct Page {
    /// None where the status says that there are no rows, and once it is being read.
    pub(crate) response: Option<Response>,
    nothing: bool,
    target: String,
    /// What the headers say of the next page.
    lead: Option<String>,
    _seat: Seat,
}

impl Pages {
    /// From a position on. `bound` fills the places in the request.
    pub(crate) fn new(
        endpoint: Rc<Endpoint>,
        base: Rc<str>,
        bound: Bound,
        at: Position,
        room: Room,
    ) -> Self {
        Self {
            endpoint,
            base,
            bound,
            at,
            seen: HashSet::new(),
            last: (0, 0),
            room,
            asked: VecDeque::new(),
            outlook: Outlook::default(),
            is_long: false,
        }
    }

    /// Which page comes next.
    pub(crate) fn position(&self) -> &Position {
        &self.at
    }

    /// Whether the last page has been read.
    pub(crate) fn ended(&self) -> bool {
        self.at.next == Turn::End
    }

    /// Whether all pages have been asked for that there are.
    pub(crate) fn ends_soon(&self) -> bool {
        self.outlook.is_known() && !self.wants_room()
    }

    /// Whether there were, at some time, far more pages to come than there is room for.
    pub(crate) fn is_long(&self) -> bool {
        self.is_long
    }

    /// Whether more pages could be asked for, if there were room.
    pub(crate) fn wants_room(&self) -> bool {
        self.asked.len() <= self.outlook.reach() && !self.ended()
    }

    /// Whether pages behind the next one have been asked for, or may be.
    pub(crate) fn reaches_on(&self) -> bool {
        let is_counted = matches!(self.endpoint.paging, Paging::Counted(_));
        !self.asked.is_empty() || is_counted && self.outlook.reach() > 0
    }

    /// Puts where an error happened before it.
    pub(crate) fn blame(&self, error: Error) -> Error {
        error.while_doing(format!("page {} of {}", self.at.pages + 1, self.endpoint.path))
    }

    /// Asks for the next page, if that has not been done.
    pub(crate) fn ask(&mut self) {
        let turn = &self.at.next;
        if self.asked.front().is_some_and(|asked| asked.turn == *turn) {
            return;
        }
        if !self.asked.is_empty() {
            self.outlook.went_astray();
            self.asked.clear();
        }
        // One that leads in a circle is no page.
        if *turn != Turn::End && !self.seen.contains(&hash(turn)) {
            let asked = self.begin(turn.clone(), self.room.seat_now());
            self.asked.push_back(asked);
        }
    }

    /// Asks for the pages behind those that were asked for, if it is known where they are, as long
    /// as there is room.
    pub(crate) fn ask_ahead(&mut self) {
        let Paging::Counted(counted) = &self.endpoint.paging else { return };
        let step = if counted.rows { self.outlook.rows() } else { 1 };
        while self.wants_room()
            && let Some(Turn::Number(last)) = self.asked.back().map(|asked| &asked.turn)
            && let Some(next) = last.checked_add(step)
            && let Some(seat) = self.room.seat()
        {
            let asked = self.begin(Turn::Number(next), seat);
            self.asked.push_back(asked);
        }
    }

    /// Gives up what was asked for: it will be asked for again.
    pub(crate) fn give_up(&mut self) {
        self.asked.clear();
    }

    /// Fetches the next page.
    pub(crate) fn fetch(&mut self) -> Result<Page> {
        let turn = &self.at.next;
        if matches!(turn, Turn::Cursor(_) | Turn::Address(_)) && !self.seen.insert(hash(turn)) {
            let said = match turn {
                Turn::Cursor(cursor) => format!("the cursor {cursor}"),
                _ => "the address of the next page".to_owned(),
            };
            return Err(Error::data(format!(
                "{said} came before: the pages lead in a circle; does `paginate` fit this API?"
            )));
        }
        match self.asked.pop_front() {
            Some(asked) if asked.turn == self.at.next => {
                self.page(asked.answer?.answer()?, asked.seat)
            }
            _ => self.fetch_again(),
        }
    }

    /// Fetches the page that was fetched last, and not turned yet.
    pub(crate) fn fetch_again(&self) -> Result<Page> {
        let seat = self.room.seat_now();
        self.page(self.request(&self.at.next)?.send()?, seat)
    }

    /// Sends a request for a page, and does not wait.
    fn begin(&self, turn: Turn, seat: Seat) -> Asked {
        let answer = self.request(&turn).and_then(Request::begin);
        Asked { turn, answer, seat }
    }

    /// The request for a page.
    fn request(&self, turn: &Turn) -> Result<Request> {
        let paging = &self.endpoint.paging;
        let mut more: Vec<(&Place, String)> = Vec::new();
        if let Some(size) = paging.size()
            && let Some(place) = &size.place
        {
            more.push((place, size.rows.to_string()));
        }
        let mut address = None;
        match (paging, turn) {
            (Paging::Counted(counted), Turn::First) => {
                more.push((&counted.place, counted.start.to_string()));
            }
            (Paging::Counted(counted), Turn::Number(number)) => {
                more.push((&counted.place, number.to_string()));
            }
            (Paging::Cursor { place, .. }, Turn::Cursor(cursor)) => {
                more.push((place, cursor.clone()));
            }
            (_, Turn::Address(own)) => address = Some(own.as_str()),
            _ => {}
        }
        // Whatever the method is called: rows are only looked at.
        Ok(self.endpoint.request(&self.bound, &more, address)?.safe_to_repeat())
    }

    /// The page that an answer holds.
    fn page(&self, response: Response, seat: Seat) -> Result<Page> {
        let target = response.target().to_owned();
        let status = response.status();
        if status == 204 || self.endpoint.empty_on.contains(&status) {
            return Ok(Page { response: None, nothing: true, target, lead: None, _seat: seat });
        }
        let response = response.ok()?;
        let lead = match &self.endpoint.paging {
            Paging::Link { from: Lead::LinkHeader, .. } => links(&response),
            Paging::Cursor { from: Lead::Header(name), .. } => {
                response.header(name).filter(|value| !value.is_empty())
            }
            Paging::None if self.endpoint.unpaged.is_some() => links(&response),
            _ => None,
        };
        Ok(Page { response: Some(response), nothing: false, target, lead, _seat: seat })
    }

    /// Whether [`Pages::turn`] wants to know what a page looked like: only those that are counted
    /// can be the same again without another sign of it.
    pub(crate) fn compares(&self) -> bool {
        matches!(self.endpoint.paging, Paging::Counted(_))
    }

    /// Goes on behind a page with so many rows. `look` stands for what it looked like.
    pub(crate) fn turn(
        &mut self,
        page: &Page,
        document: Option<&Document<'_>>,
        rows: u64,
        look: u64,
    ) -> Result<()> {
        let next = self.next(page, document, rows, look)?;
        self.at.pages += 1;
        self.at.rows += rows;
        let enough = self.endpoint.paging.most().is_some_and(|most| self.at.pages >= most);
        self.at.next = if enough { Turn::End } else { next };
        if self.ended() {
            // What was asked for behind the end.
            self.give_up();
        }
        Ok(())
    }

    fn next(
        &mut self,
        page: &Page,
        document: Option<&Document<'_>>,
        rows: u64,
        look: u64,
    ) -> Result<Turn> {
        if page.nothing {
            return Ok(Turn::End);
        }
        match &self.endpoint.paging {
            Paging::None => {
                self.tell_of_more(page.lead.is_some(), document);
                Ok(Turn::End)
            }
            Paging::Counted(counted) => {
                let number = match self.at.next {
                    Turn::Number(number) => number,
                    _ => counted.start,
                };
                let short = counted.size.as_ref().is_some_and(|size| rows < size.rows);
                if rows == 0 || counted.short_page && short {
                    return Ok(Turn::End);
                }
                let (seen, times) = self.last;
                self.last = (look, if look == seen { times + 1 } else { 1 });
                if self.last.1 >= SAME {
                    return Err(Error::data(format!(
                        "{SAME} pages in a row are all the same: does this API know the parameter \
                         that `paginate` counts with?"
                    )));
                }
                let next = number + if counted.rows { rows } else { 1 };
                let before = if counted.rows { number } else { self.at.rows };
                let total = count(&counted.total, document)?;
                let left = total.map(|total| total.saturating_sub(before.saturating_add(rows)));
                let mut left = Left { rows: left, pages: None };
                if !left.is_nothing() {
                    let pages = count(&counted.total_pages, document)?;
                    let read = number + 1 - counted.start.min(number);
                    left.pages = pages.map(|pages| pages.saturating_sub(read));
                }
                if left.is_nothing() {
                    return Ok(Turn::End);
                }
                let size = counted.size.as_ref().map(|size| size.rows);
                let most = counted.most.map(|most| most.saturating_sub(self.at.pages + 1));
                self.outlook.turned(rows, size, left, most);
                self.is_long |= self.outlook.reach() >= 2 * self.room.most();
                Ok(Turn::Number(next))
            }
            Paging::Cursor { from, has_more, .. } | Paging::Link { from, has_more, .. } => {
                let is_link = matches!(self.endpoint.paging, Paging::Link { .. });
                let more = match (has_more, document) {
                    (Some(path), Some(document)) => said(path, document)?,
                    _ => None,
                };
                if more == Some(false) {
                    return Ok(Turn::End);
                }
                let lead = match (from, document) {
                    (Lead::Body(path), Some(document)) => self.lead(path, document, rows)?,
                    (Lead::Body(_), None) => None,
                    _ => page.lead.as_ref().map(|lead| text(lead)),
                };
                match lead {
                    Some(lead) if is_link => {
                        let Token::Text(link) = Scanner::new(&lead).token()? else {
                            return Err(Error::data(format!(
                                "the address of the next page is no text: {lead}"
                            )));
                        };
                        Ok(Turn::Address(resolve(&self.base, &page.target, &link)))
                    }
                    Some(lead) => Ok(Turn::Cursor(lead)),
                    None if more == Some(true) => Err(Error::data(
                        "there are more pages, and nothing leads to the next one: does `paginate` \
                         fit this API?",
                    )),
                    None => Ok(Turn::End),
                }
            }
        }
    }

    /// Tells of more pages, once, where nobody has said how one gets there.
    fn tell_of_more(&self, is_linked: bool, document: Option<&Document<'_>>) {
        let Some(unpaged) = self.endpoint.unpaged.as_ref().filter(|own| !own.told.get()) else {
            return;
        };
        let Some(sign) = sign(is_linked, document, &self.endpoint.records) else { return };
        unpaged.told.set(true);
        let (path, Sign { seen, line, sure }) = (&self.endpoint.path, sign);
        let place = &unpaged.place;
        let reads = match sure {
            true => format!("`{line}` {place} reads all"),
            false => format!(
                "`{line}` {place} may read all (how this API is asked for the next page, it says \
                 in its documentation)"
            ),
        };
        warn!(
            "{path} says {seen} that there are more pages, and one is read: {reads}; \
             `paginate: none` says that one is enough"
        );
    }

    /// What leads to the next page, as JSON.
    fn lead(&self, path: &Path, document: &Document<'_>, rows: u64) -> Result<Option<String>> {
        match path.first(document.clone())? {
            Found::Value("null" | "false" | "\"\"") => Ok(None),
            Found::Value(value) if value.starts_with(['[', '{']) => Err(Error::data(format!(
                "what should lead to the next page, at `{path}`, is neither text nor a number"
            ))),
            Found::Value(value) => Ok(Some(value.to_owned())),
            Found::Nothing => {
                if self.at.pages == 0 && rows > 0 {
                    warn!(
                        "the first answer of {} has nothing at `{path}`, which would lead to the \
                         next page: it is taken for the only one",
                        self.endpoint.path
                    );
                }
                Ok(None)
            }
        }
    }
}

/// What a page looks like.
pub(crate) fn look_of(text: &str) -> u64 {
    hash(&text)
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// The next page that the `Link` headers name; there may be several of them.
fn links(response: &Response) -> Option<String> {
    let headers = response.headers();
    let mut links = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    links.find_map(|(_, value)| next_link(value))
}

/// How many there are of something, if an answer says so.
fn count(path: &Option<Path>, document: Option<&Document<'_>>) -> Result<Option<u64>> {
    let (Some(path), Some(document)) = (path, document) else { return Ok(None) };
    let Found::Value(value) = path.first(document.clone())? else {
        return Err(Error::data(format!(
            "the answer has nothing at `{path}`, where a count should be"
        )));
    };
    let count = match Scanner::new(value).token()? {
        Token::Null => return Ok(None),
        Token::Number(text) => text.parse().ok(),
        Token::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    let count = count
        .ok_or_else(|| Error::data(format!("what should be a count, at `{path}`, is {value}")))?;
    Ok(Some(count))
}

/// Whether something is said to be so.
fn said(path: &Path, document: &Document<'_>) -> Result<Option<bool>> {
    Ok(match path.first(document.clone())? {
        Found::Nothing => None,
        Found::Value(value) => {
            Some(!matches!(value, "false" | "null" | "0" | "\"\"" | "\"false\""))
        }
    })
}
