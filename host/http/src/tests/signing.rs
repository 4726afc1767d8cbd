//! Credentials on their way out.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::server::{Received, Reply, Server, ok, reply};
use super::world::{Granted, World, auth, request};
use crate::Request;
use crate::error;

fn signed(target: &str) -> Request {
    Request { credential: Some("default".to_owned()), ..request("GET", target) }
}

async fn sent_with(keys: &[(&str, &str)]) -> Received {
    let server = Server::start(|_| ok("")).await;
    let world = Granted::base(server.origin()).auth(keys).world();
    world.whole(signed("/x?a=1")).await.unwrap();
    server.received().remove(0)
}

#[tokio::test]
async fn fixed_credentials_are_added_where_they_belong() {
    let sent = sent_with(&[("type", "bearer"), ("token", "hunter2")]).await;
    assert_eq!(sent.header("authorization"), Some("Bearer hunter2"));
    let sent = sent_with(&[("type", "basic"), ("username", "me"), ("password", "pä:ss")]).await;
    let value = format!("Basic {}", STANDARD.encode("me:pä:ss"));
    assert_eq!(sent.header("authorization"), Some(value.as_str()));
    let sent = sent_with(&[("type", "api_key"), ("key", "hunter2")]).await;
    assert_eq!(sent.header("x-api-key"), Some("hunter2"));
    let keys =
        [("type", "api_key"), ("key", "k"), ("header", "Authorization"), ("prefix", "Token")];
    assert_eq!(sent_with(&keys).await.header("authorization"), Some("Token k"));
    let sent = sent_with(&[("type", "api_key"), ("key", "a b&c"), ("query", "key")]).await;
    assert_eq!(sent.path(), "/x?a=1&key=a+b%26c");
}

#[tokio::test]
async fn nobody_gets_a_credential_that_is_not_theirs() {
    let server = Server::start(|_| ok("")).await;
    let granted = Granted::base(server.origin());
    // Where there is none at all, what every connector asks for is nothing.
    granted.clone().world().whole(signed("/")).await.unwrap();
    let label = Request { credential: Some("other".to_owned()), ..request("GET", "/") };
    let error = granted.clone().world().fails(label).await;
    assert_eq!(error.code, error::CREDENTIAL);
    assert!(error.message.contains("the credential `other`, which it was not granted"));
    let world = granted.auth(&[("type", "bearer"), ("token", "hunter2")]).world();
    let other = Request { credential: Some("other".to_owned()), ..request("GET", "/") };
    assert!(world.fails(other).await.message.contains("there is `default` under `auth:`"));
    // Unless it asks for it, nothing is added; and it cannot set the same header by itself.
    world.whole(request("GET", "/")).await.unwrap();
    assert!(server.received().iter().all(|sent| sent.header("authorization").is_none()));
    let headers = vec![("Authorization".to_owned(), "mine".to_owned())];
    let error = world.fails(Request { headers, ..signed("/") }).await;
    assert!(error.message.contains("`authorization`: the credential `auth` does"), "{error}");
}

#[tokio::test]
async fn a_credential_does_not_follow_a_redirect_elsewhere() {
    let other = Server::start(|_| ok("other")).await;
    let there = other.origin();
    let server = Server::start(move |request| match request.path() {
        "/away" => reply(302, &[("location", &there)], ""),
        "/on" => reply(302, &[("location", "/here")], ""),
        _ => ok("here"),
    })
    .await;
    let world = Granted::base(server.origin())
        .hosts(&[&other.origin()])
        .auth(&[("type", "bearer"), ("token", "hunter2")])
        .world();
    assert_eq!(world.whole(signed("/away")).await.unwrap().1, "other");
    assert_eq!(other.received()[0].header("authorization"), None);
    assert_eq!(world.whole(signed("/on")).await.unwrap().1, "here");
    let last = server.received().pop().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer hunter2"));
}

#[tokio::test]
async fn a_credential_goes_to_its_hosts_alone() {
    let (server, other) = tokio::join!(Server::start(|_| ok("")), Server::start(|_| ok("")));
    let keys = [("type", "bearer"), ("token", "hunter2")];
    let granted = Granted::base(server.origin()).hosts(&[&other.origin()]);
    let world = granted.auth_to(&keys, &[&server.origin()]).world();
    world.whole(signed("/")).await.unwrap();
    let error = world.fails(signed(&other.origin())).await;
    assert!(error.message.contains("`auth` may not go to `127.0.0.1`"), "{error}");
    assert!(other.received().is_empty());
}

/// A server that gives out tokens, each good until it is told otherwise, and takes the newest.
async fn tokens(lifetime: &'static str) -> (Server, World) {
    let (given, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let server = Server::start(move |request| match request.path() {
        "/token" if request.text().contains("wrong") => {
            let said = r#"{"error":"invalid_client","error_description":"no client wrong-secret"}"#;
            reply(401, &[], said)
        }
        "/token" => {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            taken.store(number, Ordering::SeqCst);
            let rotated = format!("refresh-{number}");
            ok(format!(
                r#"{{"access_token":"token-{number}","token_type":"Bearer",
                    "refresh_token":"{rotated}"{lifetime}}}"#
            ))
        }
        "/forget" => {
            taken.store(usize::MAX, Ordering::SeqCst);
            ok("")
        }
        _ => {
            let newest = format!("Bearer token-{}", taken.load(Ordering::SeqCst));
            match request.header("authorization") == Some(newest.as_str()) {
                true => ok("welcome"),
                false => reply(401, &[], "who are you"),
            }
        }
    })
    .await;
    let world = world_of(&server, "oauth2_client_credentials", ("client_secret", "hunter2"));
    (server, world)
}

fn world_of(server: &Server, kind: &str, secret: (&str, &str)) -> World {
    let url = format!("{}/token", server.origin());
    let keys = [("type", kind), ("token_url", &url), ("client_id", "me"), secret];
    Granted::base(server.origin()).auth(&keys).world()
}

fn asked_for(server: &Server) -> Vec<String> {
    let received = server.received();
    received.iter().filter(|request| request.path() == "/token").map(Received::text).collect()
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_and_kept() {
    let (server, world) = tokens(r#","expires_in":3600"#).await;
    let all = (0..20).map(|_| world.whole(signed("/rows")));
    for sent in futures::future::join_all(all).await {
        assert_eq!(sent.unwrap().1, "welcome");
    }
    let form = "grant_type=client_credentials&client_id=me&client_secret=hunter2";
    assert_eq!(asked_for(&server), [form]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let (server, world) = tokens("").await;
    world.whole(signed("/rows")).await.unwrap();
    world.whole(request("GET", "/forget")).await.unwrap();
    let all = (0..10).map(|_| world.whole(signed("/rows")));
    for sent in futures::future::join_all(all).await {
        assert_eq!(sent.unwrap(), (200, "welcome".to_owned()));
    }
    assert_eq!(asked_for(&server).len(), 2);
    // A server that refuses every token is not asked for ever.
    let server = Server::start(|request| match request.path() {
        "/token" => ok(r#"{"access_token":"never-good"}"#),
        _ => reply(401, &[], "no"),
    })
    .await;
    let world = world_of(&server, "oauth2_client_credentials", ("client_secret", "hunter2"));
    assert_eq!(world.whole(signed("/rows")).await.unwrap().0, 401);
    assert_eq!(server.received().len(), 4);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_with_what_was_given_last() {
    let (server, _) = tokens(r#","expires_in":"0""#).await;
    let world = world_of(&server, "oauth2_refresh_token", ("refresh_token", "first"));
    for _ in 0..3 {
        world.whole(signed("/rows")).await.unwrap();
    }
    let used: Vec<_> = asked_for(&server)
        .iter()
        .map(|form| {
            form.split('&')
                .find_map(|field| field.strip_prefix("refresh_token="))
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(used, ["first", "refresh-1", "refresh-2"]);
    let said = world.listener.said();
    assert_eq!(
        said.matches("warning: `127.0.0.1` replaced the refresh token of `auth`").count(),
        1
    );
    assert!(!said.contains("refresh-1") && !said.contains("first"), "{said}");
    // One that stays as it is is nothing to speak of; nor is one that is not used.
    let world = world_of(&server, "oauth2_refresh_token", ("refresh_token", "refresh-4"));
    world.whole(signed("/rows")).await.unwrap();
    let (_others, other) = tokens("").await;
    other.whole(signed("/rows")).await.unwrap();
    for world in [world, other] {
        assert!(!world.listener.said().contains("replaced"), "{}", world.listener.said());
    }
}

#[tokio::test]
async fn a_refused_client_is_told_what_to_check_and_does_not_hammer() {
    let (server, _) = tokens("").await;
    let world = world_of(&server, "oauth2_client_credentials", ("client_secret", "wrong-secret"));
    for _ in 0..3 {
        let error = world.fails(signed("/rows")).await;
        assert_eq!(
            error.message,
            "`127.0.0.1` gave no token for `auth`, it answered 401 (invalid_client: no client \
             ***): check `client_id`, `client_secret` and `scope`"
        );
    }
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_statement_is_signed_and_traded_for_a_token() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let server = Server::start(|request| match request.path() {
        "/token" => ok(r#"{"access_token":"token-1"}"#),
        _ => ok(request.header("authorization").unwrap()),
    })
    .await;
    let url = format!("{}/token", server.origin());
    let pem = pair.serialize_pem();
    let keys = [
        ("type", "jwt_bearer"),
        ("token_url", &*url),
        ("issuer", "client"),
        ("subject", "me@example.com"),
        ("private_key", &*pem),
        ("algorithm", "es256"),
        ("key_id", "k1"),
    ];
    let world = Granted::base(server.origin()).auth(&keys).world();
    // What the server echoes is the token, which is not for the connector.
    assert_eq!(world.whole(signed("/rows")).await.unwrap().1, "Bearer ***");
    let form = &asked_for(&server)[0];
    assert!(form.starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"));
    let stated = form.split("assertion=").nth(1).unwrap();
    let part = |n: usize| -> serde_json::Value {
        let part = stated.split('.').nth(n).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(part(0)["alg"], "ES256");
    assert_eq!(part(0)["kid"], "k1");
    assert_eq!(part(1)["sub"], "me@example.com");
    assert_eq!(part(1)["aud"], url);
    assert!(part(1)["exp"].as_u64() > part(1)["iat"].as_u64());
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_told() {
    let server = Server::start(|request| match request.path() {
        "/token" => Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec()),
        _ => ok(""),
    })
    .await;
    let world = world_of(&server, "oauth2_client_credentials", ("client_secret", "hunter2"));
    let error = world.fails(signed("/rows")).await;
    assert!(error.message.contains("without an `access_token`"), "{error}");
    assert!(error.message.contains("`token_url`"), "{error}");
}

#[test]
fn mistakes_in_credentials_name_the_key() {
    for (keys, words) in [
        (&[("type", "bearer")][..], "`token` is missing"),
        (&[("type", "bearr"), ("token", "x")], "no `type: bearr`"),
        (&[("type", "bearer"), ("token", "")], "empty"),
        (&[("type", "bearer"), ("token", "a\nb")], "`token` holds a line break"),
        (&[("type", "bearer"), ("tokken", "x")], "unknown key `tokken`"),
        (&[("token", "x")], "neither a credential nor a `type`"),
        (&[("type", "basic"), ("username", "a:b"), ("password", "x")], "no colon"),
        (&[("type", "api_key"), ("key", "k"), ("query", "q"), ("header", "h")], "or in the query"),
        (&[("type", "jwt_bearer"), ("token_url", "https://a.example"), ("issuer", "x")], "one of"),
        (
            &[("type", "oauth2_refresh_token"), ("token_url", "a.example"), ("refresh_token", "x")],
            "not the URL of a token endpoint",
        ),
    ] {
        let error = auth(keys).unwrap_err();
        assert!(error.contains(words), "{keys:?}: {error}");
        assert!(!error.contains("a\nb"), "{error}");
    }
}
