//! Runs a connector in a unit test, natively, with a host that is made up.
//!
//! ```
//! use hygge_sdk::testing::World;
//! use hygge_sdk::http;
//! use serde_json::json;
//!
//! let world = World::new().get("/orders?page=1", json!([{"id": 1}]));
//! let orders: serde_json::Value =
//!     world.run(|| http::get("/orders").query("page", 1).json()).unwrap();
//! assert_eq!(orders[0]["id"], 1);
//! ```
//!
//! [`Home`](self::Home) and [`Store`](self::Store) run a whole connector, through the same code as
//! in a component: configuration and states are JSON, batches are bytes.

mod home;
mod store;

pub use home::{Home, Read};
pub use store::Store;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::imports::{self, native};
use crate::log::Level;

/// A host that is made up: recorded answers, a clock that stands still, and a log that is kept.
#[derive(Clone, Default)]
pub struct World(Rc<State>);

#[derive(Default)]
struct State {
    answers: RefCell<Vec<Recorded>>,
    /// Answers what is not recorded.
    server: RefCell<Option<Server>>,
    requests: RefCell<Vec<Sent>>,
    /// How long every answer takes, in milliseconds.
    latency: Cell<u64>,
    lines: RefCell<Vec<(Level, String)>>,
    /// Milliseconds since 1970.
    now: Cell<u64>,
    /// Requests that are under way.
    under_way: Cell<usize>,
    /// How many more calls of the host succeed before the run is cancelled.
    until_cancelled: Cell<Option<u64>>,
}

type Server = Box<dyn Fn(&Sent) -> Answer>;

/// A request that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// `GET`, `POST`, …
    pub method: String,
    /// Where to.
    pub target: String,
    /// In the order they were given.
    pub headers: Vec<(String, String)>,
    /// The body; empty if there was none.
    pub body: Vec<u8>,
    /// The credential that the host was to add.
    pub credential: Option<String>,
    /// What else was said: `timeout-ms`, `retry`.
    pub options: Vec<(String, String)>,
    /// How many were under way then, with this one: begun, and neither answered nor given up.
    pub under_way: usize,
}

impl Sent {
    /// The value of a header. Names know no case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of the target's query, as it is written there.
    pub fn param(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The path of the target.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

struct Recorded {
    method: String,
    target: String,
    /// In the order they are given; the last one again and again.
    answers: Vec<Answer>,
    given: usize,
}

/// A recorded answer.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A good answer that is JSON.
    pub fn json(body: Value) -> Self {
        Self::status(200).body(body.to_string())
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }
}

impl World {
    /// A host that answers nothing yet. It is 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        let world = Self::default();
        world.0.now.set(1_767_225_600_000);
        world
    }

    /// Answers `GET target` with this JSON.
    #[must_use]
    pub fn get(self, target: &str, body: Value) -> Self {
        self.on("GET", target, Answer::json(body))
    }

    /// Answers a request. Said several times of one target, the answers are given in turn, and the
    /// last one from then on.
    #[must_use]
    pub fn on(self, method: &str, target: &str, answer: Answer) -> Self {
        let mut answers = self.0.answers.borrow_mut();
        match answers.iter_mut().find(|own| own.method == method && own.target == target) {
            Some(own) => own.answers.push(answer),
            None => answers.push(Recorded {
                method: method.to_owned(),
                target: target.to_owned(),
                answers: vec![answer],
                given: 0,
            }),
        }
        drop(answers);
        self
    }

    /// Answers every request for which no answer is recorded.
    #[must_use]
    pub fn serving(self, server: impl Fn(&Sent) -> Answer + 'static) -> Self {
        *self.0.server.borrow_mut() = Some(Box::new(server));
        self
    }

    /// Whoever waits for an answer waits this long, on the clock that stands still otherwise.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        self.0.latency.set(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Sleeping fails, as after a cancelled run, once the host was called this often.
    #[must_use]
    pub fn cancelled_after(self, calls: u64) -> Self {
        self.0.until_cancelled.set(Some(calls));
        self
    }

    /// Runs something with this host in place.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = native::enter(self.0.clone());
        work()
    }

    /// The requests so far: methods and targets.
    pub fn requests(&self) -> Vec<(String, String)> {
        let sent = self.0.requests.borrow();
        sent.iter().map(|sent| (sent.method.clone(), sent.target.clone())).collect()
    }

    /// The requests so far, whole.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.requests.borrow().clone()
    }

    /// The most requests that were under way at a time.
    pub fn side_by_side(&self) -> usize {
        self.0.requests.borrow().iter().map(|sent| sent.under_way).max().unwrap_or_default()
    }

    /// The lines of the log so far.
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.0.lines.borrow().clone()
    }
}

impl State {
    fn call(&self) -> Result<()> {
        match self.until_cancelled.get() {
            Some(0) => Err(Error::cancelled("the run was cancelled")),
            Some(calls) => {
                self.until_cancelled.set(Some(calls - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl native::Services for State {
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let mut line = message.to_owned();
        for (name, value) in fields {
            line.push_str(&format!(" {name}={value}"));
        }
        self.lines.borrow_mut().push((level, line));
    }

    fn progress(&self, _: u64, _: Option<u64>) {}

    fn now(&self) -> u64 {
        self.now.get()
    }

    fn sleep(&self, ms: u64) -> Result<()> {
        self.call()?;
        self.now.set(self.now.get().saturating_add(ms));
        Ok(())
    }

    fn wait(&self) {
        self.now.set(self.now.get().saturating_add(self.latency.get()));
    }

    fn ended(&self) {
        self.under_way.set(self.under_way.get().saturating_sub(1));
    }

    fn begin(&self, request: imports::Request) -> Result<native::Response> {
        self.under_way.set(self.under_way.get() + 1);
        self.call()?;
        let sent = Sent {
            method: request.method,
            target: request.target,
            headers: request.headers,
            body: request.body.unwrap_or_default(),
            credential: request.credential,
            options: request.options,
            under_way: self.under_way.get(),
        };
        self.requests.borrow_mut().push(sent.clone());
        let (method, target) = (&sent.method, &sent.target);
        let mut answers = self.answers.borrow_mut();
        let have: Vec<String> =
            answers.iter().map(|own| format!("{} {}", own.method, own.target)).collect();
        let found = answers.iter_mut().find(|own| own.method == *method && own.target == *target);
        let Some(recorded) = found else {
            let server = self.server.borrow();
            let server = server.as_ref().ok_or_else(|| {
                Error::bug(format!(
                    "the test has no answer for {method} {target}; it has {}",
                    have.join(", ")
                ))
            })?;
            return Ok(Box::new(Body { answer: server(&sent), read: Cell::new(0) }));
        };
        let answer = recorded.answers[recorded.given.min(recorded.answers.len() - 1)].clone();
        recorded.given += 1;
        Ok(Box::new(Body { answer, read: Cell::new(0) }))
    }
}

/// An answer being read.
struct Body {
    answer: Answer,
    read: Cell<usize>,
}

impl imports::Answer for Body {
    fn status(&self) -> u16 {
        self.answer.status
    }

    fn header(&self, name: &str) -> Option<String> {
        let own = self.answer.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.clone())
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.answer.headers.clone()
    }

    fn read(&self, max: u32) -> Result<Vec<u8>> {
        let from = self.read.get();
        let to = self.answer.body.len().min(from + max as usize);
        self.read.set(to);
        Ok(self.answer.body[from..to].to_vec())
    }
}

/// Who a session in a test is opened for.
fn context() -> Vec<(String, String)> {
    [("flow", "test"), ("entity", "test"), ("run-id", "test-run")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Fault, http, warn};

    #[test]
    fn answers_come_in_turn_and_unknown_requests_are_named() {
        let world = World::new()
            .on("GET", "/a", Answer::status(429).header("Retry-After", "3").body("busy"))
            .get("/a", json!({"ok": true}));
        world.run(|| {
            let busy = http::get("/a").json::<Value>().unwrap_err();
            assert_eq!(busy.fault(), Fault::Throttled);
            assert_eq!(busy.retry_after().unwrap().as_secs(), 3);
            assert_eq!(http::get("/a").json::<Value>().unwrap(), json!({"ok": true}));
            let unknown = http::get("/b").send().unwrap_err();
            assert!(unknown.to_string().contains("GET /b; it has GET /a"), "{unknown}");
        });
        assert_eq!(world.requests().len(), 3);
        // Outside of the world there is no host.
        assert!(http::get("/a").send().is_err());
    }

    #[test]
    fn a_server_sees_what_was_sent() {
        let world = World::new()
            .get("/a", json!(1))
            .serving(|sent| Answer::json(json!({"page": sent.param("page"), "at": sent.path()})))
            .latency(Duration::from_millis(20));
        world.run(|| {
            let begun = crate::host::now();
            let page: Value = http::get("/b").query("page", 2).json().unwrap();
            assert_eq!(page, json!({"page": "2", "at": "/b"}));
            assert_eq!(http::get("/a").json::<Value>().unwrap(), json!(1));
            let posted = http::post("/c").credential("key").json_body(&json!([1])).unwrap();
            posted.once().send().unwrap();
            assert_eq!(crate::host::now().duration_since(begun).unwrap().as_millis(), 60);
        });
        let sent = world.sent();
        let last = sent.last().unwrap();
        assert_eq!((last.body.as_slice(), last.credential.as_deref()), (&b"[1]"[..], Some("key")));
        assert_eq!(last.header("Content-Type"), Some("application/json"));
        assert_eq!(last.options, [("retry".to_owned(), "never".to_owned())]);
    }

    #[test]
    fn what_is_uploaded_is_sent_at_its_end() {
        let world = World::new().serving(|sent| Answer::json(json!(sent.body.len())));
        world.run(|| {
            let mut upload = http::post("/import").length(8).upload().unwrap();
            assert!(upload.write(b"some").unwrap() && upload.write(b"more").unwrap());
            assert_eq!(upload.finish().unwrap().ok().unwrap().json::<u64>().unwrap(), 8);
            // One that is dropped was never sent.
            drop(http::post("/import").upload().unwrap());
            let short = http::post("/import").length(8).upload().unwrap().finish();
            assert!(short.unwrap_err().to_string().contains("0 of the 8 bytes"));
            assert!(http::post("/import").body("x").upload().is_err());
        });
        assert_eq!(world.requests(), [("POST".to_owned(), "/import".to_owned())]);
        assert_eq!(world.sent()[0].body, b"somemore");
    }

    #[test]
    fn what_is_begun_is_under_way_until_it_is_answered_or_given_up() {
        let world = World::new().serving(|sent| match sent.path() {
            "/gone" => Answer::status(404),
            path => Answer::json(json!(path)),
        });
        world.run(|| {
            let begun = ["/a", "/b", "/gone"].map(|target| http::get(target).begin().unwrap());
            assert_eq!((world.requests().len(), world.side_by_side()), (3, 3));
            let [a, b, gone] = begun;
            assert_eq!(gone.answer().unwrap().ok().unwrap_err().fault(), Fault::Missing);
            assert_eq!(b.answer().unwrap().json::<String>().unwrap(), "/b");
            drop(a);
            // None of them is under way any more.
            let begun = ["/a", "/b"].map(|target| http::get(target).begin().unwrap());
            drop(begun);
            assert_eq!(world.side_by_side(), 3);
            let posted = http::post("/c").body("x").begin().unwrap().answer().unwrap();
            assert_eq!(posted.json::<String>().unwrap(), "/c");
        });
        assert_eq!(world.sent().last().unwrap().body, b"x");
    }

    #[test]
    fn the_clock_moves_by_sleeping_and_the_log_is_kept() {
        let world = World::new().cancelled_after(1);
        world.run(|| {
            let before = crate::host::now();
            crate::host::sleep(std::time::Duration::from_secs(60)).unwrap();
            assert_eq!(crate::host::now().duration_since(before).unwrap().as_secs(), 60);
            let cancelled = crate::host::sleep(std::time::Duration::from_secs(60)).unwrap_err();
            assert_eq!(cancelled.fault(), Fault::Cancelled);
            warn!(rows = 3; "short");
        });
        assert_eq!(world.lines(), [(Level::Warn, "short rows=3".to_owned())]);
    }
}
