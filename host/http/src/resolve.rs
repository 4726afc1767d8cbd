//! From names to addresses. The addresses that are checked here are the ones that are dialled:
//! there is no second look-up in which a name could turn out to be somebody else.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::Reach;

/// Looks a name up.
pub(crate) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// As the machine does it.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Finds the addresses of names, and leaves out those that may not be reached.
#[derive(Clone)]
pub(crate) struct Resolver {
    /// Names that the user wrote out: they may stand for addresses that are not public.
    pub named: Arc<BTreeSet<String>>,
    pub lookup: Lookup,
}

impl Resolver {
    async fn addresses(self, name: String) -> Result<Vec<SocketAddr>, Unresolved> {
        let plain = name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase();
        let named = self.named.contains(&plain);
        let found = (self.lookup)(name.clone()).await;
        let found = found.map_err(|error| Unresolved::Failed(name.clone(), error))?;
        let mut refused = None;
        let mut addresses = Vec::with_capacity(found.len());
        for address in found {
            match Reach::of(address) {
                Reach::Public => addresses.push(SocketAddr::new(address, 0)),
                Reach::Private(_) if named => addresses.push(SocketAddr::new(address, 0)),
                Reach::Private(kind) => refused = Some((address, kind, true)),
                Reach::Local(kind) => refused = Some((address, kind, false)),
            }
        }
        match refused {
            Some((address, kind, can_be_named)) if addresses.is_empty() => {
                Err(Unresolved::Refused(Refused { name, address, kind, can_be_named }))
            }
            _ => Ok(addresses),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(addresses.await?.into_iter()) as Addrs) })
    }
}

/// Why a name could not be resolved.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// It has no address, or nobody could be asked.
    Failed(String, io::Error),
    /// It has only addresses that may not be reached.
    Refused(Refused),
}

/// An address that may not be reached.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// The name that stands for it.
    pub name: String,
    pub address: IpAddr,
    /// What kind of address it is.
    pub kind: &'static str,
    /// Whether writing out the name would do, rather than the address.
    pub can_be_named: bool,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(name, error) => write!(f, "the name `{name}` was not found: {error}"),
            Self::Refused(Refused { name, address, kind, .. }) => {
                write!(f, "`{name}` stands for the {kind} address {address}")
            }
        }
    }
}

impl std::error::Error for Unresolved {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn resolver(named: &[&str], answers: &'static [&'static [&'static str]]) -> Resolver {
        let asked = AtomicUsize::new(0);
        Resolver {
            named: Arc::new(named.iter().map(|name| (*name).to_owned()).collect()),
            lookup: Arc::new(move |_| {
                let answer = answers[asked.fetch_add(1, Ordering::SeqCst)];
                let found = answer.iter().map(|address| address.parse().unwrap()).collect();
                Box::pin(async move { Ok(found) })
            }),
        }
    }

    async fn found(resolver: &Resolver, name: &str) -> Result<Vec<String>, Unresolved> {
        let found = resolver.clone().addresses(name.to_owned()).await?;
        Ok(found.into_iter().map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn only_public_addresses_are_left_over() {
        let resolver = resolver(&[], &[&["10.0.0.1", "1.1.1.1", "::1"], &["10.0.0.1"]]);
        assert_eq!(found(&resolver, "a.example").await.unwrap(), ["1.1.1.1"]);
        let error = found(&resolver, "a.example").await.unwrap_err().to_string();
        assert_eq!(error, "`a.example` stands for the private address 10.0.0.1");
    }

    #[tokio::test]
    async fn a_name_that_resolves_differently_the_second_time_is_refused_then() {
        let resolver = resolver(&[], &[&["1.1.1.1"], &["127.0.0.1"]]);
        assert_eq!(found(&resolver, "rebind.example").await.unwrap(), ["1.1.1.1"]);
        let error = found(&resolver, "rebind.example").await.unwrap_err();
        assert!(matches!(error, Unresolved::Refused(_)), "{error}");
    }

    #[tokio::test]
    async fn names_that_are_written_out_may_be_private_but_not_metadata() {
        let resolver = resolver(&["db.internal"], &[&["10.0.0.1"], &["169.254.169.254"]]);
        assert_eq!(found(&resolver, "DB.internal.").await.unwrap(), ["10.0.0.1"]);
        let error = found(&resolver, "db.internal").await.unwrap_err();
        assert!(matches!(error, Unresolved::Refused(Refused { can_be_named: false, .. })));
    }
}
