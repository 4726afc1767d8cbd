//! A connector of contract 0.1.0, as it was when that was released.
//!
//! It is written against `wit/released/0.1.0` without an SDK, and uses everything in it. It is never
//! changed: that it runs says that hygge still runs what was built for this version.

/// What the generator makes of the contract.
#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, rust_2018_idioms)]
mod contract {
    wit_bindgen::generate!({
        path: "../../../../wit/released/0.1.0",
        world: "connector",
        pub_export_macro: true,
    });
}

mod arrow;
mod home;
mod store;

use contract::hygge::connector::types::{Error, Fault};

/// Both worlds.
struct Connector;

#[cfg(target_arch = "wasm32")]
// The functions of a component are exported by name, which the language calls unsafe.
#[allow(unsafe_code)]
const _: () = {
    contract::export!(Connector with_types_in contract);
};

fn error(fault: Fault, code: &str, message: String) -> Error {
    Error { fault, code: code.to_owned(), message, retry_after_ms: None }
}
