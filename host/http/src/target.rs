//! What a request's target means: relative to the base URL, or absolute.

use std::fmt;

use url::Url;

use crate::error::HttpError;
use crate::text::shown;

/// The longest URL that is sent.
const LONGEST: usize = 32 << 10;

/// The URL that the user wrote as `base_url`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// As written.
    written: Url,
    /// The same as a folder: what is relative to it stands below.
    folder: Url,
}

impl BaseUrl {
    /// Reads a base URL. The error is the rest of a sentence about it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Ok(written) = Url::parse(text.trim()) else {
            return Err("is not a URL, such as `https://api.example.com/v1`");
        };
        if !matches!(written.scheme(), "https" | "http") {
            return Err("should begin with `https://` or `http://`");
        }
        if has_user(&written) {
            return Err("should hold no user name or password: those belong under `auth:`");
        }
        if written.query().is_some() || written.fragment().is_some() {
            return Err("should end before the `?` or `#`");
        }
        let mut folder = written.clone();
        if !folder.path().ends_with('/') {
            let path = format!("{}/", folder.path());
            folder.set_path(&path);
        }
        Ok(Self { written, folder })
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.written
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The URL that `target` names. Whether a request may go there is for the caller to find out.
pub(crate) fn resolve(base: Option<&BaseUrl>, target: &str) -> Result<Url, HttpError> {
    if target.len() > LONGEST {
        let message = format!("a target has {} bytes, of at most {LONGEST}", target.len());
        return Err(HttpError::bad_request(message));
    }
    // Parsers differ in what they make of these, and that is what they are used for.
    if target.contains(|c: char| c.is_control() || matches!(c, '\\' | ' ')) {
        return Err(HttpError::bad_request(format!(
            "the target `{}` holds a space, a backslash or a control character: it must be \
             percent-encoded",
            shown(target)
        )));
    }
    let mut url = match (Url::parse(target), base) {
        (Ok(url), _) => url,
        (Err(url::ParseError::RelativeUrlWithoutBase), Some(base)) => below(base, target)?,
        (Err(url::ParseError::RelativeUrlWithoutBase), None) => {
            return Err(HttpError::not_granted(format!(
                "it may not send a request to `{}`: a relative target needs a base URL, which is \
                 the key `base_url`",
                shown(target)
            )));
        }
        (Err(error), _) => return Err(not_a_url(target, error)),
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err(HttpError::not_granted(format!(
            "it may not send a request to `{}`: only `https://` and `http://` are sent",
            shown(target)
        )));
    }
    if has_user(&url) {
        return Err(HttpError::bad_request(format!(
            "a target for `{}` holds a user name or password: credentials are added by the host, \
             under `auth:`",
            url.host_str().unwrap_or_default()
        )));
    }
    url.set_fragment(None);
    Ok(url)
}

fn below(base: &BaseUrl, target: &str) -> Result<Url, HttpError> {
    let from = match target.as_bytes().first() {
        // The base itself, which need not be a folder.
        None | Some(b'?' | b'#') => &base.written,
        Some(_) => &base.folder,
    };
    from.join(target).map_err(|error| not_a_url(target, error))
}

fn not_a_url(target: &str, error: url::ParseError) -> HttpError {
    HttpError::bad_request(format!("the target `{}` is not a URL: {error}", shown(target)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error;

    fn at(base: &str, target: &str) -> Result<String, HttpError> {
        resolve(Some(&BaseUrl::parse(base).unwrap()), target).map(String::from)
    }

    #[test]
    fn relative_targets_stand_below_the_base() {
        for base in ["https://a.example/v1", "https://a.example/v1/"] {
            assert_eq!(at(base, "orders?page=2#x").unwrap(), "https://a.example/v1/orders?page=2");
            assert_eq!(at(base, "/v2/x").unwrap(), "https://a.example/v2/x");
            assert_eq!(at(base, "../../../x").unwrap(), "https://a.example/x");
        }
        assert_eq!(at("https://a.example/v1", "").unwrap(), "https://a.example/v1");
        assert_eq!(at("https://a.example/v1", "?q=1").unwrap(), "https://a.example/v1?q=1");
    }

    #[test]
    fn a_target_that_names_another_host_says_so() {
        for target in ["//evil.example/x", "https://evil.example/x", "https:evil.example/x"] {
            let url = at("http://a.example/v1/", target).unwrap();
            assert_eq!(
                url,
                if target.starts_with("//") {
                    "http://evil.example/x"
                } else {
                    "https://evil.example/x"
                }
            );
        }
        // However an address is written, it is one address from here on.
        for target in ["http://2130706433/", "http://0x7f000001/", "http://017700000001/"] {
            assert_eq!(at("https://a.example", target).unwrap(), "http://127.0.0.1/", "{target}");
        }
    }

    #[test]
    fn what_parsers_disagree_about_is_refused() {
        for target in [
            "\\\\evil.example/x",
            "/\\evil.example",
            "https:\\\\evil.example",
            "/a\r\nHost: evil",
            "/a b",
            "ht\ttps://evil.example",
            "https://a.example@evil.example/",
            "https://u:p@a.example/",
            "https://",
            "https://a.example:99999/",
        ] {
            let error = at("https://a.example", target).unwrap_err();
            assert_eq!(error.code, error::BAD_REQUEST, "{target}: {error}");
        }
        for target in ["file:///etc/passwd", "ftp://a.example/", "data:,x", "javascript:1"] {
            let error = at("https://a.example", target).unwrap_err();
            assert_eq!(error.code, error::NOT_GRANTED, "{target}: {error}");
        }
        assert!(resolve(None, "orders").unwrap_err().message.contains("`base_url`"));
        assert!(at("https://a.example", &"x".repeat(40_000)).is_err());
    }

    #[test]
    fn base_urls_that_are_none() {
        for (text, why) in [
            ("api.example.com/v1", "is not a URL"),
            ("ftp://a.example", "should begin with"),
            ("https://u:p@a.example", "under `auth:`"),
            ("https://a.example/?key=1", "should end before"),
        ] {
            assert!(BaseUrl::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
