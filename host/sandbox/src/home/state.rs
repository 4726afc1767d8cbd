//! The state of a whole reading, as the journal keeps it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hygge_core::fault::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use super::progress::Progress;
use crate::guest::Split;

/// The longest state that is worth journalling again and again.
const LONGEST: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Reading {
    splits: Vec<SplitState>,
}

#[derive(Serialize, Deserialize)]
struct SplitState {
    id: String,
    /// Left out of a split that is done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    spec: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    done: bool,
    /// Rows given out.
    rows: u64,
    /// Rows it has altogether, if the plan said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<u64>,
}

/// The state after all that has been given out. `None` where a split is between two states.
pub(super) fn write(splits: &[Progress]) -> Option<serde_json::Value> {
    let mut size = 0;
    let mut reading = Reading { splits: Vec::with_capacity(splits.len()) };
    for split in splits {
        if !split.can_go_on() {
            return None;
        }
        let (spec, state) = match split.done {
            true => (String::new(), None),
            false => (
                BASE64.encode(&split.split.spec),
                split.state.as_ref().map(|state| BASE64.encode(state)),
            ),
        };
        size += split.split.id.len() + spec.len() + state.as_ref().map_or(0, String::len);
        if size > LONGEST {
            return None;
        }
        reading.splits.push(SplitState {
            id: split.split.id.clone(),
            spec,
            state,
            done: split.done,
            rows: split.rows,
            of: split.split.rows,
        });
    }
    serde_json::to_value(reading).ok()
}

/// The splits as a state has them.
pub(super) fn read(state: &serde_json::Value) -> Result<Vec<Progress>, Fault> {
    let reading = Reading::deserialize(state).map_err(|error| unreadable(error.to_string()))?;
    let decode = |text: &str| BASE64.decode(text).map_err(|error| unreadable(error.to_string()));
    let splits = reading.splits.into_iter().map(|split| {
        let state = split.state.as_deref().map(decode).transpose()?;
        let spec = decode(&split.spec)?;
        let (rows, done) = (split.rows, split.done);
        let split = Split { id: split.id, spec, rows: split.of, bytes: None };
        Ok(Progress::at(split, state, rows, done))
    });
    splits.collect()
}

fn unreadable(why: String) -> Fault {
    Fault::new(FaultKind::Missing, "the state to go on from cannot be read").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(id: &str) -> Progress {
        let split = Split { id: id.to_owned(), spec: vec![0, 255, 7], rows: Some(9), bytes: None };
        Progress::at(split, None, 0, false)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let fresh = progress("fresh");
        let begun =
            Progress { state: Some(vec![1, 2]), rows: 5, rows_at_state: 5, ..progress("begun") };
        let done = Progress { rows: 9, rows_at_state: 5, done: true, ..progress("done") };
        let written = write(&[fresh.clone(), begun.clone(), done]).unwrap();
        let read = read(&written).unwrap();
        assert_eq!(read[..2], [fresh, begun]);
        assert!(read[2].done && read[2].rows == 9 && read[2].can_go_on());
    }

    #[test]
    fn between_two_states_there_is_none() {
        let between = Progress { rows: 6, rows_at_state: 5, ..progress("a") };
        assert_eq!(write(&[progress("b"), between]), None);
    }

    #[test]
    fn a_state_of_something_else_is_refused() {
        let fault = read(&serde_json::json!({"splits": [{"id": "a", "spec": "%", "rows": 1}]}));
        assert_eq!(fault.unwrap_err().kind(), FaultKind::Missing);
        assert!(read(&serde_json::json!([])).is_err());
    }
}
