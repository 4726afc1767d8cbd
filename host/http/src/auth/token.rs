//! Tokens: fetched when they are first needed, kept while they are good, and renewed by one for
//! all.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygge_core::fault::FaultKind;
use hygge_core::project::keys::{Json, Key};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::Node;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{Mark, bearer};
use crate::caller::{Caller, patiently};
use crate::content::Content;
use crate::error::{CREDENTIAL, HttpError};
use crate::retry;
use crate::secret::Secret;
use crate::text::shown;
use crate::trip::{Trip, Wire};

/// Tries to fetch a token.
const TRIES: u32 = 4;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long before its end a token is renewed, of one that is good for long.
const EARLY: Duration = Duration::from_secs(60);
/// The longest answer that may hold a token.
const LONGEST: usize = 1 << 20;
/// Tokens that are remembered, to be taken out of answers.
const REMEMBERED: usize = 8;

/// What gives out tokens, and for what.
pub(crate) trait TokenSource: fmt::Debug + Send + Sync {
    /// Where.
    fn url(&self) -> &TokenUrl;
    /// What is sent there. `rotated` is the refresh token that was given out last, if one was.
    fn form(&self, rotated: Option<&Secret>) -> Result<Form, HttpError>;
    /// What must not show.
    fn secrets(&self) -> Vec<Secret>;
    /// What it is, apart from its secrets: sources of the same description and secrets are one.
    fn described(&self) -> String;
    /// The refresh token that was written down, of a source that uses one.
    fn refresh_token(&self) -> Option<&Secret> {
        None
    }
    /// What to do when no token is given out.
    fn refused(&self) -> &'static str;
}

/// What tells one source from another.
pub(crate) fn identity(source: &dyn TokenSource) -> [u8; 32] {
    let mut sum = Sha256::new();
    sum.update(source.described());
    for secret in source.secrets() {
        sum.update((secret.reveal().len() as u64).to_le_bytes());
        sum.update(secret.reveal());
    }
    sum.finalize().into()
}

/// The URL of a token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct TokenUrl(Url);

impl TokenUrl {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl Key for TokenUrl {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        let url = Url::parse(text.trim()).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none();
            matches!(url.scheme(), "https" | "http") && url.host().is_some() && plain
        });
        if url.is_none() {
            problems
                .add(&node.span, "this is not the URL of a token endpoint")
                .help("write it as `https://login.example.com/oauth/token`");
        }
        url.map(Self)
    }

    fn to_json(&self) -> Json {
        Json::String(self.0.to_string())
    }

    fn schema() -> Json {
        serde_json::json!({ "type": "string", "format": "uri" })
    }
}

/// A form that asks for a token.
pub(crate) struct Form {
    text: Zeroizing<String>,
    signed: Option<HeaderValue>,
}

impl Form {
    pub(crate) fn new(grant: &str) -> Self {
        let mut form = Self { text: Zeroizing::default(), signed: None };
        form.add("grant_type", grant);
        form
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.extend(form_urlencoded::byte_serialize(name.as_bytes()));
        self.text.push('=');
        self.text.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }

    pub(crate) fn add_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    /// Says who asks by basic authorization, whose parts are encoded as in a form (RFC 6749).
    pub(crate) fn sign(&mut self, id: &str, secret: &Secret) {
        let encode =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let both = Zeroizing::new(format!("{}:{}", encode(id), encode(secret.reveal())));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*both)));
        self.signed = HeaderValue::from_str(&value).ok().map(|mut value| {
            value.set_sensitive(true);
            value
        });
    }
}

/// A token that is good for now.
#[derive(Clone)]
pub(crate) struct Token {
    pub mark: Mark,
    /// Tells it from those before it.
    pub number: u64,
    renew: Option<Instant>,
}

/// The token of one source, for everybody who uses it.
pub(crate) struct TokenCell {
    source: Arc<dyn TokenSource>,
    state: tokio::sync::Mutex<State>,
    /// Tokens and refresh tokens that were given out last.
    given: Mutex<Vec<Secret>>,
    /// How many were given out altogether.
    count: AtomicUsize,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    number: u64,
    rotated: Option<Secret>,
    /// Asking again with what was refused would be taken for an attack.
    refused: Option<HttpError>,
}

impl TokenCell {
    pub(crate) fn new(source: Arc<dyn TokenSource>) -> Self {
        Self {
            source,
            state: tokio::sync::Mutex::default(),
            given: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }

    /// All that must not show: what was written down, and what was given out for it.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.source.secrets();
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.extend(given.iter().cloned());
        secrets
    }

    /// How many secrets were given out so far.
    pub(crate) fn given(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// A token; another than the one with the number `not`, which was refused. Everybody else
    /// waits while one renews it. `key` names the credential in messages.
    pub(crate) async fn token(
        &self,
        wire: &Wire,
        key: &str,
        not: Option<u64>,
        caller: &dyn Caller,
    ) -> Result<Token, HttpError> {
        let mut state = patiently(caller, self.state.lock()).await?;
        if let Some(token) = &state.token
            && not != Some(token.number)
            && token.renew.is_none_or(|renew| Instant::now() < renew)
        {
            return Ok(token.clone());
        }
        if let Some(refused) = &state.refused {
            return Err(refused.clone());
        }
        let fetched = self.fetch(wire, key, state.rotated.as_ref(), caller).await;
        let (secret, lifetime, rotated) = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                if error.kind == FaultKind::Auth {
                    state.refused = Some(error.clone());
                }
                return Err(error);
            }
        };
        let Some(mark) = bearer::header(&secret) else {
            return Err(self.odd(key, "gave a token that cannot be sent"));
        };
        self.remember(secret);
        if let Some(rotated) = rotated {
            self.remember(rotated.clone());
            if state.rotated.is_none() {
                self.warn_of_rotation(&rotated, key, caller);
            }
            state.rotated = Some(rotated);
        }
        state.number += 1;
        let renew = lifetime.and_then(|lifetime| {
            Instant::now().checked_add(lifetime.saturating_sub(EARLY.min(lifetime / 5)))
        });
        let token = Token { mark, number: state.number, renew };
        state.token = Some(token.clone());
        Ok(token)
    }

    /// The refresh token that was written down may be no good any more, and secrets are written
    /// down by nobody but the user.
    fn warn_of_rotation(&self, rotated: &Secret, key: &str, caller: &dyn Caller) {
        let Some(own) = self.source.refresh_token() else { return };
        if own.reveal() == rotated.reveal() {
            return;
        }
        let host = self.source.url().host();
        caller.warn(format!(
            "`{host}` replaced the refresh token of `{key}`. The new one is used until the end of \
             this run and written down nowhere: the one under `{key}` may be refused next time. \
             Have refresh tokens that are not replaced issued there, or use \
             `oauth2_client_credentials` or `jwt_bearer`"
        ));
    }

    fn remember(&self, secret: Secret) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= REMEMBERED {
            given.remove(0);
        }
        given.push(secret);
        self.count.fetch_add(1, Ordering::Release);
    }

    async fn fetch(
        &self,
        wire: &Wire,
        key: &str,
        rotated: Option<&Secret>,
        caller: &dyn Caller,
    ) -> Result<(Secret, Option<Duration>, Option<Secret>), HttpError> {
        let url = self.source.url();
        let mut tries = 0;
        loop {
            tries += 1;
            let form = self.source.form(rotated)?;
            let mut trip = Trip::new(reqwest::Method::POST, url.0.clone());
            trip.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            trip.headers.insert(CONTENT_TYPE, kind);
            trip.headers.extend(form.signed.map(|signed| (AUTHORIZATION, signed)));
            trip.body = Content::from(form.text.as_bytes().to_vec());
            let outcome = match wire.send(trip, PATIENCE, caller).await {
                Ok(response) if retry::may_pass(response.status()) => {
                    let status = response.status();
                    Err(self.passing(key, &format!("answered {}", status.as_u16())))
                }
                Ok(response) => {
                    let status = response.status();
                    let read = whole(response);
                    let read = patiently(caller, tokio::time::timeout(PATIENCE, read)).await?;
                    match read {
                        Ok(Some(answer)) => return self.token_of(key, status.as_u16(), &answer),
                        Ok(None) => return Err(self.odd(key, "gave an answer that broke off")),
                        Err(_) => Err(self.passing(key, "fell silent")),
                    }
                }
                Err(failed) if !failed.may_pass => return Err(failed.error),
                Err(failed) => Err(failed.error),
            };
            match outcome {
                Err(error) if tries == TRIES => return Err(error),
                Err(_) | Ok(()) => {}
            }
            patiently(caller, tokio::time::sleep(retry::backoff(tries))).await?;
        }
    }

    fn token_of(
        &self,
        key: &str,
        status: u16,
        answer: &[u8],
    ) -> Result<(Secret, Option<Duration>, Option<Secret>), HttpError> {
        let answer: Json = serde_json::from_slice(answer).unwrap_or_default();
        if status >= 500 {
            return Err(self.passing(key, &format!("answered {status}")));
        }
        if status >= 300 {
            let said = [text(&answer, "error"), text(&answer, "error_description")];
            let said = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
            let redactor = crate::redact::Redactor::new(&self.secrets());
            let said = shown(&redactor.text(&said));
            let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
            return Err(HttpError::credential(format!(
                "`{}` gave no token for `{key}`, it answered {status}{said}: {}",
                self.source.url().host(),
                self.source.refused()
            )));
        }
        let Some(token) = text(&answer, "access_token") else {
            return Err(self.odd(key, "gave an answer without an `access_token`"));
        };
        let lifetime = answer.get("expires_in").and_then(|seconds| {
            seconds.as_f64().or_else(|| seconds.as_str().and_then(|text| text.parse().ok()))
        });
        let lifetime = lifetime.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let rotated = text(&answer, "refresh_token").map(Secret::new);
        Ok((Secret::new(token), lifetime, rotated))
    }

    fn odd(&self, key: &str, what: &str) -> HttpError {
        let host = self.source.url().host();
        HttpError::credential(format!(
            "`{host}` {what}, for `{key}`: check that `token_url` is the one of a token endpoint"
        ))
    }

    fn passing(&self, key: &str, what: &str) -> HttpError {
        let host = self.source.url().host();
        let message = format!("`{host}` {what} when asked for a token for `{key}`");
        HttpError::new(FaultKind::Transient, CREDENTIAL, message)
    }
}

async fn whole(mut response: reqwest::Response) -> Option<Zeroizing<Vec<u8>>> {
    let mut all = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.ok()? {
        if all.len() + chunk.len() > LONGEST {
            return None;
        }
        all.extend_from_slice(&chunk);
    }
    Some(all)
}

/// The text of a field.
fn text<'a>(answer: &'a Json, name: &str) -> Option<&'a str> {
    answer.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
}
