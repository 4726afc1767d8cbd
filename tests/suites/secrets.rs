//! No secret is found in anything that a run leaves behind or shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use arrow_array::cast::AsArray;
use hygge_tests::project::{Project, Said, binary, finish};
use hygge_tests::web::{Received, Reply, Server};
use hygge_tests::{guest, table};

/// Every secret begins with this: what is given out later does, too.
const MARK: &str = "zq7secretx9";

/// The variables of the project, and the secrets in them.
fn secrets() -> Vec<(&'static str, String)> {
    ["TOKEN", "PASSWORD", "KEY", "QUERY", "CLIENT", "REFRESH"]
        .into_iter()
        .map(|name| (name, format!("{MARK}-{}", name.to_lowercase())))
        .collect()
}

/// A secret as it stands in basic authorization.
fn disguised() -> Vec<String> {
    use base64::Engine;
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    vec![encode(format!("me:{MARK}-password")), encode(format!("{MARK}-token"))]
}

/// Tells back whatever it is told.
fn serve(request: &Received, reply: &mut Reply<'_>) {
    if request.path.starts_with("/token") {
        if request.text().contains(&format!("{MARK}-refresh")) {
            let echo = request.text();
            return reply.send(400, &[], format!("{{\"error\":\"invalid_grant {echo}\"}}"));
        }
        let token = format!("{{\"access_token\":\"{MARK}-given\",\"expires_in\":3600}}");
        return reply.send(200, &[], token);
    }
    let said = request.headers.iter().map(|(name, value)| format!("{name}={value}\n"));
    let said: String = said.collect();
    let header = said.replace('\n', " ");
    match request.path.split('?').next().unwrap_or_default() {
        "/fails" => reply.send(403, &[("x-echo", &header)], format!("no: {} {said}", request.path)),
        "/away-with" => reply.send(302, &[("location", &format!("http://10.0.0.1/{MARK}"))], ""),
        _ => reply.send(200, &[("x-echo", &header)], format!("{} {said}", request.path)),
    }
}

fn project(server: &Server) -> Project {
    let project = Project::new();
    guest::add_to(&project, "hostile");
    project.write(
        "hygge.yml",
        "name: secrets\njournal: { path: journal }\noptions: { retries: 0, log_level: debug }\n\
         connectors: { hostile: { retries: 0, memory: 64 MB, instances: 1 } }\n",
    );
    let origin = server.origin();
    let auth = format!(
        "  auth:\n    default: {{ type: bearer, token: \"${{TOKEN}}\" }}\n    bearer: {{ type: \
         bearer, token: \"${{TOKEN}}\" }}\n    basic: {{ type: basic, username: me, password: \
         \"${{PASSWORD}}\" }}\n    key: {{ type: api_key, key: \"${{KEY}}\" }}\n    query: {{ \
         type: api_key, key: \"${{QUERY}}\", query: key }}\n    client: {{ type: \
         oauth2_client_credentials, token_url: \"{origin}/token\", client_id: me, client_secret: \
         \"${{CLIENT}}\", client_auth: header }}\n    refresh: {{ type: oauth2_refresh_token, \
         token_url: \"{origin}/token\", refresh_token: \"${{REFRESH}}\" }}\n"
    );
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: hostile\n  base_url: {origin}\n{auth}store: lake\nentities: [image, \
             echo_in_next, carry_in_next, trap_in_next, good]\n"
        ),
    );
    project
}

fn run(project: &Project, arguments: &[&str]) -> Said {
    let mut command = project.command(arguments);
    command.envs(secrets()).env("XDG_CACHE_HOME", project.path("cache"));
    finish(command.spawn().expect("hygge starts"))
}

/// Panics if there is something secret in it.
fn clean(bytes: &[u8], what: &str) {
    for secret in [vec![MARK.to_owned()], disguised()].concat() {
        let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(100)..(at + 100).min(bytes.len())];
            panic!("a secret is in {what}: {}", String::from_utf8_lossy(around));
        }
    }
}

fn every_file(folder: &Path, look: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => every_file(&path, look),
            false => look(&path),
        }
    }
}

#[test]
fn no_secret_is_left_anywhere() {
    let server = Server::start(serve);
    let project = project(&server);
    let go = run(&project, &["go", "--verbose"]);
    assert_eq!(go.code, Some(1), "{}", go.all());
    let json = run(&project, &["go", "--log-format", "json"]);
    let mut said = vec![go, json];
    for look in [
        &["debug"][..],
        &["go", "--dry-run"],
        &["runs"],
        &["connector", "inspect", "hostile"],
        &["go", "--var", "flow.f.home.base_url=nowhere"],
    ] {
        said.push(run(&project, look));
    }
    for said in &said {
        clean(said.all().as_bytes(), "what was said");
    }
    let (mut files, mut bytes) = (0, 0);
    every_file(project.root(), &mut |path| {
        let content = fs::read(path).expect("a file");
        clean(&content, &path.display().to_string());
        (files, bytes) = (files + 1, bytes + content.len());
    });
    assert!(files > 5, "{files} files were looked at");
    println!("{files} files of {bytes} bytes hold no secret");

    // The server was told every one of them: what is not found was there to be found.
    let received = format!("{:?}", server.received());
    for (name, secret) in secrets() {
        let there = received.contains(&secret) || matches!(name, "PASSWORD" | "CLIENT" | "REFRESH");
        assert!(there, "{name} was never sent");
    }
    assert!(received.contains(&disguised()[0]) && received.contains(&format!("{MARK}-given")));
}

#[test]
fn no_secret_is_in_the_memory_of_a_connector() {
    let server = Server::start(serve);
    let project = project(&server);
    run(&project, &["go", "--entity", "f.image"]).ok();
    let image = table::read(&project.path("lake/image")).expect("the image");
    let column = image.column(0);
    let bytes = arrow_cast::cast(column, &arrow_schema::DataType::Binary).expect("bytes");
    let pieces: Vec<&[u8]> = bytes.as_binary::<i32>().iter().flatten().collect();
    let all = pieces.concat();
    assert!(all.len() > 1 << 20, "the image has {} bytes", all.len());
    for piece in pieces {
        clean(piece, "the memory of a connector");
    }
    // What it was told is there, with the secrets blacked out.
    let told = String::from_utf8_lossy(&all);
    for words in ["authorization=Bearer ***", "x-api-key=***", "key=***", "gave no token"] {
        assert!(told.contains(words), "`{words}` is not in the image");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_core_behind() {
    // Hangs up only when the crash does: it happens while the credential is in use.
    let server = Server::start(|_, reply| reply.fall_silent());
    let project = project(&server);
    let mut command = Command::new("bash");
    command
        .args(["-c", "ulimit -c unlimited; exec \"$0\" go --entity f.echo_in_next"])
        .arg(binary())
        .current_dir(project.root())
        .envs(secrets())
        .env("XDG_CACHE_HOME", project.path("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("bash starts");
    while server.received().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).expect("a signal");
    let ended = child.wait().expect("it ends");
    assert_eq!(ended.signal(), Some(6), "{ended:?}");
    assert!(!ended.core_dumped(), "a core was dumped");
    every_file(project.root(), &mut |path| {
        clean(&fs::read(path).expect("a file"), &path.display().to_string());
    });
}
