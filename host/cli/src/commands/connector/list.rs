//! `hygge connector list`: all connectors that a project sees.

use std::process::ExitCode;
use std::sync::Arc;

use hygge_core::fault::Fault;
use hygge_core::project::Outline;
use hygge_core::project::connectors::Connector as Found;
use hygge_sandbox::{Connector, Policy, Sandbox};
use serde_json::{Value, json};

use super::target::{all, kinds, origin, outline};
use crate::args::Global;
use crate::args::connector::ListArgs;
use crate::commands::table::{Cell, Column, Table};
use crate::failure::{Failure, print, remark};
use crate::registry::connectors;
use crate::report::fault_object;
use crate::report::style::BAD;

/// A connector, or why it cannot be read.
struct Row {
    found: Found,
    read: Result<Arc<Connector>, Fault>,
    flows: Vec<String>,
}

/// Lists them. What is wrong with some is told, and makes the exit code 1.
pub(super) fn list(args: &ListArgs, global: &Global) -> Result<ExitCode, Failure> {
    let outline = outline(global);
    let (found, problems) = all(&outline);
    let rows: Vec<Row> = found.into_iter().map(|found| row(found, &outline)).collect();
    if args.json {
        print(&rows.iter().map(|row| format!("{}\n", object(row))).collect::<String>())?;
    } else if rows.is_empty() {
        remark("there are no connectors");
    } else {
        print(&table(&rows))?;
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let well = rows.iter().all(|row| row.read.is_ok());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(found: Found, outline: &Outline) -> Row {
    let read = connectors::read(&found, Policy::default(), &Sandbox::default());
    let flows = outline.types.get(&found.name).into_iter().flatten().cloned().collect();
    Row { found, read, flows }
}

fn version(connector: &Connector) -> &str {
    connector.manifest().map_or("", |manifest| &manifest.version)
}

fn table(rows: &[Row]) -> String {
    let headings = ["NAME", "VERSION", "KINDS", "FROM", "SHA256", "USED BY", "FAULT"];
    let mut table = Table::new(headings.map(Column::text).into());
    for Row { found, read, flows } in rows {
        let mut cells: Vec<Cell> = match read {
            Ok(connector) => vec![
                version(connector).into(),
                kinds(connector).join(", ").into(),
                origin(found).into(),
                connector.digest().short().into(),
            ],
            Err(_) => vec!["".into(), "".into(), origin(found).into(), "".into()],
        };
        cells.insert(0, found.name.as_str().into());
        cells.push(flows.join(", ").into());
        let fault = read.as_ref().err().map(Fault::chain).unwrap_or_default();
        cells.push(Cell::styled(fault.replace('\n', " "), BAD));
        table.push(cells);
    }
    table.render()
}

fn object(row: &Row) -> Value {
    let mut object = json!({
        "name": row.found.name,
        "source": origin(&row.found),
        "flows": row.flows,
    });
    let more = match &row.read {
        Ok(connector) => json!({
            "version": version(connector),
            "kinds": kinds(connector),
            "digest": connector.digest().to_string(),
            "size": connector.size(),
        }),
        Err(fault) => json!({ "error": fault_object(fault) }),
    };
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
