//! What is sent.

use hygge_sdk::http::Request;
use hygge_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::template::{self, fill, fill_json};
use super::url;
use super::{Bound, Endpoint, Format, Place};

impl Endpoint {
    /// A request with these values in the places for them. `more` is what paging adds; `address`
    /// stands in the place of path and parameters: a link holds both.
    pub(crate) fn request(
        &self,
        bound: &Bound,
        more: &[(&Place, String)],
        address: Option<&str>,
    ) -> Result<Request> {
        let mut bound = bound.clone();
        let mut more: Vec<(&Place, String)> = more.to_vec();
        for given in &self.given {
            bound.push((given.name.clone(), given.value.clone()));
            if let Some(place) = &given.place {
                more.push((place, given.value.clone()));
            }
        }
        let mut request = match address {
            Some(address) => Request::new(&self.method, address),
            None => self.addressed(&bound, &more)?,
        };
        let mut has_accept = false;
        for (name, value) in &self.headers {
            has_accept |= name.eq_ignore_ascii_case("accept");
            if let Some(value) = fill(value, &bound, str::to_owned)? {
                request = request.header(name, value);
            }
        }
        if !has_accept {
            request = request.header(
                "accept",
                match self.format {
                    Format::Json => "application/json",
                    Format::Ndjson => {
                        "application/x-ndjson, application/jsonl, application/json, */*"
                    }
                    Format::Csv => "text/csv, */*",
                    Format::Xml => "application/xml, text/xml, */*",
                },
            );
        }
        for (place, value) in &more {
            if let Place::Header(name) = place {
                request = request.header(name, template::plain(name, value)?);
            }
        }
        if let Some(label) = &self.credential {
            request = request.credential(label);
        }
        self.with_body(request, &bound, &more)
    }

    fn addressed(&self, bound: &Bound, more: &[(&Place, String)]) -> Result<Request> {
        let path = fill(&self.path, bound, escape)?.ok_or_else(|| {
            Error::config(format!(
                "`path: {}` needs to know from where on rows are wanted: say `incremental.start`",
                self.path
            ))
        })?;
        let mut request = Request::new(&self.method, url::below(&path));
        for (name, value) in &self.params {
            // What paging and the watermark say goes before what stands in the configuration.
            if more.iter().any(|(place, _)| matches!(place, Place::Param(own) if own == name)) {
                continue;
            }
            let Some(value) = fill_json(value, bound)? else { continue };
            request = with_param(request, name, &value)?;
        }
        for (place, value) in more {
            if let Place::Param(name) = place {
                request = request.query(name, template::plain(name, value)?);
            }
        }
        Ok(request)
    }

    fn with_body(
        &self,
        request: Request,
        bound: &Bound,
        more: &[(&Place, String)],
    ) -> Result<Request> {
        let places = more.iter().filter_map(|(place, value)| match place {
            Place::Body(names) => Some((names, value)),
            _ => None,
        });
        let mut body = match &self.body {
            Some(body) => fill_json(body, bound)?,
            None => None,
        };
        for (names, value) in places {
            let body = body.get_or_insert_with(|| Value::Object(Map::new()));
            put(body, names, serde_json::from_str(value)?)?;
        }
        if let Some(body) = body {
            return request.json_body(&body);
        }
        let Some(form) = &self.form else { return Ok(request) };
        // A query is written as a form is, and the SDK writes queries.
        let mut written = Request::new("POST", "");
        for (name, value) in form {
            if let Some(value) = fill_json(value, bound)? {
                written = with_param(written, name, &value)?;
            }
        }
        let written = written.target().trim_start_matches('?').to_owned();
        Ok(request.header("content-type", "application/x-www-form-urlencoded").body(written))
    }
}

/// A parameter; of a list one for each item. Null is none.
fn with_param(request: Request, name: &str, value: &Value) -> Result<Request> {
    Ok(match value {
        Value::Null => request,
        Value::String(text) => request.query(name, text),
        Value::Number(number) => request.query(name, number),
        Value::Bool(value) => request.query(name, value),
        Value::Array(items) => {
            items.iter().try_fold(request, |request, item| with_param(request, name, item))?
        }
        Value::Object(_) => {
            return Err(Error::config(format!(
                "the parameter `{name}` is an object: parameters are texts, numbers, or lists of \
                 such"
            )));
        }
    })
}

/// Puts a value into a body, where these names lead.
fn put(body: &mut Value, names: &[String], value: Value) -> Result<()> {
    let mut place = body;
    for name in names {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Object(members) => members.entry(name.clone()).or_insert(Value::Null),
            _ => {
                return Err(Error::config(format!(
                    "`body` has no room for `{}`: what it is put into is no object",
                    names.join(".")
                )));
            }
        };
    }
    *place = value;
    Ok(())
}

/// Escapes what may not stand in a part of a path.
fn escape(text: &str) -> String {
    let written = Request::new("GET", "").query("", text);
    written.target().trim_start_matches("?=").to_owned()
}
