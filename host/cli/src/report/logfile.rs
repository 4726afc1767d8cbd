//! The log file of a run: every line, without colour codes, under `logs/` of the project.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use hygge_core::engine::event::Event;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::lines::{Line, Narrator};
use super::style::plain;
use super::summary::{Extent, summary};
use super::{Face, Moment, Said, Severity, fault};

/// The folder in the project.
pub(super) const FOLDER: &str = "logs";

/// How many log files are kept.
const KEEP: usize = 20;

/// How the time stands in a file's name.
const STAMP: &str = "%Y%m%d_%H%M%S";

/// The log file of a run.
pub(super) struct LogFile {
    out: BufWriter<File>,
    shown: String,
    path: PathBuf,
    narrator: Narrator,
    zone: TimeZone,
    /// The last second that was written, and how: lines come by the thousand.
    second: (i64, String),
    /// What went wrong with writing; after that nothing more is written.
    broken: Option<io::Error>,
    complained: bool,
}

impl LogFile {
    /// Makes the log file of a run that begins at `time`, and removes the oldest of earlier runs.
    pub(super) fn create(root: &Path, time: Timestamp) -> io::Result<Self> {
        let zone = TimeZone::system();
        let folder = root.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let stamp = time.to_zoned(zone.clone()).strftime(STAMP).to_string();
        let (file, name) = create_new(&folder, &stamp)?;
        // Old log files that stay are a nuisance, no reason to complain.
        let _ = remove_old(&folder);
        let mut log = Self {
            out: BufWriter::new(file),
            shown: format!("{FOLDER}/{name}"),
            path: folder.join(name),
            narrator: Narrator::default(),
            zone,
            second: (i64::MIN, String::new()),
            broken: None,
            complained: false,
        };
        let text = format!("hygge {} in {}", env!("CARGO_PKG_VERSION"), root.display());
        log.line(time, &Line::new(Severity::Info, text));
        Ok(log)
    }

    /// Where it is, relative to the project.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    fn line(&mut self, time: Timestamp, line: &Line) {
        if self.second.0 != time.as_second() {
            let clock = time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
            self.second = (time.as_second(), clock);
        }
        let (clock, millis) = (&self.second.1, time.subsec_millisecond());
        let text =
            format!("{clock}.{millis:03}  {:5}  {}\n", line.severity.as_str(), plain(&line.text));
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if self.broken.is_none() {
            self.broken = self.out.write_all(text.as_bytes()).err();
        }
    }
}

impl Face for LogFile {
    fn tell(&mut self, at: Moment, said: &Said) {
        match said {
            Said::Event(Event::RunFinished(report)) => {
                self.write(&plain(&summary(report, Extent::Whole)));
            }
            Said::Event(event) => {
                for line in self.narrator.tell(at.instant, event) {
                    self.line(at.time, &line);
                }
            }
            Said::Interrupted => {
                self.line(at.time, &Line::new(Severity::Warning, "interrupted by the user"));
            }
            Said::Stopped(fault) => {
                for text in fault::lines(fault) {
                    self.line(at.time, &Line::new(Severity::Error, text));
                }
            }
        }
    }

    fn rest(&mut self) -> Option<String> {
        if self.broken.is_none() {
            self.broken = self.out.flush().err();
        }
        let error = self.broken.as_ref().filter(|_| !self.complained)?;
        self.complained = true;
        Some(format!("the log file ends here: cannot write to {}: {error}", self.path.display()))
    }
}

/// Makes a file that was not there; runs that begin in one second get names of their own.
fn create_new(folder: &Path, stamp: &str) -> io::Result<(File, String)> {
    for attempt in 1..1000 {
        let name = match attempt {
            1 => format!("hygge_{stamp}.log"),
            more => format!("hygge_{stamp}_{more}.log"),
        };
        match OpenOptions::new().write(true).create_new(true).open(folder.join(&name)) {
            Ok(file) => return Ok((file, name)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many log files with the same time"))
}

/// When the run began and which of that second's runs it was, if this is a name of ours.
fn read_name(name: &str) -> Option<(DateTime, u32)> {
    let stamp = name.strip_prefix("hygge_")?.strip_suffix(".log")?;
    let (stamp, attempt) = match stamp.get(15..)? {
        "" => (stamp, 1),
        rest => (stamp.get(..15)?, rest.strip_prefix('_')?.parse().ok()?),
    };
    Some((DateTime::strptime(STAMP, stamp).ok()?, attempt))
}

fn remove_old(folder: &Path) -> io::Result<()> {
    let mut ours: Vec<((DateTime, u32), PathBuf)> = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((read_name(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    ours.sort();
    let surplus = ours.len().saturating_sub(KEEP);
    for (_, path) in ours.into_iter().take(surplus) {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hygge_core::engine::event::Level;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_are_kept_and_what_is_not_ours_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        for day in 1..=28 {
            fs::write(folder.join(format!("hygge_202001{day:02}_000000.log")), "").unwrap();
        }
        for other in ["hygge_notes.log", "hygge_20200101.log", "access.log"] {
            fs::write(folder.join(other), "").unwrap();
        }
        LogFile::create(root.path(), Timestamp::now()).unwrap();
        let names = names(&folder);
        assert_eq!(names.len(), KEEP + 3);
        assert!(!names.contains(&"hygge_20200109_000000.log".to_owned()));
        assert!(names.contains(&"hygge_20200110_000000.log".to_owned()));
        assert!(names.contains(&"hygge_notes.log".to_owned()));
    }

    #[test]
    fn runs_of_one_second_have_files_of_their_own_in_order() {
        let root = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let shown: Vec<String> =
            (0..3).map(|_| LogFile::create(root.path(), now).unwrap().shown().to_owned()).collect();
        let order: Vec<u32> = shown
            .iter()
            .map(|name| read_name(name.strip_prefix("logs/").unwrap()).unwrap().1)
            .collect();
        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn it_has_every_line_and_no_colours() {
        let root = tempfile::tempdir().unwrap();
        let mut log = LogFile::create(root.path(), Timestamp::now()).unwrap();
        let notice = Event::Notice { name: None, level: Level::Debug, message: "detail".into() };
        log.tell(Moment::now(), &Said::Event(notice));
        assert_eq!(log.rest(), None);
        let text = fs::read_to_string(&log.path).unwrap();
        assert!(text.contains("DEBUG  detail\n"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
