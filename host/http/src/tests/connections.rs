//! Connections: how many there are, whose they are, and where they live.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::server::{Reply, Server, ok};
use super::world::{Granted, SHORT, World, request};
use crate::wires::MANY;

/// As many as show that more are to come.
const FEW: usize = MANY as usize;

impl World {
    async fn get_times(&self, times: usize) {
        for _ in 0..times {
            self.whole(request("GET", "/")).await.unwrap();
        }
    }
}

/// Does something on a thread of its own, which then ends with all that lives there.
async fn alone<F: Future<Output = ()> + Send>(work: impl FnOnce() -> F + Send + 'static) {
    let done = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work());
    });
    done.await.unwrap();
}

/// By which connections requests came, in their order.
fn connections(server: &Server) -> Vec<usize> {
    server.received().iter().map(|request| request.connection).collect()
}

/// A connection that is not free yet when the next request comes makes for another one, but not
/// for one with every request.
fn assert_few(connections: &[usize]) {
    let most = connections.iter().collect::<BTreeSet<_>>().len();
    assert!(most <= 4, "{connections:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_again_by_everybody() {
    let server = Server::start(|_| ok("x")).await;
    let granted = Granted::base(server.origin());
    granted.clone().world().get_times(2 * FEW).await;
    let few = granted.world();
    alone(move || async move { few.get_times(FEW).await }).await;
    assert_few(&connections(&server));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_many_requests_from_a_thread_has_a_connection_there() {
    let server = Server::start(|_| ok("x")).await;
    let granted = Granted::base(server.origin());
    let (many, other) = (Arc::new(granted.clone().world()), granted.world());
    let one = Arc::clone(&many);
    alone(move || async move { one.get_times(FEW + 3).await }).await;
    alone(move || async move { other.get_times(FEW + 2).await }).await;
    // Its thread is no more: it shares the connections of the others again.
    many.get_times(1).await;
    let came = connections(&server);
    let shared = [&came[..FEW], &came[FEW + 3..2 * FEW + 3], &came[2 * FEW + 5..]].concat();
    assert_few(&shared);
    let (own, others) = (came[FEW], came[2 * FEW + 3]);
    assert_eq!(came[FEW..FEW + 3], [own; 3]);
    assert_eq!(came[2 * FEW + 3..2 * FEW + 5], [others; 2]);
    assert!(own != others && !shared.contains(&own) && !shared.contains(&others), "{came:?}");
}

#[tokio::test]
async fn a_connection_that_the_server_ended_is_not_used_again() {
    let last = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&last);
    let server = Server::start(move |_| match (ok("x"), ends.load(Ordering::SeqCst)) {
        (Reply::Bytes(bytes), true) => Reply::Last(bytes),
        (reply, _) => reply,
    })
    .await;
    let world = Granted::base(server.origin()).world();
    world.get_times(FEW + 1).await;
    last.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        // One that may not be sent twice.
        world.whole(request("POST", "/")).await.unwrap();
        tokio::time::sleep(SHORT).await;
    }
    let came = &connections(&server)[FEW..];
    let own = came[0];
    assert_eq!(came, [own, own, own + 1, own + 2]);
}
