//! Readers that share no code with hygge: pyarrow, DuckDB and Polars, in a Python environment
//! that the first test to need it makes.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::project::repository;

/// The interpreter of an environment that has pyarrow, DuckDB and Polars.
///
/// It is kept under the build folder, shared by all tests, and made again when
/// `tests/python/requirements.txt` changes.
pub fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let made = Command::new("bash")
            .arg(repository().join("tests/python/environment.sh"))
            .output()
            .expect("bash runs");
        assert!(
            made.status.success(),
            "no Python environment:\n{}",
            String::from_utf8_lossy(&made.stderr)
        );
        PathBuf::from(String::from_utf8_lossy(&made.stdout).trim())
    })
}

/// Runs a script with `arguments`; panics with what it said unless it succeeds. Answers with what
/// it printed.
#[track_caller]
pub fn script(text: &str, arguments: &[&str]) -> String {
    let output = Command::new(python()).arg("-c").arg(text).args(arguments).output();
    let output = output.expect("python runs");
    assert!(
        output.status.success(),
        "the independent reader says:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs a program of `tests/python`, which may use the others there, as [`script`] does.
#[track_caller]
pub fn program(name: &str, arguments: &[&str]) -> String {
    let folder = repository().join("tests/python");
    let text = format!(
        "import runpy, sys; sys.dont_write_bytecode = True; sys.path.insert(0, {folder:?}); \
         runpy.run_path({:?}, run_name='__main__')",
        folder.join(name)
    );
    script(&text, arguments)
}

/// Panics unless pyarrow, DuckDB and Polars all read the same rows, in the same order, from two
/// folders of Parquet files.
#[track_caller]
pub fn assert_same_tables(a: &std::path::Path, b: &std::path::Path) {
    script(
        include_str!("../python/same_tables.py"),
        &[&a.display().to_string(), &b.display().to_string()],
    );
}
