//! Proxies, as the environment names them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygge_tests::project::{Said, finish};
use hygge_tests::table;
use hygge_tests::web::{Received, Reply, Server};

use super::*;

/// What the proxy asks for, which nobody may see.
const PASSWORD: &str = "hunter2-of-the-proxy";

/// A proxy that plays every host there is by itself.
fn proxy() -> Server {
    Server::start(|request: &Received, reply: &mut Reply<'_>| {
        if request.method == "CONNECT" {
            reply.send(403, &[], "no tunnels here");
            return;
        }
        match request.path.as_str() {
            "http://api.nowhere.test/away" => {
                reply.send(302, &[("location", "http://169.254.169.254/latest/")], "");
            }
            _ => reply.send(200, &[("content-type", "application/json")], "[{\"id\": 1}]"),
        }
    })
}

/// A run of one flow that reads `path` of `base`, in an environment with a proxy.
fn go(proxy: &Server, more: &[(&str, &str)], base: &str, path: &str) -> (Project, Said) {
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: t\njournal: { path: journal }\noptions: { retries: 0 }\n\
         connectors: { rest: { retries: 0, allow_hosts: [\"http://*.nowhere.test\"] } }\n",
    );
    project.write(
        "flows/f/flow.yml",
        format!(
            "home: {{ type: rest, base_url: \"{base}\", path: \"{path}\" }}\nstore: lake\n\
             entities: [rows]\n"
        ),
    );
    let mut command = project.command(&["go", "--verbose"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let address = proxy.origin().replace("http://", &format!("http://me:{PASSWORD}@"));
    command.env("HTTP_PROXY", &address).env("HTTPS_PROXY", &address).envs(more.iter().copied());
    let said = finish(command.spawn().unwrap());
    assert!(!said.all().contains(PASSWORD), "the password shows: {}", said.all());
    (project, said)
}

#[test]
fn requests_go_through_the_proxy_which_looks_names_up() {
    let proxy = proxy();
    let (project, said) = go(&proxy, &[], "http://api.nowhere.test", "/rows");
    said.ok();
    assert_eq!(table::count(&project.path("lake/rows")), 1);
    let received = proxy.received();
    assert!(!received.is_empty());
    let signed = format!("Basic {}", STANDARD.encode(format!("me:{PASSWORD}")));
    for request in &received {
        assert!(request.path.starts_with("http://api.nowhere.test/rows"), "{}", request.path);
        assert_eq!(request.header("host"), Some("api.nowhere.test"));
        assert_eq!(request.header("proxy-authorization"), Some(signed.as_str()));
    }
}

#[test]
fn what_is_encrypted_goes_through_a_tunnel() {
    let proxy = proxy();
    let (_, said) = go(&proxy, &[], "https://api.nowhere.test", "/rows");
    said.fails_with(&["cannot reach `api.nowhere.test`"]);
    let received = proxy.received();
    let asked: Vec<_> = received.iter().map(|request| (&*request.method, &*request.path)).collect();
    assert!(asked.contains(&("CONNECT", "api.nowhere.test:443")), "{asked:?}");
    assert!(asked.iter().all(|(method, _)| *method == "CONNECT"), "{asked:?}");
}

#[test]
fn what_needs_no_proxy_goes_there_itself() {
    let proxy = proxy();
    let own = Server::start(|_, reply| {
        reply.send(200, &[("content-type", "application/json")], "[{\"id\": 1}, {\"id\": 2}]");
    });
    let (project, said) = go(&proxy, &[("NO_PROXY", "127.0.0.1")], &own.origin(), "/rows");
    said.ok();
    assert_eq!(table::count(&project.path("lake/rows")), 2);
    assert!(proxy.received().is_empty(), "{:?}", proxy.received());
    assert!(own.received().iter().all(|request| request.header("proxy-authorization").is_none()));
}

#[test]
fn a_proxy_is_no_way_around_what_is_granted() {
    let proxy = proxy();
    let (_, said) = go(&proxy, &[], "http://api.nowhere.test", "/away");
    said.fails_with(&["may not connect to `169.254.169.254`", "`allow_hosts` of `rest`"]);
    assert!(proxy.received().iter().all(|request| !request.path.contains("169.254")));
}
