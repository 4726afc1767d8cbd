//! Panics that are caught and told as faults do not also speak for themselves.
//!
//! Work on threads other than the main one is caught wherever it panics (a decoder over damaged
//! bytes may), and the user is told what failed and what to do. What a panic itself says is a
//! detail of the log.

use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hygge_core::engine::event::{Event, Level, Listener};

/// Threads on which nothing catches a panic.
const UNGUARDED: [&str; 2] = ["main", "report"];

/// Where panics that are caught are told, as long as it is there.
static HEARS: Mutex<Option<Weak<dyn Listener>>> = Mutex::new(None);

/// From here on, panics that are caught are told to [`tell`]'s listener alone.
pub(crate) fn quieten() {
    let shout = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if is_caught(std::thread::current().name()) {
            whisper(info);
        } else {
            shout(info);
        }
    }));
}

/// Tells panics to `listener`, as a detail.
pub(crate) fn tell(listener: &Arc<dyn Listener>) {
    *HEARS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::downgrade(listener));
}

fn is_caught(thread: Option<&str>) -> bool {
    thread.is_some_and(|name| !UNGUARDED.contains(&name))
}

fn whisper(info: &PanicHookInfo<'_>) {
    let hears = HEARS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(listener) = hears.and_then(|hears| hears.upgrade()) {
        let message = format!("caught: {info}").replace('\n', " ");
        listener.event(&Event::Notice { name: None, level: Level::Debug, message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(Level, String)>>);

    impl Listener for Heard {
        fn event(&self, event: &Event) {
            if let Event::Notice { level, message, .. } = event {
                self.0.lock().unwrap().push((*level, message.clone()));
            }
        }
    }

    #[test]
    fn a_panic_that_is_caught_is_a_detail() {
        let heard = Arc::new(Heard::default());
        let listener: Arc<dyn Listener> = Arc::<Heard>::clone(&heard);
        tell(&listener);
        quieten();
        let worker = std::thread::Builder::new().name("tokio-rt-worker".to_owned());
        let ended = worker.spawn(|| panic!("out of range")).unwrap().join();
        // The other tests of this process speak for themselves.
        drop(panic::take_hook());
        assert!(ended.is_err());
        let heard = heard.0.lock().unwrap();
        let ours: Vec<_> = heard.iter().filter(|(_, said)| said.contains("out of range")).collect();
        let [(level, said)] = &ours[..] else { panic!("{heard:?}") };
        assert_eq!(*level, Level::Debug);
        assert!(said.starts_with("caught: panicked at host/cli/src/panics.rs:"), "{said}");
    }

    #[test]
    fn what_nothing_catches_is_not_hidden() {
        assert!(!is_caught(Some("main")) && !is_caught(Some("report")) && !is_caught(None));
        assert!(is_caught(Some("tokio-rt-worker")) && is_caught(Some("hygge-sync")));
    }
}
