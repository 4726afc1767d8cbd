//! A key in a header or in the query.

use hygge_core::project::problem::Problems;
use reqwest::header::HeaderName;

use super::{Kind, Mark, Place, Reads, unsendable};
use crate::grant::Grant;
use crate::secret::Secret;

hygge_core::keys! {
    /// A key that is sent with every request, in a header or in the query.
    pub(super) struct ApiKey {
        /// The key.
        key: Secret,
        /// The header it is sent in. By default `X-API-Key`.
        header: Option<String>,
        /// The parameter of the query it is sent in, in place of a header.
        query: Option<String>,
        /// What stands before it in the header, such as `Token`.
        prefix: Option<String>,
        /// Where it may go. By default wherever requests may go.
        hosts: Option<Vec<Grant>>,
    }
}

impl Reads for ApiKey {
    fn kind(self, place: Place<'_>, problems: &mut Problems) -> Option<(Kind, Option<Vec<Grant>>)> {
        let mark = match (self.query, self.header) {
            (Some(_), Some(_)) => {
                problems
                    .add(place.of("query"), "an API key is sent in a header or in the query")
                    .help("remove `header` or `query`");
                return None;
            }
            (Some(name), None) => Mark::Query(name, self.key.clone()),
            (None, header) => {
                let name = header.as_deref().unwrap_or("X-API-Key");
                let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                    let message = format!("`{name}` is not the name of a header");
                    problems.add(place.of("header"), message);
                    return None;
                };
                let value = match &self.prefix {
                    Some(prefix) => Secret::new(format!("{prefix} {}", self.key.reveal())),
                    None => self.key.clone(),
                };
                let Some(mark) = Mark::header(name, value.reveal()) else {
                    unsendable(place, "key", problems);
                    return None;
                };
                mark
            }
        };
        Some((Kind::Fixed(mark, vec![self.key]), self.hosts))
    }
}
