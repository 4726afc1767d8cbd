//! A hygge project in a temporary folder, and the binary that runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// A project in a temporary folder; removed when dropped.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
}

/// What a finished `hygge` said and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Said {
    /// Both streams, for looking for a message wherever it went.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Panics unless all went well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "it failed:\n{}", self.all());
        self
    }

    /// Panics unless it failed with exit code 1 and every one of `words` is in what it said.
    #[track_caller]
    pub fn fails_with(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "it should have failed:\n{}", self.all());
        self.says(words)
    }

    /// Panics unless every one of `words` is in what it said.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let all = self.all();
        for word in words {
            assert!(all.contains(word), "`{word}` is not in:\n{all}");
        }
        assert!(!all.contains("panicked"), "a panic shows:\n{all}");
        self
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// An empty project: `hygge.yml` with nothing but a name, and no flows.
    pub fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        project.write("hygge.yml", "name: test\n");
        project
    }

    /// A project with one flow `f` from `source` to `lake`, and these entities.
    pub fn with_flow(entities: &[&str], more: &str) -> Self {
        let project = Self::new();
        let list: String = entities.iter().map(|name| format!("  - {name}\n")).collect();
        project.write(
            "flows/f/flow.yml",
            format!("home: source\nstore: lake\nentities:\n{list}{more}\n"),
        );
        project
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the project.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes a file and the folders it needs.
    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    /// Runs `hygge` with these arguments and waits for it.
    pub fn hygge(&self, arguments: &[&str]) -> Said {
        finish(self.start(arguments))
    }

    /// Starts `hygge` with these arguments.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("hygge starts")
    }

    /// The command that runs `hygge` here, for tests that change its surroundings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.root())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `hygge` as a user without special rights, who owns the project: root ignores the
    /// permissions of files.
    pub fn hygge_unprivileged(&self, arguments: &[&str]) -> Said {
        if !crate::mount::is_root() {
            return self.hygge(arguments);
        }
        use std::os::unix::process::CommandExt;
        const NOBODY: u32 = 65_534;
        let copy = self.path(".bin/hygge");
        std::fs::create_dir_all(self.path(".bin")).expect("a folder");
        std::fs::copy(binary(), &copy).expect("a copy of hygge");
        let owned = Command::new("chown")
            .args(["-R", &format!("{NOBODY}:{NOBODY}")])
            .arg(self.root())
            .status();
        assert!(owned.is_ok_and(|status| status.success()), "chown");
        let mut command = Command::new(copy);
        let child = command
            .args(arguments)
            .current_dir(self.root())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .uid(NOBODY)
            .gid(NOBODY)
            .spawn();
        finish(child.expect("hygge starts"))
    }

    /// Every file below a folder of the project, relative to that folder, sorted.
    pub fn files(&self, relative: &str) -> Vec<String> {
        let root = self.path(relative);
        let mut found = Vec::new();
        walk(&root, &mut |path| {
            found.push(path.strip_prefix(&root).expect("below").display().to_string());
        });
        found.sort();
        found
    }

    /// Files and folders below the project that a finished run must not leave: staging, markers,
    /// temporary files.
    pub fn strays(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk_all(self.root(), &mut |path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|name| {
                name.starts_with(".hygge_staging")
                    || name.starts_with(".hygge_run")
                    || name.ends_with(".tmp")
            }) {
                found.push(path.display().to_string());
            }
        });
        found
    }
}

/// Waits for a started `hygge`.
pub fn finish(child: Child) -> Said {
    let output = child.wait_with_output().expect("hygge ends");
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn walk(folder: &Path, file: &mut dyn FnMut(&Path)) {
    walk_all(folder, &mut |path| {
        if path.is_file() {
            file(path);
        }
    });
}

fn walk_all(folder: &Path, each: &mut dyn FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        each(&path);
        if path.is_dir() && !path.is_symlink() {
            walk_all(&path, each);
        }
    }
}

/// The `hygge` under test: the one `HYGGE_BIN` names, else a fresh build in this profile.
///
/// It is built with the features that the whole workspace asks for, as `tests/run.sh` does:
/// asking for this package alone would build every dependency a second time.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("HYGGE_BIN") {
            return PathBuf::from(given);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build
            .args(["build", "--quiet", "--workspace", "--bin", "hygge"])
            .arg("--message-format=json")
            .current_dir(repository());
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let output = build.stderr(Stdio::inherit()).output().expect("cargo runs");
        assert!(output.status.success(), "hygge does not build");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
            .next_back()
            .expect("cargo names the executable")
    })
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}
