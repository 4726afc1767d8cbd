//! Where requests may go: the entries of `allow_hosts`.
//!
//! ```text
//! api.example.com                 https, port 443, any method
//! *.example.com:8443              every host below example.com
//! http://localhost:8080           without TLS, because it says so
//! GET,HEAD files.example.com      only these methods
//! ```

use std::fmt;
use std::str::FromStr;

use hygge_core::project::keys::{Json, Key};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::Node;
use reqwest::Method;
use url::{Host, Url};

/// One entry of `allow_hosts`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// As it can be written.
    text: String,
    /// Any, when none is named.
    methods: Vec<Method>,
    scheme: &'static str,
    hosts: Hosts,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Hosts {
    Exactly(Host<String>),
    /// Every host whose name ends with this, which begins with a dot.
    Below(String),
}

/// Why an entry cannot be understood, as the rest of a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadGrant(String);

impl fmt::Display for BadGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadGrant {}

impl Grant {
    /// The origin of a URL that the user wrote, with any method.
    pub(crate) fn origin(url: &Url) -> Option<Self> {
        let scheme = scheme(url.scheme())?;
        let hosts = Hosts::Exactly(url.host()?.to_owned());
        let port = url.port_or_known_default()?;
        let text = canonical(&[], url, false);
        Some(Self { text, methods: Vec::new(), scheme, hosts, port })
    }

    /// The host, if it is written out rather than matched.
    pub(crate) fn named(&self) -> Option<&Host<String>> {
        match &self.hosts {
            Hosts::Exactly(host) => Some(host),
            Hosts::Below(_) => None,
        }
    }

    fn covers(&self, host: &Host<&str>) -> bool {
        match (&self.hosts, host) {
            (Hosts::Exactly(Host::Domain(own)), Host::Domain(name)) => own == plain(name),
            (Hosts::Exactly(Host::Ipv4(own)), Host::Ipv4(address)) => own == address,
            (Hosts::Exactly(Host::Ipv6(own)), Host::Ipv6(address)) => own == address,
            (Hosts::Below(ending), Host::Domain(name)) => {
                let name = plain(name);
                name.len() > ending.len() && name.ends_with(ending.as_str())
            }
            _ => false,
        }
    }
}

/// A name without the dot that says that it is whole.
fn plain(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn scheme(name: &str) -> Option<&'static str> {
    match name {
        "https" => Some("https"),
        "http" => Some("http"),
        _ => None,
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Grant {
    type Err = BadGrant;

    fn from_str(text: &str) -> Result<Self, BadGrant> {
        let bad = |why: &str| Err(BadGrant(why.to_owned()));
        let text = text.trim();
        let (methods, place) = match text.split_once(char::is_whitespace) {
            Some((methods, place)) => (parse_methods(methods)?, place.trim()),
            None => (Vec::new(), text),
        };
        if place.contains(char::is_whitespace) {
            return bad("is more than methods and a host, such as `GET,POST api.example.com`");
        }
        let (scheme, authority) = match place.split_once("://") {
            Some((name, rest)) => match scheme(&name.to_ascii_lowercase()) {
                Some(scheme) => (scheme, rest),
                None => return bad("should begin with `https://`, `http://` or the host itself"),
            },
            None => ("https", place),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#', '\\']) {
            return bad("should be a host without a path: what is granted is the whole host");
        }
        if authority.contains('@') {
            return bad("should be a host without a user name: credentials belong under `auth:`");
        }
        let below = authority.strip_prefix("*.");
        let name = below.unwrap_or(authority);
        if name.is_empty() || name.contains('*') {
            return bad("should name a host, or all hosts below one as in `*.example.com`");
        }
        // A URL is parsed rather than the host alone, so that the same rules hold for both.
        let Ok(url) = Url::parse(&format!("{scheme}://{name}")) else {
            return bad("is not the name of a host, such as `api.example.com` or `[::1]:8080`");
        };
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return bad("is not the name of a host, such as `api.example.com`");
        };
        let hosts = match (host, below) {
            (Host::Domain(name), Some(_)) => Hosts::Below(format!(".{}", plain(name))),
            (_, Some(_)) => return bad("matches names: addresses are written out, each by itself"),
            (Host::Domain(name), None) => Hosts::Exactly(Host::Domain(plain(name).to_owned())),
            (host, None) => Hosts::Exactly(host.to_owned()),
        };
        let text = canonical(&methods, &url, below.is_some());
        Ok(Self { text, methods, scheme, hosts, port })
    }
}

/// An entry as shortly as it can be written.
fn canonical(methods: &[Method], url: &Url, below: bool) -> String {
    let mut text = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",");
    if !text.is_empty() {
        text.push(' ');
    }
    let origin = url.origin().ascii_serialization();
    let (scheme, host) = match origin.strip_prefix("https://") {
        Some(host) => ("", host),
        None => ("http://", origin.trim_start_matches("http://")),
    };
    text.push_str(scheme);
    if below {
        text.push_str("*.");
    }
    text.push_str(host);
    text
}

fn parse_methods(text: &str) -> Result<Vec<Method>, BadGrant> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    text.split(',')
        .map(|name| {
            let name = name.trim().to_ascii_uppercase();
            let known = KNOWN.contains(&name.as_str());
            known.then(|| Method::from_bytes(name.as_bytes()).ok()).flatten().ok_or_else(|| {
                BadGrant(format!("should name methods (of {}) before the host", KNOWN.join(", ")))
            })
        })
        .collect()
}

impl Key for Grant {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        match text.parse() {
            Ok(grant) => Some(grant),
            Err(BadGrant(why)) => {
                problems.add(&node.span, format!("`{text}` {why}"));
                None
            }
        }
    }

    fn to_json(&self) -> Json {
        Json::String(self.text.clone())
    }

    fn schema() -> Json {
        serde_json::json!({
            "type": "string",
            "examples": ["api.example.com", "*.example.com", "GET http://localhost:8080"],
        })
    }
}

/// All that one connector is granted for one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants(Vec<Grant>);

/// What stands in the way of a request, of which the user may be told what to grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Nothing is granted of this host.
    Host,
    /// The host is granted, but over another scheme or port.
    Origin,
    /// The origin is granted for other methods.
    Method,
}

impl Grants {
    /// These and no others.
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        Self(grants.into_iter().collect())
    }

    /// Whether a request may be sent.
    pub(crate) fn allow(&self, url: &Url, method: &Method) -> Result<(), Denied> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Denied::Host);
        };
        let mut denied = Denied::Host;
        for grant in self.0.iter().filter(|grant| grant.covers(&host)) {
            if grant.scheme != url.scheme() || grant.port != port {
                if denied == Denied::Host {
                    denied = Denied::Origin;
                }
                continue;
            }
            if grant.methods.is_empty() || grant.methods.contains(method) {
                return Ok(());
            }
            denied = Denied::Method;
        }
        Err(denied)
    }

    /// The names that are written out: those may stand for private addresses.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|grant| match grant.named() {
            Some(Host::Domain(name)) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The entries, as they can be written.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Grants {
        Grants::new(texts.iter().map(|text| text.parse().unwrap()))
    }

    fn allows(granted: &Grants, method: &str, url: &str) -> Result<(), Denied> {
        granted.allow(&Url::parse(url).unwrap(), &method.parse().unwrap())
    }

    #[test]
    fn an_exact_name_is_one_host_over_https() {
        let granted = grants(&["api.example.com"]);
        assert_eq!(allows(&granted, "POST", "https://api.example.com/v1"), Ok(()));
        assert_eq!(allows(&granted, "GET", "https://API.example.com:443/"), Ok(()));
        assert_eq!(allows(&granted, "GET", "https://api.example.com./"), Ok(()));
        for url in ["http://api.example.com/", "https://api.example.com:8443/"] {
            assert_eq!(allows(&granted, "GET", url), Err(Denied::Origin), "{url}");
        }
        for url in [
            "https://example.com/",
            "https://evil-api.example.com/",
            "https://api.example.com.evil.net/",
            "https://evil.net/api.example.com",
        ] {
            assert_eq!(allows(&granted, "GET", url), Err(Denied::Host), "{url}");
        }
        assert_eq!(allows(&grants(&[]), "GET", "https://a.b/"), Err(Denied::Host));
    }

    #[test]
    fn a_suffix_is_every_host_below_and_no_address() {
        let granted = grants(&["*.example.com"]);
        assert_eq!(allows(&granted, "GET", "https://a.b.example.com/"), Ok(()));
        assert_eq!(allows(&granted, "GET", "https://example.com/"), Err(Denied::Host));
        assert_eq!(allows(&granted, "GET", "https://evilexample.com/"), Err(Denied::Host));
        assert!(grants(&["*.example.com"]).names().next().is_none());
        for text in ["*.0.0.1", "*.1", "*"] {
            assert!(text.parse::<Grant>().is_err(), "{text}");
        }
    }

    #[test]
    fn schemes_ports_methods_and_addresses_are_as_written() {
        let granted =
            grants(&["http://localhost:8080", "GET,head files.example.com", "http://[::1]:9/"]);
        assert_eq!(allows(&granted, "PUT", "http://localhost:8080/x"), Ok(()));
        assert_eq!(allows(&granted, "PUT", "http://localhost/x"), Err(Denied::Origin));
        assert_eq!(allows(&granted, "HEAD", "https://files.example.com/"), Ok(()));
        assert_eq!(allows(&granted, "POST", "https://files.example.com/"), Err(Denied::Method));
        assert_eq!(allows(&granted, "GET", "http://[0:0::1]:9/"), Ok(()));
        let address = grants(&["http://127.0.0.1"]);
        // However the same address is written.
        for url in ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/"] {
            assert_eq!(allows(&address, "GET", url), Ok(()), "{url}");
        }
        assert_eq!(allows(&address, "GET", "http://[::ffff:127.0.0.1]/"), Err(Denied::Host));
    }

    #[test]
    fn an_entry_is_shown_as_it_can_be_written() {
        for (text, shown) in [
            ("https://API.example.com:443/", "api.example.com"),
            ("get,HEAD  http://*.example.com:80", "GET,HEAD http://*.example.com"),
            ("[0:0::1]:8443", "[::1]:8443"),
            ("http://0x7f.1:8080", "http://127.0.0.1:8080"),
        ] {
            let grant: Grant = text.parse().unwrap();
            assert_eq!(grant.to_string(), shown);
            assert_eq!(grant.to_string().parse::<Grant>().unwrap(), grant);
        }
    }

    #[test]
    fn entries_that_mean_nothing_say_what_they_should_be() {
        for (text, why) in [
            ("https://a.example/v1", "without a path"),
            ("user:pw@a.example", "belong under `auth:`"),
            ("ftp://a.example", "should begin with `https://`"),
            ("*", "should name a host"),
            ("a.*.example", "should name a host"),
            ("FETCH a.example", "should name methods (of GET"),
            ("GET a.example b.example", "more than methods and a host"),
            ("", "should name a host"),
            ("a b", "should name methods"),
            ("*.10.0.0.1", "addresses are written out"),
            ("[::1", "is not the name of a host"),
        ] {
            let error = text.parse::<Grant>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
