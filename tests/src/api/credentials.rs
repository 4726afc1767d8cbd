//! Who is let in: `/secured/bearer/…`, `/secured/basic/…`, `/secured/header/…`, `/secured/query/…`,
//! and `/secured/oauth/…` with a token of `POST /oauth/token`.

use hyper::{Method, Response, StatusCode};
use serde_json::json;

use super::{Asked, Body, json, text};

/// What one has to know.
pub const SECRET: &str = "s3cret-of-the-tests";

/// What `/oauth/token` gives for it.
pub const TOKEN: &str = "t0ken-of-the-tests";

/// `user:SECRET` in base64.
const BASIC: &str = "Basic dXNlcjpzM2NyZXQtb2YtdGhlLXRlc3Rz";

/// Refuses who does not know the secret.
pub(super) fn refuse(how: &str, asked: &Asked) -> Option<Response<Body>> {
    let authorization = asked.header("authorization");
    let known = match how {
        "bearer" => authorization == Some(&format!("Bearer {SECRET}")),
        "basic" => authorization == Some(BASIC),
        "header" => asked.header("x-api-key") == Some(SECRET),
        "query" => asked.params.get("api_key").map(String::as_str) == Some(SECRET),
        "oauth" => authorization == Some(&format!("Bearer {TOKEN}")),
        _ => false,
    };
    (!known).then(|| text(StatusCode::UNAUTHORIZED, "who are you?"))
}

/// Gives a token to who knows the secret.
pub(super) fn token(asked: &Asked) -> Option<Response<Body>> {
    if asked.path != "/oauth/token" || asked.method != Method::POST {
        return None;
    }
    let body = String::from_utf8_lossy(&asked.body);
    let known = body.contains(SECRET) || asked.header("authorization") == Some(BASIC);
    Some(match known && body.contains("grant_type=client_credentials") {
        true => json(
            json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}).to_string(),
        ),
        false => text(StatusCode::UNAUTHORIZED, "who are you?"),
    })
}
