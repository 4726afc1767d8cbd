//! What `wit-bindgen` makes of the contract.
//!
//! One module for each world, generated here once: an author's crate needs neither the WIT files
//! nor the generator. The second world shares the types of the first. A connector that exports
//! both worlds is what the contract calls `connector`: the component's world is their union.

/// A connector that tables are read from.
pub mod home {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "home-connector",
        pub_export_macro: true,
        export_macro_name: "export_home",
    });
}

/// A connector that tables are written to.
pub mod store {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "store-connector",
        pub_export_macro: true,
        export_macro_name: "export_store",
        with: {
            "hygge:connector/types@0.1.1": crate::bindings::home::hygge::connector::types,
            "hygge:connector/host@0.1.1": crate::bindings::home::hygge::connector::host,
            "hygge:connector/http@0.1.1": crate::bindings::home::hygge::connector::http,
        },
    });
}

pub(crate) use home::hygge::connector::types;
