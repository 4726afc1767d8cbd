//! hygge moves tables from a Home to a Store.
//!
//! The program in one breath: read what was typed ([`args`]), find the command it names
//! ([`commands`]), do it, and tell how it went — on stdout what was asked for, on stderr what went
//! wrong, and in the exit code whether all is well.

mod args;
mod commands;
mod failure;
mod panics;
mod registry;
mod report;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Color};

fn main() -> ExitCode {
    hygge_core::heap::share();
    if let Some(compiled) =
        hygge_sandbox::compile::child_main(std::env::args_os(), hygge_sandbox::engine::engine)
    {
        return compiled;
    }
    let cli = Cli::parse();
    choose_colors(cli.global.color);
    panics::quieten();
    commands::run(cli).unwrap_or_else(|failure| failure.tell())
}

/// Applies `--color` to everything printed from here on.
fn choose_colors(color: Color) {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}
