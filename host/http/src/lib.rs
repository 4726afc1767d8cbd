//! HTTP for connectors: they ask, the host fetches, signs and guards.
//!
//! ```text
//!                Spec: what is granted                     Http: what a run shares
//! Request ─▶ Connection ─▶ target, grant, headers ─▶ pace ─▶ signer ─▶ client ─▶ resolve ─▶ dial
//!                                                                        │
//!  Answer ◀── redact ◀── inflate ◀── limits ◀── redirect, retry ◀────────┘
//! ```
//!
//! A [`Connection`] belongs to one connector and one entity. It reaches what its [`Spec`] grants
//! and nothing else: an empty grant reaches nothing. Secrets are in [`Auth`]; they leave it on the
//! wire, toward granted origins, and are taken out of whatever comes back.

pub mod auth;
pub mod caller;
pub mod error;
pub mod grant;
pub mod rate;
pub mod secret;
pub mod settings;

mod account;
mod address;
mod answer;
mod body;
mod client;
mod connection;
mod content;
mod headers;
mod inflate;
mod proxies;
mod redact;
mod redirect;
mod resolve;
mod retry;
mod service;
mod signer;
mod target;
mod text;
mod tls;
mod trip;
mod upload;
mod wires;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use auth::Auth;
pub use caller::Caller;
pub use connection::{Connection, Request, Spec};
pub use content::{Broken, Content, Stream, StreamError};
pub use error::HttpError;
pub use grant::{Grant, Grants};
pub use proxies::Proxies;
pub use rate::Rate;
pub use redirect::Redirects;
pub use secret::Secret;
pub use service::Http;
pub use settings::{Patience, Settings};
pub use target::BaseUrl;
pub use upload::Upload;
