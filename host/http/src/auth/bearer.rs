//! A token that somebody else made.

use hygge_core::project::problem::Problems;
use reqwest::header::AUTHORIZATION;

use super::{Kind, Mark, Place, Reads, unsendable};
use crate::grant::Grant;
use crate::secret::Secret;

hygge_core::keys! {
    /// A token, sent as `Authorization: Bearer …`.
    pub(super) struct Bearer {
        /// The token.
        token: Secret,
        /// Where it may go. By default wherever requests may go.
        hosts: Option<Vec<Grant>>,
    }
}

impl Reads for Bearer {
    fn kind(self, place: Place<'_>, problems: &mut Problems) -> Option<(Kind, Option<Vec<Grant>>)> {
        let Some(mark) = header(&self.token) else {
            unsendable(place, "token", problems);
            return None;
        };
        Some((Kind::Fixed(mark, vec![self.token]), self.hosts))
    }
}

/// The header that a token is sent in.
pub(super) fn header(token: &Secret) -> Option<Mark> {
    let value = Secret::new(format!("Bearer {}", token.reveal()));
    Mark::header(AUTHORIZATION, value.reveal())
}
