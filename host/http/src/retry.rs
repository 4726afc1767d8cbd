//! When a request is sent again, and how long to wait before.

use std::time::{Duration, SystemTime};

use reqwest::{Method, StatusCode};

/// The first wait, doubled with every try.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait of our own making.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest wait that a server can make us do. What it asks for beyond is left to the caller.
pub(crate) const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Whether a request may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Only if it was certainly not taken.
    Unsent,
    /// Whatever became of it.
    Freely,
    /// Not at all.
    Never,
}

impl Repeat {
    /// What holds for a method, unless the connector knows better (`never`, `always`).
    pub(crate) fn of(method: &Method, option: Option<&str>) -> Self {
        match option {
            Some("never") => Self::Never,
            Some("always") => Self::Freely,
            _ if method.is_idempotent() => Self::Freely,
            _ => Self::Unsent,
        }
    }
}

/// Whether an answer with this status says that another try may help.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}

/// How long to wait after a number of failed tries: doubled each time, and anything up to that, so
/// that those who failed together do not come back together.
pub(crate) fn backoff(failed: u32) -> Duration {
    let most = FIRST.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(LONGEST);
    most.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// What `Retry-After` asks for: seconds, or a date.
pub(crate) fn asked(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(header).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_asks_for_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 90);
        assert_eq!(asked(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(asked("0.5", now), Some(Duration::from_millis(500)));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(asked(date, now), Some(Duration::from_secs(90)));
        assert_eq!(asked(date, now + Duration::from_secs(1000)), Some(Duration::ZERO));
        for nonsense in ["soon", "-1", "NaN", "inf", ""] {
            assert_eq!(asked(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn waits_grow_to_a_limit_and_differ() {
        for failed in 0..100 {
            let wait = backoff(failed);
            assert!(wait >= FIRST / 2 && wait <= LONGEST, "{failed}: {wait:?}");
        }
        let waits: std::collections::HashSet<_> = (0..20).map(|_| backoff(5)).collect();
        assert!(waits.len() > 1);
    }

    #[test]
    fn only_what_is_safe_is_repeated() {
        assert_eq!(Repeat::of(&Method::GET, None), Repeat::Freely);
        assert_eq!(Repeat::of(&Method::PUT, Some("sometimes")), Repeat::Freely);
        assert_eq!(Repeat::of(&Method::POST, None), Repeat::Unsent);
        assert_eq!(Repeat::of(&Method::POST, Some("always")), Repeat::Freely);
        assert_eq!(Repeat::of(&Method::GET, Some("never")), Repeat::Never);
    }
}
