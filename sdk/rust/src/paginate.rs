//! From page to page of an answer.
//!
//! ```
//! use hygge_sdk::paginate::{Pager, Paging};
//! use hygge_sdk::{Result, http};
//!
//! fn orders() -> Result<usize> {
//!     let paging = Paging::Cursor { parameter: "cursor".into(), next: "/meta/next".into() };
//!     let mut pager = Pager::new(http::get("orders").query("limit", 500), paging);
//!     let mut seen = 0;
//!     while let Some(page) = pager.next()? {
//!         seen += page.rows("/data")?.len();
//!         // `pager.position()` is the state to resume from after this page.
//!     }
//!     Ok(seen)
//! }
//! ```

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::http::Request;

/// How one gets to the next page. Pointers are JSON Pointers: `/meta/next`, or empty for the whole
/// answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// The answer holds what the next request must send as a parameter.
    Cursor {
        /// The parameter.
        parameter: String,
        /// Where the answer holds its value; the last page has none.
        next: String,
    },
    /// Pages are numbered; the first one without rows ends it.
    Page {
        /// The parameter.
        parameter: String,
        /// The number of the first page.
        first: u64,
        /// Where the rows are.
        rows: String,
    },
    /// Rows are numbered; a page without rows ends it.
    Offset {
        /// The parameter for how many rows to pass over.
        parameter: String,
        /// Where the rows are.
        rows: String,
    },
    /// The answer holds the next page's address.
    Next {
        /// Where; the last page has none.
        next: String,
    },
    /// The next page's address is in the `Link` header, as `rel="next"`.
    Link,
}

/// Which page comes next: the state to resume from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// The first one.
    Start,
    /// The one that this cursor leads to.
    Cursor(String),
    /// The page of this number.
    Page(u64),
    /// The page after this many rows.
    Offset(u64),
    /// The page at this address.
    At(String),
    /// There is none.
    End,
}

/// Goes from page to page.
#[derive(Clone, Debug)]
pub struct Pager {
    request: Request,
    paging: Paging,
    position: Position,
    seen: HashSet<Position>,
}

impl Pager {
    /// From the first page on. `request` is what every page has in common.
    pub fn new(request: Request, paging: Paging) -> Self {
        Self { request, paging, position: Position::Start, seen: HashSet::new() }
    }

    /// Goes on at a position of an earlier pager for the same request.
    #[must_use]
    pub fn at(mut self, position: Option<Position>) -> Self {
        self.position = position.unwrap_or(Position::Start);
        self
    }

    /// Which page comes next.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Fetches the next page; none behind the last one.
    // Not an iterator: a failed page ends it, and that should be hard to overlook.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Page>> {
        if self.position == Position::End {
            return Ok(None);
        }
        if !self.seen.insert(self.position.clone()) {
            return Err(Error::data(format!(
                "{} leads from page to page in a circle",
                self.request.target()
            )));
        }
        let response = self.turned().header("accept", "application/json").send()?.ok()?;
        let link = response.header("link");
        let page = Page { body: response.json()? };
        let (next, is_end) = self.after(&page, link.as_deref())?;
        self.position = next;
        Ok(if is_end { None } else { Some(page) })
    }

    /// The request for the page at the position.
    fn turned(&self) -> Request {
        let request = self.request.clone();
        match (&self.paging, &self.position) {
            (Paging::Cursor { parameter, .. }, Position::Cursor(cursor)) => {
                request.query(parameter, cursor)
            }
            (Paging::Page { parameter, first, .. }, Position::Start) => {
                request.query(parameter, first)
            }
            (Paging::Page { parameter, .. }, Position::Page(number)) => {
                request.query(parameter, number)
            }
            (Paging::Offset { parameter, .. }, Position::Start) => request.query(parameter, 0),
            (Paging::Offset { parameter, .. }, Position::Offset(rows)) => {
                request.query(parameter, rows)
            }
            (_, Position::At(target)) => request.with_target(target.clone()),
            _ => request,
        }
    }

    /// Where to go on after a page, and whether it was empty and thereby the end.
    fn after(&self, page: &Page, link: Option<&str>) -> Result<(Position, bool)> {
        let to = |next: Option<String>, position: fn(String) -> Position| {
            (next.map_or(Position::End, position), false)
        };
        Ok(match &self.paging {
            Paging::Cursor { next, .. } => to(page.text(next)?, Position::Cursor),
            Paging::Next { next } => to(page.text(next)?, Position::At),
            Paging::Link => to(link.and_then(next_link), Position::At),
            Paging::Page { first, rows, .. } => {
                let number = match self.position {
                    Position::Page(number) => number,
                    _ => *first,
                };
                if page.rows(rows)?.is_empty() {
                    (Position::End, true)
                } else {
                    (Position::Page(number + 1), false)
                }
            }
            Paging::Offset { rows, .. } => {
                let before = match self.position {
                    Position::Offset(rows) => rows,
                    _ => 0,
                };
                match page.rows(rows)?.len() as u64 {
                    0 => (Position::End, true),
                    count => (Position::Offset(before + count), false),
                }
            }
        })
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    body: Value,
}

impl Page {
    /// The rows at a JSON Pointer.
    pub fn rows(&self, pointer: &str) -> Result<&[Value]> {
        match self.body.pointer(pointer) {
            Some(Value::Array(rows)) => Ok(rows),
            Some(Value::Null) => Ok(&[]),
            _ => Err(Error::data(format!("the answer has no list of rows at `{pointer}`"))),
        }
    }

    /// The whole answer.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// Text or a number at a JSON Pointer; none if there is nothing, null, or empty text.
    fn text(&self, pointer: &str) -> Result<Option<String>> {
        match self.body.pointer(pointer) {
            None | Some(Value::Null | Value::Bool(false)) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Error::data(format!(
                "what should lead to the next page, at `{pointer}`, is neither text nor a number"
            ))),
        }
    }
}

/// The target of `rel="next"` in a `Link` header: `<https://…>; rel="next", <…>; rel="last"`.
pub fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, further) = after.split_at(end);
        let is_next = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim().trim_end_matches(',').trim();
            let Some((name, value)) = parameter.split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .trim()
                    .trim_matches('"')
                    .split_ascii_whitespace()
                    .any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = further;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let header = r#"<https://x/a?page=1,2>; rel="prev", <https://x/a?page=3>; rel="next", <https://x/a?page=9>; rel=last"#;
        assert_eq!(next_link(header), Some("https://x/a?page=3".to_owned()));
        assert_eq!(next_link(r#"</a>; rel="last next""#), Some("/a".to_owned()));
        assert_eq!(next_link("<https://x/a>; rel=prev"), None);
        assert_eq!(next_link("nonsense"), None);
    }
}

#[cfg(all(test, feature = "testing"))]
mod walks {
    use serde_json::json;

    use super::*;
    use crate::http;
    use crate::testing::{Answer, World};

    /// The rows of every page, and that going on from every position gives the rest.
    fn walk(world: &World, paging: &Paging) -> Result<Vec<i64>> {
        world.run(|| {
            let pager = || Pager::new(http::get("/rows"), paging.clone());
            let rest = |position: Option<Position>| -> Result<(Vec<i64>, Vec<Position>)> {
                let (mut rows, mut positions) = (Vec::new(), Vec::new());
                let mut pager = pager().at(position);
                while let Some(page) = pager.next()? {
                    rows.extend(page.rows("/rows")?.iter().filter_map(Value::as_i64));
                    positions.push(pager.position().clone());
                }
                Ok((rows, positions))
            };
            let (all, positions) = rest(None)?;
            for position in positions {
                let (some, _) = rest(Some(position.clone()))?;
                assert!(all.ends_with(&some) && some.len() < all.len(), "{position:?}");
            }
            Ok(all)
        })
    }

    #[test]
    fn every_paging_gives_every_row_once() {
        let cursor = World::new()
            .get("/rows", json!({"rows": [1, 2], "next": "a b"}))
            .get("/rows?c=a%20b", json!({"rows": [3], "next": null}));
        let paging = Paging::Cursor { parameter: "c".into(), next: "/next".into() };
        assert_eq!(walk(&cursor, &paging).unwrap(), [1, 2, 3]);

        let numbered = World::new()
            .get("/rows?page=1", json!({"rows": [1, 2]}))
            .get("/rows?page=2", json!({"rows": [3]}))
            .get("/rows?page=3", json!({"rows": []}));
        let paging = Paging::Page { parameter: "page".into(), first: 1, rows: "/rows".into() };
        assert_eq!(walk(&numbered, &paging).unwrap(), [1, 2, 3]);

        let offset = World::new()
            .get("/rows?skip=0", json!({"rows": [1, 2]}))
            .get("/rows?skip=2", json!({"rows": [3]}))
            .get("/rows?skip=3", json!({"rows": []}));
        let paging = Paging::Offset { parameter: "skip".into(), rows: "/rows".into() };
        assert_eq!(walk(&offset, &paging).unwrap(), [1, 2, 3]);

        let next = World::new()
            .get("/rows", json!({"rows": [1, 2], "next": "https://x/2"}))
            .get("https://x/2", json!({"rows": [3]}));
        assert_eq!(walk(&next, &Paging::Next { next: "/next".into() }).unwrap(), [1, 2, 3]);

        let first = Answer::json(json!({"rows": [1]})).header("Link", "</rows2>; rel=\"next\"");
        let link = World::new().on("GET", "/rows", first).get("/rows2", json!({"rows": [2]}));
        assert_eq!(walk(&link, &Paging::Link).unwrap(), [1, 2]);
    }

    #[test]
    fn a_circle_is_noticed() {
        let circle = World::new()
            .get("/rows", json!({"rows": [1], "next": "a"}))
            .get("/rows?c=a", json!({"rows": [2], "next": "a"}));
        let paging = Paging::Cursor { parameter: "c".into(), next: "/next".into() };
        assert!(walk(&circle, &paging).unwrap_err().to_string().contains("circle"));
    }
}
