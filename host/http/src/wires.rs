//! What the requests of a connection are sent over.
//!
//! Whoever sends a few of them shares connections with everybody else. They live on a thread of
//! their own, and every answer has to wake up the thread that waits for it. Whoever sends many from
//! a thread that does nothing else gets connections that live there: an answer then wakes nobody.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::OnceCell;

use crate::client::Setup;
use crate::error::HttpError;
use crate::service::Http;
use crate::trip::Wire;

/// Requests that show that more are to come: connections of one's own are worth it from here on.
pub(crate) const MANY: u32 = 16;

/// What the requests of a connection are sent over; made as they are needed.
pub(crate) struct Wires {
    http: Http,
    setup: Setup,
    allow: String,
    sent: AtomicU32,
    shared: OnceCell<Wire>,
    own: OnceCell<Wire>,
}

impl Wires {
    /// `allow` says where more would be granted, for messages.
    pub(crate) fn new(http: &Http, setup: Setup, allow: String) -> Self {
        Self {
            http: http.clone(),
            setup,
            allow,
            sent: AtomicU32::new(0),
            shared: OnceCell::new(),
            own: OnceCell::new(),
        }
    }

    /// What the next request is sent over.
    pub(crate) async fn next(&self) -> Result<&Wire, HttpError> {
        if self.sent.fetch_add(1, Ordering::Relaxed) >= MANY
            && let Some(here) = alone()
        {
            let make = || {
                Box::pin(self.http.own_wire(self.setup.clone(), here.clone(), self.allow.clone()))
            };
            let own = self.own.get_or_try_init(make).await?;
            // They get on while their thread waits for them, and not while another one does.
            if own.threads.id() == here.id() {
                return Ok(own);
            }
        }
        let make = || Box::pin(self.http.wire(self.setup.clone(), self.allow.clone()));
        self.shared.get_or_try_init(make).await
    }
}

/// The runtime of this thread, if it has no other threads.
fn alone() -> Option<Handle> {
    let here = Handle::try_current().ok()?;
    (here.runtime_flavor() == RuntimeFlavor::CurrentThread).then_some(here)
}
