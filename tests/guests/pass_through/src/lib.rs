//! A Home that hands out one batch again and again, and a Store that counts what it is given.
//!
//! What they do costs next to nothing, so that what is measured is the boundary.

mod home;
mod store;
#[cfg(test)]
mod tests;

hygge_sdk::export!(home: home::Source, store: store::Sink);
