//! `type: generate`: typed rows from a few lines of configuration.
//!
//! Every value follows from the seed, the table, the column and the number of its row alone. So
//! any split, resumed anywhere, gives the same rows.

mod column;
mod config;
mod home;
mod random;
#[cfg(test)]
mod tests;
mod time;

hygge_sdk::export!(home: home::Generate);
