//! `hygge connector …`.

use std::path::PathBuf;
use std::time::Duration;

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

    /// Show the connectors there are: built in, in the folder `connectors`, named in hygge.yml
    #[command(after_help = "Examples:\n  \
        hygge connector list\n  \
        hygge connector list --json | jq .digest")]
    List(ListArgs),

    /// Check that a connector fits this hygge, without running it
    #[command(after_help = "Examples:\n  \
        hygge connector check shop\n  \
        hygge connector check target/connectors/shop.wasm\n\n\
        Says what is missing of the contract, and what does not go together in what the connector \
        says of itself. The exit code is 1 if there is any fault.")]
    Check(CheckArgs),

    /// Show what a connector says of itself: its keys, what it imports, what it asks for
    #[command(after_help = "Examples:\n  \
        hygge connector inspect generate\n  \
        hygge connector inspect shop.wasm --json")]
    Inspect(InspectArgs),

    /// Examine a connector with the suite that every Home and Store must pass
    #[command(after_help = "Examples:\n  \
        hygge connector test shop --config '{ url: https://example.com }' --table orders\n  \
        hygge connector test shop.wasm --config shop.yml --json\n\n\
        --config holds the keys of a home or a store as in flow.yml, as text or in a file; where \
        the two differ, write them below `home:` and `store:`. The table is read a dozen times; of \
        a connector that is a store it is WRITTEN OVER. The exit code is 1 if a point failed.")]
    Test(TestArgs),
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

/// `hygge connector list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `hygge connector check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// A .wasm file, or the name of a connector of the project
    #[arg(value_name = "FILE|NAME")]
    pub connector: String,
}

/// `hygge connector inspect`.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// A .wasm file, or the name of a connector of the project
    #[arg(value_name = "FILE|NAME")]
    pub connector: String,

    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hygge connector test`.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// A .wasm file, or the name of a connector of the project
    #[arg(value_name = "FILE|NAME")]
    pub connector: String,

    /// Its keys, or a file with them
    #[arg(long, value_name = "YAML|FILE", default_value = "{}")]
    pub config: String,

    /// The table to read, and to write over
    #[arg(long, value_name = "TABLE", default_value = "hygge_conformance")]
    pub table: String,

    /// Give up a point after so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub patience: Duration,

    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err("a whole number of seconds, at least 1".to_owned()),
    }
}
