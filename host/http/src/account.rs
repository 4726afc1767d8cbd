//! What is told of a request, for those who look closely: never a value of its query, nor a body.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::caller::Caller;
use crate::text::shown;

/// A request, and how it went.
pub(crate) struct Account {
    /// Method and URL.
    pub line: String,
    /// How long its answer took to begin.
    pub took: Duration,
    /// How often it was sent.
    pub tries: u32,
}

impl Account {
    /// Tells the outcome.
    pub(crate) fn tell(&self, caller: &dyn Caller, outcome: fmt::Arguments<'_>) {
        self.tell_with(caller, outcome, format_args!(""));
    }

    /// Tells the outcome, and something more.
    pub(crate) fn tell_with(
        &self,
        caller: &dyn Caller,
        outcome: fmt::Arguments<'_>,
        more: fmt::Arguments<'_>,
    ) {
        let Self { line, took, tries } = self;
        let ms = took.as_millis();
        match tries {
            1 => caller.debug(format_args!("{line} {outcome} in {ms} ms{more}")),
            _ => caller.debug(format_args!("{line} {outcome} in {ms} ms, {tries} tries{more}")),
        }
    }
}

/// A method and a URL as they may be shown: of the query the names alone.
pub(crate) fn line(method: &reqwest::Method, url: &Url) -> String {
    let mut line = format!("{method} {}{}", url.origin().ascii_serialization(), url.path());
    for (index, (name, _)) in url.query_pairs().enumerate() {
        line.push(if index == 0 { '?' } else { '&' });
        line.push_str(&name);
    }
    shown(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_query_are_not_shown() {
        let url = Url::parse("https://a.example:8443/x?key=hunter2&page=3").unwrap();
        assert_eq!(line(&reqwest::Method::GET, &url), "GET https://a.example:8443/x?key&page");
    }
}
