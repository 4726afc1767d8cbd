//! What can be done within any function of the contract.

use std::hint::black_box;

use hygge_sdk::bindings::home::hygge::connector::{host, http, types};

use crate::network::{self, request};

/// Does the deed of `behaviour`, if this is its place.
pub(crate) fn at(place: &str, behaviour: &str) -> Result<(), types::Error> {
    match behaviour.split_once("_in_") {
        Some((deed, own)) if own == place => commit(deed),
        _ => Ok(()),
    }
}

fn commit(deed: &str) -> Result<(), types::Error> {
    match deed {
        "loop" => endless(),
        "trap" => trap(),
        "recursion" => {
            black_box(deeper(black_box(1)));
        }
        "grow" => grow(),
        "allocate" => allocate(),
        // Holds on to more or less all that a run has, and does nothing with it.
        "hog" => {
            let held = vec![1_u8; 200_000_000];
            loop {
                let _ = host::sleep(black_box(&held).len() as u64);
            }
        }
        // Whatever the host answers, it goes on sleeping.
        "sleep" => loop {
            let _ = host::sleep(u64::MAX);
        },
        // Busy enough to look alive for ever, at no cost.
        "naps" => loop {
            let _ = host::sleep(1);
            host::progress(1, None);
        },
        "calls" => loop {
            black_box(host::now());
        },
        "logs" => {
            for number in 0..250_000 {
                host::log(host::Level::Info, if number % 2 == 0 { "tick" } else { "tock" }, &[]);
            }
        }
        "warnings" => {
            for _ in 0..10_000 {
                host::log(host::Level::Warn, "\u{1b}[2J\u{1b}[31mlook\r\nhere", &[]);
            }
        }
        "line" => host::log(host::Level::Warn, &"x".repeat(100_000_000), &[]),
        "fields" => {
            let field = ("key".to_owned(), "value".to_owned());
            host::log(host::Level::Warn, "many", &vec![field; 200_000]);
        }
        "error" => return Err(error(types::Fault::Data, steering(20_000_000))),
        "screen" => return Err(error(types::Fault::Data, steering(200))),
        "cancelled" => return Err(error(types::Fault::Cancelled, "so be it".to_owned())),
        "metadata" => {
            http::send(&request("http://169.254.169.254/latest/meta-data/"))?;
        }
        "file" => {
            http::send(&request("file:///etc/passwd"))?;
        }
        "requests" => {
            let requests = vec![request("http://10.0.0.1/"); 100_000];
            let answers = http::send_all(&requests);
            for answer in answers {
                answer?;
            }
        }
        other => return network::commit(other),
    }
    Ok(())
}

/// Never returns.
pub(crate) fn endless() -> ! {
    loop {
        black_box(());
    }
}

/// Ends the instance.
pub(crate) fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    std::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

fn deeper(depth: u64) -> u64 {
    // Something is left to do after the call, so that it cannot become a loop.
    if black_box(depth) == 0 { 0 } else { deeper(depth + 1) + black_box(1) }
}

/// Takes all memory there is, page by page.
fn grow() {
    #[cfg(target_arch = "wasm32")]
    while std::arch::wasm32::memory_grow(0, 16) != usize::MAX {}
    trap();
}

/// Takes all memory there is, as programs do.
fn allocate() {
    let mut all = Vec::new();
    loop {
        all.push(vec![1_u8; 1 << 20]);
        black_box(&all);
    }
}

/// Text that wipes a terminal and says otherwise.
fn steering(bytes: usize) -> String {
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}all is well\r\n".chars().cycle().take(bytes).collect()
}

/// An error.
pub(crate) fn error(fault: types::Fault, message: String) -> types::Error {
    types::Error { fault, code: "hostile.on-purpose".to_owned(), message, retry_after_ms: None }
}
