//! A token for a statement that is signed with a private key (RFC 7523).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hygge_core::fault::FaultKind;
use hygge_core::project::keys::Json;
use hygge_core::project::problem::Problems;
use indexmap::IndexMap;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use zeroize::Zeroizing;

use super::token::{Form, TokenSource, TokenUrl};
use super::{Kind, Place, Reads};
use crate::error::{CREDENTIAL, HttpError};
use crate::grant::Grant;
use crate::secret::Secret;

/// What the form asks for.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

hygge_core::choices! {
    /// How the statement is signed.
    pub(super) enum Algorithm {
        /// RSA with SHA-256.
        Rs256 = "rs256",
        /// P-256 with SHA-256.
        Es256 = "es256",
    }
}

hygge_core::keys! {
    /// A token for a statement that is signed with a private key (RFC 7523).
    pub(super) struct JwtBearer {
        /// Where tokens are given out.
        token_url: TokenUrl,
        /// Who says so: often the client's id.
        issuer: String,
        /// For whom: often a user name. By default the issuer.
        subject: Option<String>,
        /// To whom. By default the `token_url`.
        audience: Option<String>,
        /// The private key, in PEM.
        private_key: Option<Secret>,
        /// A file with the private key, in PEM; the path begins at the project's folder.
        private_key_file: Option<String>,
        /// The name of the key, if it has one.
        key_id: Option<String>,
        /// `RS256` or `ES256`. By default `RS256`.
        algorithm: Algorithm = Algorithm::Rs256,
        /// What is asked for, separated by spaces.
        scope: Option<String>,
        /// More claims.
        claims: Option<IndexMap<String, String>>,
        /// How long the statement holds. By default 3 minutes.
        lifetime: Duration = Duration::from_secs(180),
        /// Where it may go. By default wherever requests may go.
        hosts: Option<Vec<Grant>>,
    }
}

impl Reads for JwtBearer {
    fn kind(
        mut self,
        place: Place<'_>,
        problems: &mut Problems,
    ) -> Option<(Kind, Option<Vec<Grant>>)> {
        let hosts = self.hosts.take();
        let key = match (self.private_key.take(), self.private_key_file.take()) {
            (Some(key), None) => {
                if let Err(error) = signer(self.algorithm, key.reveal().as_bytes()) {
                    problems.add(place.of("private_key"), format!("`private_key` {error}"));
                    return None;
                }
                Key::Given(key)
            }
            (None, Some(path)) => Key::File(place.root.join(path)),
            (given, _) => {
                let many = if given.is_some() { "not both" } else { "one of them" };
                problems
                    .add(place.span, format!("needs `private_key` or `private_key_file`, {many}"));
                return None;
            }
        };
        Some((Kind::Token(Arc::new(Statement { keys: self, key })), hosts))
    }
}

/// What is stated, and what it is signed with.
#[derive(Debug)]
struct Statement {
    keys: JwtBearer,
    key: Key,
}

#[derive(Debug)]
enum Key {
    Given(Secret),
    File(PathBuf),
}

impl Statement {
    fn claims(&self, now: Duration) -> Json {
        let keys = &self.keys;
        let mut claims = json!({
            "iss": keys.issuer,
            "sub": keys.subject.as_ref().unwrap_or(&keys.issuer),
            "aud": keys.audience.as_deref().unwrap_or(keys.token_url.as_str()),
            "iat": now.as_secs(),
            "exp": now.saturating_add(keys.lifetime).as_secs(),
            "jti": format!("{:032x}", fastrand::u128(..)),
        });
        if let Some(scope) = &keys.scope {
            claims["scope"] = json!(scope);
        }
        for (name, value) in keys.claims.iter().flatten() {
            claims[name] = json!(value);
        }
        claims
    }

    fn signed(&self) -> Result<Secret, HttpError> {
        let pem = match &self.key {
            Key::Given(key) => Zeroizing::new(key.reveal().as_bytes().to_vec()),
            Key::File(path) => Zeroizing::new(std::fs::read(path).map_err(|error| {
                bad_key(format!("cannot read `private_key_file` {}: {error}", path.display()))
            })?),
        };
        let sign = signer(self.keys.algorithm, &pem).map_err(|why| {
            bad_key(match &self.key {
                Key::Given(_) => format!("`private_key` {why}"),
                Key::File(path) => format!("`private_key_file` {} {why}", path.display()),
            })
        })?;
        let mut header =
            json!({ "alg": self.keys.algorithm.as_str().to_ascii_uppercase(), "typ": "JWT" });
        if let Some(key_id) = &self.keys.key_id {
            header["kid"] = json!(key_id);
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let stated = format!("{}.{}", encode(&header), encode(&self.claims(now)));
        let signature = sign(stated.as_bytes()).map_err(|why| bad_key(why.to_owned()))?;
        Ok(Secret::new(format!("{stated}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

impl TokenSource for Statement {
    fn url(&self) -> &TokenUrl {
        &self.keys.token_url
    }

    fn form(&self, _: Option<&Secret>) -> Result<Form, HttpError> {
        let mut form = Form::new(GRANT);
        form.add("assertion", self.signed()?.reveal());
        Ok(form)
    }

    fn secrets(&self) -> Vec<Secret> {
        match &self.key {
            Key::Given(key) => vec![key.clone()],
            Key::File(_) => Vec::new(),
        }
    }

    fn described(&self) -> String {
        use hygge_core::project::keys::Key as _;
        format!("{} {:?}", self.keys.to_json(), self.key)
    }

    fn refused(&self) -> &'static str {
        "check `issuer`, `subject`, `audience` and that the key is the one registered there"
    }
}

fn bad_key(message: String) -> HttpError {
    HttpError::new(FaultKind::Config, CREDENTIAL, message)
}

type Sign = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, &'static str>>;

/// What signs with a key in PEM. The error is the rest of a sentence about the key.
fn signer(algorithm: Algorithm, pem: &[u8]) -> Result<Sign, &'static str> {
    const FAILED: &str = "cannot be signed with";
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| "is not a private key in PEM")?;
    match algorithm {
        Algorithm::Rs256 => {
            let pair = match &key {
                PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                key => RsaKeyPair::from_pkcs8(key.secret_der()),
            };
            let pair = pair.map_err(|_| "is not an RSA key of 2048 to 4096 bits")?;
            Ok(Box::new(move |message| {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| FAILED)?;
                Ok(signature)
            }))
        }
        Algorithm::Es256 => {
            let random = SystemRandom::new();
            let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pair = EcdsaKeyPair::from_pkcs8(how, key.secret_der(), &random)
                .map_err(|_| "is not a P-256 key in PKCS #8")?;
            Ok(Box::new(move |message| {
                let signature = pair.sign(&random, message).map_err(|_| FAILED)?;
                Ok(signature.as_ref().to_vec())
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_can_be_verified() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let sign = signer(Algorithm::Es256, pair.serialize_pem().as_bytes()).unwrap();
        let signature = sign(b"stated").unwrap();
        let public = ring::signature::UnparsedPublicKey::new(
            &ring::signature::ECDSA_P256_SHA256_FIXED,
            pair.public_key_raw(),
        );
        public.verify(b"stated", &signature).unwrap();
        assert!(public.verify(b"something else", &signature).is_err());
    }

    #[test]
    fn keys_of_another_kind_are_told_apart() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let pem = pair.serialize_pem();
        let why = |key: &[u8]| signer(Algorithm::Rs256, key).err();
        assert_eq!(why(pem.as_bytes()), Some("is not an RSA key of 2048 to 4096 bits"));
        assert_eq!(why(b"secret"), Some("is not a private key in PEM"));
    }
}
