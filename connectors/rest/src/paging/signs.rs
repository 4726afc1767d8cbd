//! What a first page says of further ones, where nobody has said how one gets there.

use std::borrow::Cow;

use hygge_sdk::Result;

use crate::json::{Document, Kind, Path, Scanner, Token};

/// A sign that there are more pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    /// Where it stands.
    pub(crate) seen: String,
    /// The line of YAML that would follow it.
    pub(crate) line: String,
    /// Whether that is so for sure, or how it usually is.
    pub(crate) sure: bool,
}

/// Names of what leads to the next page, and the parameters that usually take it.
const LEADS: [(&str, &str); 18] = [
    ("next", "cursor"),
    ("next_url", "cursor"),
    ("nextUrl", "cursor"),
    ("next_link", "cursor"),
    ("nextLink", "cursor"),
    ("@odata.nextLink", "$skiptoken"),
    ("odata.nextLink", "$skiptoken"),
    ("next_page_url", "page"),
    ("nextPageUrl", "page"),
    ("next_page", "page"),
    ("nextPage", "page"),
    ("next_cursor", "cursor"),
    ("nextCursor", "cursor"),
    ("next_token", "next_token"),
    ("nextToken", "nextToken"),
    ("next_page_token", "page_token"),
    ("nextPageToken", "pageToken"),
    ("next_offset", "offset"),
];

/// Names of what says only that there are more.
const MORE: [&str; 6] =
    ["has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage"];

/// Objects that speak of pages.
const WITHIN: [&str; 6] = ["meta", "paging", "pagination", "links", "_links", "page"];

/// A sign in a `Link` header, or in a document whose records are at a path.
pub(crate) fn sign(is_linked: bool, document: Option<&Document<'_>>, at: &Path) -> Option<Sign> {
    if is_linked {
        return Some(Sign {
            seen: "in its header `Link`".to_owned(),
            line: "paginate: link_header".to_owned(),
            sure: true,
        });
    }
    // Rows have been made of it before: that it cannot be read is told elsewhere.
    in_document(document?, at).ok().flatten()
}

fn in_document(document: &Document<'_>, at: &Path) -> Result<Option<Sign>> {
    let top = members(document)?;
    // A document that is itself the record may have a member called `next`. One with a list of
    // objects is an envelope whose `records` nobody has named.
    let is_record = at.names().is_some_and(|names| names.is_empty());
    if is_record && !top.iter().any(|(_, value)| holds_objects(value)) {
        return Ok(None);
    }
    let mut objects = vec![(String::from("$"), top)];
    for name in WITHIN {
        let found = objects[0].1.iter().find(|(own, _)| own == name);
        if let Some((_, value)) = found.filter(|(_, value)| value.starts_with('{')) {
            let inner = members(&Document::from(*value))?;
            objects.push((step("$", name), inner));
        }
    }
    for (within, members) in &objects {
        for (name, param) in LEADS {
            let found = members.iter().find(|(own, _)| own == name);
            if let Some((_, value)) = found
                && let Some(sign) = lead(&step(within, name), param, value)?
            {
                return Ok(Some(sign));
            }
        }
    }
    for (within, members) in &objects {
        let says_so = |name: &&str| {
            members.iter().any(|(own, value)| own == name && matches!(*value, "true" | "\"true\""))
        };
        if let Some(name) = MORE.iter().find(|name| says_so(name)) {
            return Ok(Some(more(&step(within, name))));
        }
    }
    Ok(None)
}

/// What a value leads to, if it leads anywhere.
fn lead(path: &str, param: &str, value: &str) -> Result<Option<Sign>> {
    Ok(match Scanner::new(value).token()? {
        Token::Null | Token::Bool(false) => None,
        Token::Bool(true) => Some(more(path)),
        Token::Number(number) => {
            // A number is a page, unless the name says what it is.
            let param = if param == "cursor" && path.ends_with("next") { "page" } else { param };
            (number != "0").then(|| cursor(path, param))
        }
        Token::Text(text) if text.trim().is_empty() => None,
        Token::Text(text) if is_address(&text) => Some(Sign {
            seen: format!("at `{path}`"),
            line: format!("paginate: {{type: next_url, path: {}}}", quoted(path)),
            sure: true,
        }),
        Token::Text(_) => Some(cursor(path, param)),
        Token::Nested(text) if text.starts_with('[') => None,
        Token::Nested(text) => {
            let mut found = None;
            for (name, value) in members(&Document::from(text))? {
                if is_plain(&name) && !value.starts_with('{') && !matches!(value, "true" | "false")
                {
                    found = found.or(lead(&step(path, &name), &name, value)?);
                }
            }
            found
        }
    })
}

fn cursor(path: &str, param: &str) -> Sign {
    Sign {
        seen: format!("at `{path}`"),
        line: format!("paginate: {{type: cursor, param: {param}, path: {}}}", quoted(path)),
        sure: false,
    }
}

fn more(path: &str) -> Sign {
    Sign { seen: format!("at `{path}`"), line: "paginate: page_number".to_owned(), sure: false }
}

fn is_address(text: &str) -> bool {
    text.starts_with(['/', '?']) || text.contains("://")
}

/// The members of an object; none of anything else.
fn members<'a>(document: &Document<'a>) -> Result<Vec<(Cow<'a, str>, &'a str)>> {
    let mut scanner = Scanner::new(document.text);
    let mut members = Vec::new();
    if scanner.peek()? != Kind::Object {
        return Ok(members);
    }
    scanner.enter_object()?;
    let mut first = true;
    while let Some(name) = scanner.key(&mut first)? {
        scanner.peek()?;
        let from = scanner.place();
        scanner.pass_over(&document.passed)?;
        members.push((name, document.text[from..scanner.place()].trim()));
    }
    Ok(members)
}

/// Whether it is a list of objects.
fn holds_objects(value: &str) -> bool {
    value.strip_prefix('[').is_some_and(|items| items.trim_start().starts_with('{'))
}

/// The path to a member.
fn step(within: &str, name: &str) -> String {
    if is_plain(name) { format!("{within}.{name}") } else { format!("{within}['{name}']") }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// A path as it stands among keys of YAML.
fn quoted(path: &str) -> String {
    if path.contains('[') { format!("\"{path}\"") } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn line(document: Value) -> Option<String> {
        let text = document.to_string();
        let document = Document::from(text.as_str());
        sign(false, Some(&document), &Path::parse("data").unwrap()).map(|sign| sign.line)
    }

    #[test]
    fn signs_are_found_with_what_follows_them() {
        let url = "https://api.test/rows?page=2";
        for (document, wanted) in [
            (json!({"data": [], "next": url}), "{type: next_url, path: $.next}"),
            (json!({"data": [], "next": "?page=2"}), "{type: next_url, path: $.next}"),
            (json!({"data": [], "next": 2}), "{type: cursor, param: page, path: $.next}"),
            (json!({"data": [], "next": "abc"}), "{type: cursor, param: cursor, path: $.next}"),
            (
                json!({"value": [], "@odata.nextLink": url}),
                "{type: next_url, path: \"$['@odata.nextLink']\"}",
            ),
            (
                json!({"items": [], "nextPageToken": "x"}),
                "{type: cursor, param: pageToken, path: $.nextPageToken}",
            ),
            (
                json!({"meta": {"next_page": 2}}),
                "{type: cursor, param: page, path: $.meta.next_page}",
            ),
            (
                json!({"_links": {"next": {"href": "/rows?page=2", "templated": true}}}),
                "{type: next_url, path: $._links.next.href}",
            ),
            (
                json!({"paging": {"next": {"after": "17"}}}),
                "{type: cursor, param: after, path: $.paging.next.after}",
            ),
            (json!({"links": {"next": url}}), "{type: next_url, path: $.links.next}"),
            (json!({"has_more": true, "data": []}), "page_number"),
            (json!({"page": {"hasNext": true}}), "page_number"),
            (json!({"next": {"a'b": "x", "url": "/x"}}), "{type: next_url, path: $.next.url}"),
            // What leads somewhere says more than that there is more.
            (
                json!({"has_more": true, "pagination": {"next_cursor": "x"}}),
                "{type: cursor, param: cursor, path: $.pagination.next_cursor}",
            ),
        ] {
            assert_eq!(line(document), Some(format!("paginate: {wanted}")));
        }
    }

    #[test]
    fn every_line_is_one_that_can_be_followed() {
        let documents = LEADS.map(|(name, _)| {
            [json!("/x"), json!(7), json!("x"), json!({"after": 7})]
                .map(|value| json!({ name: value }))
        });
        for document in documents.as_flattened() {
            let line = line(document.clone()).unwrap();
            // Of YAML's flow style, JSON lacks but the quotes.
            let keys = line.strip_prefix("paginate: {").unwrap().strip_suffix('}').unwrap();
            let keys = keys.split(", ").map(|pair| pair.split_once(": ").unwrap());
            let keys: serde_json::Map<String, Value> =
                keys.map(|(key, value)| (key.to_owned(), value.trim_matches('"').into())).collect();
            let read = super::super::PagingKeys::read(&Value::from(keys)).unwrap();
            assert!(read.paging(true).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_the_last_page_shows_no_sign() {
        for document in [
            json!([{"next": "/x"}]),
            json!({"data": [{"next": "/x", "has_more": true}]}),
            json!({"next": null, "has_more": false}),
            json!({"next": "", "meta": {"next_page": 0}, "links": {"next": {"href": null}}}),
            json!({"next": {}, "page": 1, "paging": {"cursors": {"after": "x"}}, "links": []}),
            json!({"links": {"prev": "/x", "self": "/y"}, "meta": {"next": []}}),
            json!("next"),
        ] {
            assert_eq!(line(document.clone()), None, "{document}");
        }
        // A single record may have what it likes.
        let root = |document: Value| {
            sign(false, Some(&Document::from(document.to_string().as_str())), &Path::root())
        };
        assert_eq!(root(json!({"id": 1, "next": "/x", "tags": ["a"]})), None);
        assert!(root(json!({"rows": [{"id": 1}], "next": "/x"})).is_some());
        assert_eq!(sign(true, None, &Path::root()).unwrap().line, "paginate: link_header");
        assert_eq!(sign(false, None, &Path::root()), None);
    }
}
