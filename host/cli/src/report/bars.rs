//! One live line for each running entity, at the foot of the terminal.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use hygge_core::engine::event::{EntityName, Event, Outcome};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::format::{bytes, count, duration, per_second};

/// How often a spinner turns and a bar is drawn without news.
const TICK: Duration = Duration::from_millis(120);

/// Progress that arrives sooner after the last than this is not worth a new text.
const REFRESH: Duration = Duration::from_millis(50);

/// The bars of a run.
pub(super) struct Bars {
    multi: MultiProgress,
    running: HashMap<EntityName, Bar>,
    /// The last line: how far the whole run is. Only where there is more than one entity.
    whole: Option<ProgressBar>,
    of: usize,
    ended: usize,
    failed: usize,
}

struct Bar {
    bar: ProgressBar,
    since: Instant,
    expected: Option<u64>,
    refreshed: Instant,
}

impl Bars {
    /// On stderr, where they do not mix with what is piped.
    pub(super) fn on_stderr() -> Self {
        Self::on(ProgressDrawTarget::stderr_with_hz(12))
    }

    fn on(target: ProgressDrawTarget) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(target),
            running: HashMap::new(),
            whole: None,
            of: 0,
            ended: 0,
            failed: 0,
        }
    }

    /// Prints above the bars.
    pub(super) fn above(&self, put: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.multi.suspend(put)
    }

    /// Moves the bars as the event says.
    pub(super) fn follow(&mut self, at: Instant, event: &Event) {
        match event {
            Event::RunStarted { entities, .. } => {
                self.of = *entities;
                if *entities > 1 {
                    let whole = self.multi.add(ProgressBar::new(*entities as u64));
                    whole.set_style(style("  [{bar:16}] {wide_msg}"));
                    self.whole = Some(whole);
                    self.refresh_whole();
                }
            }
            Event::Started { name, .. } => self.start(at, name),
            Event::Opened { name, rows } => {
                if let Some(bar) = self.running.get_mut(name) {
                    bar.opened(at, *rows);
                }
            }
            Event::Progress { name, rows, bytes } => {
                if let Some(bar) = self.running.get_mut(name) {
                    bar.progress(at, *rows, *bytes);
                }
            }
            Event::Staged { name, rows } => {
                if let Some(bar) = self.running.get_mut(name) {
                    bar.bar.set_message(format!("{} rows · publishing", count(*rows)));
                }
            }
            Event::Retrying { name, attempt, wait, .. } => {
                if let Some(bar) = self.running.get_mut(name) {
                    let wait = duration(*wait);
                    bar.bar.set_message(format!("attempt {attempt} failed, next in {wait}"));
                }
            }
            Event::Finished(report) => {
                if let Some(bar) = self.running.remove(&report.name) {
                    bar.bar.finish_and_clear();
                    self.multi.remove(&bar.bar);
                }
                self.ended += 1;
                self.failed += usize::from(matches!(report.outcome, Outcome::Failed(_)));
                self.refresh_whole();
            }
            Event::RunFinished(_) | Event::Recovered { .. } | Event::Notice { .. } => {}
        }
    }

    fn start(&mut self, at: Instant, name: &EntityName) {
        let bar = ProgressBar::new_spinner();
        let bar = match &self.whole {
            Some(whole) => self.multi.insert_before(whole, bar),
            None => self.multi.add(bar),
        };
        bar.set_style(style("  {spinner} {prefix:20}  {wide_msg}"));
        bar.set_prefix(name.label());
        bar.set_message("opening");
        bar.enable_steady_tick(TICK);
        let bar = Bar { bar, since: at, expected: None, refreshed: at };
        self.running.insert(name.clone(), bar);
    }

    fn refresh_whole(&self) {
        if let Some(whole) = &self.whole {
            whole.set_position(self.ended as u64);
            let mut text = format!("{} of {} ended", self.ended, self.of);
            if self.failed > 0 {
                text.push_str(&format!(" · {} failed", self.failed));
            }
            whole.set_message(text);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.running.values().map(|running| &running.bar).chain(&self.whole) {
            bar.finish_and_clear();
        }
    }
}

impl Bar {
    /// A new attempt begins to read.
    fn opened(&mut self, at: Instant, rows: Option<u64>) {
        self.since = at;
        self.expected = rows.filter(|rows| *rows > 0);
        if let Some(rows) = self.expected {
            self.bar.set_length(rows);
            self.bar
                .set_style(style("  {spinner} {prefix:20}  [{bar:16}] {percent:>3}%  {wide_msg}"));
        }
        self.bar.set_position(0);
        self.bar.set_message("reading");
    }

    fn progress(&mut self, at: Instant, rows: u64, bytes: u64) {
        let last = self.expected.is_some_and(|expected| rows >= expected);
        if at.saturating_duration_since(self.refreshed) < REFRESH && !last {
            return;
        }
        self.refreshed = at;
        self.bar.set_position(rows);
        let elapsed = at.saturating_duration_since(self.since);
        self.bar.set_message(progress_text(rows, bytes, self.expected, elapsed));
    }
}

/// `1,200,000 rows · 96.0 MB · 600,000 rows/s · 4.0s left`
fn progress_text(rows: u64, size: u64, expected: Option<u64>, elapsed: Duration) -> String {
    let mut text = format!("{} rows · {}", count(rows), bytes(size));
    if let Some(rate) = per_second(rows, elapsed) {
        text.push_str(&format!(" · {} rows/s", count(rate)));
        if let Some(expected) = expected
            && let Some(left) = expected.checked_sub(rows)
            && let Ok(left) = Duration::try_from_secs_f64(left as f64 / rate as f64)
        {
            text.push_str(&format!(" · {} left", duration(left)));
        }
    }
    text
}

fn style(template: &str) -> ProgressStyle {
    // A template that does not parse would be a slip in this file; the tests parse them all.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
        .progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use hygge_core::contract::Mode;

    use super::*;
    use crate::report::test_support::{name, success};

    #[test]
    fn progress_says_how_long_it_will_take_where_that_is_known() {
        let second = Duration::from_secs(2);
        assert_eq!(
            progress_text(1_200_000, 96_000_000, Some(3_600_000), second),
            "1,200,000 rows · 96.0 MB · 600,000 rows/s · 4.0s left"
        );
        assert_eq!(progress_text(10, 400, None, second), "10 rows · 400 B · 5 rows/s");
        assert_eq!(progress_text(0, 0, Some(10), Duration::ZERO), "0 rows · 0 B");
        // Slower than a row a second: no rate to divide by.
        assert_eq!(progress_text(1, 8, Some(10), second), "1 rows · 8 B · 0 rows/s");
    }

    #[test]
    fn every_template_parses() {
        let text = include_str!("bars.rs");
        let templates: Vec<&str> =
            text.split("style(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(templates.len() >= 3);
        for template in templates.iter().filter(|template| template.contains("{wide_msg}")) {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_lives_as_long_as_its_entity() {
        let mut bars = Bars::on(ProgressDrawTarget::hidden());
        let at = Instant::now();
        let users = name("crm", "users");
        bars.follow(at, &Event::RunStarted { entities: 2, concurrency: 2 });
        bars.follow(
            at,
            &Event::Started {
                name: users.clone(),
                index: 1,
                of: 2,
                source: String::new(),
                destination: String::new(),
                mode: Mode::Replace,
                since: None,
            },
        );
        bars.follow(at, &Event::Opened { name: users.clone(), rows: Some(10) });
        bars.follow(at, &Event::Progress { name: users.clone(), rows: 10, bytes: 1 });
        assert_eq!(bars.running[&users].bar.position(), 10);
        bars.follow(at, &Event::Finished(success("crm", "users", 10)));
        assert!(bars.running.is_empty());
        let whole = bars.whole.as_ref().unwrap();
        assert_eq!((whole.position(), whole.message().as_str()), (1, "1 of 2 ended"));
    }
}
