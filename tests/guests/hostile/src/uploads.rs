//! What can be tried with bodies that are written bit by bit.

use hygge_sdk::bindings::home::hygge::connector::{host, http, types};

use crate::network::{read, request};

/// What is written at a time.
const PIECE: usize = 1 << 20;

/// Does the deed, if it is one of these.
pub(crate) fn commit(deed: &str) -> Result<(), types::Error> {
    match deed {
        // Larger than anything that may be held.
        "large" => upload("/count", 1 << 30),
        "small" => upload("/count", 10 << 20),
        // The server stops reading.
        "stuck" => upload("/stuck", 1 << 30),
        // The server answers before the end.
        "early" => upload("/early", 1 << 30),
        "longer" => {
            let upload = http::start(&announced("/count", 3))?;
            upload.write(b"four").map(drop)
        }
        "shorter" => {
            let upload = http::start(&announced("/count", 3))?;
            upload.write(b"2.")?;
            read(&http::Upload::finish(upload)?)
        }
        // Begun and dropped: the server must not take it for whole.
        "dropped" => {
            for _ in 0..20 {
                http::start(&put("/count"))?.write(b"half")?;
            }
            Ok(())
        }
        "uploads" => loop {
            std::mem::forget(http::start(&put("/count"))?);
        },
        // Begun, and then nothing.
        "idling" => {
            let upload = http::start(&put("/count"))?;
            upload.write(b"half")?;
            loop {
                let _ = host::sleep(u64::MAX);
            }
        }
        _ => Ok(()),
    }
}

fn upload(target: &str, bytes: usize) -> Result<(), types::Error> {
    let upload = http::start(&put(target))?;
    let piece = vec![7; PIECE];
    for _ in 0..bytes / PIECE {
        if !upload.write(&piece)? {
            break;
        }
    }
    read(&http::Upload::finish(upload)?)
}

fn put(target: &str) -> http::Request {
    http::Request { method: "PUT".to_owned(), ..request(target) }
}

fn announced(target: &str, bytes: u64) -> http::Request {
    let options = vec![("length".to_owned(), bytes.to_string())];
    http::Request { options, ..put(target) }
}
