//! A connector's way out, for one entity: every request it sends goes through here.
//!
//! ```text
//! target ─▶ granted? ─▶ headers ─▶ ┌▶ pace, turn ─▶ sign ─▶ send ─┐ 401: renew, once
//!               ▲                  └──── wait, try again ◀────────┤ 429, 503, lost: a few times
//!               └───────────────────── redirect ◀─────────────────┤ 30x
//!                                                                 └▶ Answer
//! ```

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::account::{self, Account};
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
use crate::wires::Wires;

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

    /// Where the user would grant more.
    fn allow(&self) -> String {
        format!("`allow_hosts` of `{}` under `connectors:` in hygge.yml", self.connector)
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
    wires: Wires,
    /// Lets so many requests of the connector out at a time.
    turns: Arc<Semaphore>,
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
    ///
    /// Requests that are sent from a runtime of one thread may come to have their connections
    /// there, which takes one with input and output enabled.
    pub fn new(http: &Http, spec: Arc<Spec>) -> Self {
        let grants = spec.grants();
        let setup = Setup {
            named: named(grants.names()),
            ca_file: spec.settings.ca_file.clone(),
            connect_timeout: spec.settings.connect_timeout,
        };
        let signers = Signers::new(http, &spec.auth);
        let wires = Wires::new(http, setup.clone(), spec.allow());
        let turns = http.turns(&spec.connector, spec.settings.requests);
        Self { http: http.clone(), spec, grants, setup, signers, wires, turns }
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
        let line = account::line(&first.method, &first.url);
        let repeat = Repeat::of(&first.method, request.retry.as_deref());
        let (body, stream) = (request.body.clone(), request.body.stream());
        let held = body.held();
        let _charged = caller.memory().filter(|_| held > 0).map(|share| share.charge(held));
        let patron: Arc<dyn Caller> = match stream.cloned() {
            Some(stream) => Arc::new(Patron { caller: Arc::clone(&caller), stream }),
            None => Arc::clone(&caller),
        };
        let wire = self.wires.next().await?;
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
        let arrived = {
            // What is handed on by value takes its room once more with every hand.
            let travel = pin!(self.travel(&mut journey));
            match stream {
                None => tokio::time::timeout_at(deadline, travel).await.ok(),
                Some(stream) => stream.in_time(deadline, travel).await,
            }
        };
        let host = host_of(&journey.trip.url);
        let account = Account { line, took: began.elapsed(), tries: journey.tries };
        let response = match arrived {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                account.tell(&*caller, format_args!("failed [{}]", error.code));
                return Err(error);
            }
            None => {
                account.tell(&*caller, format_args!("timed out"));
                let message =
                    format!("`{host}` was not done within {timeout:?} (`request_timeout`)");
                return Err(HttpError::timeout(message));
            }
        };
        let waited = stream.map_or(Duration::ZERO, Stream::waited);
        let left = timeout.saturating_sub(account.took.saturating_sub(waited));
        let signed = request.credential.is_some();
        self.answer(response, host, left, signed, account, caller)
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
            Box::pin(drain(response, journey.caller)).await?;
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
                            return Err(Box::pin(self.renewed_too_late(journey, refused)).await);
                        }
                        Box::pin(drain(response, journey.caller)).await?;
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
                    Box::pin(drain(response, journey.caller)).await?;
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
            journey.caller.debug(format_args!("`{host}`: {why}; tried again in {wait_ms} ms"));
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
            let allow = &journey.wire.allow;
            let signed = signer.sign(&mut trip, &self.http, &self.setup, allow, refused, caller);
            token = Box::pin(signed).await?;
        }
        if let Some(rate) = &self.spec.settings.rate_limit {
            let pace = self.http.pace(&self.spec.connector, &host_of(&trip.url));
            let turn = pace.turn(rate.every(), Instant::now());
            patiently(caller, tokio::time::sleep_until(turn)).await?;
        }
        let turn = patiently(caller, self.turns.acquire()).await?;
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
            let (allow, setup, caller) = (&journey.wire.allow, &self.setup, journey.caller);
            let signed = signer.sign(&mut trip, &self.http, setup, allow, refused, caller);
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
        account: Account,
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
        let limits = Limits { most: settings.max_response, silence: settings.read_timeout, left };
        let body = Body::new(response, host.clone(), limits, inflater, redactor, size, &*caller);
        Ok(Answer { status, body, signed, caller, account, host, feed: None })
    }

    /// Whether a request may be sent. `from` is who sent it there, if not the connector.
    fn allowed(&self, url: &Url, method: &Method, from: &str) -> Result<(), HttpError> {
        let Err(denied) = self.grants.allow(url, method) else { return Ok(()) };
        let (host, allow) = (host_of(url), self.spec.allow());
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
