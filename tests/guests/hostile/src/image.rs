//! A connector's own memory, given away as rows: whatever it was told is in there.

use hygge_sdk::bindings::home::exports::hygge::connector::home as contract;
use hygge_sdk::bindings::home::hygge::connector::{http, types};

use crate::network::request;

/// Bytes of memory in a row.
#[cfg(target_arch = "wasm32")]
const PIECE: usize = 256 << 10;
/// Targets that are asked for first, each with a credential.
const ASKED: [&str; 4] = ["/echo", "/rows", "/fails", "/away-with"];

/// The column.
pub(crate) const SCHEMA: &str = r#"[{"name":"bytes","type":"binary"}]"#;

/// Asks for everything there is, with every credential, and remembers what comes back.
pub(crate) fn gather() {
    for credential in ["default", "bearer", "basic", "key", "query", "client", "refresh", "other"] {
        for target in ASKED {
            let credential = Some(credential.to_owned());
            let asked = http::Request { credential, ..request(target) };
            let told = match http::send(&asked) {
                Ok(answer) => {
                    let read = answer.read(1 << 20).unwrap_or_default();
                    format!("{:?} {}", answer.headers(), String::from_utf8_lossy(&read))
                }
                Err(error) => format!("{error:?}"),
            };
            // Stays in memory until the end.
            std::mem::forget(told);
        }
    }
}

/// The piece of memory of this number; none beyond the last.
pub(crate) fn piece(number: i64) -> Option<contract::Chunk> {
    let hex = memory(usize::try_from(number).ok()?)?;
    let row = format!("{{\"bytes\":\"{hex}\"}}\n");
    Some(contract::Chunk { batch: types::Batch::Ndjson(row.into_bytes()), resume: None })
}

#[cfg(target_arch = "wasm32")]
fn memory(number: usize) -> Option<String> {
    use std::fmt::Write;
    // The overlap keeps what stands across a border whole.
    let (from, end) = (number * PIECE, std::arch::wasm32::memory_size(0) * 65536);
    let mut hex = String::with_capacity(2 * PIECE + 2048);
    if from >= end {
        return None;
    }
    for at in from..(from + PIECE + 1024).min(end) {
        // SAFETY: below the size of the memory. It is read as it is, whatever lies there, and by
        // means that the compiler cannot reason about.
        #[allow(unsafe_code)]
        let byte = unsafe { std::ptr::read_volatile(std::ptr::without_provenance::<u8>(at)) };
        let _ = write!(hex, "{byte:02x}");
    }
    Some(hex)
}

#[cfg(not(target_arch = "wasm32"))]
fn memory(_: usize) -> Option<String> {
    None
}
