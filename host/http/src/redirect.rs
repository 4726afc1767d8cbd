//! What a redirect asks for. Whether it may have it is checked as for any request.

use reqwest::{Method, StatusCode};
use url::Url;

use crate::error::HttpError;
use crate::target;

/// Redirects that are followed for one request.
pub(crate) const MOST: usize = 10;

/// Who follows redirects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// The host, for the connector. Credentials are left behind where the origin changes.
    #[default]
    Followed,
    /// The connector, which gets the answer as it is. Where it was sent cannot be told from where
    /// it wanted to go: a credential goes to the origin of the base URL and the hosts it names
    /// itself, and nowhere else.
    Left,
}

/// Where an answer sends us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub url: Url,
    pub method: Method,
    /// Whether the body goes along.
    pub with_body: bool,
    /// Whether it is the same origin: credentials go nowhere else.
    pub same_origin: bool,
}

/// The redirect that a status and a `Location` stand for, if they do.
pub(crate) fn of(
    status: StatusCode,
    location: Option<&str>,
    method: &Method,
    from: &Url,
) -> Result<Option<Redirect>, HttpError> {
    let with_body = match status.as_u16() {
        // What browsers make of it.
        301 | 302 if method != Method::POST => true,
        301..=303 => false,
        307 | 308 => true,
        _ => return Ok(None),
    };
    let Some(location) = location else { return Ok(None) };
    let host = from.host_str().unwrap_or_default();
    let joined = from.join(location).map_err(|error| {
        HttpError::bad_answer(format!("`{host}` redirects to what is not a URL: {error}"))
    })?;
    // The same is refused as in a target that the connector makes up by itself.
    let url = target::resolve(None, joined.as_str())?;
    let method = match with_body {
        true => method.clone(),
        false if method == Method::HEAD => Method::HEAD,
        false => Method::GET,
    };
    let same_origin = url.origin() == from.origin();
    Ok(Some(Redirect { url, method, with_body, same_origin }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(status: u16, method: &str, location: Option<&str>) -> Option<Redirect> {
        let from = Url::parse("https://a.example/x/y").unwrap();
        of(StatusCode::from_u16(status).unwrap(), location, &method.parse().unwrap(), &from)
            .unwrap()
    }

    #[test]
    fn methods_change_as_in_browsers() {
        for (status, method, then, with_body) in [
            (301, "POST", "GET", false),
            (302, "POST", "GET", false),
            (302, "PUT", "PUT", true),
            (303, "PUT", "GET", false),
            (303, "HEAD", "HEAD", false),
            (307, "POST", "POST", true),
            (308, "GET", "GET", true),
        ] {
            let hop = hop(status, method, Some("/z")).unwrap();
            assert_eq!(
                (hop.method.as_str(), hop.with_body),
                (then, with_body),
                "{status} {method}"
            );
        }
    }

    #[test]
    fn another_origin_is_seen_as_one() {
        assert!(hop(302, "GET", Some("z")).unwrap().same_origin);
        for location in ["//b.example/", "http://a.example/", "https://a.example:8443/"] {
            assert!(!hop(302, "GET", Some(location)).unwrap().same_origin, "{location}");
        }
    }

    #[test]
    fn what_is_no_redirect() {
        assert_eq!(hop(200, "GET", Some("/z")), None);
        assert_eq!(hop(304, "GET", Some("/z")), None);
        assert_eq!(hop(302, "GET", None), None);
        let from = Url::parse("https://a.example/").unwrap();
        for location in ["file:///etc/passwd", "https://u:p@a.example/", "https://"] {
            let refused = of(StatusCode::FOUND, Some(location), &Method::GET, &from);
            assert!(refused.is_err(), "{location}");
        }
    }
}
