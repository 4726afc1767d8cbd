//! Lines for people on stdout: `HH:MM:SS  [flow] message`, with progress bars on a terminal.

use std::io::{self, IsTerminal, Write};

use hygge_core::engine::event::Event;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bars::Bars;
use super::lines::{Line, Narrator};
use super::style::{FAINT, WARN, paint};
use super::summary::{Extent, summary};
use super::{Face, Moment, Said, Settings, Severity, fault};

/// What the user is told when the first Ctrl-C arrives.
const INTERRUPTED: &str = "finishing cleanly, Ctrl-C again to stop now";

/// Lines for people.
pub(super) struct Text {
    out: Box<dyn Write + Send>,
    /// The reader of stdout went away: the run goes on, in silence.
    gone: bool,
    bars: Option<Bars>,
    narrator: Narrator,
    settings: Settings,
    zone: TimeZone,
    /// The log file, as shown at the end.
    log: Option<String>,
}

impl Text {
    /// On stdout, with bars where both stdout and stderr are a terminal.
    pub(super) fn on_stdout(settings: Settings, log: Option<String>) -> Self {
        let terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        let bars = (terminal && !settings.quiet).then(Bars::on_stderr);
        Self::new(Box::new(anstream::stdout()), settings, TimeZone::system(), bars, log)
    }

    fn new(
        out: Box<dyn Write + Send>,
        settings: Settings,
        zone: TimeZone,
        bars: Option<Bars>,
        log: Option<String>,
    ) -> Self {
        Self { out, gone: false, bars, narrator: Narrator::default(), settings, zone, log }
    }

    fn least(&self) -> Severity {
        if self.settings.quiet { Severity::Error } else { self.settings.least }
    }

    fn line(&mut self, time: Timestamp, text: &str) {
        let clock = time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string();
        self.write(&format!("{}  {text}\n", paint(FAINT, clock)));
    }

    fn lines(&mut self, time: Timestamp, lines: &[Line]) {
        let least = self.least();
        for line in lines.iter().filter(|line| line.severity >= least) {
            self.line(time, &line.text);
        }
    }

    fn write(&mut self, text: &str) {
        if self.gone {
            return;
        }
        let out = &mut self.out;
        let mut put = || out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let written = match &self.bars {
            Some(bars) => bars.above(put),
            None => put(),
        };
        self.gone = written.is_err();
    }

    fn end(&mut self, event: &Event) {
        let Event::RunFinished(report) = event else { return };
        // Bars that a cancelled run left must not stay below the summary.
        self.bars = None;
        let extent = if self.settings.quiet { Extent::Brief } else { Extent::Readable };
        self.write(&summary(report, extent));
        if let Some(log) = self.log.take()
            && !self.settings.quiet
        {
            self.write(&format!("{}\n", paint(FAINT, format!("log file: {log}"))));
        }
    }
}

impl Face for Text {
    fn tell(&mut self, at: Moment, said: &Said) {
        match said {
            Said::Event(event) => {
                if let Some(bars) = &mut self.bars {
                    bars.follow(at.instant, event);
                }
                let lines = self.narrator.tell(at.instant, event);
                self.lines(at.time, &lines);
                self.end(event);
            }
            Said::Interrupted => self.line(at.time, &paint(WARN, INTERRUPTED).to_string()),
            Said::Stopped(fault) => {
                self.bars = None;
                for line in fault::lines(fault) {
                    self.line(at.time, &line);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::{Duration, Instant};

    use hygge_core::contract::Mode;
    use hygge_core::engine::event::{Level, RunReport};
    use hygge_core::fault::Fault;

    use super::*;
    use crate::args::LogFormat;
    use crate::report::style::plain;
    use crate::report::test_support::{name, success};

    struct Pipe(Sender<String>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn events() -> Vec<Said> {
        let notice = |level, message: &str| {
            Said::Event(Event::Notice { name: None, level, message: message.into() })
        };
        let report = RunReport {
            coordinator_run_id: "c0".into(),
            entities: vec![success("crm", "users", 10)],
            elapsed: Duration::from_secs(2),
            cancelled: false,
        };
        vec![
            Said::Event(Event::RunStarted { entities: 1, concurrency: 8 }),
            notice(Level::Debug, "a detail"),
            Said::Event(Event::Started {
                name: name("crm", "users"),
                index: 1,
                of: 1,
                source: "data/in/users".into(),
                destination: "data/out/users".into(),
                mode: Mode::Replace,
                since: None,
            }),
            notice(Level::Warn, "careful"),
            Said::Interrupted,
            Said::Stopped(Fault::data("the journal is damaged").with_help("restore it")),
            Said::Event(Event::RunFinished(report)),
        ]
    }

    fn told(quiet: bool, least: Severity) -> String {
        let (sender, receiver) = channel();
        let settings = Settings { format: LogFormat::Text, quiet, least };
        let log = Some("logs/a.log".to_owned());
        let mut text = Text::new(Box::new(Pipe(sender)), settings, TimeZone::UTC, None, log);
        let at = Moment { instant: Instant::now(), time: "2026-01-02T03:04:05Z".parse().unwrap() };
        for said in events() {
            text.tell(at, &said);
        }
        drop(text);
        plain(&receiver.iter().collect::<String>())
    }

    #[test]
    fn lines_have_a_clock_and_the_run_ends_with_a_summary() {
        insta::assert_snapshot!(told(false, Severity::Info), @r"
        03:04:05  running 1 entity, 8 at a time
        03:04:05  [1 of 1] STARTING flow crm_users  data/in/users → data/out/users (replace)
        03:04:05  careful
        03:04:05  finishing cleanly, Ctrl-C again to stop now
        03:04:05  the journal is damaged
        03:04:05  what to do: restore it

        Landed
          crm
            users  → data/out/users  replace · 10 rows · 100 B · 2 files · 1.5s

        PASS=1 WARN=0 ERROR=0 SKIP=0 TOTAL=1
        10 rows in 2.0s · 5 rows/s
        log file: logs/a.log
        ");
    }

    #[test]
    fn levels_leave_lines_out() {
        assert!(told(false, Severity::Debug).contains("a detail"));
        let warnings = told(false, Severity::Warning);
        assert!(!warnings.contains("STARTING") && warnings.contains("careful"));
        insta::assert_snapshot!(told(true, Severity::Info), @r"
        03:04:05  finishing cleanly, Ctrl-C again to stop now
        03:04:05  the journal is damaged
        03:04:05  what to do: restore it
        PASS=1 WARN=0 ERROR=0 SKIP=0 TOTAL=1  10 rows in 2.0s · 5 rows/s
        ");
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let (sender, receiver) = channel();
        drop(receiver);
        let settings = Settings { format: LogFormat::Text, quiet: false, least: Severity::Info };
        let mut text = Text::new(Box::new(Pipe(sender)), settings, TimeZone::UTC, None, None);
        for said in events() {
            text.tell(Moment::now(), &said);
        }
        assert!(text.gone);
    }
}
