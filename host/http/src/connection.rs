//! A connector's way out, for one entity: every request it sends goes through here.
//!
//! ```text
//! target ─▶ granted? ─▶ headers ─▶ ┌▶ pace, turn ─▶ sign ─▶ send ─┐ 401: renew, once
//!               ▲                  └──── wait, try again ◀────────┤ 429, 503, lost: a few times
//!               └───────────────────── redirect ◀─────────────────┤ 30x
//!                                                                 └▶ Answer
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use crate::answer::Answer;
use crate::auth::{Auth, DEFAULT};
use crate::body::{self, Body, Limits};
use crate::caller::{Caller, patiently};
use crate::client::Setup;
use crate::content::{Content, Patron, Stream};
use crate::error::HttpError;
use crate::grant::{Denied, Grant, Grants};
use crate::headers;
use crate::inflate::Inflater;
use crate::redirect::{self, Redirects};
use crate::retry::{self, Repeat};
use crate::service::{Http, named};
use crate::settings::Settings;
use crate::signer::{Signer, Signers};
use crate::target::{self, BaseUrl};
use crate::text::shown;
use crate::trip::{Trip, Wire};

/// What a connector may do for one entity.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What the project calls the connector.
    pub connector: String,
    /// What `connectors:` says of it.
    pub settings: Settings,
    /// What its relative targets are relative to.
    pub base: Option<BaseUrl>,
    /// Whether the user wrote that, and so granted its origin.
    pub base_granted: bool,
    /// Its credentials.
    pub auth: Auth,
}

impl Spec {
    /// Everything that is granted.
    pub fn grants(&self) -> Grants {
        let base = self.base.as_ref().filter(|_| self.base_granted);
        let base = base.and_then(|base| Grant::origin(base.url()));
        Grants::new(self.settings.allow_hosts.iter().cloned().chain(base))
    }
}

/// A request, as a connector asks for it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Relative to the base URL, or absolute.
    pub target: String,
    /// In addition to those the host sets.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Content,
    /// The label of the credential to add.
    pub credential: Option<String>,
    /// How long it may take altogether, if less than the user allows.
    pub timeout: Option<Duration>,
    /// `never` or `always`, if the method does not tell whether it may be sent twice.
    pub retry: Option<String>,
    /// Who follows redirects.
    pub redirects: Redirects,
}

/// A connector's way out, for one entity.
pub struct Connection {
    http: Http,
    spec: Arc<Spec>,
    grants: Grants,
    setup: Setup,
    signers: Signers,
    wire: OnceCell<Wire>,
}

/// A request on its way: where it is now, and what has become of it so far.
struct Journey<'a> {
    trip: Trip,
    signer: Option<&'a Signer>,
    repeat: Repeat,
    redirects: Redirects,
    wire: &'a Wire,
    caller: &'a dyn Caller,
    tries: u32,
    /// When it must be over.
    deadline: Instant,
}

impl Connection {
    /// A way out within `spec`. Connects to nothing yet.
    pub fn new(http: &Http, spec: Arc<Spec>) -> Self {
        let grants = spec.grants();
        let setup = Setup {
            named: named(grants.names()),
            ca_file: spec.settings.ca_file.clone(),
            connect_timeout: spec.settings.connect_timeout,
        };
        let signers = Signers::new(http, &spec.auth);
        Self { http: http.clone(), spec, grants, setup, signers, wire: OnceCell::new() }
    }

    /// What requests are sent over; made for the first of them.
    async fn wire(&self) -> Result<&Wire, HttpError> {
        let make = || async {
            let client = self.http.client(self.setup.clone()).await?;
            Ok(Wire { client, threads: self.http.threads()?, allow: self.allow() })
        };
        self.wire.get_or_try_init(make).await
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(
        &self,
        request: Request,
        caller: Arc<dyn Caller>,
    ) -> Result<Answer, HttpError> {
        let began = Instant::now();
        let most = self.spec.settings.request_timeout;
        let timeout = request.timeout.map_or(most, |timeout| timeout.min(most));
        let (first, signer) = self.first(&request)?;
        let line = format!("{} {}", first.method, without_values(&first.url));
        let repeat = Repeat::of(&first.method, request.retry.as_deref());
        let (body, stream) = (request.body.clone(), request.body.stream());
        let held = body.held();
        let _charged = caller.memory().filter(|_| held > 0).map(|share| share.charge(held));
        let patron: Arc<dyn Caller> = match stream.cloned() {
            Some(stream) => Arc::new(Patron { caller: Arc::clone(&caller), stream }),
            None => Arc::clone(&caller),
        };
        let wire = self.wire().await?;
        // A time too far off to be told is none.
        let deadline = began.checked_add(timeout).unwrap_or_else(|| began + FAR);
        let mut journey = Journey {
            trip: Trip { body, ..first },
            signer,
            repeat,
            redirects: request.redirects,
            wire,
            caller: &*patron,
            tries: 0,
            deadline,
        };
        let travel = self.travel(&mut journey);
        let arrived = match stream {
            None => tokio::time::timeout_at(deadline, travel).await.ok(),
            Some(stream) => stream.in_time(deadline, travel).await,
        };
        let (tries, host) = (journey.tries, host_of(&journey.trip.url));
        let took = began.elapsed();
        let told = |outcome: &str| {
            let tries = if tries == 1 { String::new() } else { format!(", {tries} tries") };
            format!("{line} {outcome} in {} ms{tries}", took.as_millis())
        };
        let response = match arrived {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                caller.debug(told(&format!("failed [{}]", error.code)));
                return Err(error);
            }
            None => {
                caller.debug(told("timed out"));
                let message =
                    format!("`{host}` was not done within {timeout:?} (`request_timeout`)");
                return Err(HttpError::timeout(message));
            }
        };
        let line = told(response.status().as_str());
        let waited = stream.map_or(Duration::ZERO, Stream::waited);
        let left = timeout.saturating_sub(took.saturating_sub(waited));
        let signed = request.credential.is_some();
        self.answer(response, host, left, signed, line, caller)
    }

    /// Says what is certainly wrong with a request, before anything is sent.
    pub(crate) fn may_send(&self, request: &Request) -> Result<(), HttpError> {
        self.first(request).map(|_| ())
    }

    /// Threads on which a request can go on by itself.
    pub(crate) fn threads(&self) -> Result<tokio::runtime::Handle, HttpError> {
        self.http.threads()
    }

    /// What the connector asked for and what signs it, if it may.
    fn first(&self, request: &Request) -> Result<(Trip, Option<&Signer>), HttpError> {
        let Ok(method) = Method::from_bytes(request.method.as_bytes()) else {
            let message = format!("`{}` is not a method", shown(&request.method));
            return Err(HttpError::bad_request(message));
        };
        if matches!(method, Method::CONNECT | Method::TRACE) {
            let message = format!("requests with the method `{method}` are not sent");
            return Err(HttpError::bad_request(message));
        }
        let url = target::resolve(self.spec.base.as_ref(), &request.target)?;
        self.allowed(&url, &method, "")?;
        let headers = headers::outgoing(&request.headers)?;
        let signer = match &request.credential {
            // A connector names it before it can know whether there is one: what is public needs
            // none, and what is not says so.
            Some(label) if label == DEFAULT && self.signers.is_empty() => None,
            Some(label) => Some(self.signers.get(label, &self.spec.connector)?),
            None => None,
        };
        if let Some(signer) = signer {
            signer.clashes(&headers)?;
        }
        Ok((Trip { headers, ..Trip::new(method, url) }, signer))
    }

    /// Follows a request to where it is answered.
    async fn travel(&self, journey: &mut Journey<'_>) -> Result<Response, HttpError> {
        for _ in 0..=redirect::MOST {
            let response = self.persist(journey).await?;
            if journey.redirects == Redirects::Left {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let trip = &mut journey.trip;
            let hop = redirect::of(response.status(), location, &trip.method, &trip.url)?;
            let Some(hop) = hop else { return Ok(response) };
            let from = format!(", to which `{}` redirects it", host_of(&trip.url));
            self.allowed(&hop.url, &hop.method, &from)?;
            if hop.with_body && !trip.body.is_whole() {
                return Err(HttpError::bad_answer(format!(
                    "`{}` redirects a request to `{}` after it took part of its body, which was \
                     not kept and cannot be sent there: send it to that host in the first place",
                    host_of(&trip.url),
                    host_of(&hop.url)
                )));
            }
            trip.url = hop.url;
            trip.method = hop.method;
            if !hop.with_body {
                trip.body = Content::Nothing;
                for name in ["content-type", "content-encoding", "content-language"] {
                    trip.headers.remove(name);
                }
            }
            if !hop.same_origin {
                journey.signer = None;
                for name in ["authorization", "cookie"] {
                    trip.headers.remove(name);
                }
            }
            drain(response, journey.caller).await?;
        }
        let host = host_of(&journey.trip.url);
        let most = redirect::MOST;
        Err(HttpError::bad_answer(format!("`{host}` redirects more than {most} times")))
    }

    /// Sends a request as often as it takes, and is allowed.
    async fn persist(&self, journey: &mut Journey<'_>) -> Result<Response, HttpError> {
        let mut failed = 0;
        let mut refused = None;
        let mut renewed = false;
        loop {
            let (sent, token) = self.once(journey, refused).await?;
            let (wait, why) = match sent {
                Ok(response) => {
                    let status = response.status();
                    let renews = journey.signer.is_some_and(Signer::renews);
                    if status.as_u16() == 401 && renews && !renewed {
                        renewed = true;
                        refused = token;
                        if !journey.trip.body.is_whole() {
                            return Err(self.renewed_too_late(journey, refused).await);
                        }
                        drain(response, journey.caller).await?;
                        continue;
                    }
                    let spent = failed >= self.spec.settings.retries;
                    let spent = spent || !journey.trip.body.is_whole();
                    if !retry::may_pass(status) || journey.repeat != Repeat::Freely || spent {
                        return Ok(response);
                    }
                    let header = response.headers().get(RETRY_AFTER);
                    let asked = header
                        .and_then(|value| value.to_str().ok())
                        .and_then(|value| retry::asked(value, SystemTime::now()));
                    // The connector may know what to make of a wait that is too long for us.
                    let left = journey.deadline.saturating_duration_since(Instant::now());
                    if asked.is_some_and(|asked| asked > retry::LONGEST_ASKED.min(left)) {
                        return Ok(response);
                    }
                    drain(response, journey.caller).await?;
                    let own = retry::backoff(failed + 1);
                    (asked.map_or(own, |asked| asked + own / 4), format!("answered {status}"))
                }
                Err(error) => {
                    let may = match journey.repeat {
                        Repeat::Never => false,
                        Repeat::Freely => true,
                        Repeat::Unsent => error.unsent,
                    };
                    let spent = failed >= self.spec.settings.retries;
                    if !error.may_pass || !may || spent {
                        return Err(error.error);
                    }
                    if !journey.trip.body.is_whole() {
                        let message = format!(
                            "{}; it is not tried again, because part of its body was taken and \
                             was not kept",
                            error.error.message
                        );
                        return Err(HttpError { message, ..error.error });
                    }
                    (retry::backoff(failed + 1), error.error.message)
                }
            };
            failed += 1;
            let host = host_of(&journey.trip.url);
            let wait_ms = wait.as_millis();
            journey.caller.debug(format!("`{host}`: {why}; tried again in {wait_ms} ms"));
            patiently(journey.caller, tokio::time::sleep(wait)).await?;
        }
    }

    /// Sends a request once, when it is its turn. `refused` is a token that is no good. Answers
    /// with what came of it, and with the token that was sent along.
    async fn once(
        &self,
        journey: &mut Journey<'_>,
        refused: Option<u64>,
    ) -> Result<(Result<Response, crate::client::Failed>, Option<u64>), HttpError> {
        let caller = journey.caller;
        let mut trip = journey.trip.clone();
        let mut token = None;
        if let Some(signer) = journey.signer {
            match journey.redirects {
                Redirects::Followed => signer.may_go(&trip)?,
                Redirects::Left => signer.may_be_led(&trip, self.spec.base.as_ref())?,
            }
            let signed =
                signer.sign(&mut trip, &self.http, journey.wire, &self.setup, refused, caller);
            token = signed.await?;
        }
        let connector = &self.spec.connector;
        if let Some(rate) = &self.spec.settings.rate_limit {
            let pace = self.http.pace(connector, &host_of(&trip.url));
            let turn = pace.turn(rate.every(), Instant::now());
            patiently(caller, tokio::time::sleep_until(turn)).await?;
        }
        let turns = self.http.turns(connector, self.spec.settings.requests);
        let turn = patiently(caller, turns.acquire_owned()).await?;
        let _turn = turn.map_err(|_| HttpError::unreachable("HTTP was taken down"))?;
        journey.tries += 1;
        let silence = self.spec.settings.read_timeout;
        Ok((journey.wire.send(trip, silence, caller).await, token))
    }

    /// The error of a request whose token was refused after part of its body was taken. Whoever
    /// sends it anew finds a token that is good.
    async fn renewed_too_late(&self, journey: &Journey<'_>, refused: Option<u64>) -> HttpError {
        let host = host_of(&journey.trip.url);
        if let Some(signer) = journey.signer {
            let mut trip = Trip::new(journey.trip.method.clone(), journey.trip.url.clone());
            let (wire, setup, caller) = (journey.wire, &self.setup, journey.caller);
            let signed = signer.sign(&mut trip, &self.http, wire, setup, refused, caller);
            if let Err(error) = signed.await {
                return error;
            }
        }
        HttpError::unreachable(format!(
            "`{host}` refused the token of a request after it took part of its body, which was \
             not kept: the token is renewed, and the request has to be made again"
        ))
    }

    fn answer(
        &self,
        response: Response,
        host: String,
        left: Duration,
        signed: bool,
        line: String,
        caller: Arc<dyn Caller>,
    ) -> Result<Answer, HttpError> {
        let settings = &self.spec.settings;
        let head = response.headers();
        let size = headers::size(head);
        if size > headers::MOST_BYTES_ANSWERED {
            let message = format!("the headers of the answer of `{host}` have {size} bytes");
            return Err(HttpError::bad_answer(message));
        }
        let claimed = head.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if claimed.is_some_and(|claimed: u64| claimed > settings.max_response) {
            return Err(body::too_large(&host, settings.max_response));
        }
        let mut packed = head.get_all(CONTENT_ENCODING).iter();
        let inflater = match (packed.next(), packed.next()) {
            (None, _) => None,
            (Some(encoding), None) => {
                Inflater::new(&shown(&String::from_utf8_lossy(encoding.as_bytes())))
                    .map_err(|why| HttpError::bad_answer(format!("the answer of `{host}` {why}")))?
            }
            (Some(_), Some(_)) => {
                let message = format!("the answer of `{host}` is packed more than once");
                return Err(HttpError::bad_answer(message));
            }
        };
        let redactor = self.signers.redactor();
        let status = response.status().as_u16();
        let headers = headers::incoming(head, inflater.is_some(), signed, &redactor);
        let limits = Limits { most: settings.max_response, silence: settings.read_timeout, left };
        let body = Body::new(response, host.clone(), limits, inflater, redactor, size, &*caller);
        Ok(Answer { status, headers, body, caller, line, host, feed: None })
    }

    /// Whether a request may be sent. `from` is who sent it there, if not the connector.
    fn allowed(&self, url: &Url, method: &Method, from: &str) -> Result<(), HttpError> {
        let Err(denied) = self.grants.allow(url, method) else { return Ok(()) };
        let (host, allow) = (host_of(url), self.allow());
        let origin = match url.scheme() {
            "https" => url.origin().ascii_serialization().replacen("https://", "", 1),
            _ => url.origin().ascii_serialization(),
        };
        Err(HttpError::not_granted(match denied {
            Denied::Host => format!(
                "it may not connect to `{host}`{from}: to let it, add `{origin}` to {allow}"
            ),
            Denied::Origin => format!(
                "it may connect to `{host}`, but not as `{origin}`{from}: to let it, add \
                 `{origin}` to {allow}"
            ),
            Denied::Method => format!(
                "it may connect to `{host}`, but not send `{method}`{from}: to let it, add \
                 `{method} {origin}` to {allow}"
            ),
        }))
    }

    /// Where the user would grant more.
    fn allow(&self) -> String {
        format!("`allow_hosts` of `{}` under `connectors:` in hygge.yml", self.spec.connector)
    }
}

/// As good as never.
const FAR: Duration = Duration::from_secs(365 * 86_400);
/// What is read of an answer that nobody wants, so that its connection can be used again.
const WORTH_READING: usize = 64 << 10;

/// Reads what is left of an answer that nobody wants, if that is little.
async fn drain(mut response: Response, caller: &dyn Caller) -> Result<(), HttpError> {
    let rest = async {
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read > WORTH_READING {
                break;
            }
        }
    };
    let rest = tokio::time::timeout(Duration::from_secs(1), rest);
    patiently(caller, rest).await.map(|_| ())
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// A URL as it may be shown: of its query the names alone.
fn without_values(url: &Url) -> String {
    let mut shown = format!("{}{}", url.origin().ascii_serialization(), url.path());
    for (index, (name, _)) in url.query_pairs().enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(&name);
    }
    crate::text::shown(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_query_are_not_shown() {
        let url = Url::parse("https://a.example:8443/x?key=hunter2&page=3").unwrap();
        assert_eq!(without_values(&url), "https://a.example:8443/x?key&page");
    }
}
