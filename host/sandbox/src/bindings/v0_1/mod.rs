//! Version 0.1 of the contract.

mod home;
mod store;

pub(crate) use home::{Exports as HomeExports, HomeCalls};
pub(crate) use store::{Exports as StoreExports, StoreCalls};

/// What the macro makes of `wit/`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub(crate) mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "hygge:connector/connector",
        // What never waits is no task of its own.
        imports: {
            default: trappable,
            "hygge:connector/host.sleep": async | trappable,
            "hygge:connector/http.send": async | trappable,
            "hygge:connector/http.send-all": async | trappable,
            "hygge:connector/http.[method]upload.write": async | trappable,
            "hygge:connector/http.[static]upload.finish": async | trappable,
            "hygge:connector/http.[method]response.read": async | trappable,
        },
        exports: { default: async },
        with: {
            "hygge:connector/http.response": crate::imports::http::Response,
            "hygge:connector/http.upload": crate::imports::http::Upload,
        },
    });
}

use generated::hygge::connector::types;

use crate::guest;

impl From<types::Error> for guest::GuestError {
    fn from(error: types::Error) -> Self {
        let sort = match error.fault {
            types::Fault::Config => guest::Sort::Config,
            types::Fault::Auth => guest::Sort::Auth,
            types::Fault::Missing => guest::Sort::Missing,
            types::Fault::Throttled => guest::Sort::Throttled,
            types::Fault::Transient => guest::Sort::Transient,
            types::Fault::Data => guest::Sort::Data,
            types::Fault::Cancelled => guest::Sort::Cancelled,
            types::Fault::Bug => guest::Sort::Bug,
        };
        Self {
            sort,
            code: error.code,
            message: error.message,
            retry_after_ms: error.retry_after_ms,
        }
    }
}
