//! What comes back, and what does not.

use std::io::Write;

use super::server::{Reply, Server, ok, reply};
use super::world::{Granted, SHORT, read, request};
use crate::error;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn packed_bodies_are_unpacked() {
    let text = "hello, ".repeat(100_000);
    let packed = gzip(text.as_bytes());
    let server = Server::start(move |_| reply(200, &[("content-encoding", "gzip")], &packed)).await;
    let world = Granted::base(server.origin()).world();
    let mut answer = world.get("/").await.unwrap();
    assert!(!answer.headers().iter().any(|(name, _)| name == "content-length"));
    assert!(world.listener.budget.used() > 0);
    assert_eq!(read(&mut answer).await.unwrap(), text.as_bytes());
    drop(answer);
    assert_eq!(world.listener.budget.used(), 0);
}

#[tokio::test]
async fn a_bomb_goes_no_further_than_allowed() {
    let packed = gzip(&vec![b'0'; 50 << 20]);
    let server = Server::start(move |_| reply(200, &[("content-encoding", "gzip")], &packed)).await;
    let world = Granted::base(server.origin()).set(|set| set.max_response = 1 << 20).world();
    let error = world.fails(request("GET", "/")).await;
    assert_eq!(error.code, error::TOO_LARGE);
    assert!(error.message.contains("1048576 bytes") && error.message.contains("`max_response`"));
}

#[tokio::test]
async fn a_body_without_end_ends() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let server = Server::start(move |request| match request.path() {
        "/endless" => Reply::Endless(head.clone(), vec![b'x'; 65536]),
        _ => Reply::Silence(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n".to_vec()),
    })
    .await;
    let world = Granted::base(server.origin()).set(|set| set.max_response = 10 << 20).world();
    for path in ["/endless", "/claimed"] {
        assert_eq!(world.fails(request("GET", path)).await.code, error::TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let server = Server::start(|request| match request.path() {
        "/head" => Reply::Silence(Vec::new()),
        "/body" => Reply::Silence(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()),
        _ => ok(""),
    })
    .await;
    let world = Granted::base(server.origin()).set(|set| set.read_timeout = SHORT).world();
    for (path, words) in [("/head", "did not answer within 100ms"), ("/body", "after 4 bytes")] {
        let error = world.fails(request("GET", path)).await;
        assert_eq!(error.code, error::TIMEOUT);
        assert!(error.message.contains(words), "{error}");
        assert!(error.message.contains("`read_timeout`"), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_drips_has_only_so_much_time() {
    // Every drop comes in time; all of them together do not.
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let server = Server::start(move |_| Reply::Silence(head.clone())).await;
    let world = Granted::base(server.origin()).set(|set| set.request_timeout = SHORT).world();
    let error = world.fails(request("GET", "/")).await;
    assert_eq!(error.code, error::TIMEOUT);
    assert!(error.message.contains("`request_timeout`"), "{error}");
    // A connector may be less patient than its user, but not more.
    let server = Server::start(|_| Reply::Silence(Vec::new())).await;
    let world = Granted::base(server.origin()).world();
    let mut hasty = request("GET", "/");
    hasty.timeout = Some(SHORT);
    assert!(world.fails(hasty).await.message.contains("`request_timeout`"));
}

#[tokio::test]
async fn answers_that_are_cut_or_contradict_themselves_are_errors() {
    let server = Server::start(|request| {
        let text = match request.path() {
            "/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
            "/chunk" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "/lengths" => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 40\r\n\r\nhalf",
            "/noise" => "SSH-2.0-OpenSSH\r\n\r\n",
            "/odd" => "HTTP/1.1 200 OK\r\ncontent-encoding: compress\r\n\r\nx",
            "/twice" => {
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-encoding: br\r\n\r\nx"
            }
            _ => "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\nnot gzip!",
        };
        Reply::Last(text.as_bytes().to_vec())
    })
    .await;
    let world = Granted::base(server.origin()).world();
    for (path, code) in [
        ("/cut", error::UNREACHABLE),
        ("/chunk", error::UNREACHABLE),
        ("/lengths", error::BAD_ANSWER),
        ("/noise", error::BAD_ANSWER),
        ("/odd", error::BAD_ANSWER),
        ("/twice", error::BAD_ANSWER),
        ("/damaged", error::BAD_ANSWER),
    ] {
        let error = world.fails(request("GET", path)).await;
        assert_eq!(error.code, code, "{path}: {error}");
    }
}

#[tokio::test]
async fn a_million_headers_are_refused() {
    let server = Server::start(|request| {
        let headers = match request.path() {
            "/many" => "x: y\r\n".repeat(1_000_000),
            _ => format!("x: {}\r\n", "y".repeat(1_000_000)),
        };
        Reply::Last(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes())
    })
    .await;
    let world = Granted::base(server.origin()).world();
    for path in ["/many", "/long"] {
        let error = world.fails(request("GET", path)).await;
        assert_eq!(error.code, error::BAD_ANSWER, "{path}: {error}");
    }
}

#[tokio::test]
async fn what_is_read_is_at_most_what_was_asked_for() {
    let server = Server::start(|_| ok("x".repeat(100_000))).await;
    let world = Granted::base(server.origin()).world();
    let mut answer = world.get("/").await.unwrap();
    let mut all = 0;
    loop {
        let read = answer.read(1000).await.unwrap();
        assert!(read.len() <= 1000);
        if read.is_empty() {
            break;
        }
        all += read.len();
    }
    assert_eq!(all, 100_000);
    assert!(answer.read(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cancelled_run_ends_every_wait() {
    let server = Server::start(|request| match request.path() {
        "/head" => Reply::Silence(Vec::new()),
        _ => Reply::Silence(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
    })
    .await;
    for path in ["/head", "/body"] {
        let world = Granted::base(server.origin()).world();
        let cancel = world.listener.cancel.clone();
        let cancels = async {
            tokio::time::sleep(SHORT).await;
            cancel.cancel();
        };
        let (error, ()) = tokio::join!(world.fails(request("GET", path)), cancels);
        assert_eq!(error.kind, hygge_core::fault::FaultKind::Cancelled, "{path}");
    }
}
