//! What a file is, by its first bytes.

use super::LARGEST;

/// Looks whether `bytes` are a component at all; otherwise says what they are.
pub(super) fn at(bytes: &[u8]) -> Result<(), String> {
    const MAGIC: [u8; 4] = *b"\0asm";
    const MODULE: [u8; 4] = [1, 0, 0, 0];
    const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];
    if bytes.len() > LARGEST {
        let size = bytes.len().div_ceil(1 << 20);
        return Err(format!("has {size} MiB: at most {} MiB are taken", LARGEST >> 20));
    }
    if bytes.is_empty() {
        return Err("is an empty file".to_owned());
    }
    let Some((MAGIC, rest)) = bytes.split_first_chunk().map(|(magic, rest)| (*magic, rest)) else {
        let text = bytes.trim_ascii_start();
        return Err(match text {
            _ if text.starts_with(b"(module") || text.starts_with(b"(component") => {
                "is the text form of WebAssembly: a connector is the binary form".to_owned()
            }
            _ => "is not WebAssembly".to_owned(),
        });
    };
    match rest.first_chunk() {
        Some(&COMPONENT) => Ok(()),
        Some(&MODULE) => {
            Err("is a core module, not a component: `hygge connector build` wraps it \
             into one"
                .to_owned())
        }
        Some(_) => Err("is WebAssembly of a version that is not known here".to_owned()),
        None => Err("is WebAssembly, but cut short".to_owned()),
    }
}
