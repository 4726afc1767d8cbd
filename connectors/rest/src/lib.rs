//! `type: rest`: tables from, and to, any API that speaks JSON, NDJSON, CSV or XML over HTTP.
//!
//! ```text
//!   config ─▶ endpoint ─▶ request ─▶ (the host) ─▶ answer ─▶ records ─▶ table ─▶ rows
//!                 ▲                                   │
//!                 └────────── paging: the next page ◀─┘      walk: pages, and pages of parents
//!                                                            tour: walks of one round after another
//! ```

mod config;
mod endpoint;
mod home;
mod json;
mod paging;
mod rounds;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod tour;
mod walk;

hygge_sdk::export!(home: home::Rest, store: store::Shelf);
