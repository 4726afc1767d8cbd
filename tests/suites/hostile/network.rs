//! Connectors that misbehave over the network, and servers that do.

use std::io::Write;
use std::sync::OnceLock;

use hygge_tests::guest;
use hygge_tests::project::Project;
use hygge_tests::web::{Received, Reply, Server};

use crate::deeds::Deed;
use crate::run::{Outcomes, contained, whole};

/// What the credential is, which nobody may see.
const SECRET: &str = "hunter2-is-the-token";

/// What is tried, and what is said of it.
const DEEDS: &[Deed] = &[
    ("metadata_in_next", &["may not connect to `169.254.169.254`", "`allow_hosts` of `hostile`"]),
    ("localhost_in_next", &["may not connect to `localhost`", "`allow_hosts` of `hostile`"]),
    ("decimal_in_next", &["may connect to `127.0.0.1`, but not as `http://127.0.0.1:"]),
    ("octal_in_next", &["may connect to `127.0.0.1`, but not as `http://127.0.0.1:"]),
    ("hexadecimal_in_next", &["may connect to `127.0.0.1`, but not as `http://127.0.0.1:"]),
    ("mapped_in_next", &["may not connect to `[::ffff:7f00:1]`", "`allow_hosts` of `hostile`"]),
    ("absolute_in_next", &["but not as `http://127.0.0.1:", "`allow_hosts` of `hostile`"]),
    ("schemeless_in_next", &["but not as `http://127.0.0.1:", "`allow_hosts` of `hostile`"]),
    ("backslashes_in_next", &["holds a space, a backslash or a control character"]),
    ("userinfo_in_next", &["holds a user name or password", "under `auth:`"]),
    ("file_in_next", &["may not send a request to `file:///etc/passwd`"]),
    ("redirect_in_next", &["`169.254.169.254`, to which `127.0.0.1` redirects it"]),
    ("away_in_next", &["but not as `http://127.0.0.1:", "to which `127.0.0.1` redirects it"]),
    ("carry_in_next", &["but not as `http://127.0.0.1:", "to which `127.0.0.1` redirects it"]),
    ("circle_in_next", &["redirects more than 10 times"]),
    ("crlf_in_next", &["the value of the header `x-own` holds a line break"]),
    ("host_in_next", &["may not set the header `host`: the host does"]),
    ("length_in_next", &["may not set the header `content-length`: the host does"]),
    ("manyheaders_in_next", &["a request has 200000 headers, of at most 100"]),
    ("another_in_next", &["credential `another`, which it was not granted", "under `auth:`"]),
    ("steal_in_next", &["but not as `http://127.0.0.1:"]),
    ("echo_in_next", &["was answered 200", "x-echo", "***"]),
    ("bomb_in_next", &["larger than the 1048576 bytes", "raise `max_response`"]),
    ("headers_in_next", &["the answer of `127.0.0.1` is not HTTP"]),
    ("endless_in_next", &["larger than the 1048576 bytes", "raise `max_response`"]),
    ("claimed_in_next", &["larger than the 1048576 bytes", "raise `max_response`"]),
    ("drip_in_next", &["the answer of `127.0.0.1` was not there in time (`request_timeout`)"]),
    ("silence_in_next", &["did not answer within 5s (`read_timeout`)"]),
    ("lengths_in_next", &["the answer of `127.0.0.1` is not HTTP"]),
    ("cut_in_next", &["the connection to `127.0.0.1` was lost", "after 4 bytes"]),
    ("proxyform_in_next", &["was answered 200", "well served"]),
    ("hoard_in_next", &["`hostile` held more than 100 handles", "`handles` of `hostile`"]),
];

/// Requests without end, which the pace and the time-out hold back.
const FLOOD: &[Deed] = &[("flood_in_next", &["`hostile` was not done after 2s", "`timeout`"])];

/// Few bytes that stand for many, made once.
fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&vec![b'0'; 100 << 20]).unwrap();
        gzip.finish().unwrap()
    })
}

fn serve(request: &Received, reply: &mut Reply<'_>, other: &str) {
    match request.path.as_str() {
        "/redirect" => {
            reply.send(302, &[("location", "http://169.254.169.254/latest/meta-data/")], "");
        }
        "/away" | "/away-with" => reply.send(307, &[("location", other)], ""),
        "/circle" => reply.send(302, &[("location", "/circle")], ""),
        "/echo" => {
            let said = request.header("authorization").unwrap_or_default();
            let body = format!("you said {said} and {request:?}");
            reply.send(200, &[("x-echo", said)], body);
        }
        "/bomb" => reply.send(200, &[("content-encoding", "gzip")], bomb()),
        "/headers" => {
            let many = "x: y\r\n".repeat(1_000_000);
            reply.raw(format!("HTTP/1.1 200 OK\r\n{many}\r\n").as_bytes());
            reply.last();
        }
        "/endless" => {
            reply.raw(b"HTTP/1.1 200 OK\r\n\r\n");
            while reply.raw(&[b'x'; 65536]) {}
            reply.last();
        }
        "/claimed" => {
            reply.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n");
            reply.fall_silent();
        }
        "/drip" => {
            reply.raw(b"HTTP/1.1 200 OK\r\n\r\n");
            while reply.raw(b"x") {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            reply.last();
        }
        "/silence" => reply.fall_silent(),
        "/lengths" => {
            reply.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 40\r\n\r\nhalf");
            reply.last();
        }
        "/cut" => {
            reply.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
            reply.last();
        }
        _ => reply.send(200, &[], "well served"),
    }
}

#[test]
fn whatever_is_tried_over_the_network_is_refused_or_contained() {
    let other = Server::start(|_, reply| reply.send(200, &[], "not granted"));
    let away = other.origin();
    bomb();
    let server = Server::start(move |request, reply| serve(request, reply, &away));

    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: network\njournal: { path: journal }\n\
         options: { retries: 0, durability: process, concurrency: 8 }\n\
         connectors:\n  hostile: { cpu: 5s, memory: 64 MB, instances: 1, handles: 100, retries: 0,\n\
         \x20   max_response: 1 MiB, read_timeout: 5s, request_timeout: 10s }\n",
    );
    guest::add_to(&project, "hostile");
    let flow = |name: &str, more: &str, deeds: &[Deed]| {
        let entities: String = deeds.iter().map(|(entity, _)| format!("  - {entity}\n")).collect();
        let text = format!(
            "home:\n  type: hostile\n  base_url: {}\n  other: {}\n  auth: {{ type: bearer, token: \
             \"${{TOKEN}}\" }}\nstore: lake/{name}\n{more}entities:\n{entities}",
            server.origin(),
            other.origin(),
        );
        project.write(&format!("flows/{name}/flow.yml"), text);
    };
    flow("tried", "", DEEDS);
    flow("flood", "connectors: { hostile: { timeout: 2s, rate_limit: 5/s } }\n", FLOOD);
    flow("well", "", &[("good", &[])]);
    let made = "{ type: generate, rows: 1000, columns: { id: { type: int64, sequence: 0 } } }";
    project
        .write("flows/made/flow.yml", format!("home: {made}\nstore: lake/made\nentities: [a]\n"));

    let mut go = project.command(&["go", "--log-format", "json"]);
    go.env("TOKEN", SECRET);
    let said = contained(go);
    assert!(!said.all().contains(SECRET), "the token shows:\n{}", said.all());

    let outcomes = Outcomes::of(&said.stdout);
    outcomes.failed("tried", DEEDS);
    outcomes.failed("flood", FLOOD);
    outcomes.succeeded("well", "good", 300);
    outcomes.succeeded("made", "a", 1000);
    whole(&project, "well/good", 300);

    assert_eq!(other.received().len(), 0, "{:?}", other.received());
    let received = server.received();
    let to = |path: &str| received.iter().filter(|request| request.path == path).count();
    assert!((1..=20).contains(&to("/flood")), "{} were sent", to("/flood"));
    let headers = received.iter().flat_map(|request| &request.headers);
    assert!(headers.into_iter().all(|(name, value)| name != "host" || value != "evil.example"));
    let signed = received.iter().filter(|request| request.header("authorization").is_some());
    let mut signed: Vec<_> = signed.map(|request| request.path.as_str()).collect();
    signed.sort_unstable();
    assert_eq!(signed, ["/away-with", "/echo"]);
    for request in received.iter().filter(|request| request.header("authorization").is_some()) {
        let value = format!("Bearer {SECRET}");
        assert_eq!(request.header("authorization"), Some(value.as_str()));
    }
}

#[test]
fn without_a_grant_nothing_is_reachable_and_everybody_says_so() {
    let project = Project::new();
    project.write("hygge.yml", "name: closed\noptions: { retries: 0 }\n");
    guest::add_to(&project, "hostile");
    project.write(
        "flows/f/flow.yml",
        "home: { type: hostile }\nstore: lake\nentities: [cut_in_next, metadata_in_next]\n",
    );
    project.hygge(&["go"]).fails_with(&[
        "a relative target needs a base URL",
        "may not connect to `169.254.169.254`",
        "host.not-granted",
    ]);
    for look in [&["debug"][..], &["go", "--dry-run"]] {
        project.hygge(look).ok().says(&[
            "hosts api.example.com · credentials default",
            "was not granted",
            "allow_hosts",
            "`auth:`",
        ]);
    }
}

#[test]
fn mistakes_in_what_is_granted_are_shown_where_they_stand() {
    let project = Project::new();
    guest::add_to(&project, "hostile");
    project.write(
        "hygge.yml",
        "name: t\nconnectors:\n  hostile:\n    allow_hosts: [https://a.example/v1]\n    \
         read_timeout: 0\n    rate_limit: often\n",
    );
    let flow = |keys: &str| {
        let text = format!("home:\n  type: hostile\n{keys}store: lake\nentities: [a]\n");
        project.write("flows/f/flow.yml", text);
    };
    flow("");
    project.hygge(&["go"]).fails_with(&[
        "hygge.yml:4:19",
        "`https://a.example/v1` should be a host without a path",
        "hygge.yml:5:19",
        "a time-out of zero",
        "hygge.yml:6:17",
        "`often` is not a rate of requests",
    ]);
    project.write("hygge.yml", "name: t\n");
    flow("  base_url: a.example\n  auth:\n    type: bearr\n    token: hunter2-plain\n");
    let said = project.hygge(&["go"]).fails_with(&[
        "flows/f/flow.yml:3:13",
        "`base_url` is not a URL",
        "flows/f/flow.yml:5:11",
        "did you mean `bearer`?",
    ]);
    assert!(!said.all().contains("hunter2-plain"), "{}", said.all());
}
