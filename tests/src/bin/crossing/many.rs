//! The memory of many instances at the same time.

use std::path::Path;
use std::process::Command;

use super::ground::{CONNECTOR, Ground, Shape, caches, go, plan};
use super::{Figure, Result};

const INSTANCES: u64 = 50;
const FLOW: &str = "many";
const SHAPE: Shape = Shape { batch: 64 << 10, batches: 40, splits: INSTANCES, encode: false };
/// The address space that one instance reserves.
const RESERVED: u64 = 4 << 30;

/// Loads a table with an instance for each of its parts, in a process of its own.
pub(crate) fn measure(ground: &Ground) -> Result<Vec<Figure>> {
    ground.lay(FLOW, CONNECTOR, SHAPE);
    let mut figures = Vec::new();
    let mut child = Command::new(std::env::current_exe()?);
    let output = child.arg("--inside").arg(ground.root()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let said = String::from_utf8(output.stdout)?;
    let peak = said.trim().parse::<u64>()? as f64 / 1e6;
    let what = format!("memory of a load with {INSTANCES} instances");
    figures.push(Figure::new(what, format!("{peak:.0} MB"), "300 MB"));
    Ok(figures)
}

/// Does the load, and prints the most memory that this process had.
pub(crate) fn inside(root: &Path) -> Result<()> {
    let instances = usize::try_from(INSTANCES)?;
    debug_assert!(caches(root).exists(), "the cache is warm");
    go(&plan(root, FLOW, Some(instances))?, SHAPE)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    // Had they not all been there at the same time, less would have been reserved at any time.
    if field(&status, "VmPeak:")? < INSTANCES * RESERVED {
        return Err(format!("there were never {INSTANCES} instances at the same time").into());
    }
    println!("{}", field(&status, "VmHWM:")?);
    Ok(())
}

/// A field in bytes.
fn field(status: &str, name: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let value = line.ok_or("the system does not tell")?.trim().trim_end_matches("kB").trim();
    Ok(value.parse::<u64>()? * 1024)
}
