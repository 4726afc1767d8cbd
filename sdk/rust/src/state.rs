//! What a connector wants to remember: typed here, bytes in the contract.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The most that the host keeps.
const LONGEST: usize = 64 * 1024;

/// A state as the host keeps it: JSON, which later versions of a connector can still read.
pub(crate) fn encode<T: Serialize>(state: &T) -> Result<Vec<u8>> {
    let bytes = serde_json::to_vec(state)
        .map_err(|error| Error::bug(format!("a state cannot be written as JSON: {error}")))?;
    if bytes.len() > LONGEST {
        return Err(Error::bug(format!(
            "a state of {} bytes is too large: the host keeps at most {LONGEST}",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// A state that the host gave back.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::data(format!(
            "what an earlier run remembered is not understood by this version of the connector \
             ({error}); run again with --full-drop"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    #[test]
    fn states_come_back_and_large_ones_are_refused() {
        let state = ("page".to_owned(), 7_u64);
        assert_eq!(decode::<(String, u64)>(&encode(&state).unwrap()).unwrap(), state);
        assert_eq!(encode(&"x".repeat(LONGEST)).unwrap_err().fault(), Fault::Bug);
        assert_eq!(decode::<u64>(b"\"x\"").unwrap_err().fault(), Fault::Data);
    }
}
