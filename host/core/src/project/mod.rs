//! A project's files, read into one typed [`Plan`](plan::Plan). Pure: apart from reading YAML,
//! nothing is touched.
//!
//! ```text
//! hygge.yml ─┐          variables       overlay of flow     kinds, connectors
//! flow.yml  ─┼▶ parse ─▶ expanded  ─▶  and entity, settings ─▶ configure ─▶ Plan
//! entities/ ─┘             ▲
//!                        --var
//! ```
//!
//! Nothing stops at the first mistake: all are collected as [`Problems`](problem::Problems), each
//! with its place, and [`render()`] shows them with the lines they speak of.

mod clash;
pub mod connectors;
pub mod discover;
mod entity;
mod fingerprint;
mod flow;
pub mod keys;
pub mod load;
mod overlay;
mod overrides;
pub mod parse;
pub mod plan;
pub mod problem;
pub mod render;
mod scalar;
pub mod schema;
mod secret;
mod selection;
pub mod settings;
mod source;
mod variables;
pub mod yaml;

pub use discover::find;
pub use load::{Outline, Request, load, load_kinds, outline};
pub use render::render;
pub use schema::schema;
pub use secret::looks_secret;

#[cfg(test)]
mod tests;
