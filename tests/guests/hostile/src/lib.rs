//! A Home and a Store that misbehave. What they do is named by the key `behaviour`, or else by the
//! name of the entity.
//!
//! `DEED_in_PLACE` does one of [`deeds`] within one function of the contract: `loop_in_next`. Other
//! names belong to what is handed over ([`rows`], [`plan`]) or to handles ([`handles`]). A name that
//! means nothing is well behaved: 300 rows, in three chunks. One that begins with `slow` takes its
//! time, and can go on from anywhere.
//!
//! The bindings are used as they are: what the SDK puts around them would not misbehave.

mod deeds;
mod handles;
mod home;
mod image;
mod network;
mod plan;
mod rows;
mod store;
mod uploads;

use hygge_sdk::bindings::home::hygge::connector::types;

/// What to do in a session that is opened with these.
fn behaviour(config: &str, context: types::Named) -> String {
    let config: serde_json::Value = serde_json::from_str(config).unwrap_or_default();
    network::look_around(&config);
    let named = config.get("behaviour").and_then(|name| name.as_str()).map(str::to_owned);
    let entity = || context.into_iter().find(|(name, _)| name == "entity").map(|(_, value)| value);
    named.or_else(entity).unwrap_or_default()
}

// The functions of a component are exported by name, which the language calls unsafe.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
const _: () = {
    type Home = home::Hostile;
    type Store = store::Hostile;
    hygge_sdk::bindings::home::export_home!(Home with_types_in hygge_sdk::bindings::home);
    hygge_sdk::bindings::store::export_store!(Store with_types_in hygge_sdk::bindings::store);
};

#[cfg(not(target_arch = "wasm32"))]
const _: fn() = || {
    fn is_home<T: hygge_sdk::bindings::home::exports::hygge::connector::home::Guest>() {}
    fn is_store<T: hygge_sdk::bindings::store::exports::hygge::connector::store::Guest>() {}
    is_home::<home::Hostile>();
    is_store::<store::Hostile>();
};
