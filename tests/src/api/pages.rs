//! Pages of every kind.

use hyper::header::HeaderValue;
use hyper::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Body, data, json, typed};

/// How many rows there are, and on a page, when nobody says.
const ROWS: u64 = 1000;
const SIZE: u64 = 100;

/// Children of each parent: one more than the remainder of this.
const CHILDREN: u64 = 4;

/// What is at a path, if anything is.
pub(super) fn answer(asked: &Asked) -> Option<Response<Body>> {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let rows = asked.number("rows").unwrap_or(ROWS);
    // Rows before a moment, or up to one.
    let rows = asked.params.get("until").map_or(Some(rows), |until| from(until, rows))?;
    let rows = asked
        .params
        .get("through")
        .map_or(rows, |through| count(rows, |id| data::updated_at(id) <= *through));
    let first = asked.params.get("since").map_or(Some(0), |since| from(since, rows))?;
    let size = asked.number("size").or(asked.number("limit")).unwrap_or(SIZE).clamp(1, 10_000);
    let page = |from: u64| data::list(from.min(rows)..(from + size).min(rows));
    let next = |from: u64| (from + size < rows).then_some(from + size);
    let after = || match (&asked.method, asked.number("after")) {
        (&Method::POST, _) => {
            let body: Value = serde_json::from_slice(&asked.body).ok()?;
            Some(body.pointer("/page/after").and_then(Value::as_u64).unwrap_or(first))
        }
        (_, after) => Some(after.unwrap_or(first)),
    };
    let address = |from: u64| {
        let more: String = ["rows", "size", "latency"]
            .iter()
            .filter_map(|name| Some(format!("&{name}={}", asked.params.get(*name)?)))
            .collect();
        format!("{}?after={from}{more}", asked.path)
    };
    Some(match parts[..] {
        ["page_number", _] => {
            let from = first + asked.number("page").unwrap_or(1).checked_sub(1)? * size;
            let left = rows - first;
            json(format!(
                "{{\"data\":{},\"total\":{left},\"pages\":{}}}",
                page(from),
                left.div_ceil(size)
            ))
        }
        ["offset", _] => {
            let from = first + asked.number("offset").unwrap_or(0);
            json(format!("{{\"items\":{},\"total\":{}}}", page(from), rows - first))
        }
        ["cursor", _] => {
            let from = after()?;
            let next = next(from).map_or(Value::Null, Value::from);
            json(format!("{{\"meta\":{{\"next\":{next}}},\"data\":{}}}", page(from)))
        }
        ["next_url", _] => {
            let from = after()?;
            let next = next(from).map(|from| format!("{}{}", asked.origin, address(from)));
            json(format!("{{\"data\":{},\"next\":{}}}", page(from), json!(next)))
        }
        ["relative_url", _] => {
            let from = after()?;
            let next = next(from).map(address);
            let next = next.map(|next| next[next.find('?').unwrap_or_default()..].to_owned());
            json(format!("{{\"data\":{},\"next\":{}}}", page(from), json!(next)))
        }
        ["link_header", _] => {
            let from = after()?;
            let first = format!("<{}>; rel=\"first\"", asked.path);
            let link = match next(from) {
                Some(from) => {
                    format!("{first}, <{}{}>; rel=\"next\"", asked.origin, address(from))
                }
                None => first,
            };
            with_header(json(page(from)), "link", &link)
        }
        ["header_cursor", _] => {
            let from = after()?;
            match next(from) {
                Some(next) => with_header(json(page(from)), "x-next", &next.to_string()),
                None => json(page(from)),
            }
        }
        ["list", _] => json(data::list(first..rows)),
        ["ndjson", _] => typed("application/x-ndjson", data::lines(first..rows)),
        ["csv", _] => typed("text/csv", data::csv(first..rows)),
        ["xml", _] => typed("application/xml", data::xml(first..rows)),
        ["parents"] => json(page(after()?)),
        ["parents", parent, "children"] => {
            let parent: u64 = parent.parse().ok()?;
            let children = (0..=parent % CHILDREN)
                .map(|n| json!({"child": parent * 100 + n, "text": format!("{parent}/{n}")}));
            json(Value::from_iter(children).to_string())
        }
        _ => return None,
    })
}

/// The first row that is as new as this: a number, or a time.
fn from(since: &str, rows: u64) -> Option<u64> {
    match since.parse::<u64>() {
        Ok(number) => Some(number.min(rows)),
        Err(_) => Some(count(rows, |id| data::updated_at(id).as_str() < since)),
    }
}

/// How many rows there are from the first on of which something is so.
fn count(rows: u64, is_so: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = low.midpoint(high);
        if is_so(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn with_header(mut answer: Response<Body>, name: &'static str, value: &str) -> Response<Body> {
    let value = HeaderValue::from_str(value).expect("a value for a header");
    answer.headers_mut().insert(name, value);
    answer
}
