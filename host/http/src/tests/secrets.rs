//! Secrets do not come back.

use super::server::{Received, Server, reply};
use super::world::{Granted, read, request};
use crate::Request;

/// Answers with all it was told, in the head and in the body.
fn echo(request: &Received) -> super::server::Reply {
    let said = request.header("authorization").or(request.header("x-api-key"));
    let said = said.unwrap_or_default().to_owned();
    let body = format!("{}\n{:?}\n{said}", request.line, request.headers);
    reply(200, &[("x-echo", &said), ("set-cookie", "session=1")], body)
}

#[tokio::test]
async fn an_echo_is_taken_out_of_head_and_body() {
    for keys in [
        &[("type", "bearer"), ("token", "hunter2-token")][..],
        &[("type", "basic"), ("username", "me"), ("password", "hunter2")],
        &[("type", "api_key"), ("key", "hunter2")],
        &[("type", "api_key"), ("key", "hunter2/+ x"), ("query", "key")],
    ] {
        let server = Server::start(echo).await;
        let world = Granted::base(server.origin()).auth(keys).world();
        let credential = Some("default".to_owned());
        let request = Request { credential, ..request("GET", "/rows") };
        let mut answer = world.send(request).await.unwrap();
        let body = String::from_utf8(read(&mut answer).await.unwrap()).unwrap();
        let headers = format!("{:?}", answer.headers());
        assert!(!headers.contains("session=1"), "{headers}");
        drop(answer);
        let said = world.listener.said();
        assert!(body.contains("***"), "{body}");
        assert!(said.contains("warning: `127.0.0.1` echoes a credential"), "{said}");
        for text in [&body, &headers, &said] {
            for secret in ["hunter2", "aHVudGVyMg", "bWU6aHVudGVyM"] {
                assert!(!text.contains(secret), "{keys:?}: {text}");
            }
        }
    }
}

#[test]
fn what_is_configured_shows_no_secret() {
    let granted = Granted::base("https://a.example").auth(&[
        ("type", "basic"),
        ("username", "me"),
        ("password", "hunter2"),
    ]);
    let shown = format!("{:?}", granted.spec);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("bWU6aHVudGVyMg"), "{shown}");
}
