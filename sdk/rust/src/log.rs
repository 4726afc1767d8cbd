//! Lines for the flow's log.
//!
//! ```
//! use hygge_sdk::{info, warn};
//!
//! let (pages, table) = (3, "orders");
//! info!("read {pages} pages");
//! warn!(table = table, pages = pages; "the last page was short");
//! ```
//!
//! A line of level `warn` is also shown in the summary of the run. Never log what is secret.

use crate::imports;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Of interest to the connector's author.
    Trace,
    /// Of interest when something is wrong.
    Debug,
    /// Of interest to the user.
    Info,
    /// The user should look at it.
    Warn,
    /// Something failed.
    Error,
}

/// Writes a line. The macros are shorter.
pub fn log(level: Level, message: &str, fields: &[(String, String)]) {
    imports::log(level, message, fields);
}

/// What the macros have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:ident; $($key:ident = $value:expr),+ ; $($message:tt)+) => {
        $crate::log::log(
            $crate::log::Level::$level,
            &::std::format!($($message)+),
            &[$((::std::stringify!($key).to_owned(), ::std::string::ToString::to_string(&$value))),+],
        )
    };
    ($level:ident; $($message:tt)+) => {
        $crate::log::log($crate::log::Level::$level, &::std::format!($($message)+), &[])
    };
}

/// Logs what is of interest to the connector's author: `trace!("…")`, `trace!(key = value; "…")`.
#[macro_export]
macro_rules! trace {
    ($($line:tt)+) => { $crate::__log!(Trace; $($line)+) };
}

/// Logs what is of interest when something is wrong.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::__log!(Debug; $($line)+) };
}

/// Logs what is of interest to the user.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::__log!(Info; $($line)+) };
}

/// Logs what the user should look at. It is also shown in the summary of the run.
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::__log!(Warn; $($line)+) };
}

/// Logs that something failed. A failure that ends the table belongs into the
/// [`Error`](crate::Error) that is returned.
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::__log!(Error; $($line)+) };
}
