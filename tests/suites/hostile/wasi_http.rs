//! Connectors that misbehave through `wasi:http`: the same client, grants and limits contain them.

use std::io::Write;

use hygge_tests::project::Project;
use hygge_tests::web::{Received, Reply, Server};
use hygge_tests::{guest, table};

use crate::deeds::Deed;
use crate::run::{Outcomes, contained};

/// What the credential is, which nobody may see.
const SECRET: &str = "hunter2-is-the-token";

/// What is tried, and what is said of it.
const DEEDS: &[Deed] = &[
    ("web", &["was answered 200", "well served"]),
    ("denied", &["ErrorCode::HttpRequestDenied"]),
    ("metadata", &["ErrorCode::HttpRequestDenied"]),
    ("absolute", &["the host refused 127.0.0.1:"]),
    ("userinfo", &["holds a user name or password"]),
    ("redirect", &["was answered 302", "http://169.254.169.254/"]),
    ("bomb", &["broke off"]),
    ("endless", &["broke off"]),
    ("silence", &["ErrorCode::HttpResponseTimeout"]),
    ("host", &["HeaderError::Forbidden"]),
    ("framing", &["HeaderError::Forbidden"]),
    ("lengths", &["HeaderError::InvalidSyntax"]),
    ("crlf", &["HeaderError::InvalidSyntax"]),
    ("encoding", &["was answered 200", "well served"]),
    ("manyheaders", &["a request has 150 headers, of at most 100"]),
    ("signed", &["was answered 200", "x-echo", "***"]),
    ("another", &["ErrorCode::HttpRequestDenied"]),
    ("steal", &["ErrorCode::HttpRequestDenied"]),
    ("fields", &["`intruder` failed", "total size of fields exceeds limit"]),
    ("manyfields", &["`intruder` held more than 100 handles", "`handles` of `intruder`"]),
    ("bodies", &["`intruder` held more than 100 handles", "`handles` of `intruder`"]),
    ("futures", &["`intruder` held more than 100 handles", "`handles` of `intruder`"]),
    ("pollables", &["`intruder` held more than 100 handles", "`handles` of `intruder`"]),
    ("impatient", &["ErrorCode::ConnectionTimeout"]),
    ("hasty", &["ErrorCode::ConnectionReadTimeout"]),
    ("shorter", &["ErrorCode::HttpRequestBodySize"]),
    ("longer", &["StreamError::LastOperationFailed"]),
    ("giving_up", &["a request to `127.0.0.1` broke off"]),
    ("upload", &["was answered 200", "67108864"]),
];

/// What the user is told beside that.
const TOLD: &[Deed] = &[
    ("denied", &["may connect to `127.0.0.1`, but not as", "`allow_hosts` of `intruder`"]),
    ("metadata", &["may not connect to `169.254.169.254`", "`allow_hosts` of `intruder`"]),
    ("bomb", &["larger than the 1048576 bytes", "raise `max_response`"]),
    ("endless", &["larger than the 1048576 bytes", "raise `max_response`"]),
    ("another", &["credential `another`, which it was not granted", "under `auth:`"]),
    ("steal", &["credential `auth` goes to the origin of `base_url` alone", "`auth.hosts`"]),
];

fn serve(request: &Received, reply: &mut Reply<'_>) {
    match request.path.as_str() {
        "/redirect" => reply.send(302, &[("location", "http://169.254.169.254/")], ""),
        "/echo" => {
            let said = request.header("authorization").unwrap_or_default();
            reply.send(200, &[("x-echo", said)], format!("you said {request:?}"));
        }
        "/bomb" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&vec![b'0'; 20 << 20]).unwrap();
            reply.send(200, &[("content-encoding", "gzip")], gzip.finish().unwrap());
        }
        "/endless" => {
            reply.raw(b"HTTP/1.1 200 OK\r\n\r\n");
            while reply.raw(&[b'x'; 65536]) {}
            reply.last();
        }
        "/silence" => reply.fall_silent(),
        "/count" => match reply.rest() {
            Some(bytes) => reply.send(200, &[], bytes.to_string()),
            None => reply.last(),
        },
        _ => reply.send(200, &[], "well served"),
    }
}

#[test]
fn whatever_is_tried_through_wasi_is_refused_or_contained() {
    let other = Server::start(|_, reply| reply.send(200, &[], "not granted"));
    let friend = Server::start(|_, reply| reply.send(200, &[], "granted"));
    let server = Server::start(serve);

    let project = Project::new();
    project.write(
        "hygge.yml",
        format!(
            "name: network\njournal: {{ path: journal }}\n\
             options: {{ retries: 0, durability: process, concurrency: 8 }}\n\
             connectors:\n  intruder: {{ cpu: 5s, memory: 64 MB, instances: 1, handles: 100,\n\
             \x20   retries: 0, max_response: 1 MiB, read_timeout: 5s, request_timeout: 20s,\n\
             \x20   allow_hosts: [\"{}\"] }}\n",
            friend.origin()
        ),
    );
    guest::add_to(&project, "intruder");
    let flow = |name: &str, entities: &[&str]| {
        let entities: String = entities.iter().map(|entity| format!("  - {entity}\n")).collect();
        let text = format!(
            "home:\n  type: intruder\n  base_url: {}\n  friend: {}\n  other: {}\n  auth: {{ \
             type: bearer, token: \"${{TOKEN}}\" }}\nstore: lake/{name}\nentities:\n{entities}",
            server.origin(),
            friend.origin(),
            other.origin(),
        );
        project.write(&format!("flows/{name}/flow.yml"), text);
    };
    flow("tried", &DEEDS.iter().map(|(entity, _)| *entity).collect::<Vec<_>>());
    flow("well", &["found"]);

    let mut go = project.command(&["go", "--log-format", "json"]);
    go.env("TOKEN", SECRET);
    let said = contained(go);
    assert!(!said.all().contains(SECRET), "the token shows:\n{}", said.all());

    let outcomes = Outcomes::of(&said.stdout);
    outcomes.failed("tried", DEEDS);
    outcomes.warned("tried", TOLD);
    outcomes.succeeded("well", "found", 7);
    assert_eq!(table::count(&project.path("lake/well/found")), 7);

    assert_eq!(other.received().len(), 0, "{:?}", other.received());
    assert_eq!(friend.received().len(), 0, "{:?}", friend.received());
    let received = server.received();
    let signed = received.iter().filter(|request| request.header("authorization").is_some());
    let signed: Vec<_> = signed.map(|request| request.path.as_str()).collect();
    assert_eq!(signed, ["/echo"]);
    for request in &received {
        assert_eq!(request.header("hygge-credential"), None);
        let own = server.origin();
        assert_eq!(request.header("host"), own.strip_prefix("http://"));
        assert_ne!(request.header("accept-encoding"), Some("none"));
    }
}

#[test]
fn what_speaks_wasi_http_is_said_to_and_reaches_nothing_by_itself() {
    let project = Project::new();
    project.write("hygge.yml", "name: closed\noptions: { retries: 0 }\n");
    guest::add_to(&project, "intruder");
    project.write(
        "flows/f/flow.yml",
        "home: { type: intruder, other: \"http://127.0.0.1:9\" }\nstore: lake\nentities: \
         [denied]\n",
    );
    project.hygge(&["go"]).fails_with(&[
        "HttpRequestDenied",
        "may not connect to `127.0.0.1`",
        "`allow_hosts`",
    ]);
    project.hygge(&["debug"]).ok().says(&["connectors/intruder.wasm, which speaks wasi:http"]);
    for look in ["inspect", "check"] {
        project.hygge(&["connector", look, "intruder"]).ok().says(&[
            "wasi:http/outgoing-handler@0.2",
            "requests go where `base_url` and `allow_hosts` say",
        ]);
    }
}
