//! The keys of `paginate:`.

use hygge_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::config::place;
use crate::endpoint::Place;
use crate::json::Path;

/// The keys of `paginate:`, for all types together. Null is as good as left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PagingKeys {
    r#type: String,
    param: Option<String>,
    header: Option<String>,
    body: Option<String>,
    start: Option<u64>,
    size: Option<u64>,
    size_param: Option<String>,
    path: Option<Path>,
    from_header: Option<String>,
    total: Option<Path>,
    total_pages: Option<Path>,
    has_more: Option<Path>,
    short_page: Option<bool>,
    max_pages: Option<u64>,
}

/// How one gets to the next page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Paging {
    /// There is one page.
    None,
    /// Pages, or the rows before them, are counted.
    Counted(Counted),
    /// An answer holds what the next request must say.
    Cursor { place: Place, from: Lead, has_more: Option<Path>, size: Option<Size>, most: Most },
    /// An answer holds the address of the next page.
    Link { from: Lead, has_more: Option<Path>, size: Option<Size>, most: Most },
}

/// Pages that are counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counted {
    pub(crate) place: Place,
    /// By rows rather than by pages.
    pub(crate) rows: bool,
    pub(crate) start: u64,
    pub(crate) size: Option<Size>,
    /// A page with fewer rows than its size is the last one.
    pub(crate) short_page: bool,
    /// Where an answer says how many rows, or pages, there are.
    pub(crate) total: Option<Path>,
    pub(crate) total_pages: Option<Path>,
    pub(crate) most: Most,
}

/// How many pages are read at most.
pub(crate) type Most = Option<u64>;

/// Where an answer holds the way to the next page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Lead {
    Body(Path),
    Header(String),
    /// The header `Link`.
    LinkHeader,
}

/// How many rows a page has, and where that is said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Size {
    pub(crate) rows: u64,
    pub(crate) place: Option<Place>,
}

const TYPES: &str = "none, page_number, offset, cursor, next_url, link_header and header_cursor";

impl PagingKeys {
    /// A word, or keys with a `type`.
    pub(crate) fn read(value: &Value) -> Result<Self> {
        if let Value::String(word) = value {
            return Ok(Self { r#type: word.clone(), ..Self::default() });
        }
        Self::deserialize(value).map_err(|error| Error::config(error.to_string()))
    }

    /// What they say. Only JSON holds more than rows.
    pub(crate) fn paging(self, json: bool) -> Result<Paging> {
        let r#type = self.r#type.clone();
        let allowed: &[&str] = match r#type.as_str() {
            "none" => &[],
            "page_number" => &[
                "param",
                "header",
                "body",
                "start",
                "size",
                "size_param",
                "total",
                "total_pages",
                "short_page",
                "max_pages",
            ],
            "offset" => &[
                "param",
                "header",
                "body",
                "start",
                "size",
                "size_param",
                "total",
                "short_page",
                "max_pages",
            ],
            "cursor" => {
                &["param", "header", "body", "path", "has_more", "size", "size_param", "max_pages"]
            }
            "next_url" => &["path", "has_more", "size", "size_param", "max_pages"],
            "link_header" => &["size", "size_param", "max_pages"],
            "header_cursor" => {
                &["param", "header", "body", "from_header", "size", "size_param", "max_pages"]
            }
            "" => return Err(Error::config(format!("`type` is missing; there are {TYPES}"))),
            other => {
                return Err(Error::config(format!(
                    "there is no type `{other}`; there are {TYPES}"
                )));
            }
        };
        if let Some(other) = self.given().into_iter().find(|key| !allowed.contains(key)) {
            return Err(Error::config(format!(
                "`{other}` means nothing to `type: {type}`; if the flow says it for its other \
                 tables, take it back with `{other}: null`"
            )));
        }
        let needs = |key: &str| Error::config(format!("`type: {type}` needs `{key}`"));
        let most = self.max_pages;
        if !json && (self.path.is_some() || self.total.is_some() || self.total_pages.is_some()) {
            return Err(Error::config(
                "`path`, `total` and `total_pages` lead through JSON or XML, and `format` is another; \
                 page_number, offset, link_header and header_cursor need none",
            ));
        }
        let own = place([&self.param, &self.header, &self.body], "paginate")?;
        let param = |name: &str| own.clone().unwrap_or_else(|| Place::Param(name.to_owned()));
        let size = |name: Option<&str>| {
            let name = self.size_param.as_deref().or(name);
            let place = name.map(|name| Place::Param(name.to_owned()));
            self.size.map(|rows| Size { rows, place })
        };
        if self.size == Some(0) {
            return Err(Error::config("`size: 0` would read nothing"));
        }
        if self.size_param.is_some() && self.size.is_none() {
            return Err(needs("size"));
        }
        if self.short_page == Some(true) && self.size.is_none() {
            return Err(Error::config("`short_page` needs `size`: how many rows a page has"));
        }
        Ok(match r#type.as_str() {
            "page_number" | "offset" => {
                let rows = r#type == "offset";
                Paging::Counted(Counted {
                    place: param(if rows { "offset" } else { "page" }),
                    rows,
                    start: self.start.unwrap_or(u64::from(!rows)),
                    size: size(rows.then_some("limit")),
                    short_page: self.short_page.unwrap_or_default(),
                    total: self.total,
                    total_pages: self.total_pages,
                    most,
                })
            }
            "cursor" => Paging::Cursor {
                place: param("cursor"),
                size: size(None),
                from: Lead::Body(self.path.ok_or_else(|| needs("path"))?),
                has_more: self.has_more,
                most,
            },
            "header_cursor" => Paging::Cursor {
                place: param("cursor"),
                size: size(None),
                from: Lead::Header(self.from_header.ok_or_else(|| needs("from_header"))?),
                has_more: None,
                most,
            },
            "next_url" => Paging::Link {
                size: size(None),
                from: Lead::Body(self.path.ok_or_else(|| needs("path"))?),
                has_more: self.has_more,
                most,
            },
            "link_header" => {
                Paging::Link { size: size(None), from: Lead::LinkHeader, has_more: None, most }
            }
            _ => Paging::None,
        })
    }

    /// The keys that are given.
    fn given(&self) -> Vec<&'static str> {
        [
            ("param", self.param.is_some()),
            ("header", self.header.is_some()),
            ("body", self.body.is_some()),
            ("start", self.start.is_some()),
            ("size", self.size.is_some()),
            ("size_param", self.size_param.is_some()),
            ("path", self.path.is_some()),
            ("from_header", self.from_header.is_some()),
            ("total", self.total.is_some()),
            ("total_pages", self.total_pages.is_some()),
            ("has_more", self.has_more.is_some()),
            ("short_page", self.short_page.is_some()),
            ("max_pages", self.max_pages.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect()
    }
}

impl Paging {
    /// How many rows a page has, if that is said.
    pub(crate) fn size(&self) -> Option<&Size> {
        match self {
            Self::None => None,
            Self::Counted(counted) => counted.size.as_ref(),
            Self::Cursor { size, .. } | Self::Link { size, .. } => size.as_ref(),
        }
    }

    /// How many pages are read at most.
    pub(crate) fn most(&self) -> Most {
        match self {
            Self::None => None,
            Self::Counted(counted) => counted.most,
            Self::Cursor { most, .. } | Self::Link { most, .. } => *most,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(value: Value) -> String {
        PagingKeys::read(&value).and_then(|keys| keys.paging(true)).unwrap_err().to_string()
    }

    #[test]
    fn keys_that_mean_nothing_are_told() {
        assert!(told(json!("pages")).contains("there is no type `pages`"));
        assert!(told(json!({"param": "x"})).contains("`type` is missing"));
        assert!(told(json!({"type": "offset", "path": "$.x"})).contains("`path: null`"));
        assert!(told(json!({"type": "cursor"})).contains("needs `path`"));
        assert!(told(json!({"type": "header_cursor"})).contains("needs `from_header`"));
        assert!(told(json!({"type": "offset", "short_page": true})).contains("needs `size`"));
        assert!(told(json!({"type": "offset", "size_param": "n"})).contains("needs `size`"));
        assert!(told(json!({"type": "offset", "size": 0})).contains("`size: 0`"));
        assert!(told(json!({"type": "offset", "sze": 3})).contains("sze"));
        let two = json!({"type": "offset", "param": "x", "body": "y"});
        assert!(told(two).contains("more than one of"));
        let csv = PagingKeys::read(&json!({"type": "next_url", "path": "$.next"})).unwrap();
        assert!(csv.paging(false).unwrap_err().to_string().contains("`format` is another"));
        // What a flow says for its other tables can be taken back.
        let taken_back = json!({"type": "offset", "path": null, "size": 10});
        let Paging::Counted(counted) = PagingKeys::read(&taken_back).unwrap().paging(true).unwrap()
        else {
            panic!("not counted")
        };
        assert_eq!((counted.start, counted.place), (0, Place::Param("offset".into())));
        let size = counted.size.unwrap();
        assert_eq!((size.rows, size.place), (10, Some(Place::Param("limit".into()))));
    }
}
