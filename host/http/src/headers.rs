//! The headers of requests and answers: which are the host's business, and how many there may be.

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use crate::error::HttpError;
use crate::inflate;
use crate::redact::Redactor;
use crate::text::shown;

/// Headers that a connector may send along.
const MOST: usize = 100;
/// Their bytes, names included.
const MOST_BYTES: usize = 64 << 10;
/// Headers that an answer may have: as many as are read without room being made for them first.
pub(crate) const MOST_ANSWERED: usize = 100;
/// Their bytes, names included.
pub(crate) const MOST_BYTES_ANSWERED: usize = 256 << 10;

/// Who asks.
const AGENT: &str = concat!("hygge/", env!("CARGO_PKG_VERSION"));

/// Headers that say where a request goes, how it is framed or through whom: the host's.
const OF_THE_HOST: [&str; 11] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
    "http2-settings",
];

/// The headers of a request as they are sent, apart from those of its credential.
pub(crate) fn outgoing(headers: &[(String, String)]) -> Result<HeaderMap, HttpError> {
    if headers.len() > MOST {
        let message = format!("a request has {} headers, of at most {MOST}", headers.len());
        return Err(HttpError::bad_request(message));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MOST_BYTES {
        return Err(HttpError::bad_request(format!(
            "the headers of a request have {bytes} bytes, of at most {MOST_BYTES}"
        )));
    }
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    map.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let mut own_agent = false;
    for (name, value) in headers {
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            let message = format!("`{}` is not the name of a header", shown(name));
            return Err(HttpError::bad_request(message));
        };
        if OF_THE_HOST.contains(&parsed.as_str()) || parsed.as_str().starts_with("proxy-") {
            return Err(HttpError::bad_request(format!(
                "it may not set the header `{parsed}`: the host does"
            )));
        }
        let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else {
            return Err(HttpError::bad_request(format!(
                "the value of the header `{parsed}` holds a line break or a control character"
            )));
        };
        if parsed == USER_AGENT && !std::mem::replace(&mut own_agent, true) {
            map.insert(parsed, value);
        } else {
            map.append(parsed, value);
        }
    }
    map.insert(ACCEPT_ENCODING, HeaderValue::from_static(inflate::ACCEPTED));
    Ok(map)
}

/// The headers of an answer as the connector sees them.
pub(crate) struct Incoming<'a> {
    pub headers: &'a HeaderMap,
    /// The body is not the one they speak of.
    pub unpacked: bool,
    /// A credential was sent: what a session is known by stays here.
    pub signed: bool,
    pub redactor: &'a Redactor,
}

impl<'a> Incoming<'a> {
    /// All of them.
    pub(crate) fn all(&self) -> Vec<(String, String)> {
        self.seen().map(|(name, value)| (name.to_owned(), self.text(value))).collect()
    }

    /// The first of a name, whatever its case.
    pub(crate) fn first(&self, name: &str) -> Option<String> {
        let mut seen = self.seen();
        let found = seen.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| self.text(value))
    }

    fn seen(&self) -> impl Iterator<Item = (&'a str, &'a HeaderValue)> {
        let (unpacked, signed) = (self.unpacked, self.signed);
        let all = self.headers.iter().map(|(name, value)| (name.as_str(), value));
        all.filter(move |(name, _)| match *name {
            "content-encoding" | "content-length" | "transfer-encoding" => !unpacked,
            "set-cookie" => !signed,
            _ => true,
        })
    }

    fn text(&self, value: &HeaderValue) -> String {
        let value = String::from_utf8_lossy(value.as_bytes());
        match self.redactor.is_idle() {
            true => value.into_owned(),
            false => self.redactor.text(&value),
        }
    }
}

/// The bytes of all headers of an answer.
pub(crate) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn sent(name: &str, value: &str) -> Result<HeaderMap, HttpError> {
        outgoing(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn what_is_the_hosts_is_refused() {
        for name in ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization", "TE"] {
            let error = sent(name, "x").unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{}`: the host does", name.to_lowercase())),
                "{error}"
            );
        }
        assert_eq!(sent("X-Own", "ü").unwrap()["x-own"], "ü".as_bytes());
        assert_eq!(sent("User-Agent", "me").unwrap().get_all("user-agent").iter().count(), 1);
    }

    #[test]
    fn line_breaks_do_not_get_out() {
        for value in ["a\r\nHost: evil.example", "a\nb", "a\0b", "\u{1b}[2J"] {
            assert!(sent("x-own", value).unwrap_err().message.contains("`x-own`"), "{value:?}");
        }
        for name in ["a b", "a:b", "a\r\nb", "", ":path", "ä"] {
            assert!(sent(name, "x").is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_million_headers_are_counted_not_sent() {
        let many = vec![("x".to_owned(), "y".to_owned()); 1_000_000];
        assert!(outgoing(&many).unwrap_err().message.contains("1000000 headers, of at most 100"));
        assert!(sent("x", &"y".repeat(100_000)).unwrap_err().message.contains("100001 bytes"));
    }

    #[test]
    fn an_answer_shows_what_belongs_to_its_body_and_no_secret() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-encoding", "gzip"),
            ("content-length", "5"),
            ("set-cookie", "session=1"),
            ("x-echo", "Bearer hunter2"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let redactor = Redactor::new(&[Secret::new("hunter2")]);
        let headers = &headers;
        let seen = Incoming { headers, unpacked: true, signed: true, redactor: &redactor };
        assert_eq!(seen.all(), [("x-echo".to_owned(), "Bearer ***".to_owned())]);
        assert_eq!(seen.first("X-Echo").as_deref(), Some("Bearer ***"));
        assert_eq!(seen.first("set-cookie"), None);
        assert_eq!(Incoming { unpacked: false, signed: false, ..seen }.all().len(), 4);
    }
}
