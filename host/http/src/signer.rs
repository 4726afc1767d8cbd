//! Signing requests with the credentials of a home or a store.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::HeaderMap;
use url::Url;

use crate::auth::token::TokenCell;
use crate::auth::{Auth, Credential, Kind, Mark};
use crate::caller::Caller;
use crate::client::Setup;
use crate::error::HttpError;
use crate::redact::Redactor;
use crate::secret::Secret;
use crate::service::{Http, named};
use crate::target::BaseUrl;
use crate::text::shown;
use crate::trip::Trip;

/// Signs with the credentials of one home or store, and knows what they must not show.
pub(crate) struct Signers {
    signers: Vec<(String, Signer)>,
    /// With how many tokens had been given out, and one, when it was made.
    redactor: Mutex<(usize, Arc<Redactor>)>,
}

/// Signs with one credential.
pub(crate) struct Signer {
    credential: Arc<Credential>,
    token: Option<Arc<TokenCell>>,
}

impl Signers {
    pub(crate) fn new(http: &Http, auth: &Auth) -> Self {
        let of = |(label, credential): (&str, &Arc<Credential>)| {
            let token = match &credential.kind {
                Kind::Token(source) => Some(http.token(source)),
                Kind::Fixed(..) => None,
            };
            (label.to_owned(), Signer { credential: Arc::clone(credential), token })
        };
        let signers: Vec<_> = auth.labels().zip(auth.all()).map(of).collect();
        Self { signers, redactor: Mutex::new((0, Arc::default())) }
    }

    /// Whether there are no credentials at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.signers.is_empty()
    }

    /// The credential that a connector names.
    pub(crate) fn get(&self, label: &str, connector: &str) -> Result<&Signer, HttpError> {
        let found = self.signers.iter().find(|(name, _)| name == label);
        found.map(|(_, signer)| signer).ok_or_else(|| {
            let there: Vec<_> =
                self.signers.iter().map(|(label, _)| format!("`{label}`")).collect();
            let label = shown(label);
            let help = match there.is_empty() {
                true => format!("add one under `auth:`, with the label `{label}`"),
                false => format!("there is {} under `auth:`", there.join(", ")),
            };
            HttpError::credential(format!(
                "`{connector}` asks for the credential `{label}`, which it was not granted: {help}"
            ))
        })
    }

    /// What takes the secrets out of answers: those written down, and the tokens given out so far.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        let tokens = self.signers.iter().filter_map(|(_, signer)| signer.token.as_ref());
        let mark = tokens.fold(1, |mark: usize, token| mark.wrapping_add(token.given()));
        let mut redactor = self.redactor.lock().unwrap_or_else(PoisonError::into_inner);
        if redactor.0 != mark {
            let secrets: Vec<Secret> =
                self.signers.iter().flat_map(|(_, signer)| signer.secrets()).collect();
            *redactor = (mark, Arc::new(Redactor::new(&secrets)));
        }
        Arc::clone(&redactor.1)
    }
}

impl Signer {
    /// Whether there may be another token when one is refused.
    pub(crate) fn renews(&self) -> bool {
        self.token.is_some()
    }

    /// Whether it may go to a host.
    pub(crate) fn may_go(&self, trip: &Trip) -> Result<(), HttpError> {
        let hosts = self.credential.hosts.as_ref();
        if hosts.is_none_or(|hosts| hosts.allow(&trip.url, &trip.method).is_ok()) {
            return Ok(());
        }
        let key = &self.credential.key;
        let host = trip.url.host_str().unwrap_or_default();
        Err(HttpError::not_granted(format!(
            "the credential `{key}` may not go to `{host}`: to let it, add it to `{key}.hosts`"
        )))
    }

    /// Whether it may go to a host to which a server may have sent the connector.
    pub(crate) fn may_be_led(&self, trip: &Trip, base: Option<&BaseUrl>) -> Result<(), HttpError> {
        let own = base.is_some_and(|base| base.url().origin() == trip.url.origin());
        if self.credential.hosts.is_some() || own {
            return self.may_go(trip);
        }
        let key = &self.credential.key;
        let host = trip.url.host_str().unwrap_or_default();
        Err(HttpError::not_granted(format!(
            "the credential `{key}` goes to the origin of `base_url` alone where the connector \
             follows redirects by itself, and not to `{host}`: to let it, add it to `{key}.hosts`"
        )))
    }

    /// Whether a connector sets by itself what this credential would set.
    pub(crate) fn clashes(&self, headers: &HeaderMap) -> Result<(), HttpError> {
        let name = match &self.credential.kind {
            Kind::Fixed(Mark::Header(name, _), _) => name,
            Kind::Fixed(Mark::Query(..), _) => return Ok(()),
            Kind::Token(_) => &reqwest::header::AUTHORIZATION,
        };
        match headers.contains_key(name) {
            true => Err(HttpError::bad_request(format!(
                "it may not set the header `{name}`: the credential `{}` does",
                self.credential.key
            ))),
            false => Ok(()),
        }
    }

    /// Signs a request. `not` is the number of a token that was refused. Answers with the number
    /// of the token that was taken, if it was one.
    pub(crate) async fn sign(
        &self,
        trip: &mut Trip,
        http: &Http,
        setup: &Setup,
        allow: &str,
        not: Option<u64>,
        caller: &dyn Caller,
    ) -> Result<Option<u64>, HttpError> {
        match (&self.credential.kind, &self.token) {
            (Kind::Fixed(mark, _), _) => {
                add(mark, trip);
                Ok(None)
            }
            (Kind::Token(source), Some(cell)) => {
                // The user wrote the endpoint out; the connector does not get there by it.
                let setup =
                    Setup { named: named([source.url().host()].into_iter()), ..setup.clone() };
                let wire = http.wire(setup, allow.to_owned()).await?;
                let token = cell.token(&wire, &self.credential.key, not, caller).await?;
                add(&token.mark, trip);
                Ok(Some(token.number))
            }
            (Kind::Token(_), None) => Err(HttpError::credential("the credential has no token")),
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        match (&self.credential.kind, &self.token) {
            (Kind::Fixed(_, secrets), _) => secrets.clone(),
            (Kind::Token(_), Some(cell)) => cell.secrets(),
            (Kind::Token(source), None) => source.secrets(),
        }
    }
}

fn add(mark: &Mark, trip: &mut Trip) {
    match mark {
        Mark::Header(name, value) => {
            trip.headers.insert(name.clone(), value.clone());
        }
        Mark::Query(name, secret) => {
            add_to_query(&mut trip.url, name, secret);
        }
    }
}

fn add_to_query(url: &mut Url, name: &str, secret: &Secret) {
    url.query_pairs_mut().append_pair(name, secret.reveal());
}
