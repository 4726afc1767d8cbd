//! Trying again, and keeping to a pace.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Reply, Server, ok, reply};
use super::world::{Granted, SHORT, rate, request};
use crate::{Request, error};

/// Answers with `failures` first, and then well.
async fn flaky(failures: Vec<fn() -> Reply>) -> Server {
    let count = AtomicUsize::new(0);
    Server::start(move |_| match failures.get(count.fetch_add(1, Ordering::SeqCst)) {
        Some(failure) => failure(),
        None => ok("at last"),
    })
    .await
}

fn busy() -> Reply {
    reply(503, &[("retry-after", "0")], "busy")
}

fn hang_up() -> Reply {
    Reply::Last(Vec::new())
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let server = flaky(vec![busy, hang_up, || reply(429, &[], "slow down")]).await;
    let world = Granted::base(server.origin()).set(|set| set.retries = 3).world();
    assert_eq!(world.whole(request("GET", "/")).await, Ok((200, "at last".to_owned())));
    assert_eq!(server.received().len(), 4);
    let said = world.listener.said();
    assert!(said.contains("answered 503") && said.contains("4 tries"), "{said}");
}

#[tokio::test]
async fn what_may_have_been_taken_is_not_sent_twice_unasked() {
    for (method, retry, requests) in
        [("POST", None, 1), ("POST", Some("always"), 2), ("GET", Some("never"), 1)]
    {
        for failure in [busy as fn() -> Reply, hang_up] {
            let server = flaky(vec![failure]).await;
            let world = Granted::base(server.origin()).set(|set| set.retries = 3).world();
            let mut request = request(method, "/");
            request.body = b"rows".to_vec().into();
            request.retry = retry.map(str::to_owned);
            let _ = world.whole(request).await;
            let received = server.received();
            assert_eq!(received.len(), requests, "{method} {retry:?}");
            assert!(received.iter().all(|request| request.text() == "rows"));
        }
    }
}

#[tokio::test]
async fn in_the_end_the_answer_is_what_the_server_says() {
    let server = Server::start(|request| match request.path() {
        "/later" => reply(429, &[("retry-after", "86400")], "tomorrow"),
        _ => busy(),
    })
    .await;
    let world = Granted::base(server.origin()).set(|set| set.retries = 1).world();
    assert_eq!(world.whole(request("GET", "/")).await, Ok((503, "busy".to_owned())));
    assert_eq!(server.received().len(), 2);
    // A day is too long to wait for: the connector learns of it.
    let answer = world.get("/later").await.unwrap();
    let after = answer.header("Retry-After");
    assert_eq!((answer.status(), after.as_deref()), (429, Some("86400")));
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let port = {
        let server = Server::start(|_| ok("")).await;
        server.port
    };
    tokio::task::yield_now().await;
    let world = Granted::base(format!("http://127.0.0.1:{port}")).world();
    let error = world.fails(request("GET", "/")).await;
    assert_eq!(error.code, error::UNREACHABLE);
    assert!(error.message.contains("cannot reach `127.0.0.1`"), "{error}");
    let world = Granted::nothing().hosts(&["http://gone.example"]).world();
    let error = world.fails(request("GET", "http://gone.example/")).await;
    assert!(error.message.contains("its name was not found"), "{error}");
}

#[tokio::test]
async fn a_flood_goes_out_at_the_pace_that_is_set() {
    let server = Server::start(|_| ok("")).await;
    let granted = Granted::base(server.origin()).set(|set| {
        set.rate_limit = rate("3/h");
        set.request_timeout = std::time::Duration::from_millis(300);
    });
    // Of two instances of one connector.
    let (a, b) = (granted.clone().world(), granted.world());
    let all = (0..20).map(|n| if n % 2 == 0 { &a } else { &b });
    let sent = futures::future::join_all(all.map(|world| world.whole(request("GET", "/")))).await;
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 1);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn only_so_many_are_under_way_at_a_time() {
    let server = Server::start(|_| Reply::Silence(Vec::new())).await;
    let world = Granted::base(server.origin()).set(|set| set.requests = 3).world();
    let first = futures::future::join_all((0..3).map(|_| world.whole(request("GET", "/"))));
    let others = async {
        while server.received().len() < 3 {
            tokio::time::sleep(SHORT / 10).await;
        }
        let hasty = Request { timeout: Some(SHORT), ..request("GET", "/") };
        let sent = futures::future::join_all((0..10).map(|_| world.whole(hasty.clone()))).await;
        assert!(sent.iter().all(|sent| sent.as_ref().unwrap_err().code == error::TIMEOUT));
        assert_eq!(server.received().len(), 3);
        world.listener.cancel.cancel();
    };
    let (first, ()) = tokio::join!(first, others);
    assert!(first.iter().all(Result::is_err));
}
