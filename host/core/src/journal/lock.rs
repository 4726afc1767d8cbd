//! One run of a project at a time.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::HOUSE;
use super::error::JournalError;

const FILE: &str = "lock";

/// Who runs a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// The user.
    pub user: String,
    /// Since when, in UTC.
    pub since: String,
    /// What was typed.
    pub command: String,
}

impl Holder {
    /// Who runs this project now, for `hygge debug`. Takes no lock and touches nothing: an answer
    /// may be out of date, and of another machine's run it cannot be told whether it still lives.
    pub fn of(root: &Path) -> Option<Self> {
        let holder = read(&mut File::open(root.join(HOUSE).join(FILE)).ok()?)?;
        let lives = || {
            let pid = i32::try_from(holder.pid).ok().and_then(Pid::from_raw)?;
            // A process that refuses the question is there all the same.
            match rustix::process::test_kill_process(pid) {
                Err(error) if error == rustix::io::Errno::SRCH => None,
                _ => Some(()),
            }
        };
        (holder.host != host() || lives().is_some()).then_some(holder)
    }

    fn this_process(command: &str) -> Self {
        let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        Self {
            pid: std::process::id(),
            host: host(),
            user: user.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string()),
            since: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            command: command.to_owned(),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, user, since, command } = self;
        write!(f, "`{command}`, started by {user} on {host} at {since} (process {pid})")
    }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Held by the one run of a project. The operating system lets go of it with the process, however
/// that ends.
#[derive(Debug)]
pub(super) struct RunLock {
    file: File,
}

impl RunLock {
    /// Takes the lock, or says who has it. The text is a warning where a file system has no locks.
    pub(super) fn take(
        house: &Path,
        command: &str,
    ) -> Result<(Self, Option<String>), JournalError> {
        let path = house.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        let warning = match file.try_lock() {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => {
                let holder = read(&mut file).map(Box::new);
                return Err(JournalError::Locked { holder, path });
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Some(format!(
                    "{} cannot be locked on this file system: make sure that only one run of this \
                     project is under way at a time",
                    path.display()
                ))
            }
            Err(TryLockError::Error(error)) => {
                return Err(JournalError::io("lock", &path)(error));
            }
        };
        let text = serde_json::to_string(&Holder::this_process(command)).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(JournalError::io("write", &path))?;
        Ok((Self { file }, warning))
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // The name alone; the lock itself goes with the file handle.
        let _ = self.file.set_len(0);
    }
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_has_the_lock() {
        let root = tempfile::tempdir().unwrap();
        let house = root.path().join(HOUSE);
        std::fs::create_dir(&house).unwrap();
        assert_eq!(Holder::of(root.path()), None);
        let (held, warning) = RunLock::take(&house, "hygge go --flow a").unwrap();
        assert_eq!(warning, None);
        assert_eq!(Holder::of(root.path()).unwrap().pid, std::process::id());
        let error = RunLock::take(&house, "hygge go").unwrap_err();
        let said = error.to_string();
        assert!(said.contains("`hygge go --flow a`"), "{said}");
        assert!(said.contains(&format!("(process {})", std::process::id())), "{said}");
        assert!(error.help().unwrap().contains("stop process"));
        drop(held);
        assert_eq!(Holder::of(root.path()), None);
        RunLock::take(&house, "hygge go").unwrap();
    }

    #[test]
    fn the_name_of_a_killed_run_means_nothing() {
        let root = tempfile::tempdir().unwrap();
        let house = root.path().join(HOUSE);
        std::fs::create_dir(&house).unwrap();
        // The longest text of a run before must not shine through either.
        let mut dead = Holder::this_process(&"x".repeat(500));
        dead.pid = i32::MAX as u32;
        std::fs::write(house.join(FILE), serde_json::to_string(&dead).unwrap()).unwrap();
        assert_eq!(Holder::of(root.path()), None);
        let (_held, _) = RunLock::take(&house, "hygge go").unwrap();
        assert_eq!(Holder::of(root.path()).unwrap().command, "hygge go");
    }

    #[test]
    fn a_half_written_name_is_no_name() {
        let root = tempfile::tempdir().unwrap();
        let house = root.path().join(HOUSE);
        std::fs::create_dir(&house).unwrap();
        let held = File::create(house.join(FILE)).unwrap();
        held.lock().unwrap();
        std::fs::write(house.join(FILE), "{\"pid\":1").unwrap();
        let error = RunLock::take(&house, "hygge go").unwrap_err();
        assert_eq!(error.to_string(), "another run of this project is under way");
    }
}
