//! `hygge go`: runs flows.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hygge_core::engine::event::{Event, Level, Listener, RunReport};
use hygge_core::fault::{Fault, FaultKind};
use hygge_core::project::plan::{Plan, RunType};
use tokio_util::sync::CancellationToken;

use super::{dry_run, load, open_journal, runtime};
use crate::args::{Global, GoArgs, LogFormat};
use crate::failure::{Failure, print};
use crate::panics;
use crate::report::{Report, Settings, Severity, problem_lines};
use crate::signals;
use hygge_core::engine;
use hygge_core::project::Request;

/// How long work that was given up may take to notice, before the program ends without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs what was asked for, or shows it.
pub(super) fn go(args: GoArgs, global: &Global) -> Result<ExitCode, Failure> {
    let GoArgs { verbose, quiet, log_format, dry_run, .. } = args;
    let plan = match load(global, &request(args)) {
        Ok(plan) => plan,
        Err(problems) if log_format == LogFormat::Json => {
            print(&problem_lines(&problems))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(problems) => return Err(problems.into()),
    };
    if dry_run {
        return dry_run::dry_run(&plan, log_format);
    }

    let least = if verbose { Severity::Debug } else { plan.options.log_level.into() };
    let report = Report::begin(Settings { format: log_format, quiet, least }, &plan.root).map_err(
        |error| Fault::new(FaultKind::Resource, "cannot start the report").because(error),
    )?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(run(&plan, &report));
    let code = match outcome {
        Ok(done) if done.failed() => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(fault) => {
            report.stopped(fault);
            ExitCode::FAILURE
        }
    };
    report.close();
    runtime.shutdown_timeout(PATIENCE);
    Ok(code)
}

async fn run(plan: &Plan, report: &Arc<Report>) -> Result<RunReport, Fault> {
    let cancel = CancellationToken::new();
    signals::watch(cancel.clone(), Arc::clone(report));
    if plan.entities.is_empty() {
        warn(report, format!("there is nothing to run in {}", plan.flows_dir.display()));
    }
    let journal = open_journal(plan, "hygge go").await?;
    for message in journal.warnings() {
        warn(report, message.clone());
    }
    let listener: Arc<dyn Listener> = Arc::<Report>::clone(report);
    panics::tell(&listener);
    engine::run(plan, Arc::new(journal), listener, cancel).await
}

fn warn(report: &Report, message: String) {
    report.event(&Event::Notice { name: None, level: Level::Warn, message });
}

/// What the project room needs to know of what was typed.
fn request(args: GoArgs) -> Request {
    let run_type = match (args.incremental, args.full_drop) {
        (true, _) => Some(RunType::Incremental),
        (_, true) => Some(RunType::FullDrop),
        (false, false) => None,
    };
    Request { run_type, concurrency: args.concurrency.map(Into::into), ..args.selection.into() }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn what_is_typed_becomes_a_request() {
        let cli = Cli::parse_from([
            "hygge",
            "go",
            "-f",
            "a,b",
            "-e",
            "c.d",
            "-i",
            "-c",
            "4",
            "--var",
            "flow.a.x=1,flow.b.y=2",
        ]);
        let Command::Go(args) = cli.command else { panic!("not go") };
        let request = request(args);
        assert_eq!(request.flows, ["a", "b"]);
        assert_eq!(request.entities, ["c.d"]);
        assert_eq!(request.vars, ["flow.a.x=1", "flow.b.y=2"]);
        assert_eq!(request.run_type, Some(RunType::Incremental));
        assert_eq!(request.concurrency, Some(4));
    }
}
