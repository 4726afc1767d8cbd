//! What all connectors of a run share: connections, tokens, and the pace at which requests go out.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hygge_core::fault::{Fault, FaultKind};
use rustls::ClientConfig;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;

use crate::auth::token::{TokenCell, TokenSource, identity};
use crate::client::Setup;
use crate::error::HttpError;
use crate::proxies::Proxies;
use crate::rate::Pace;
use crate::resolve::{self, Lookup};
use crate::tls;
use crate::trip::Wire;

/// Threads that connections live on. Little is done there but to encrypt and to copy, at gigabytes
/// in a second; a second one would be woken for nothing with every request.
const THREADS: usize = 1;

/// Sends requests for the connectors of a run. Cheap to clone.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    threads: Threads,
    proxies: Proxies,
    lookup: Lookup,
    trusted: Mutex<HashMap<Option<PathBuf>, ClientConfig>>,
    clients: Mutex<HashMap<Setup, reqwest::Client>>,
    tokens: Mutex<HashMap<[u8; 32], Arc<TokenCell>>>,
    paces: Mutex<HashMap<(String, String), Arc<Pace>>>,
    turns: Mutex<HashMap<(String, usize), Arc<Semaphore>>>,
}

impl Http {
    /// Starts what requests need.
    pub fn new(proxies: Proxies) -> Result<Self, Fault> {
        Self::with_lookup(proxies, resolve::system())
    }

    pub(crate) fn with_lookup(proxies: Proxies, lookup: Lookup) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("hygge-http")
            .enable_all()
            .build()
            .map_err(|error| {
                Fault::new(FaultKind::Resource, "cannot start threads for HTTP").because(error)
            })?;
        Ok(Self(Arc::new(Shared {
            threads: Threads(Some(runtime)),
            proxies,
            lookup,
            trusted: Mutex::default(),
            clients: Mutex::default(),
            tokens: Mutex::default(),
            paces: Mutex::default(),
            turns: Mutex::default(),
        })))
    }

    pub(crate) fn threads(&self) -> Result<Handle, HttpError> {
        let gone = || HttpError::unreachable("HTTP was taken down");
        self.0.threads.0.as_ref().map(|runtime| runtime.handle().clone()).ok_or_else(gone)
    }

    /// What everybody's requests within a setup are sent over. `allow` says where more would be
    /// granted.
    pub(crate) async fn wire(&self, setup: Setup, allow: String) -> Result<Wire, HttpError> {
        let threads = self.threads()?;
        let known = lock(&self.0.clients).get(&setup).cloned();
        let client = match known {
            Some(client) => client,
            None => {
                let made = self.client(setup.clone()).await?;
                // Two may have made one at the same time: everybody goes on with the same.
                lock(&self.0.clients).entry(setup).or_insert(made).clone()
            }
        };
        Ok(Wire { client, threads, allow })
    }

    /// What requests are sent over by one who drives its connections itself, on `threads`.
    pub(crate) async fn own_wire(
        &self,
        setup: Setup,
        threads: Handle,
        allow: String,
    ) -> Result<Wire, HttpError> {
        Ok(Wire { client: self.client(setup).await?, threads, allow })
    }

    async fn client(&self, setup: Setup) -> Result<reqwest::Client, HttpError> {
        let shared = Arc::clone(&self.0);
        let make = move || {
            let trust = shared.trust(setup.ca_file.as_deref())?;
            setup.client(trust, &shared.proxies, &shared.lookup)
        };
        // The certificates of a machine are a hundred files and more.
        let made = self.threads()?.spawn_blocking(make).await;
        made.map_err(|_| HttpError::unreachable("HTTP was taken down"))?
    }

    /// The token of a source, which everybody shares who has the same one.
    pub(crate) fn token(&self, source: &Arc<dyn TokenSource>) -> Arc<TokenCell> {
        let mut tokens = lock(&self.0.tokens);
        let cell = tokens
            .entry(identity(&**source))
            .or_insert_with(|| Arc::new(TokenCell::new(Arc::clone(source))));
        Arc::clone(cell)
    }

    /// The pace of a connector's requests to one host.
    pub(crate) fn pace(&self, connector: &str, host: &str) -> Arc<Pace> {
        let mut paces = lock(&self.0.paces);
        Arc::clone(paces.entry((connector.to_owned(), host.to_owned())).or_default())
    }

    /// What lets so many requests of a connector out at a time.
    pub(crate) fn turns(&self, connector: &str, most: usize) -> Arc<Semaphore> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let mut turns = lock(&self.0.turns);
        let made = || Arc::new(Semaphore::new(most));
        Arc::clone(turns.entry((connector.to_owned(), most)).or_insert_with(made))
    }
}

impl Shared {
    /// Whom to trust. All clients of a file share what is remembered of servers, so that only the
    /// first connection to one of them takes a full handshake.
    fn trust(&self, ca_file: Option<&Path>) -> Result<ClientConfig, HttpError> {
        let mut trusted = lock(&self.trusted);
        if let Some(config) = trusted.get(&ca_file.map(Path::to_owned)) {
            return Ok(config.clone());
        }
        let config = tls::config(ca_file)?;
        trusted.insert(ca_file.map(Path::to_owned), config.clone());
        Ok(config)
    }
}

/// The names that a set of URLs may reach although they are private.
pub(crate) fn named<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    names.map(str::to_owned).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // The last holder may be a task of any runtime, where waiting for threads is forbidden.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}
