//! One compiled connector in a file: what it was made of, then the code.

use std::hash::{Hash, Hasher};

use hygge_forge::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

const MAGIC: [u8; 16] = *b"hygge compiled 1";
const HEAD: usize = 16 + 32 + 32 + 8 + 32;

/// What compiled code depends on: the component and the engine's settings.
pub(super) struct Key {
    component: [u8; 32],
    engine: [u8; 32],
}

impl Key {
    pub(super) fn new(engine: &Engine, component: &Digest) -> Self {
        let mut hasher = Sha(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self { component: *component.as_bytes(), engine: hasher.0.finalize().into() }
    }

    /// The name of the entry's file.
    pub(super) fn name(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("{}-{}.code", hex(&self.component), hex(&self.engine[..8]))
    }

    /// What stands before `code` in the file.
    pub(super) fn head(&self, code: &[u8]) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..16].copy_from_slice(&MAGIC);
        head[16..48].copy_from_slice(&self.component);
        head[48..80].copy_from_slice(&self.engine);
        head[80..88].copy_from_slice(&(code.len() as u64).to_le_bytes());
        head[88..].copy_from_slice(&Sha256::digest(code));
        head
    }

    /// The code in `file`, if it is this entry and unchanged.
    pub(super) fn code(&self, mut file: Vec<u8>) -> Result<Vec<u8>, String> {
        let Some((head, code)) = file.split_first_chunk::<HEAD>() else {
            return Err("it is cut short".to_owned());
        };
        if *head != self.head(code) {
            return Err("it is damaged, or not what its name says".to_owned());
        }
        file.drain(..HEAD);
        Ok(file)
    }
}

/// SHA-256 for whatever knows how to hash itself.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
