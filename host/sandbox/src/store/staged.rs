//! What a connector staged, as the journal keeps it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hygge_core::contract::Manifest;
use hygge_core::fault::Fault;
use serde_json::{Value, json};

/// The key of a token that `commit` takes.
const TOKEN: &str = "token";
/// The key of a state that `resume` takes.
const CHECKPOINT: &str = "checkpoint";

/// Rows that are durable, and what a load goes on from behind them.
pub(super) struct Checkpoint {
    pub state: Vec<u8>,
    pub rows: u64,
}

/// The detail of a manifest for a token.
pub(super) fn of_token(token: &[u8]) -> Value {
    json!({ TOKEN: BASE64.encode(token) })
}

/// The detail of a manifest for a checkpoint.
pub(super) fn of_checkpoint(state: &[u8]) -> Value {
    json!({ CHECKPOINT: BASE64.encode(state) })
}

/// The token of a staged load.
pub(super) fn token(manifest: &Manifest) -> Result<Vec<u8>, Fault> {
    find(manifest, TOKEN).ok_or_else(|| {
        Fault::data(format!(
            "what is journalled of the load staged at {} is damaged",
            manifest.staging
        ))
    })
}

/// The checkpoint of a load that was cut short.
pub(super) fn checkpoint(manifest: &Manifest) -> Result<Checkpoint, Fault> {
    let state = find(manifest, CHECKPOINT).ok_or_else(|| {
        Fault::missing(format!("{} has no checkpoint that can be read", manifest.staging))
    })?;
    Ok(Checkpoint { state, rows: manifest.rows })
}

/// What a sweep has to keep: the token or the checkpoint.
pub(super) fn state(manifest: &Manifest) -> Result<Vec<u8>, Fault> {
    find(manifest, CHECKPOINT).map_or_else(|| token(manifest), Ok)
}

fn find(manifest: &Manifest, key: &str) -> Option<Vec<u8>> {
    BASE64.decode(manifest.detail.get(key)?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use hygge_core::contract::Mode;
    use hygge_core::fault::FaultKind;

    use super::*;

    fn manifest(detail: Value) -> Manifest {
        let (entity_run_id, staging) = ("r".to_owned(), "vault t".to_owned());
        Manifest { entity_run_id, mode: Mode::Append, rows: 7, staging, detail }
    }

    #[test]
    fn what_is_staged_is_found_again() {
        let staged = manifest(of_token(&[0, 1, 255]));
        assert_eq!(token(&staged).unwrap(), [0, 1, 255]);
        assert_eq!(state(&staged).unwrap(), [0, 1, 255]);
        let cut = manifest(of_checkpoint(&[9]));
        let found = checkpoint(&cut).unwrap();
        assert_eq!((found.state, found.rows), (vec![9], 7));
        assert_eq!(state(&cut).unwrap(), [9]);
    }

    #[test]
    fn a_damaged_record_is_a_fault_that_says_so() {
        assert_eq!(token(&manifest(json!({"token": 3}))).unwrap_err().kind(), FaultKind::Data);
        assert!(checkpoint(&manifest(of_token(&[1]))).is_err());
        assert!(state(&manifest(json!({}))).is_err());
    }
}
