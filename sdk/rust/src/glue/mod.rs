//! Between the traits that authors implement and the functions that the contract exports.

mod home;
mod store;

pub use home::{HomeConnector, HomeReader, HomeSession};
pub use store::{StoreConnector, StoreSession, StoreWriter};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The typed configuration of a session.
fn config<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Error::config(explain(&error)))
}

/// What serde says of the user's keys, without the place in a text the user never saw.
fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Lets the reason of a panic reach the log before the instance is gone.
fn tell_panics() {
    #[cfg(target_arch = "wasm32")]
    {
        static TOLD: std::sync::Once = std::sync::Once::new();
        TOLD.call_once(|| {
            std::panic::set_hook(Box::new(|info| {
                crate::log::log(crate::log::Level::Error, &info.to_string(), &[]);
            }));
        });
    }
}

/// Exports a Home, a Store, or both.
///
/// ```ignore
/// hygge_sdk::export!(home: Shop);
/// hygge_sdk::export!(store: Shelf);
/// hygge_sdk::export!(home: Shop, store: Shelf);
/// ```
#[macro_export]
macro_rules! export {
    (home: $home:ty $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        // The functions of a component are exported by name, which the language calls unsafe.
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::glue::HomeConnector<$home>;
            $crate::bindings::home::export_home!(Exported with_types_in $crate::bindings::home);
        };
        // Outside of a component the type is checked all the same.
        const _: fn() = || {
            fn is_home<T: $crate::Home>() {}
            is_home::<$home>();
        };
    };
    (store: $store:ty $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        // The functions of a component are exported by name, which the language calls unsafe.
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::glue::StoreConnector<$store>;
            $crate::bindings::store::export_store!(Exported with_types_in $crate::bindings::store);
        };
        const _: fn() = || {
            fn is_store<T: $crate::Store>() {}
            is_store::<$store>();
        };
    };
    (home: $home:ty, store: $store:ty $(,)?) => {
        $crate::export!(home: $home);
        $crate::export!(store: $store);
    };
}
