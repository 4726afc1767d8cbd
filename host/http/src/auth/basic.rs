//! A user name and a password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygge_core::project::problem::Problems;
use reqwest::header::AUTHORIZATION;

use super::{Kind, Mark, Place, Reads};
use crate::grant::Grant;
use crate::secret::Secret;

hygge_core::keys! {
    /// A user name and a password.
    pub(super) struct Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
        /// Where it may go. By default wherever requests may go.
        hosts: Option<Vec<Grant>>,
    }
}

impl Reads for Basic {
    fn kind(self, place: Place<'_>, problems: &mut Problems) -> Option<(Kind, Option<Vec<Grant>>)> {
        if self.username.contains(':') {
            problems.add(place.of("username"), "a user name holds no colon here");
            return None;
        }
        let both = Secret::new(format!("{}:{}", self.username, self.password.reveal()));
        let value = Secret::new(format!("Basic {}", STANDARD.encode(both.reveal())));
        let mark = Mark::header(AUTHORIZATION, value.reveal())?;
        Some((Kind::Fixed(mark, vec![self.password, both]), self.hosts))
    }
}
