//! `hygge connector …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with connectors.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectorAction {
    /// Begin a connector in Rust: a crate that builds, with a test that passes
    #[command(after_help = "Examples:\n  \
        hygge connector new shop\n  \
        hygge connector new connectors/shelf --store\n\n\
        The SDK's sources are written beside the crate, into .hygge-sdk: nothing is fetched but \
        the crates they depend on.")]
    New(NewArgs),

    /// Build a connector: compile, wrap into a component, strip, describe
    #[command(after_help = "Examples:\n  \
        hygge connector build connectors/shop\n  \
        hygge connector build . --output ../connectors/shop.wasm\n\n\
        Uses Rust's target wasm32-unknown-unknown where it is installed, and otherwise compiles \
        the standard library from its sources, once; it says which.")]
    Build(BuildArgs),
}

/// `hygge connector new`.
#[derive(Args, Debug)]
pub(crate) struct NewArgs {
    /// The folder to make; its name is the connector's
    #[arg(value_name = "NAME")]
    pub path: PathBuf,

    /// Tables are read from it (the default)
    #[arg(long)]
    pub home: bool,

    /// Tables are written to it
    #[arg(long)]
    pub store: bool,
}

/// `hygge connector build`.
#[derive(Args, Debug)]
pub(crate) struct BuildArgs {
    /// The folder of the connector's crate
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,

    /// The file to write [default: NAME.wasm in the project's connectors, else in
    /// target/connectors]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
