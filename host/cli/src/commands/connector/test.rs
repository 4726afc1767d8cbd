//! `hygge connector test`: a connector under the suite that every Home and Store must pass.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use hygge_conformance::{Bench, Outcome, Point, home, passed, store};
use hygge_core::contract::{Connections, Home, ReadRequest, Site, Store};
use hygge_core::fault::Fault;
use hygge_core::project::parse::parse;
use hygge_core::project::problem::Problems;
use hygge_core::project::yaml::{Mapping, Node, Source};
use hygge_sandbox::{Connector, kinds};
use serde_json::json;

use super::target::Target;
use crate::args::Global;
use crate::args::connector::TestArgs;
use crate::commands::runtime;
use crate::failure::{Failure, print};
use crate::report::format::counted;
use crate::report::style::{BAD, FAINT, GOOD, HEADING, paint};

/// The flow and the memory that the suite runs with.
const FLOW: &str = "connector_test";
const MEMORY: usize = 256_000_000;

/// A table that nobody has.
const NO_TABLE: &str = "hygge_no_such_table";

/// Examines it and tells every point.
pub(super) fn test(args: &TestArgs, global: &Global) -> Result<ExitCode, Failure> {
    let target = Target::find(&args.connector, global)?;
    let connector = target.read()?;
    let configs = Configs::read(&args.config)?;
    let bed = Bed { connector, root: target.root };
    let bench = Bench::new(FLOW, &args.table, MEMORY).with_patience(args.patience);

    let home = bed.home(&configs.home, &args.table)?;
    let without_table = bed.home(&configs.home, NO_TABLE)?;
    let store = bed.store(&configs.store, &args.table)?;
    let runtime = runtime()?;
    let mut all_well = true;
    let mut tell = |kind: &str, points: &[Point]| {
        all_well &= passed(points);
        let name = bed.connector.name();
        print(&if args.json { lines(name, kind, points) } else { text(name, kind, points) })
    };
    if let (Some(store), true) = (store, bed.connector.worlds().store()) {
        let subject =
            store::Subject { store: Arc::new(move || Arc::clone(&store)), read_back: home.clone() };
        tell("store", &runtime.block_on(store::examine(&subject, &bench)))?;
    }
    if let Some(home) = home {
        let subject = home::Subject { home, without_table, request: ReadRequest::default() };
        tell("home", &runtime.block_on(home::examine(&subject, &bench)))?;
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The keys for each kind.
struct Configs {
    home: Node,
    store: Node,
}

impl Configs {
    /// Reads what was typed: keys, or a file with them.
    fn read(typed: &str) -> Result<Self, Failure> {
        let inline = typed.trim_start().starts_with('{');
        let (name, text) = match inline {
            true => ("--config".to_owned(), typed.to_owned()),
            false => {
                let text = std::fs::read_to_string(typed)
                    .map_err(|error| Fault::io("read", Path::new(typed), error))?;
                (typed.to_owned(), text)
            }
        };
        let mut problems = Problems::default();
        let source = Arc::new(Source { name, path: typed.into(), text });
        let Some(node) = parse(&source, &mut problems) else { return Err(problems.into()) };
        let Some(mapping) = node.as_mapping() else {
            let fault = Fault::config("--config holds no keys");
            return Err(fault.with_help("write them as in flow.yml: `{ key: value }`").into());
        };
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let parted = !mapping.entries.is_empty()
            && mapping.entries.keys().all(|key| key == "home" || key == "store");
        let part = |kind: &str| match parted {
            true => mapping.get(kind).cloned().unwrap_or_else(|| Node {
                value: hygge_core::project::yaml::Value::Mapping(Mapping::default()),
                span: node.span.clone(),
            }),
            false => node.clone(),
        };
        Ok(Self { home: part("home"), store: part("store") })
    }
}

/// Where the connector is configured, as a flow would do it.
struct Bed {
    connector: Arc<Connector>,
    root: std::path::PathBuf,
}

impl Bed {
    fn home(&self, config: &Node, table: &str) -> Result<Option<Arc<dyn Home>>, Failure> {
        let Some(kind) = kinds::home(&self.connector) else { return Ok(None) };
        self.configured(config, table, |keys, site, problems| {
            kind.configure(keys, &config.span, site, problems)
        })
        .map(Some)
    }

    fn store(&self, config: &Node, table: &str) -> Result<Option<Arc<dyn Store>>, Failure> {
        let Some(kind) = kinds::store(&self.connector) else { return Ok(None) };
        self.configured(config, table, |keys, site, problems| {
            kind.configure(keys, &config.span, site, problems)
        })
        .map(Some)
    }

    fn configured<T>(
        &self,
        config: &Node,
        table: &str,
        make: impl FnOnce(&Mapping, Site<'_>, &mut Problems) -> Option<T>,
    ) -> Result<T, Failure> {
        let connections = Connections::new();
        let site = Site {
            root: &self.root,
            flow: FLOW,
            entity: table,
            subfolder: None,
            connections: &connections,
            connector: None,
        };
        let empty = Mapping::default();
        let mut problems = Problems::default();
        let made = make(config.as_mapping().unwrap_or(&empty), site, &mut problems);
        match made {
            Some(made) if problems.is_empty() => Ok(made),
            _ => Err(problems.into()),
        }
    }
}

fn text(name: &str, kind: &str, points: &[Point]) -> String {
    let mut text = format!("{}\n", paint(HEADING, format!("{name} as a {kind}")));
    for point in points {
        let (sign, style) = match &point.outcome {
            Outcome::Passed(_) => ("✓", GOOD),
            Outcome::Failed(_) => ("✗", BAD),
            Outcome::NotApplicable(_) => ("–", FAINT),
        };
        let note = paint(FAINT, point.outcome.note());
        let _ = match &point.outcome {
            Outcome::Failed(seen) => writeln!(
                text,
                "{} {:16} {}\n    {seen}",
                paint(style, sign),
                point.name,
                point.about
            ),
            Outcome::Passed(_) | Outcome::NotApplicable(_) => {
                writeln!(text, "{} {:16} {note}", paint(style, sign), point.name)
            }
        };
    }
    let number = |wanted: &str| {
        points.iter().filter(|point| point.outcome.as_str() == wanted).count() as u64
    };
    let _ = writeln!(
        text,
        "{} passed, {} failed, {} not apply\n",
        counted(number("passed"), "point", "points"),
        number("failed"),
        match number("not_applicable") {
            1 => "1 does".to_owned(),
            many => format!("{many} do"),
        }
    );
    text
}

fn lines(name: &str, kind: &str, points: &[Point]) -> String {
    let line = |point: &Point| {
        let object = json!({
            "connector": name,
            "kind": kind,
            "point": point.name,
            "about": point.about,
            "outcome": point.outcome.as_str(),
            "note": point.outcome.note(),
        });
        format!("{object}\n")
    };
    points.iter().map(line).collect()
}
