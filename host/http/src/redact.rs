//! Taking secrets out of what a server answers: one that echoes a request, by mistake or on
//! purpose, would hand the credential in it to the connector.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use url::form_urlencoded;
use zeroize::Zeroize;

use crate::secret::Secret;

/// What stands in the place of a secret.
const HIDDEN: &[u8] = b"***";
/// A secret of fewer bytes is left in: taking a word so short out of every answer would damage
/// data that has nothing to do with it.
const LEAST: usize = 4;

/// Finds secrets, in the forms in which they are likely to be echoed.
#[derive(Default)]
pub(crate) struct Redactor {
    found: Option<AhoCorasick>,
    /// What is searched for, to tell whether the end of a piece may be the beginning of one.
    patterns: Vec<Vec<u8>>,
    longest: usize,
}

impl Redactor {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let secrets = secrets.iter().map(Secret::reveal).filter(|secret| secret.len() >= LEAST);
        let mut patterns: Vec<Vec<u8>> = secrets.flat_map(forms).collect();
        patterns.sort_unstable();
        patterns.dedup();
        let longest = patterns.iter().map(Vec::len).max().unwrap_or_default();
        let kind = MatchKind::LeftmostLongest;
        // Fails for more patterns than there is memory for.
        let found = AhoCorasick::builder().match_kind(kind).build(&patterns).ok();
        Self { found: found.filter(|_| longest > 0), patterns, longest }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_idle(&self) -> bool {
        self.found.is_none()
    }

    /// A text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut held = text.as_bytes().to_vec();
        let mut clean = Vec::with_capacity(held.len());
        self.pass(&mut held, true, &mut clean);
        String::from_utf8_lossy(&clean).into_owned()
    }

    /// Moves from `held` to `clean` what is known to be no part of a secret. What may be the
    /// beginning of one is kept until more is there, or until the `end`. Says whether something
    /// was taken out.
    pub(crate) fn pass(&self, held: &mut Vec<u8>, end: bool, clean: &mut Vec<u8>) -> bool {
        let Some(found) = &self.found else {
            clean.append(held);
            return false;
        };
        let mut taken_out = false;
        let mut done = 0;
        // A match that ends where the piece ends may go on as a longer one: it waits, too.
        let safe = if end { held.len() } else { held.len() - self.begun(held) };
        for hit in found.find_iter(held.as_slice()) {
            if hit.start() >= safe {
                break;
            }
            clean.extend_from_slice(&held[done..hit.start()]);
            clean.extend_from_slice(HIDDEN);
            done = hit.end();
            taken_out = true;
        }
        if done < safe {
            clean.extend_from_slice(&held[done..safe]);
            done = safe;
        }
        held.drain(..done);
        taken_out
    }

    /// How many bytes at the end may be the beginning of a secret.
    fn begun(&self, held: &[u8]) -> usize {
        let most = held.len().min(self.longest.saturating_sub(1));
        (1..=most)
            .rev()
            .find(|length| {
                let tail = &held[held.len() - length..];
                self.patterns
                    .iter()
                    .any(|pattern| pattern.len() > *length && pattern.starts_with(tail))
            })
            .unwrap_or(0)
    }
}

impl Drop for Redactor {
    fn drop(&mut self) {
        self.patterns.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// A secret as it is, and as it stands in URLs, in JSON and in basic authorization.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let quoted = serde_json::Value::from(secret).to_string();
    let url: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    vec![
        secret.as_bytes().to_vec(),
        quoted.trim_matches('"').as_bytes().to_vec(),
        url.replace('+', "%20").into_bytes(),
        url.into_bytes(),
        STANDARD.encode(secret).into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(&secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>())
    }

    /// What comes out of a text that arrives in pieces of `size` bytes.
    fn passed(redactor: &Redactor, text: &str, size: usize) -> String {
        let (mut held, mut clean) = (Vec::new(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            held.extend_from_slice(piece);
            redactor.pass(&mut held, false, &mut clean);
        }
        redactor.pass(&mut held, true, &mut clean);
        assert!(held.is_empty());
        String::from_utf8(clean).unwrap()
    }

    #[test]
    fn a_secret_is_found_wherever_the_pieces_are_cut() {
        let redactor = redactor(&["hunter2", "hunter2-longer"]);
        let text = "a hunter2 b hunthunter2-longer c hunter2-long hunter2";
        for size in 1..text.len() + 1 {
            assert_eq!(passed(&redactor, text, size), "a *** b hunt*** c ***-long ***", "{size}");
        }
    }

    #[test]
    fn a_secret_is_found_in_its_usual_disguises() {
        let redactor = redactor(&["p\"ss w/rd+"]);
        for echo in ["p\"ss w/rd+", "p\\\"ss w/rd+", "p%22ss+w%2Frd%2B", "p%22ss%20w%2Frd%2B"] {
            assert_eq!(redactor.text(&format!("[{echo}]")), "[***]");
        }
        assert_eq!(redactor.text(&STANDARD.encode("p\"ss w/rd+")), "***");
    }

    #[test]
    fn nothing_is_held_back_that_is_no_beginning_of_a_secret() {
        let redactor = redactor(&["hunter2"]);
        let (mut held, mut clean) = (b"some rows\n".to_vec(), Vec::new());
        assert!(!redactor.pass(&mut held, false, &mut clean));
        assert_eq!(clean, b"some rows\n");
        held.extend_from_slice(b"and hunt");
        redactor.pass(&mut held, false, &mut clean);
        assert_eq!(held, b"hunt");
    }

    #[test]
    fn short_words_are_left_in() {
        assert!(redactor(&["abc", ""]).is_idle());
        assert!(Redactor::default().is_idle());
    }
}
