//! From the start of a process to the first call into a connector, with a warm cache.

use std::io::{BufRead as _, BufReader};
use std::time::Instant;

use hygge_tests::project::{Project, binary};

use super::ground::{CONNECTOR, Ground, caches};
use super::{Figure, Result, median};

/// What the connector says in its first call.
const FIRST: &str = "a session was opened";

/// Starts `hygge` again and again.
pub(crate) fn measure(ground: &Ground, runs: usize) -> Result<Vec<Figure>> {
    let flow = "home: { type: pass_through, rows: 1, columns: 1, batches: 1, tell: true }\n\
                store: out/start\nentities: [numbers]\n";
    // A project of its own: `hygge` does not know the Home that is built into this program.
    let project = Project::new();
    project.write("flows/start/flow.yml", flow);
    let file = format!("connectors/{CONNECTOR}.wasm");
    project.write(&file, std::fs::read(ground.project.path(&file))?);
    // Its own compiled form may differ from the one of this program: the first run makes it.
    once(&project)?;
    let times: Result<Vec<_>> = (0..runs * 4).map(|_| once(&project)).collect();
    let (first, whole) = times?.into_iter().unzip();
    let (first, whole): (f64, f64) = (median(first), median(whole));
    Ok(vec![
        Figure::new("`hygge go` to the first call", format!("{first:.1} ms"), "30 ms"),
        Figure::new("`hygge go` of one row, to its end", format!("{whole:.1} ms"), ""),
    ])
}

/// Milliseconds to the first word of the connector, and to the end.
fn once(project: &Project) -> Result<(f64, f64)> {
    let binary = binary();
    let mut command = project.command(&["go", "-f", "start", "--log-format", "json"]);
    command.env("XDG_CACHE_HOME", caches(project.root()));
    let since = Instant::now();
    let milliseconds = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", binary.display()))?;
    let (mut first, mut said) = (None, String::new());
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        let line = line?;
        if first.is_none() && line.contains(FIRST) {
            first = Some(milliseconds(since));
        }
        said.push_str(&line);
        said.push('\n');
    }
    let ended = child.wait()?;
    let whole = milliseconds(since);
    if !ended.success() {
        return Err(format!("`hygge go` failed: {said}").into());
    }
    Ok((first.ok_or("the connector was not heard")?, whole))
}
