//! One endpoint of an API: what is asked, and what an answer looks like.

mod answer;
mod clock;
mod csv;
mod request;
mod since;
mod stream;
mod template;
mod url;
mod xml;

use std::cell::Cell;
use std::rc::Rc;

use hygge_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use self::answer::{Answer, RowSink};
pub(crate) use self::clock::Clock;
pub(crate) use self::since::{Since, no_moment};
pub(crate) use self::stream::{Part, Stream};
pub(crate) use self::template::{SINCE, UNTIL, is_name};
pub(crate) use self::url::resolve;
use crate::json::Path;
use crate::paging::Paging;

/// Values by name, each as the JSON it was.
pub(crate) type Bound = Vec<(String, String)>;

/// One endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) params: Map<String, Value>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) form: Option<Map<String, Value>>,
    pub(crate) records: Path,
    pub(crate) format: Format,
    pub(crate) csv: Csv,
    pub(crate) paging: Paging,
    pub(crate) credential: Option<String>,
    /// Statuses that stand for no rows.
    pub(crate) empty_on: Vec<u16>,
    /// Where an answer says that something is wrong.
    pub(crate) error: Option<Path>,
    /// What stands in all its requests.
    pub(crate) given: Vec<Given>,
    /// What all its rows have.
    pub(crate) include: Bound,
    /// That nobody has said how one gets to the next page.
    pub(crate) unpaged: Option<Unpaged>,
}

/// Nobody has said how one gets to the next page.
#[derive(Clone, Debug)]
pub(crate) struct Unpaged {
    /// Where among the keys it would be said.
    pub(crate) place: String,
    /// Whether the user has been told of more pages. Rounds have this in common.
    pub(crate) told: Rc<Cell<bool>>,
}

/// A value that all requests have: where its name stands, and in a place of its own if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) name: String,
    /// JSON.
    pub(crate) value: String,
    pub(crate) place: Option<Place>,
}

impl Given {
    pub(crate) fn new(name: &str, value: String, place: Option<Place>) -> Self {
        Self { name: name.to_owned(), value, place }
    }
}

/// An endpoint whose records lead to the rows.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) endpoint: Rc<Endpoint>,
    /// Names for the child's request.
    pub(crate) bind: Vec<(String, Path)>,
    /// Columns for the child's rows.
    pub(crate) include: Vec<(String, Path)>,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Json,
    Ndjson,
    Csv,
    Xml,
}

impl Format {
    /// Whether answers are read whole, and paths lead through them.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Json | Self::Xml)
    }
}

/// How CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Csv {
    pub(crate) delimiter: u8,
    pub(crate) header: bool,
}

/// Where in a request something goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Param(String),
    Header(String),
    Body(Vec<String>),
}

impl Endpoint {
    /// The names of the places in its path.
    pub(crate) fn placeholders(&self) -> Vec<String> {
        template::placeholders(&self.path).into_iter().map(str::to_owned).collect()
    }

    /// Whether a name stands anywhere in its requests.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let text = |text: &str| template::placeholders(text).contains(&name);
        text(&self.path)
            || self.headers.iter().any(|(_, value)| text(value))
            || self.params.values().any(|value| template::stands_in(name, value))
            || self.body.iter().any(|value| template::stands_in(name, value))
            || self.form.iter().flat_map(Map::values).any(|value| template::stands_in(name, value))
    }

    /// Refuses placeholders that nothing fills.
    pub(crate) fn check(&self, names: &[&str]) -> Result<()> {
        let given = self.given.iter().map(|given| given.name.as_str());
        let names: Vec<&str> = names.iter().copied().chain(given).collect();
        for name in template::placeholders(&self.path) {
            if names.contains(&name) {
                continue;
            }
            let missing = match name {
                SINCE => "`incremental.start` would fill it in while nothing has been loaded yet",
                UNTIL => "`incremental.until` would fill it in",
                _ => "",
            };
            let filled = match names.as_slice() {
                _ if !missing.is_empty() => missing.to_owned(),
                [] => "what is filled in is nothing: `each`, or a `parent` with `bind`, would"
                    .to_owned(),
                names => format!("what is filled in is {} alone", names.join(", ")),
            };
            return Err(Error::config(format!(
                "`path: {}` has a place for `{{{name}}}`, and {filled}",
                self.path
            )));
        }
        Ok(())
    }
}
