//! The interface `http`: requests that the host sends for a connector.

use async_trait::async_trait;
use wasmtime::component::Resource;

use super::State;
use crate::bindings::v0_1::generated::hygge::connector::{http, types};
use crate::job::Job;
use crate::text::clean;

/// Sends requests for connectors, within what they are granted.
#[async_trait]
pub(crate) trait Client: Send + Sync {
    /// Sends a request and waits for the head of the answer.
    async fn send(&self, job: &Job, request: http::Request) -> Result<Response, types::Error>;
}

/// An answer whose body is still to be read.
///
/// Public for the generated bindings alone, which name it.
#[allow(unreachable_pub)]
#[async_trait]
pub trait Answer: Send {
    /// The status code.
    fn status(&self) -> u16;
    /// All headers, names in lower case.
    fn headers(&self) -> &[(String, String)];
    /// The next bytes of the body: at most `max`, none at its end.
    async fn read(&mut self, max: u32) -> Result<Vec<u8>, types::Error>;
}

/// The host's side of a handle on an answer.
#[allow(unreachable_pub)]
pub type Response = Box<dyn Answer>;

/// A client that reaches nothing: every request is answered with what would have to be granted.
pub(crate) struct Closed;

#[async_trait]
impl Client for Closed {
    async fn send(&self, job: &Job, request: http::Request) -> Result<Response, types::Error> {
        Err(not_granted(job, &request.target))
    }
}

fn not_granted(job: &Job, target: &str) -> types::Error {
    let name = job.connector();
    let message = match host_of(target) {
        Some(host) if !job.policy().allow_hosts.iter().any(|granted| granted == host) => format!(
            "it may not connect to `{host}`: to let it, add `{host}` to `allow_hosts` of `{name}` \
             under `connectors:` in hygge.yml"
        ),
        _ => format!(
            "it may not send a request to `{}`: this version of hygge has no HTTP client for \
             connectors",
            clean(target, 200)
        ),
    };
    types::Error {
        fault: types::Fault::Auth,
        code: "host.not-granted".to_owned(),
        message,
        retry_after_ms: None,
    }
}

/// The host that an absolute target names.
fn host_of(target: &str) -> Option<&str> {
    let (_, rest) = target.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (!host.is_empty() && host.len() <= 253 && host.chars().all(plain)).then_some(host)
}

impl http::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<Resource<Response>, types::Error>> {
        let answer = Closed.send(&self.job, request).await;
        self.got_on();
        match answer {
            Ok(answer) => Ok(Ok(self.table.push(answer)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn send_all(
        &mut self,
        requests: Vec<http::Request>,
    ) -> wasmtime::Result<Vec<Result<Resource<Response>, types::Error>>> {
        let job = std::sync::Arc::clone(&self.job);
        let most = job.policy().handles;
        // Every answer is a handle: more of them could not be held anyway, but would be made.
        if requests.len() > most {
            return Err(wasmtime::Error::msg(format!(
                "asked for {} requests at once, of at most {most}",
                requests.len()
            )));
        }
        let sent = requests.into_iter().map(|request| Closed.send(&job, request));
        let answers = futures::future::join_all(sent).await;
        self.got_on();
        let mut handles = Vec::with_capacity(answers.len());
        for answer in answers {
            handles.push(match answer {
                Ok(answer) => Ok(self.table.push(answer)?),
                Err(error) => Err(error),
            });
        }
        Ok(handles)
    }
}

impl http::HostResponse for State {
    async fn status(&mut self, answer: Resource<Response>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&answer)?.status())
    }

    async fn header(
        &mut self,
        answer: Resource<Response>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        let headers = self.table.get(&answer)?.headers();
        let found = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(&name));
        Ok(found.map(|(_, value)| value.clone()))
    }

    async fn headers(
        &mut self,
        answer: Resource<Response>,
    ) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.table.get(&answer)?.headers().to_vec())
    }

    async fn read(
        &mut self,
        answer: Resource<Response>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        let read = self.table.get_mut(&answer)?.read(max).await;
        self.got_on();
        Ok(read)
    }

    async fn drop(&mut self, answer: Resource<Response>) -> wasmtime::Result<()> {
        self.table.delete(answer)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_target_is_what_would_be_granted() {
        assert_eq!(host_of("https://api.example.com/v1?x=a://b"), Some("api.example.com"));
        assert_eq!(host_of("https://good.example@evil.example:8443/"), Some("evil.example"));
        assert_eq!(host_of("http://[::1]:80/"), Some("::1"));
        assert_eq!(host_of("/relative"), None);
        assert_eq!(host_of("https:///"), None);
        assert_eq!(host_of("https://a`b\n/"), None);
    }
}
