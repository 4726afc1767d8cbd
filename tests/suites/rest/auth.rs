//! Tokens from a server that checks what it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hygge_tests::project::finish;
use hygge_tests::table;
use hygge_tests::web::{Received, Reply, Server};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::Value;

use super::*;

/// The fields of a form.
fn fields(request: &Received) -> HashMap<String, String> {
    let plain = |text: &str| text.replace("%3A", ":").replace("%2F", "/");
    let body = request.text();
    let fields = body.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (name.to_owned(), plain(value))).collect()
}

fn decoded(text: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// What a statement says, if it was signed with the key of this modulus and exponent.
fn verified(statement: &str, (modulus, exponent): &(Vec<u8>, Vec<u8>)) -> Option<(Value, Value)> {
    let (stated, signature) = statement.rsplit_once('.')?;
    let (header, claims) = stated.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let key = RsaPublicKeyComponents { n: modulus, e: exponent };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, stated.as_bytes(), &signature).ok()?;
    Some((decoded(header)?, decoded(claims)?))
}

fn hex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// A fresh RSA key: its modulus and its exponent, and the private key in PEM.
fn rsa() -> ((Vec<u8>, Vec<u8>), String) {
    let made = script(RSA, &[]);
    let mut parts = made.splitn(3, '\n');
    let mut next = || parts.next().unwrap().to_owned();
    let (modulus, exponent) = (hex(&next()), hex(&next()));
    ((modulus, exponent), next())
}

/// Makes a key by itself: what signs shares nothing with it.
const RSA: &str = r#"
import base64, secrets
def prime(bits):
    while True:
        n = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if any(n % p == 0 for p in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)) or n % 65537 == 1:
            continue
        d, s = n - 1, 0
        while d % 2 == 0:
            d, s = d // 2, s + 1
        def passes():
            x = pow(secrets.randbelow(n - 3) + 2, d, n)
            if x in (1, n - 1):
                return True
            for _ in range(s - 1):
                x = x * x % n
                if x == n - 1:
                    return True
            return False
        if all(passes() for _ in range(30)):
            return n
def der(tag, content):
    n = len(content)
    size = bytes([n]) if n < 128 else bytes([0x80 + (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + content
def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))
p, q, e = prime(1024), prime(1024), 65537
p, q = max(p, q), min(p, q)
n, d = p * q, pow(e, -1, (p - 1) * (q - 1))
key = der(0x30, b"".join(map(integer, [0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)])))
print(f"{n:0512x}\n{e:06x}\n-----BEGIN RSA PRIVATE KEY-----")
print(base64.encodebytes(key).decode() + "-----END RSA PRIVATE KEY-----")
"#;

/// Rows for whoever brings the token; tokens for those of whom `gives` makes one.
fn api(gives: impl Fn(&Received) -> Option<String> + Send + Sync + 'static) -> Server {
    Server::start(move |request: &Received, reply: &mut Reply<'_>| match request.path.as_str() {
        "/token" => match gives(request) {
            Some(token) => reply.send(200, &[], token),
            None => reply.send(400, &[], "{\"error\":\"invalid_grant\"}"),
        },
        _ if request.header("authorization") == Some("Bearer the-token-given") => {
            reply.send(200, &[("content-type", "application/json")], "[{\"id\": 1}, {\"id\": 2}]");
        }
        _ => reply.send(401, &[], ""),
    })
}

fn project(server: &Server, auth: &str) -> Project {
    let project = Project::new();
    let origin = server.origin();
    project.write("hygge.yml", "name: t\njournal: { path: journal }\noptions: { retries: 0 }\n");
    project.write(
        "flows/f/flow.yml",
        format!(
            "home:\n  type: rest\n  base_url: {origin}\n  path: /rows\n  auth: {{ token_url: \
             {origin}/token, {auth} }}\nstore: lake\nentities: [rows]\n"
        ),
    );
    project
}

#[test]
fn a_statement_signed_with_rs256_is_taken_for_what_it_says() {
    let (public, private) = rsa();
    let other = rsa().1;
    let server = api(move |request| {
        let form = fields(request);
        let grant = form.get("grant_type").map(String::as_str);
        assert_eq!(grant, Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
        let (header, claims) = verified(form.get("assertion")?, &public)?;
        assert_eq!((&header["alg"], &header["kid"]), (&"RS256".into(), &"key-1".into()));
        assert_eq!((&claims["iss"], &claims["sub"]), (&"me".into(), &"them".into()));
        assert_eq!(claims["aud"], "https://login.example");
        assert_eq!(claims["exp"].as_u64()? - claims["iat"].as_u64()?, 180);
        Some("{\"access_token\":\"the-token-given\"}".to_owned())
    });
    let project = project(
        &server,
        "type: jwt_bearer, issuer: me, subject: them, audience: \"https://login.example\", key_id: \
         key-1, private_key_file: key.pem",
    );
    project.write("key.pem", &private);
    project.hygge(&["go"]).ok();
    assert_eq!(table::count(&project.path("lake/rows")), 2);

    // A key that is not the one registered there is refused, and told so.
    project.write("key.pem", other);
    let said = project.hygge(&["go"]).fails_with(&["invalid_grant", "the one registered there"]);
    assert!(!said.all().contains("PRIVATE KEY"), "{}", said.all());
}

#[test]
fn a_refresh_token_that_is_replaced_is_told_of_and_written_nowhere() {
    let count = AtomicUsize::new(0);
    let server = api(move |request| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let form = fields(request);
        // Each is good once, as servers have it that replace them.
        let good = ["zq7-refresh-written", "zq7-refresh-given"].get(number)?;
        (form.get("refresh_token").map(String::as_str) == Some(*good)).then(|| {
            "{\"access_token\":\"the-token-given\",\"refresh_token\":\"zq7-refresh-given\"}"
                .to_owned()
        })
    });
    let project = project(
        &server,
        "type: oauth2_refresh_token, refresh_token: \"${REFRESH}\", client_id: me",
    );
    let go = || {
        let mut command = project.command(&["go", "--verbose"]);
        finish(command.env("REFRESH", "zq7-refresh-written").spawn().unwrap())
    };
    let said = go().ok().says(&[
        "`127.0.0.1` replaced the refresh token of `auth`",
        "written down nowhere",
        "`oauth2_client_credentials` or `jwt_bearer`",
    ]);
    assert!(!said.all().contains("zq7-refresh"), "{}", said.all());
    for file in project.files(".") {
        let text = std::fs::read(project.path(&file)).unwrap();
        assert!(!text.windows(11).any(|part| part == b"zq7-refresh"), "it stands in {file}");
    }
    go().fails_with(&["invalid_grant", "the refresh token may have been used up"]);
}
