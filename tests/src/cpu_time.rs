//! CPU time, as Linux accounts for it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What Linux counts for programs, however often its own clock ticks.
const PER_SECOND: f64 = 100.0;

/// Seconds that this process has kept cores busy.
pub fn own() -> Result<f64> {
    seconds(Path::new("/proc/self/stat"), 13)
}

/// Seconds that its children have, of those that have been waited for.
pub fn of_children() -> Result<f64> {
    seconds(Path::new("/proc/self/stat"), 15)
}

/// Seconds that threads of this process have, by their names; of those that are still there.
pub fn of_threads() -> Result<BTreeMap<String, f64>> {
    let mut all = BTreeMap::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        let read = |file: &str| fs::read_to_string(thread.join(file));
        // It may have come to its end since it was listed.
        let (Ok(name), Ok(spent)) = (read("comm"), read("schedstat")) else { continue };
        let name = name.trim().to_owned();
        // Nanoseconds on a core, and two numbers more.
        let spent: f64 = spent.split(' ').next().ok_or("no fields")?.parse()?;
        *all.entry(name).or_default() += spent / 1e9;
    }
    Ok(all)
}

/// Of the fields with this index and the next.
fn seconds(stat: &Path, field: usize) -> Result<f64> {
    let text = fs::read_to_string(stat)?;
    // The name in the second field may hold anything.
    let rest = text.rsplit(')').next().ok_or("no fields")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| -> Result<u32> {
        Ok(fields.get(field - 2).ok_or("too few fields")?.parse()?)
    };
    Ok(f64::from(ticks(field)? + ticks(field + 1)?) / PER_SECOND)
}
