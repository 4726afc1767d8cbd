//! The client that connects: one for each set of names it may reach, so that a connection made for
//! one connector is never used for another that could not have made it.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hygge_core::fault::FaultKind;
use rustls::ClientConfig;

use crate::content::Broken;
use crate::error::{self, HttpError};
use crate::headers;
use crate::proxies::Proxies;
use crate::resolve::{Lookup, Refused, Resolver, Unresolved};

/// Connections that are kept for the next request, for each origin.
const IDLE: usize = 32;

/// What a server may send ahead of all answers of one connection together. Each has a window of its
/// own, 2 MiB: answers that wait to be read may never fill the room of one that is being read.
const AHEAD: u32 = 1 << 30;

/// What tells one client from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Setup {
    /// Names that may stand for addresses that are not public.
    pub named: BTreeSet<String>,
    pub ca_file: Option<PathBuf>,
    pub connect_timeout: Duration,
}

impl Setup {
    /// Makes a client.
    pub(crate) fn client(
        &self,
        trust: ClientConfig,
        proxies: &Proxies,
        lookup: &Lookup,
    ) -> Result<reqwest::Client, HttpError> {
        let mut named = self.named.clone();
        named.extend(proxies.hosts().map(str::to_owned));
        let resolver = Resolver { named: Arc::new(named), lookup: Arc::clone(lookup) };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(trust)
            .dns_resolver(resolver)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(IDLE)
            .http1_max_headers(headers::MOST_ANSWERED)
            .http2_initial_connection_window_size(AHEAD)
            .http2_max_header_list_size(headers::MOST_BYTES_ANSWERED as u32);
        if !proxies.are_used() {
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| {
            let why = root(&error).to_string();
            HttpError::new(FaultKind::Resource, "", format!("cannot set up HTTP: {why}"))
        })
    }
}

/// What went wrong, and whether the request was certainly not taken by the server.
pub(crate) struct Failed {
    pub error: HttpError,
    pub unsent: bool,
    /// Whether another try may help.
    pub may_pass: bool,
}

/// A failed request, in the user's words. `allow` says which key would have granted more.
pub(crate) fn failed(error: reqwest::Error, host: &str, allow: &str) -> Failed {
    // URLs may hold credentials.
    let error = error.without_url();
    let unsent = error.is_connect();
    let lasting = |error| Failed { error, unsent, may_pass: false };
    let passing = |error| Failed { error, unsent, may_pass: true };
    let found = causes(&error).find_map(|cause| cause.downcast_ref::<Unresolved>());
    match found {
        Some(Unresolved::Refused(refused)) => return lasting(not_named(refused, allow)),
        Some(Unresolved::Failed(..)) => {
            return passing(HttpError::unreachable(format!(
                "cannot reach `{host}`: its name was not found"
            )));
        }
        None => {}
    }
    if let Some(broken) = causes(&error).find_map(|cause| cause.downcast_ref::<Broken>()) {
        return lasting(HttpError::bad_request(format!("a request to `{host}` {broken}")));
    }
    if let Some(tls) = causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        let message = match tls {
            rustls::Error::InvalidCertificate(why) => format!(
                "cannot trust `{host}`: its certificate is not valid ({why}); one of a private \
                 authority is trusted with `ca_file`"
            ),
            tls => format!("cannot speak TLS with `{host}`: {tls}"),
        };
        return lasting(HttpError::new(FaultKind::Auth, error::TLS, message));
    }
    if error.is_timeout() {
        let message = format!("`{host}` did not answer in time (`connect_timeout`)");
        return passing(HttpError::timeout(message));
    }
    let parse = causes(&error)
        .find_map(|cause| cause.downcast_ref::<hyper::Error>())
        .filter(|error| error.is_parse());
    if let Some(parse) = parse {
        let why = root(parse).to_string();
        let message = format!("the answer of `{host}` is not HTTP: {why}");
        return lasting(HttpError::bad_answer(message));
    }
    let why = root(&error).to_string();
    passing(HttpError::unreachable(match unsent {
        true => format!("cannot reach `{host}`: {why}"),
        false => format!("the connection to `{host}` was lost: {why}"),
    }))
}

fn not_named(refused: &Refused, allow: &str) -> HttpError {
    let Refused { name, address, kind, can_be_named } = refused;
    let granting = match can_be_named {
        true => format!("`{name}`"),
        false => format!("the address `{address}`"),
    };
    HttpError::not_granted(format!(
        "it may not connect to `{name}`, which stands for the {kind} address {address}: to let \
         it, write out {granting} in {allow}"
    ))
}

/// An error and its causes, those within errors of input and output included.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| next(*error))
}

fn next<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}
