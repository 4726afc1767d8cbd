//! What a status means for the user.

use std::time::{Duration, SystemTime};

use super::date;
use crate::error::Error;
use crate::host;

/// The error for an answer that is not good. `said` is the beginning of its body.
pub(super) fn error(status: u16, target: &str, retry_after: Option<&str>, said: &str) -> Error {
    let wait = retry_after.and_then(|text| wait(text, host::now()));
    let place = target.split(['?', '#']).next().unwrap_or(target);
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let message = |what: &str| format!("{place} answered {status}, {what}{said}");
    let error = match status {
        401 => Error::auth(message("the credentials were not accepted")),
        403 => Error::auth(message("the credentials do not allow this")),
        404 | 410 => Error::missing(message("there is no such thing")),
        429 => Error::throttled(message("too many requests")),
        503 if wait.is_some() => Error::throttled(message("not now")),
        408 | 425 | 500..=599 => Error::transient(message("which may pass")),
        400..=499 => Error::config(message("the request was not accepted")),
        _ => Error::data(message("which is not the answer that was asked for")),
    };
    let error = error.code(format!("http.{status}"));
    match wait {
        Some(wait) => error.after(wait),
        None => error,
    }
}

/// `Retry-After`: seconds, or a date.
fn wait(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    Some(date::parse(text)?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn a_status_decides_whether_to_try_again() {
        for (status, fault) in [
            (400, Fault::Config),
            (401, Fault::Auth),
            (403, Fault::Auth),
            (404, Fault::Missing),
            (408, Fault::Transient),
            (422, Fault::Config),
            (429, Fault::Throttled),
            (500, Fault::Transient),
            (503, Fault::Transient),
            (304, Fault::Data),
        ] {
            assert_eq!(error(status, "/a", None, "").fault(), fault, "{status}");
        }
        let busy = error(503, "/orders?secret=1", Some("7"), "come back");
        assert_eq!(
            (busy.fault(), busy.retry_after()),
            (Fault::Throttled, Some(Duration::from_secs(7)))
        );
        assert_eq!(busy.to_string(), "/orders answered 503, not now: come back");
        assert_eq!(busy.code_str(), "http.503");
    }

    #[test]
    fn retry_after_may_be_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 30);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(wait(date, now), Some(Duration::from_secs(30)));
        assert_eq!(wait(date, now + Duration::from_secs(90)), Some(Duration::ZERO));
        assert_eq!(wait("soon", now), None);
    }
}
