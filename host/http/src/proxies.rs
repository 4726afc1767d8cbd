//! Proxies, as the environment names them.

use url::Url;

/// The variables that name proxies.
const VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// The proxies requests go through.
///
/// A proxy looks names up by itself: what a name stands for cannot be checked then, only the name.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    used: bool,
    hosts: Vec<String>,
}

impl Proxies {
    /// Those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    pub fn from_env() -> Self {
        let values = VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
        Self { used: true, hosts: values.filter_map(|value| host(&value)).collect() }
    }

    /// None, whatever the environment says.
    pub fn none() -> Self {
        Self::default()
    }

    pub(crate) fn are_used(&self) -> bool {
        self.used
    }

    /// Their hosts: the user named them, so they may be private.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(String::as_str)
    }
}

fn host(value: &str) -> Option<String> {
    let url = match value.contains("://") {
        true => Url::parse(value),
        false => Url::parse(&format!("http://{value}")),
    };
    url.ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_urls_or_hosts() {
        assert_eq!(host("http://u:p@proxy.corp:3128").as_deref(), Some("proxy.corp"));
        assert_eq!(host("proxy.corp:3128").as_deref(), Some("proxy.corp"));
        assert_eq!(host(""), None);
    }
}
