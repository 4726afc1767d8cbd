//! One endpoint of an API: what is asked, and what an answer looks like.

mod answer;
mod csv;
mod request;
mod since;
mod stream;
mod template;
mod url;
mod xml;

use std::rc::Rc;

use hygge_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use self::answer::{Answer, RowSink};
pub(crate) use self::since::Since;
pub(crate) use self::stream::{Part, Stream};
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
    /// From where on rows are wanted, and where that goes.
    pub(crate) since: Option<Since>,
    pub(crate) since_place: Option<Place>,
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

    /// Refuses placeholders that nothing fills.
    pub(crate) fn check(&self, names: &[&str]) -> Result<()> {
        for name in template::placeholders(&self.path) {
            if names.contains(&name) || name == template::SINCE && self.since.is_some() {
                continue;
            }
            let filled = match names {
                [] => "nothing: a `parent` with `bind` would".to_owned(),
                names => format!("{} alone", names.join(", ")),
            };
            return Err(Error::config(format!(
                "`path: {}` has a place for `{{{name}}}`, and what is filled in is {filled}",
                self.path
            )));
        }
        Ok(())
    }
}
