//! The keys of `home:`, and the endpoint they describe.

use std::cell::Cell;
use std::rc::Rc;

use hygge_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::endpoint::{
    Bound, Csv, Endpoint, Format, Given, Parent, Place, SINCE, Since, UNTIL, Unpaged,
};
use crate::json::Path;
use crate::paging::{Paging, PagingKeys};
use crate::rounds::{Each, Round, Rounds, When, WindowKeys, Windows};
use crate::table::{Nested, Rules};

/// The keys of `home:`. The host has checked them against `connector.toml` before.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    pub(crate) base_url: String,
    #[serde(flatten)]
    endpoint: EndpointKeys,
    incremental: Option<IncrementalKeys>,
    each: Option<Map<String, Value>>,
    pub(crate) schema: Option<Map<String, Value>>,
    #[serde(default = "sample")]
    pub(crate) sample: u64,
    #[serde(default)]
    nested: Nested,
    #[serde(default = "underscore")]
    separator: String,
    #[serde(default)]
    pub(crate) conflicts: Conflicts,
    #[serde(default)]
    times: bool,
    /// Requests side by side.
    #[serde(default = "four")]
    pub(crate) concurrency: usize,
}

/// What becomes of values that do not fit the type of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Conflicts {
    /// The type becomes one that holds both.
    #[default]
    Widen,
    /// The run ends with an error that says so.
    Fail,
}

/// The keys of an endpoint, whether of rows or of parents.
#[derive(Clone, Debug, Default, Deserialize)]
struct EndpointKeys {
    path: Option<String>,
    method: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
    form: Option<Map<String, Value>>,
    records: Option<Path>,
    format: Option<Format>,
    csv: Option<CsvKeys>,
    paginate: Option<Value>,
    credential: Option<String>,
    #[serde(default)]
    empty_on: Vec<u16>,
    error: Option<Path>,
    parent: Option<Box<ParentKeys>>,
    /// Whether the user was told that there are more pages than are read.
    #[serde(skip)]
    told_of_more: Rc<Cell<bool>>,
}

#[derive(Clone, Debug, Deserialize)]
struct ParentKeys {
    #[serde(flatten)]
    endpoint: EndpointKeys,
    #[serde(default)]
    bind: Map<String, Value>,
    #[serde(default)]
    include: Map<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CsvKeys {
    delimiter: Option<String>,
    header: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct IncrementalKeys {
    param: Option<String>,
    header: Option<String>,
    body: Option<String>,
    format: Option<String>,
    start: Option<Value>,
    lag: Option<String>,
    until: Option<UntilKeys>,
    step: Option<String>,
    end: Option<Value>,
}

/// Where the end of a window goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UntilKeys {
    param: Option<String>,
    header: Option<String>,
    body: Option<String>,
    inclusive: Option<bool>,
}

fn sample() -> u64 {
    1000
}

fn four() -> usize {
    4
}

fn underscore() -> String {
    "_".to_owned()
}

impl Config {
    /// How columns are inferred.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            nested: self.nested,
            separator: self.separator.clone(),
            strict: self.conflicts == Conflicts::Fail,
            times: self.times,
        }
    }

    /// What is asked for the rows of a table in one round.
    pub(crate) fn endpoint(&self, table: &str, round: &Round) -> Result<Rc<Endpoint>> {
        let mut endpoint = self.endpoint.endpoint(table, "")?;
        endpoint.given = round.values.iter().chain(&round.times).cloned().collect();
        endpoint.include.clone_from(&round.include);
        endpoint.check(&self.bound_names())?;
        Ok(Rc::new(endpoint))
    }

    /// The endpoints of parents in one round, the outermost first.
    pub(crate) fn parents(&self, round: &Round) -> Result<Vec<Rc<Parent>>> {
        let parents = self.all_parents(&round.values)?;
        // A parent may use what its own parents bind.
        let mut names: Vec<&str> = Vec::new();
        for parent in &parents {
            parent.endpoint.check(&names)?;
            if let Some((name, _)) =
                parent.bind.iter().find(|(own, _)| names.contains(&own.as_str()))
            {
                return Err(Error::config(format!(
                    "two parents bind `{name}`: give one of them another name, so that it is plain \
                     which one `{{{name}}}` is"
                )));
            }
            names.extend(parent.bind.iter().map(|(name, _)| name.as_str()));
        }
        Ok(parents)
    }

    /// The rounds that the rows of a table are read in.
    pub(crate) fn rounds(&self, table: &str) -> Result<Rounds> {
        let own = self.endpoint.endpoint(table, "")?;
        let parents = self.all_parents(&[])?;
        let each = Each::read(self.each.as_ref())?;
        for name in each.names() {
            if self.bound_names().contains(&name) {
                return Err(Error::config(format!(
                    "`each.{name}` and `parent.bind` both fill in `{{{name}}}`: give one of them \
                     another name"
                )));
            }
            if !own.mentions(name) && !parents.iter().any(|parent| parent.endpoint.mentions(name)) {
                return Err(Error::config(format!(
                    "nothing uses `each.{name}`, and every value would bring the same rows: put \
                     `{{{name}}}` into `path`, `params`, `headers` or `body`"
                )));
            }
        }
        for (name, column) in each.columns() {
            let mut included = parents.iter().flat_map(|parent| &parent.include);
            if included.any(|(own, _)| own == column) {
                return Err(Error::config(format!(
                    "`each.{name}` and `parent.include` both become the column `{column}`: give \
                     one of them another name"
                )));
            }
        }
        let when = match &self.incremental {
            None => When::Always,
            Some(keys) => {
                let is_bound = self.bound_names().contains(&UNTIL);
                keys.when(own.mentions(SINCE), own.mentions(UNTIL) && !is_bound)?
            }
        };
        Ok(Rounds { each, when })
    }

    fn all_parents(&self, given: &[Given]) -> Result<Vec<Rc<Parent>>> {
        let (mut parents, mut child, mut within) = (Vec::new(), &self.endpoint, String::new());
        let mut common = self.endpoint.clone();
        while let Some(keys) = &child.parent {
            within.push_str("parent.");
            if keys.endpoint.path.is_none() {
                return Err(Error::config(format!("`{within}path` is missing")));
            }
            common = keys.endpoint.below(&common);
            let mut endpoint = common.endpoint("", &within)?;
            endpoint.given = given.to_vec();
            let endpoint = Rc::new(endpoint);
            let bind = paths(&keys.bind, &format!("{within}bind"))?;
            let include = paths(&keys.include, &format!("{within}include"))?;
            parents.push(Rc::new(Parent { endpoint, bind, include }));
            child = &keys.endpoint;
        }
        parents.reverse();
        Ok(parents)
    }

    /// The names that parents bind.
    fn bound_names(&self) -> Vec<&str> {
        let (mut names, mut child) = (Vec::new(), &self.endpoint);
        while let Some(keys) = &child.parent {
            names.extend(keys.bind.keys().map(String::as_str));
            child = &keys.endpoint;
        }
        names
    }
}

impl IncrementalKeys {
    /// Which rows are wanted, where a request has places for the two ends of a window or not.
    fn when(&self, has_since: bool, has_until: bool) -> Result<When> {
        let since = Since::new(self.format.as_deref(), self.start.as_ref(), self.lag.as_deref())?;
        let since_place = place([&self.param, &self.header, &self.body], "incremental")?;
        let end = self.end.as_ref().filter(|end| !end.is_null());
        if !has_until && self.until.is_none() && self.step.is_none() && end.is_none() {
            return Ok(When::From(since, since_place));
        }
        let until = self.until.clone().unwrap_or_default();
        let until_place = place([&until.param, &until.header, &until.body], "incremental.until")?;
        if until_place.is_none() && !has_until {
            return Err(Error::config(
                "`incremental` reads time in windows, and nothing says where one ends: say \
                 `until: {param: NAME}`, or put `{until}` into `path`, `params`, `headers` or \
                 `body`",
            ));
        }
        if since_place.is_none() && !has_since {
            return Err(Error::config(
                "`incremental` reads time in windows, and nothing says where one begins: say \
                 `param`, or put `{since}` into `path`, `params`, `headers` or `body`",
            ));
        }
        let keys = WindowKeys {
            step: self.step.as_deref(),
            end,
            inclusive: until.inclusive.unwrap_or_default(),
        };
        Ok(When::Windows(Box::new(Windows::new(since, &keys, since_place, until_place)?)))
    }
}

impl EndpointKeys {
    /// The keys of a parent, which has from its child what an API has in common for all its
    /// endpoints, unless it says otherwise.
    fn below(&self, child: &Self) -> Self {
        let mut headers = child.headers.clone();
        headers.extend(self.headers.clone());
        Self {
            headers,
            records: self.records.clone().or_else(|| child.records.clone()),
            format: self.format.or(child.format),
            csv: self.csv.clone().or_else(|| child.csv.clone()),
            paginate: self.paginate.clone().or_else(|| child.paginate.clone()),
            credential: self.credential.clone().or_else(|| child.credential.clone()),
            error: self.error.clone().or_else(|| child.error.clone()),
            ..self.clone()
        }
    }

    /// The endpoint of these keys.
    fn endpoint(&self, table: &str, within: &str) -> Result<Endpoint> {
        let format = self.format.unwrap_or_default();
        let paging = match &self.paginate {
            None | Some(Value::Null) => Paging::None,
            Some(value) => PagingKeys::read(value)
                .and_then(|keys| keys.paging(format.is_whole()))
                .map_err(|error| error.while_doing(format!("`{within}paginate`")))?,
        };
        if self.body.is_some() && self.form.is_some() {
            return Err(Error::config(format!(
                "`{within}body` and `{within}form` are one too many"
            )));
        }
        let sends = self.body.is_some() || self.form.is_some();
        let method = match &self.method {
            Some(method) => method.to_ascii_uppercase(),
            None => if sends { "POST" } else { "GET" }.to_owned(),
        };
        Ok(Endpoint {
            method,
            path: self.path.clone().unwrap_or_else(|| format!("/{table}")),
            params: self.params.clone(),
            headers: headers(&self.headers)?,
            body: self.body.clone(),
            form: self.form.clone(),
            records: self.records.clone().unwrap_or_else(Path::root),
            format,
            csv: self.csv.clone().unwrap_or_default().read()?,
            paging,
            credential: credential(self.credential.as_deref()),
            empty_on: self.empty_on.clone(),
            error: self.error.clone(),
            given: Vec::new(),
            include: Bound::new(),
            unpaged: self.paginate.is_none().then(|| Unpaged {
                place: match within.trim_end_matches('.') {
                    "" => "in `home`".to_owned(),
                    within => format!("in `{within}`"),
                },
                told: Rc::clone(&self.told_of_more),
            }),
        })
    }
}

/// Names, and the paths they stand for.
fn paths(map: &Map<String, Value>, within: &str) -> Result<Vec<(String, Path)>> {
    map.iter()
        .map(|(name, value)| {
            let text = value.as_str();
            let text =
                text.ok_or_else(|| Error::config(format!("`{within}.{name}` is no path")))?;
            Ok((name.clone(), Path::parse(text)?))
        })
        .collect()
}

impl CsvKeys {
    fn read(&self) -> Result<Csv> {
        let delimiter = match self.delimiter.as_deref() {
            None => b',',
            Some("\\t") => b'\t',
            Some(text) => match text.as_bytes() {
                [byte] if !matches!(byte, b'"' | b'\n' | b'\r') => *byte,
                _ => {
                    return Err(Error::config(format!(
                        "`csv.delimiter` is one character such as `;`, and not `{text}`"
                    )));
                }
            },
        };
        Ok(Csv { delimiter, header: self.header.unwrap_or(true) })
    }
}

/// The one place that is named, if any is.
pub(crate) fn place(
    [param, header, body]: [&Option<String>; 3],
    within: &str,
) -> Result<Option<Place>> {
    let names = |path: &String| {
        Path::parse(path)?.names().filter(|names| !names.is_empty()).ok_or_else(|| {
            Error::config(format!("`{within}.body` leads through names alone, such as `page.next`"))
        })
    };
    match (param, header, body) {
        (None, None, None) => Ok(None),
        (Some(name), None, None) => Ok(Some(Place::Param(name.clone()))),
        (None, Some(name), None) => Ok(Some(Place::Header(name.clone()))),
        (None, None, Some(path)) => Ok(Some(Place::Body(names(path)?))),
        _ => Err(Error::config(format!(
            "`{within}` names more than one of `param`, `header` and `body`: it goes to one of them"
        ))),
    }
}

/// The headers that are given; null takes one back.
pub(crate) fn headers(given: &Map<String, Value>) -> Result<Vec<(String, String)>> {
    let given = given.iter().filter(|(_, value)| !value.is_null());
    given
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
                _ => {
                    return Err(Error::config(format!(
                        "`headers.{name}` is neither text nor a number"
                    )));
                }
            };
            Ok((name.clone(), text))
        })
        .collect()
}

/// The credential that the host adds.
pub(crate) fn credential(label: Option<&str>) -> Option<String> {
    match label {
        Some("none") => None,
        label => Some(label.unwrap_or("default").to_owned()),
    }
}

/// Values by name, as JSON.
pub(crate) fn find<'b>(bound: &'b Bound, name: &str) -> Option<&'b str> {
    bound.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}
