//! Credentials: what the key `auth` of a home or a store holds.
//!
//! A connector names one by its label and never sees it: the host adds it to the request on its way
//! out, and takes it out of whatever comes back.

mod api_key;
mod basic;
mod bearer;
mod jwt;
mod oauth2;
pub(crate) mod token;

use std::path::Path;
use std::sync::{Arc, Once};

use hygge_core::project::keys::{Json, KeySet, nearest, wrong_type};
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Node, Span, Value};
use indexmap::IndexMap;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use self::api_key::ApiKey;
use self::basic::Basic;
use self::bearer::Bearer;
use self::jwt::JwtBearer;
use self::oauth2::{ClientCredentials, RefreshToken};
use self::token::TokenSource;
use crate::grant::{Grant, Grants};
use crate::secret::Secret;

/// The label of a credential that is the only one.
pub const DEFAULT: &str = "default";
/// The key of a home or a store that holds its credentials.
pub const KEY: &str = "auth";
const TYPE: &str = "type";

/// The keys that a type of credential takes.
type Keys = fn() -> &'static KeySet;

/// The types there are, and what each takes.
const TYPES: [(&str, Keys); 6] = [
    ("api_key", ApiKey::key_set),
    ("basic", Basic::key_set),
    ("bearer", Bearer::key_set),
    ("oauth2_client_credentials", ClientCredentials::key_set),
    ("oauth2_refresh_token", RefreshToken::key_set),
    ("jwt_bearer", JwtBearer::key_set),
];

/// The credentials of one home or store, by their labels.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    credentials: IndexMap<String, Arc<Credential>>,
}

/// One credential.
#[derive(Debug)]
pub(crate) struct Credential {
    /// Its key, for messages: `auth`, `auth.upload`.
    pub key: String,
    /// Where it may go, if not everywhere that requests may go.
    pub hosts: Option<Grants>,
    pub kind: Kind,
}

/// How a request is signed.
#[derive(Debug)]
pub(crate) enum Kind {
    /// With what is always the same.
    Fixed(Mark, Vec<Secret>),
    /// With a token that is fetched, and fetched again when it is old.
    Token(Arc<dyn TokenSource>),
}

/// What a credential adds to a request.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    Header(HeaderName, HeaderValue),
    Query(String, Secret),
}

impl Mark {
    /// A header, if the value can be one.
    fn header(name: HeaderName, value: &str) -> Option<Self> {
        let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        value.set_sensitive(true);
        Some(Self::Header(name, value))
    }
}

/// What every type of credential makes of its keys.
trait Reads: Sized {
    /// The credential, and where it may go.
    fn kind(self, place: Place<'_>, problems: &mut Problems) -> Option<(Kind, Option<Vec<Grant>>)>;
}

/// Where a credential stands, and where paths begin.
#[derive(Clone, Copy)]
struct Place<'a> {
    mapping: &'a Mapping,
    span: &'a Span,
    root: &'a Path,
}

impl Place<'_> {
    /// Where a key stands, or else all of them.
    fn of(&self, key: &str) -> &Span {
        self.mapping.get(key).map_or(self.span, |node| &node.span)
    }
}

impl Auth {
    /// Reads the value of `auth`: one credential with its `type`, or several by their labels.
    /// Paths begin at `root`.
    pub fn read(node: &Node, root: &Path, problems: &mut Problems) -> Option<Self> {
        let Value::Mapping(mapping) = &node.value else {
            wrong_type(node, "a mapping with a `type`", problems);
            return None;
        };
        let mut credentials = IndexMap::new();
        let alone = mapping.get(TYPE).is_some_and(|node| node.as_mapping().is_none());
        if alone {
            let place = Place { mapping, span: &node.span, root };
            let credential = read(KEY.to_owned(), place, problems)?;
            credentials.insert(DEFAULT.to_owned(), Arc::new(credential));
        } else {
            let before = problems.list.len();
            for (label, (_, node)) in &mapping.entries {
                let Some(mapping) = node.as_mapping() else {
                    problems
                        .add(&node.span, format!("`{label}` is neither a credential nor a `type`"))
                        .help("one credential has a `type`; several have labels, each with a type");
                    continue;
                };
                let place = Place { mapping, span: &node.span, root };
                if let Some(credential) = read(format!("{KEY}.{label}"), place, problems) {
                    credentials.insert(label.clone(), Arc::new(credential));
                }
            }
            if problems.list.len() > before {
                return None;
            }
            if credentials.is_empty() {
                problems.add(&node.span, "a credential needs a `type`").help(types());
                return None;
            }
        }
        keep_out_of_dumps();
        Some(Self { credentials })
    }

    /// What connectors call the credentials.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.credentials.keys().map(String::as_str)
    }

    /// The secrets that were written down: what must never show.
    pub fn secrets(&self) -> Vec<Secret> {
        let of = |credential: &Arc<Credential>| match &credential.kind {
            Kind::Fixed(_, secrets) => secrets.clone(),
            Kind::Token(source) => source.secrets(),
        };
        self.credentials.values().flat_map(of).collect()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.credentials.values()
    }

    /// The JSON Schema of the key `auth`.
    pub fn schema() -> Json {
        let one: Vec<Json> = TYPES
            .iter()
            .map(|(name, keys)| {
                let mut schema = keys().schema(&[(TYPE, json!({ "const": name }))]);
                if let Some(Json::Array(required)) = schema.get_mut("required") {
                    required.insert(0, json!(TYPE));
                } else {
                    schema["required"] = json!([TYPE]);
                }
                schema
            })
            .collect();
        let mut any = one.clone();
        any.push(json!({ "type": "object", "additionalProperties": { "anyOf": one } }));
        json!({ "anyOf": any })
    }
}

fn read(key: String, place: Place<'_>, problems: &mut Problems) -> Option<Credential> {
    let Some(node) = place.mapping.get(TYPE) else {
        problems
            .add(place.span, format!("`{key}` has no `type`"))
            .label("needs `type`")
            .help(types());
        return None;
    };
    let name = <String as hygge_core::project::keys::Key>::read(node, problems)?;
    let (kind, hosts) = match name.as_str() {
        "api_key" => of_type(ApiKey::from_mapping, place, problems),
        "basic" => of_type(Basic::from_mapping, place, problems),
        "bearer" => of_type(Bearer::from_mapping, place, problems),
        "oauth2_client_credentials" => of_type(ClientCredentials::from_mapping, place, problems),
        "oauth2_refresh_token" => of_type(RefreshToken::from_mapping, place, problems),
        "jwt_bearer" => of_type(JwtBearer::from_mapping, place, problems),
        _ => {
            let problem = problems.add(&node.span, format!("there is no `type: {name}` of {KEY}"));
            match nearest(&name, TYPES.iter().map(|(name, _)| *name)) {
                Some(near) => problem.label(format!("did you mean `{near}`?")),
                None => problem.help(types()),
            };
            None
        }
    }?;
    Some(Credential { key, hosts: hosts.map(Grants::new), kind })
}

fn of_type<T: Reads>(
    keys: impl FnOnce(&Mapping, &Span, &[&str], &mut Problems) -> Option<T>,
    place: Place<'_>,
    problems: &mut Problems,
) -> Option<(Kind, Option<Vec<Grant>>)> {
    keys(place.mapping, place.span, &[TYPE], problems)?.kind(place, problems)
}

fn types() -> String {
    let names: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
    format!("`type` is one of: {}", names.join(", "))
}

/// Reports a value that cannot be sent, without showing it.
fn unsendable(place: Place<'_>, key: &str, problems: &mut Problems) {
    problems
        .add(place.of(key), format!("`{key}` holds a line break or a control character"))
        .help("a value from a file often ends with a line break: leave it out");
}

/// From the first credential on, the process leaves no core file, and nobody but root may look
/// into its memory.
fn keep_out_of_dumps() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(target_os = "linux")]
        {
            // Where that is not possible, nothing else depends on it.
            let _ = rustix::process::set_dumpable_behavior(
                rustix::process::DumpableBehavior::NotDumpable,
            );
        }
    });
}
