//! What can go wrong while a connector is made or looked at.

use std::path::PathBuf;

/// Why a connector cannot be made, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgeError {
    /// There is nothing that compiles to WebAssembly.
    #[error("no Rust toolchain for WebAssembly was found")]
    NoToolchain {
        /// What would provide one here.
        help: String,
    },
    /// The folder holds no crate that can become a connector.
    #[error("{} cannot become a connector: {reason}", folder.display())]
    NotACrate {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The compiler said no; it has said why.
    #[error("cargo could not build {package}{output}")]
    Cargo {
        /// The crate.
        package: String,
        /// What cargo said, where it was not shown already.
        output: String,
    },
    /// A file could not be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, …
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// `connector.toml` has a mistake.
    #[error("{}: {reason}", path.display())]
    Author {
        /// The file.
        path: PathBuf,
        /// The mistake.
        reason: String,
    },
    /// The module does not fit the contract.
    #[error("the module cannot become a component: {reason}")]
    Wrap {
        /// What does not fit.
        reason: String,
    },
    /// The bytes are no component.
    #[error("{reason}")]
    NotAComponent {
        /// What they are instead.
        reason: String,
    },
    /// The component serves no world of the contract.
    #[error("{reason}")]
    World {
        /// What is missing.
        reason: String,
    },
    /// What the component says of itself cannot be understood.
    #[error("the manifest inside the component is not usable: {reason}")]
    Manifest {
        /// Why.
        reason: String,
    },
}

impl ForgeError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoToolchain { help } => return Some(help.clone()),
            Self::NotACrate { .. } => "`hygge connector new NAME` makes a crate that builds",
            Self::Start { .. } => "install Rust from https://rustup.rs, or add cargo to PATH",
            Self::Cargo { .. } => "correct what the compiler complains of, and build again",
            Self::Author { .. } => {
                "connector.toml holds name, version, description, [config.home.KEY], \
                 [config.store.KEY] and [asks]"
            }
            Self::Wrap { .. } => {
                "build with `hygge connector build`, and export the connector with \
                 `hygge_sdk::export!`"
            }
            Self::NotAComponent { .. } => "`hygge connector build` makes components",
            Self::World { .. } => {
                "a connector exports hygge:connector/home, hygge:connector/store, or both"
            }
            Self::Manifest { .. } => "build the connector again with `hygge connector build`",
            Self::Io { .. } => return None,
        };
        Some(help.to_owned())
    }

    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
        source: std::io::Error,
    ) -> Self {
        Self::Io { doing, path: path.into(), source }
    }
}
