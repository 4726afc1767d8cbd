//! `hygge connector …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with connectors.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectorAction {
    /// Build a connector: compile, wrap into a component, strip, describe
    #[command(after_help = "Examples:\n  \
        hygge connector build connectors/shop\n  \
        hygge connector build . --output ../connectors/shop.wasm\n\n\
        Uses Rust's target wasm32-unknown-unknown where it is installed, and otherwise compiles \
        the standard library from its sources, once; it says which.")]
    Build(BuildArgs),
}

/// `hygge connector build`.
#[derive(Args, Debug)]
pub(crate) struct BuildArgs {
    /// The folder of the connector's crate
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,

    /// The file to write [default: target/connectors/NAME.wasm]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
