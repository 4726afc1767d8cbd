//! A tracker in the middle of a load, in a form that outlives its process.

use serde::{Deserialize, Serialize};

use super::Tracker;
use crate::fault::Fault;
use crate::watermark::{KeySet, Watermark};

/// How many keys a snapshot holds at most: it is journalled, as about 2 MB of text then.
const MOST_KEYS: usize = 65_536;

/// What a [`Tracker`] has seen so far. Another one that began as the first did goes on from it as
/// if it had seen the same rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The highest watermark that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    highest: Option<Highest>,
    /// The keys of the rows that passed with it: 32 hexadecimal digits each.
    keys: String,
    /// Whether there are more of them than a tracker remembers.
    too_many: bool,
    /// Rows that were not let through.
    dropped: u64,
    /// How many of these because their watermark is null.
    nulls: u64,
}

/// A watermark as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Highest {
    #[serde(rename = "type")]
    type_name: String,
    value: String,
}

impl Tracker {
    /// What it has seen so far. `None` when that would be too much to write down now and then,
    /// because very many rows share the highest watermark.
    pub fn snapshot(&self) -> Option<Snapshot> {
        (self.at_max.hashes.len() <= MOST_KEYS).then(|| Snapshot {
            highest: self.max.as_ref().map(|max| Highest {
                type_name: max.type_name().to_owned(),
                value: max.to_string(),
            }),
            keys: digits(&self.at_max),
            too_many: self.too_many,
            dropped: self.dropped,
            nulls: self.nulls,
        })
    }

    /// Goes on from what another tracker has seen that began as this one did.
    ///
    /// # Errors
    /// When the snapshot cannot be read. The tracker is as it was then.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Fault> {
        let highest = snapshot
            .highest
            .as_ref()
            .map(|highest| Watermark::parse(&highest.type_name, &highest.value))
            .transpose()?;
        let keys = keys(&snapshot.keys)
            .ok_or_else(|| Fault::data("the keys in a checkpoint of this load are damaged"))?;
        self.max = highest;
        self.at_max = keys;
        self.too_many = snapshot.too_many;
        self.dropped = snapshot.dropped;
        self.nulls = snapshot.nulls;
        Ok(())
    }
}

fn digits(keys: &KeySet) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |value: u8| DIGITS[usize::from(value & 15)];
    let mut text = String::with_capacity(keys.hashes.len() * 32);
    for byte in keys.hashes.iter().flatten() {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    text
}

fn keys(text: &str) -> Option<KeySet> {
    let (hashes, odd) = text.as_bytes().as_chunks::<32>();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let hash = |digits: &[u8; 32]| {
        let mut hash = [0; 16];
        for (byte, pair) in hash.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(hash)
    };
    let hashes = hashes.iter().map(hash).collect::<Option<_>>()?;
    odd.is_empty().then_some(KeySet { hashes })
}
