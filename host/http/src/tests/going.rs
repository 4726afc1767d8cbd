//! Where requests go, and where they do not.

use super::server::{Server, ok, reply};
use super::world::{Granted, request};
use crate::error;

#[tokio::test]
async fn a_base_url_is_granted_by_being_written() {
    let server = Server::start(|_| ok("hello")).await;
    let world = Granted::base(server.origin()).world();
    let answer = world.whole(request("GET", "orders?page=2")).await;
    assert_eq!(answer, Ok((200, "hello".to_owned())));
    let received = &server.received()[0];
    assert_eq!(received.line, "GET /orders?page=2 HTTP/1.1");
    assert_eq!(received.header("host"), Some(server.origin().trim_start_matches("http://")));
    assert_eq!(received.header("accept-encoding"), Some("gzip, br, zstd"));
    assert!(received.header("user-agent").unwrap().starts_with("hygge/"));
    drop(world.get("x?key=hunter2").await.unwrap());
    let said = world.listener.said();
    assert!(said.contains("/orders?page 200 in"), "{said}");
    assert!(said.contains("5 bytes") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn nothing_is_reachable_without_a_grant() {
    let world = Granted::nothing().world();
    for target in [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
        "https://api.example.com/",
        "/relative",
    ] {
        let error = world.fails(request("GET", target)).await;
        assert_eq!(error.code, error::NOT_GRANTED, "{target}: {error}");
    }
    let error = world.fails(request("POST", "https://api.example.com:8443/x")).await;
    assert_eq!(
        error.message,
        "it may not connect to `api.example.com`: to let it, add `api.example.com:8443` to \
         `allow_hosts` of `shop` under `connectors:` in hygge.yml"
    );
}

#[tokio::test]
async fn another_host_is_not_reached_by_any_spelling() {
    let (own, other) = tokio::join!(Server::start(|_| ok("own")), Server::start(|_| ok("other")));
    let world = Granted::base(own.origin()).world();
    let port = other.port;
    for target in [
        format!("http://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("/\\127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{}@127.0.0.1:{port}/", own.port),
    ] {
        let error = world.fails(request("GET", &target)).await;
        assert!(
            [error::NOT_GRANTED, error::BAD_REQUEST].contains(&error.code),
            "{target}: {error}"
        );
    }
    // A target in the form that a proxy would be sent is a path like any other.
    let target = format!("/http://127.0.0.1:{port}/");
    assert_eq!(world.whole(request("GET", &target)).await.unwrap().1, "own");
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn methods_are_granted_one_by_one() {
    let server = Server::start(|_| ok("")).await;
    let grant = format!("GET {}", server.origin());
    let world = Granted::nothing().hosts(&[&grant]).world();
    let target = format!("{}/x", server.origin());
    assert!(world.get(&target).await.is_ok());
    let error = world.fails(request("DELETE", &target)).await;
    assert!(error.message.contains("but not send `DELETE`"), "{error}");
    for method in ["CONNECT", "TRACE", "G T", ""] {
        assert!(world.send(request(method, &target)).await.is_err(), "{method}");
    }
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_name_below_a_suffix_may_not_lead_home() {
    let server = Server::start(|_| ok("secret")).await;
    let origin = format!("http://*.example.com:{}", server.port);
    for address in
        ["127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"]
    {
        let granted = Granted::with_names(&[("a.example.com", &[address])]).hosts(&[&origin]);
        let target = format!("http://a.example.com:{}/", server.port);
        let error = granted.world().fails(request("GET", &target)).await;
        assert_eq!(error.code, error::NOT_GRANTED, "{address}: {error}");
        assert!(error.message.contains("`a.example.com`, which stands for the"), "{error}");
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_name_that_is_written_out_may_lead_home_and_its_checked_address_is_dialled() {
    let server = Server::start(|_| ok("here")).await;
    let origin = format!("http://db.internal:{}", server.port);
    let names: &[(&str, &[&str])] = &[("db.internal", &["127.0.0.1", "169.254.169.254"])];
    let world = Granted::with_names(names).hosts(&[&origin]).world();
    assert_eq!(world.whole(request("GET", &format!("{origin}/"))).await.unwrap().1, "here");
    // The connection is kept, so nobody is asked again; whoever is asked again is told otherwise.
    let other = Granted::with_names(&[("db.internal", &["169.254.169.254"])]).hosts(&[&origin]);
    let error = other.world().fails(request("GET", &format!("{origin}/"))).await;
    assert!(error.message.contains("write out the address `169.254.169.254`"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_checked_like_any_request() {
    let other = Server::start(|_| ok("other")).await;
    let elsewhere = other.origin();
    let server = Server::start(move |request| match request.path() {
        "/metadata" => reply(302, &[("location", "http://169.254.169.254/latest/meta-data/")], ""),
        "/other" => reply(307, &[("location", &elsewhere)], ""),
        "/file" => reply(302, &[("location", "file:///etc/passwd")], ""),
        "/loop" => reply(302, &[("location", "/loop")], ""),
        "/post" => reply(302, &[("location", "/here")], ""),
        _ => ok("here"),
    })
    .await;
    let world = Granted::base(server.origin()).world();
    for path in ["/metadata", "/other", "/file"] {
        let error = world.fails(request("GET", path)).await;
        assert_eq!(error.code, error::NOT_GRANTED, "{path}: {error}");
    }
    let error = world.fails(request("GET", "/metadata")).await;
    assert!(
        error.message.contains("`169.254.169.254`, to which `127.0.0.1` redirects it"),
        "{error}"
    );
    assert!(world.fails(request("GET", "/loop")).await.message.contains("more than 10 times"));
    assert!(other.received().is_empty());

    let mut post = request("POST", "/post");
    post.body = b"rows".to_vec().into();
    assert_eq!(world.whole(post).await.unwrap().1, "here");
    let last = server.received().pop().unwrap();
    assert_eq!((last.method(), last.text().as_str()), ("GET", ""));
}
