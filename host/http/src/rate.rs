//! How often requests are sent: `rate_limit`.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hygge_core::project::keys::{Json, Key};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::Node;
use tokio::time::Instant;

/// So many requests in so much time: `10/s`, `600/min`, `1000/h`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    text: String,
    /// The time between two requests.
    every: Duration,
}

impl Rate {
    pub(crate) fn every(&self) -> Duration {
        self.every
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (count, unit) = text.split_once('/').ok_or(())?;
        let count: u32 = count.trim().parse().map_err(|_| ())?;
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3600,
            "d" | "day" => 86_400,
            _ => return Err(()),
        };
        let every = Duration::from_secs(seconds).checked_div(count).ok_or(())?;
        Ok(Self { text: text.trim().to_owned(), every })
    }
}

impl Key for Rate {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        let rate = text.parse().ok();
        if rate.is_none() {
            problems
                .add(&node.span, format!("`{text}` is not a rate of requests"))
                .help("write it as `10/s`, `600/min` or `1000/h`");
        }
        rate
    }

    fn to_json(&self) -> Json {
        Json::String(self.text.clone())
    }

    fn schema() -> Json {
        serde_json::json!({ "type": "string", "examples": ["10/s", "600/min"] })
    }
}

/// Spaces requests evenly: servers that count, in whatever windows, never count too many.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Takes a turn; says when it is.
    pub(crate) fn turn(&self, every: Duration, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.unwrap_or(now).max(now);
        *next = turn.checked_add(every);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_written_as_people_say_them() {
        for (text, every) in
            [("10/s", 100), ("600 / min", 100), ("1000/h", 3600), ("1/d", 86_400_000)]
        {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.every(), Duration::from_millis(every), "{text}");
        }
        for text in ["0/s", "10", "10/fortnight", "-1/s", "x/s", ""] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn turns_are_spaced_and_time_that_passed_is_not_saved_up() {
        let (pace, every) = (Pace::default(), Duration::from_secs(1));
        let now = Instant::now();
        let turns: Vec<_> = (0..3).map(|_| pace.turn(every, now) - now).collect();
        assert_eq!(turns, [Duration::ZERO, every, 2 * every]);
        let later = now + 100 * every;
        assert_eq!(pace.turn(every, later), later);
        assert_eq!(pace.turn(every, later), later + every);
    }
}
