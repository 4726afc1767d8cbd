//! Tells people and machines how a run goes. Listens to the engine's events and nothing else.
//!
//! Events are handed over to a thread of the report's own, so that a slow terminal, a full pipe
//! or a slow disk never holds up the data. That thread tells them to each [`Face`]: lines for
//! people ([`text`]) or objects for machines ([`json`]), and the log file ([`logfile`]).

mod bars;
pub(crate) mod fault;
pub(crate) mod format;
mod json;
mod lines;
mod logfile;
pub(crate) mod style;
mod summary;
#[cfg(test)]
mod test_support;
mod text;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hygge_core::engine::event::{Event, Level, Listener};
use hygge_core::fault::Fault;
use jiff::Timestamp;

pub(crate) use json::{fault_object, problem_lines};
pub(crate) use lines::{Severity, mode_word, tag};

use crate::args::LogFormat;
use logfile::LogFile;

/// With more said than this waiting to be told, further progress is left out: the next progress
/// that is told has the totals anyway.
const BACKLOG: usize = 1024;

/// How long details are left to gather. Connectors have thousands of them in a second, and to wake
/// the thread that tells them costs more than to tell them.
const GATHER: Duration = Duration::from_millis(5);

/// How a run is to be reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// For people or for machines.
    pub format: LogFormat,
    /// Only failures and the last line.
    pub quiet: bool,
    /// Lines that matter less are left out; the log file has them all.
    pub least: Severity,
}

/// Something to tell.
// Nearly all that is said is an event, so a box would only cost.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Said {
    /// By the engine.
    Event(Event),
    /// The user asked for an end.
    Interrupted,
    /// The run could not go on, or not begin.
    Stopped(Fault),
}

/// When something was said.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// For lengths of time.
    instant: Instant,
    /// For clocks.
    time: Timestamp,
}

impl Moment {
    fn now() -> Self {
        Self { instant: Instant::now(), time: Timestamp::now() }
    }
}

/// A way of telling.
trait Face: Send {
    /// Tells it.
    fn tell(&mut self, at: Moment, said: &Said);

    /// Nothing more is waiting: shows what has been held back. An answer is a complaint that the
    /// other faces should pass on.
    fn rest(&mut self) -> Option<String> {
        None
    }
}

/// The report of one run.
pub(crate) struct Report {
    sender: Sender<Option<(Moment, Said)>>,
    queued: Arc<AtomicUsize>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Report {
    /// Begins to report a run of the project in `root`, with a log file in its `logs` folder.
    pub(crate) fn begin(settings: Settings, root: &Path) -> io::Result<Arc<Self>> {
        let now = Moment::now();
        let (log, complaint) = match LogFile::create(root, now.time) {
            Ok(log) => (Some(log), None),
            Err(error) => {
                let folder = root.join(logfile::FOLDER);
                (None, Some(format!("no log file: cannot write to {}: {error}", folder.display())))
            }
        };
        let mut faces: Vec<Box<dyn Face>> = vec![match settings.format {
            LogFormat::Text => {
                let shown = log.as_ref().map(|log| log.shown().to_owned());
                Box::new(text::Text::on_stdout(settings, shown))
            }
            LogFormat::Json => Box::new(json::Json::on_stdout(settings)),
        }];
        faces.extend(log.map(|log| Box::new(log) as Box<dyn Face>));

        let (sender, receiver) = channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let thread = thread::Builder::new().name("report".to_owned()).spawn({
            let queued = Arc::clone(&queued);
            move || listen(faces, &receiver, &queued)
        })?;
        let report = Arc::new(Self { sender, queued, thread: Mutex::new(Some(thread)) });
        if let Some(message) = complaint {
            report.event(&Event::Notice { name: None, level: Level::Warn, message });
        }
        Ok(report)
    }

    /// The user asked for an end.
    pub(crate) fn interrupted(&self) {
        self.say(Said::Interrupted);
    }

    /// The run could not go on, or not begin.
    pub(crate) fn stopped(&self, fault: Fault) {
        self.say(Said::Stopped(fault));
    }

    /// Waits until everything said so far has been told, and ends the report.
    pub(crate) fn close(&self) {
        // A receiver that is gone has told all it could.
        let _ = self.sender.send(None);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn say(&self, said: Said) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        let _ = self.sender.send(Some((Moment::now(), said)));
    }
}

impl Listener for Report {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Progress { .. }) && self.queued.load(Ordering::Relaxed) > BACKLOG
        {
            return;
        }
        self.say(Said::Event(event.clone()));
    }
}

fn listen(
    mut faces: Vec<Box<dyn Face>>,
    receiver: &Receiver<Option<(Moment, Said)>>,
    queued: &AtomicUsize,
) {
    while let Ok(Some(first)) = receiver.recv() {
        let mut next = Some(first);
        let (mut end, mut details) = (false, true);
        while let Some((at, said)) = next {
            queued.fetch_sub(1, Ordering::Relaxed);
            details &= matches!(said, Said::Event(Event::Notice { level: Level::Debug, .. }));
            for face in &mut faces {
                face.tell(at, &said);
            }
            next = match receiver.try_recv() {
                Ok(Some(more)) => Some(more),
                Ok(None) => {
                    end = true;
                    None
                }
                Err(_) => None,
            };
        }
        let complaints: Vec<String> = faces.iter_mut().filter_map(|face| face.rest()).collect();
        for message in complaints {
            let notice = Event::Notice { name: None, level: Level::Warn, message };
            for face in &mut faces {
                face.tell(Moment::now(), &Said::Event(notice.clone()));
            }
        }
        if end {
            return;
        }
        if details {
            thread::sleep(GATHER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::test_support::name;
    use super::*;

    struct Recorder {
        told: Sender<String>,
        complain: bool,
    }

    impl Face for Recorder {
        fn tell(&mut self, _: Moment, said: &Said) {
            let _ = self.told.send(match said {
                Said::Event(Event::Notice { message, .. }) => message.clone(),
                other => format!("{other:?}").chars().take_while(|c| c.is_alphabetic()).collect(),
            });
        }

        fn rest(&mut self) -> Option<String> {
            std::mem::take(&mut self.complain).then(|| "disk full".to_owned())
        }
    }

    #[test]
    fn everything_said_before_the_end_is_told_and_complaints_are_passed_on_once() {
        let (told, hears) = channel();
        let faces: Vec<Box<dyn Face>> = vec![Box::new(Recorder { told, complain: true })];
        let (sender, receiver) = channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let report = Report { sender, queued: Arc::clone(&queued), thread: Mutex::default() };
        report.interrupted();
        report.stopped(Fault::cancelled());
        let thread = std::thread::spawn(move || listen(faces, &receiver, &queued));
        *report.thread.lock().unwrap() = Some(thread);
        report.close();
        let heard: Vec<String> = hears.iter().collect();
        assert_eq!(heard, ["Interrupted", "Stopped", "disk full"]);
    }

    #[test]
    fn a_stuck_terminal_drops_progress_and_nothing_else() {
        let (sender, receiver) = channel();
        let report = Report { sender, queued: Arc::default(), thread: Mutex::default() };
        for rows in 0..3000 {
            report.event(&Event::Progress { name: name("a", "b"), rows, bytes: 0 });
        }
        report.interrupted();
        report.sender.send(None).unwrap();
        let heard = receiver.iter().map_while(|said| said).count();
        assert_eq!(heard, BACKLOG + 2);
    }
}
