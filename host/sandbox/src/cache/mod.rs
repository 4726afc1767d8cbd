//! Compiled connectors, kept from one run to the next.
//!
//! Compiled code is trusted blindly by whoever loads it, so only what this user's own hygge put
//! there is loaded. The folder belongs to the user and nobody else may enter it; it is looked at
//! through the handle by which its entries are then opened, so that nothing can be put in its
//! place in between. An entry is a file of the user's that nobody else may write, and begins with
//! what it was made of: the component, the engine's settings, and the digest of the code behind.
//! Whatever is otherwise is discarded and made again. Without a folder that can be trusted, nothing
//! is kept.

mod entry;
mod folder;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hygge_core::fault::Fault;
use hygge_forge::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile;
use entry::Key;
use folder::Folder;

/// Compiled connectors on disk.
#[derive(Debug)]
pub struct Cache {
    folder: Option<PathBuf>,
    notes: Mutex<Vec<String>>,
}

impl Cache {
    /// The cache in `folder`, or where the user's caches are. Nothing is touched yet.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder: folder.or_else(usual), notes: Mutex::default() }
    }

    /// Where compiled connectors are kept, if anywhere.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What was discarded or could not be kept since this was asked last, and why.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The component `bytes`, whose digest is `digest`, ready to run: from the cache, or compiled
    /// and kept. Takes seconds for a large one that is not there yet. `who` begins the message of a
    /// fault.
    pub fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        digest: &Digest,
        who: &str,
    ) -> Result<Component, Fault> {
        let key = Key::new(engine, digest);
        let folder = self.open();
        if let Some(folder) = &folder {
            match folder.read(&key) {
                Ok(Some(code)) => match load(engine, &code) {
                    Ok(component) => return Ok(component),
                    Err(error) => self.discard(folder, &key, &error.to_string()),
                },
                Ok(None) => {}
                Err(why) => self.discard(folder, &key, &why),
            }
        }
        let code = compile::compile(engine, bytes, who)?;
        if let Some(folder) = &folder
            && let Err(error) = folder.write(&key, &code)
        {
            self.note(format!("a compiled connector cannot be kept: {error}"));
        }
        load(engine, &code).map_err(|error| Fault::bug(format!("{who}: cannot be loaded: {error}")))
    }

    fn open(&self) -> Option<Folder> {
        let path = self.folder.as_deref()?;
        match Folder::open(path) {
            Ok(folder) => Some(folder),
            Err(why) => {
                self.note(format!("connectors are compiled anew: {why}"));
                None
            }
        }
    }

    fn discard(&self, folder: &Folder, key: &Key, why: &str) {
        folder.remove(key);
        self.note(format!("the compiled connector {} is made again: {why}", key.name()));
    }

    fn note(&self, note: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}

#[expect(unsafe_code, reason = "code that this program compiled is loaded")]
fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` has to be what `Engine::precompile_component` made, unchanged. It comes either
    // straight from there, or from an entry whose digest fits, in a file that only this user could
    // write, in a folder that only this user could enter.
    unsafe { Component::deserialize(engine, code) }
}

/// `$XDG_CACHE_HOME/hygge/connectors`, or below `~/.cache`.
fn usual() -> Option<PathBuf> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("hygge").join("connectors"))
}
