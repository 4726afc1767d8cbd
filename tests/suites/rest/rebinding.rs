//! A name that is somebody else the second time: the whole program, with a name server of ours.

use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hygge_tests::mount;
use hygge_tests::project::{binary, finish};
use hygge_tests::web::Server;

use super::*;

/// Where the name server listens: programs only ask at port 53.
const NAME_SERVER: &str = "127.0.0.153";

/// What the name stands for, one look-up after the other.
const ADDRESSES: [[u8; 4]; 2] = [[127, 0, 0, 1], [169, 254, 169, 254]];

/// A name server that knows one name, and counts who asks for its address. `None` where this user
/// may not have one.
fn name_server() -> Option<Arc<AtomicUsize>> {
    let socket = UdpSocket::bind((NAME_SERVER, 53)).ok()?;
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let Some(answer) = answer(&bytes[..length], &count) else { continue };
            let _ = socket.send_to(&answer, from);
        }
    });
    Some(asked)
}

/// The answer to a query of one question.
fn answer(query: &[u8], asked: &AtomicUsize) -> Option<Vec<u8>> {
    let name = query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(12..12 + name + 5)?;
    let address = (question[name + 1..name + 3] == [0, 1]).then(|| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        ADDRESSES[number.min(ADDRESSES.len() - 1)]
    });
    let mut answer = Vec::from(&query[..2]);
    // An answer without an error: one question, and one address or none.
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    answer.extend(question);
    if let Some(address) = address {
        // For the name in the question, of type A, for no time at all.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(address);
    }
    Some(answer)
}

#[test]
fn a_name_that_stands_for_another_address_the_second_time_is_refused_then() {
    // In a view of the file system of its own, in which names are looked up elsewhere.
    let seen = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", command]);
        unshare
    };
    let possible = mount::is_root()
        && seen("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let Some(asked) = possible.then(name_server).flatten() else {
        println!("skipped: this user may not have a name server");
        return;
    };
    let server = Server::start(|request, reply| {
        let next = if request.path.starts_with("/rows") { "\"/more\"" } else { "null" };
        let body = format!("{{\"data\": [{{\"id\": 1}}], \"next\": {next}}}");
        let headers = [("content-type", "application/json"), ("connection", "close")];
        reply.send(200, &headers, body);
        reply.last();
    });
    let port = server.origin().rsplit(':').next().unwrap().to_owned();
    let project = Project::new();
    project.write(
        "hygge.yml",
        "name: t\njournal: { path: journal }\noptions: { retries: 0 }\n\
         connectors: { rest: { retries: 0 } }\n",
    );
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: rest\n  base_url: http://rebind.test:{port}\n  path: /rows\n  records: \
             data\n  paginate: {{ type: next_url, path: next }}\nstore: lake\nentities: [rows]\n"
        ),
    );
    project.write("resolv.conf", format!("nameserver {NAME_SERVER}\n"));
    let mut command = seen("mount --bind resolv.conf /etc/resolv.conf && exec \"$0\" go");
    command.arg(binary()).current_dir(project.root()).env("NO_COLOR", "1");
    for name in ["HTTP_PROXY", "ALL_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.unwrap())
        .fails_with(&["`rebind.test`, which stands for the", "address 169.254.169.254"]);
    assert!(asked.load(Ordering::SeqCst) >= 2);
    let paths: Vec<_> = server.received().into_iter().map(|request| request.path).collect();
    assert!(paths.iter().all(|path| path.starts_with("/rows")) && !paths.is_empty(), "{paths:?}");
}
