//! What can be typed. Each command turns its part into what it needs; nothing here runs anything.

pub(crate) mod connector;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use connector::ConnectorAction;

/// Data movement that feels like home
#[derive(Debug, Parser)]
#[command(
    name = "hygge",
    version,
    about = "Data movement that feels like home",
    long_about = "Data movement that feels like home.\n\n\
        hygge moves tables from a Home, where data lives, to a Store, where it settles. A project \
        is a folder with a hygge.yml and one folder for each flow; hygge finds it from any folder \
        inside.",
    after_help = "Examples:\n  \
        hygge init warehouse     begin a project in the folder `warehouse`\n  \
        hygge debug              check the project, its sources and its destinations\n  \
        hygge go --dry-run       show what would run, touching nothing\n  \
        hygge go                 run everything\n\n\
        Exit codes: 0 all well, 1 something failed, 2 the command line is wrong.",
    arg_required_else_help = true,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Look for hygge.yml here and above, instead of in the working directory
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub project_dir: Option<PathBuf>,

    /// When to use colours; NO_COLOR is honoured
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t = Color::Auto,
        help_heading = "Global options"
    )]
    pub color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a project: a hygge.yml and an example flow
    #[command(after_help = "Examples:\n  \
        hygge init warehouse\n  \
        hygge init warehouse --flows-dir pipelines\n\n\
        A folder that already holds something is left alone unless --force is given; then the \
        three files of the template are written over, and nothing else is touched.")]
    Init(InitArgs),

    /// Run flows: move their tables from home to store
    #[command(alias = "start", after_help = GO_EXAMPLES)]
    Go(GoArgs),

    /// Check the project, its sources and its destinations, changing nothing
    #[command(after_help = "Examples:\n  \
        hygge debug\n  \
        hygge debug --flow sales\n\n\
        Each fault comes with what to do about it. The exit code is 1 if there is any.")]
    Debug(DebugArgs),

    /// Print the JSON Schema of hygge.yml, flow.yml and entity files
    #[command(after_help = "Examples:\n  \
        hygge schema > hygge.schema.json\n\n\
        With the YAML language server, put this line at the top of a file:\n  \
        # yaml-language-server: $schema=../../hygge.schema.json")]
    Schema,

    /// Show what ran: the journal, newest last
    #[command(after_help = "Examples:\n  \
        hygge runs\n  \
        hygge runs --flow sales --last 5\n  \
        hygge runs --entity sales.orders --json | jq .row_count")]
    Runs(RunsArgs),

    /// Show or change where incremental runs go on
    #[command(after_help = "Examples:\n  \
        hygge state get\n  \
        hygge state get sales.orders\n  \
        hygge state set sales.orders 2026-01-01T00:00:00\n  \
        hygge state clear sales.orders       the next incremental run loads everything")]
    State {
        /// What to do.
        #[command(subcommand)]
        action: StateAction,
    },

    /// Make connectors and look at them
    Connector {
        /// What to do.
        #[command(subcommand)]
        action: ConnectorAction,
    },

    /// Print a completion script for a shell
    #[command(after_help = "Examples:\n  \
        hygge completions bash > ~/.local/share/bash-completion/completions/hygge\n  \
        hygge completions zsh > \"${fpath[1]}/_hygge\"\n  \
        hygge completions fish > ~/.config/fish/completions/hygge.fish")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

const GO_EXAMPLES: &str = "Examples:
  hygge go                                   run everything
  hygge go --flow sales,crm                  two flows
  hygge go --flow sales_orders               one entity, as the log lines name it
  hygge go --entity sales.orders             the same
  hygge go --incremental --concurrency 4     load what is new, four tables at a time
  hygge go --var flow.sales.home.path=data/in
  hygge go --dry-run                         show what would run, touching nothing
  hygge go --log-format json | jq .          one JSON object for each event

Ctrl-C ends a run cleanly: what has not been published yet is discarded. A second one ends it at
once; the next run tidies up. Exit codes: 0 all well, 1 anything failed, 2 bad usage.";

/// `hygge init`.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The project's name, and the folder to make
    #[arg(value_name = "PROJECT_NAME")]
    pub name: PathBuf,

    /// The folder for flows inside the project
    #[arg(short = 'd', long, value_name = "DIR", default_value = "flows")]
    pub flows_dir: String,

    /// Write over the files of an earlier `hygge init`
    #[arg(short, long)]
    pub force: bool,
}

/// Which flows and entities.
#[derive(Args, Debug, Default)]
pub(crate) struct SelectionArgs {
    /// Only these flows; `<flow>_<entity>` names one entity of a flow
    #[arg(short, long = "flow", value_name = "FLOW", value_delimiter = ',')]
    pub flows: Vec<String>,

    /// Only these entities, written flow.entity
    #[arg(short, long = "entity", value_name = "FLOW.ENTITY", value_delimiter = ',')]
    pub entities: Vec<String>,

    /// Set a value of a flow, written flow.<flow>.path.to.key=value
    #[arg(long = "var", value_name = "KEY=VALUE")]
    pub vars: Vec<String>,
}

/// `hygge go`.
#[derive(Args, Debug, Default)]
pub(crate) struct GoArgs {
    /// Which flows and entities.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// Load what is new and add it, whatever the flows' run_type says
    #[arg(short, long, conflicts_with = "full_drop")]
    pub incremental: bool,

    /// Load everything and replace it, whatever the flows' run_type says
    #[arg(short = 'd', long)]
    pub full_drop: bool,

    /// Tables at a time [default: options.concurrency, else the largest pool_size, else 8]
    #[arg(short, long, value_name = "N")]
    pub concurrency: Option<NonZeroUsize>,

    /// Show what would run: no file, no folder, no connection
    #[arg(long)]
    pub dry_run: bool,

    /// Show debug notices too
    #[arg(long, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Show only failures and the last line
    #[arg(long)]
    pub quiet: bool,

    /// How to report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

/// `hygge debug`.
#[derive(Args, Debug)]
pub(crate) struct DebugArgs {
    /// Which flows and entities.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// `hygge runs`.
#[derive(Args, Debug)]
pub(crate) struct RunsArgs {
    /// Only this flow
    #[arg(short, long, value_name = "FLOW")]
    pub flow: Option<String>,

    /// Only this entity, alone or written flow.entity
    #[arg(short, long, value_name = "ENTITY")]
    pub entity: Option<String>,

    /// Only the newest so many
    #[arg(short = 'n', long, value_name = "N", default_value = "20")]
    pub last: NonZeroUsize,

    /// One JSON object a line, with the journal's own names
    #[arg(long)]
    pub json: bool,
}

/// `hygge state …`.
#[derive(Debug, Subcommand)]
pub(crate) enum StateAction {
    /// Show where incremental runs go on
    Get {
        /// A flow or one of its entities; everything when left out
        #[arg(value_name = "FLOW[.ENTITY]")]
        name: Option<String>,

        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Set where the next incremental run of an entity goes on
    Set {
        /// The entity; a flow alone where it has only one
        #[arg(value_name = "FLOW[.ENTITY]")]
        name: String,

        /// A date and time, a whole number, or text
        #[arg(allow_hyphen_values = true)]
        value: String,

        /// What the value is [default: the type of the last watermark, else what it looks like]
        #[arg(long = "type", value_name = "TYPE", value_enum)]
        kind: Option<WatermarkType>,

        /// Answer with one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Forget it: the next incremental run loads everything
    Clear {
        /// A flow, all of it, or one of its entities
        #[arg(value_name = "FLOW[.ENTITY]")]
        name: String,

        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How a run is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people, with progress bars on a terminal
    #[default]
    Text,
    /// One JSON object for each event, on stdout
    Json,
}

/// The journal's types of watermarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WatermarkType {
    /// `2026-01-01T00:00:00`
    Datetime,
    /// A whole number
    Int,
    /// Text
    String,
}

impl WatermarkType {
    /// The journal's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Datetime => "datetime",
            Self::Int => "int",
            Self::String => "string",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn go(args: &[&str]) -> GoArgs {
        let all = ["hygge", "go"].iter().chain(args);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Go(go) => go,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn selections_repeat_and_take_commas() {
        let args = go(&["-f", "a,b", "--flow", "c", "-e", "a.x,b.y", "--entity=c.z"]);
        assert_eq!(args.selection.flows, ["a", "b", "c"]);
        assert_eq!(args.selection.entities, ["a.x", "b.y", "c.z"]);
    }

    #[test]
    fn short_flags_are_those_of_the_existing_tool() {
        let args = go(&["-d", "-c", "3"]);
        assert!(args.full_drop && !args.incremental);
        assert_eq!(args.concurrency.map(NonZeroUsize::get), Some(3));
        assert!(go(&["-i"]).incremental);
    }

    #[test]
    fn start_is_the_earlier_name_of_go() {
        let parsed = Cli::try_parse_from(["hygge", "start", "--dry-run"]).unwrap();
        assert!(matches!(parsed.command, Command::Go(GoArgs { dry_run: true, .. })));
        assert!(!Cli::command().render_long_help().to_string().contains("start "));
    }

    #[test]
    fn contradictions_are_usage_errors() {
        for (args, kind) in [
            (&["go", "-i", "-d"][..], ErrorKind::ArgumentConflict),
            (&["go", "--quiet", "--verbose"], ErrorKind::ArgumentConflict),
            (&["go", "-c", "0"], ErrorKind::ValueValidation),
            (&["go", "--log-format", "xml"], ErrorKind::InvalidValue),
            (&["state", "set", "a.b"], ErrorKind::MissingRequiredArgument),
        ] {
            let error = Cli::try_parse_from(["hygge"].iter().chain(args)).unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{args:?}");
        }
    }

    #[test]
    fn a_watermark_may_be_negative() {
        let parsed = Cli::try_parse_from(["hygge", "state", "set", "a.b", "-5"]).unwrap();
        let Command::State { action: StateAction::Set { value, .. } } = parsed.command else {
            panic!("not a set");
        };
        assert_eq!(value, "-5");
    }

    #[test]
    fn global_options_stand_anywhere() {
        for args in [
            ["hygge", "--project-dir", "p", "--color=never", "runs"],
            ["hygge", "runs", "--color=never", "--project-dir", "p"],
        ] {
            let global = Cli::try_parse_from(args).unwrap().global;
            assert_eq!(global.project_dir, Some(PathBuf::from("p")));
            assert_eq!(global.color, Color::Never);
        }
    }
}
