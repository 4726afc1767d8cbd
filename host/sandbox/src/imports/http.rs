//! The interface `http`: requests that the host sends for a connector.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hygge_core::budget::Share;
use hygge_core::fault::FaultKind;
use hygge_http::{Caller, HttpError, Redirects, Request};
use tokio_util::sync::CancellationToken;
use wasmtime::component::Resource;

use super::State;
use super::log::Level;
use crate::bindings::v0_1::generated::hygge::connector::{http, types};
use crate::job::Job;
use crate::meter::Meter;

/// The host's side of a handle on an answer.
///
/// Public for the generated bindings alone, which name it.
#[allow(unreachable_pub)]
pub type Response = hygge_http::Answer;

/// The host's side of a handle on a request whose body is being written.
///
/// Public for the generated bindings alone, which name it.
#[allow(unreachable_pub)]
pub type Upload = hygge_http::Upload;

/// For whom an instance sends requests.
pub(crate) struct Errand {
    job: Arc<Job>,
    meter: Arc<Meter>,
}

impl Errand {
    pub(crate) fn new(job: &Arc<Job>, meter: &Arc<Meter>) -> Self {
        Self { job: Arc::clone(job), meter: Arc::clone(meter) }
    }

    fn of(state: &State) -> Arc<Self> {
        Arc::new(Self::new(&state.job, &state.meter))
    }

    /// Tells the user what was refused, of what the connector itself cannot be told.
    pub(super) fn refused(&self, message: &str) {
        self.job.log.line(Level::Warn, message, &[]);
    }
}

impl Caller for Errand {
    fn cancel(&self) -> &CancellationToken {
        &self.job.cancel
    }

    fn memory(&self) -> Option<&Arc<Share>> {
        self.job.memory.as_ref()
    }

    fn got_on(&self) {
        self.meter.mark();
        self.job.progress.mark();
    }

    fn debug(&self, line: fmt::Arguments<'_>) {
        self.job.log.of_host(line);
    }

    fn warn(&self, line: String) {
        self.job.log.warning_of_host(line);
    }
}

/// Sends a request. Holds on to nothing of the instance, which others may not look at meanwhile.
fn sent(
    state: &State,
    request: http::Request,
) -> impl Future<Output = Result<Response, types::Error>> + Send + use<> {
    let way = Arc::clone(&state.http);
    let errand = Errand::of(state);
    async move {
        let answer = way.send(asked(request), errand).await;
        answer.map_err(types::Error::from)
    }
}

/// A request as the contract has it. Options that are not known are for later versions.
fn asked(request: http::Request) -> Request {
    let timeout = option(&request, "timeout-ms").and_then(|ms| ms.parse().ok());
    Request {
        timeout: timeout.map(Duration::from_millis),
        retry: option(&request, "retry").map(str::to_owned),
        method: request.method,
        target: request.target,
        headers: request.headers,
        body: request.body.into(),
        credential: request.credential,
        redirects: Redirects::Followed,
    }
}

/// What an option says.
fn option<'a>(request: &'a http::Request, name: &str) -> Option<&'a str> {
    let found = request.options.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

impl From<HttpError> for types::Error {
    fn from(error: HttpError) -> Self {
        let fault = match error.kind {
            FaultKind::Config => types::Fault::Config,
            FaultKind::Auth => types::Fault::Auth,
            FaultKind::Missing => types::Fault::Missing,
            FaultKind::Throttled => types::Fault::Throttled,
            FaultKind::Transient | FaultKind::Resource => types::Fault::Transient,
            FaultKind::Data => types::Fault::Data,
            FaultKind::Cancelled => types::Fault::Cancelled,
            FaultKind::Bug => types::Fault::Bug,
        };
        Self {
            fault,
            code: error.code.to_owned(),
            message: error.message,
            retry_after_ms: error
                .retry_after
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl http::Host for State {
    fn start(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<Resource<Upload>, types::Error>> {
        let length = option(&request, "length").and_then(|bytes| bytes.parse().ok());
        match Upload::begin(&self.http, asked(request), length, Errand::of(self)) {
            Ok(upload) => Ok(Ok(self.table.push(upload)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<Resource<Response>, types::Error>> {
        let answer = sent(self, request).await;
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
        let most = self.job.policy().handles;
        // Every answer is a handle: more of them could not be held anyway, but would be made.
        if requests.len() > most {
            return Err(wasmtime::Error::msg(format!(
                "asked for {} requests at once, of at most {most}",
                requests.len()
            )));
        }
        let all: Vec<_> = requests.into_iter().map(|request| sent(self, request)).collect();
        let answers = futures::future::join_all(all).await;
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

impl http::HostUpload for State {
    async fn write(
        &mut self,
        upload: Resource<Upload>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, types::Error>> {
        let written = self.table.get_mut(&upload)?.write(bytes).await;
        self.got_on();
        Ok(written.map_err(types::Error::from))
    }

    async fn finish(
        &mut self,
        upload: Resource<Upload>,
    ) -> wasmtime::Result<Result<Resource<Response>, types::Error>> {
        let answer = self.table.delete(upload)?.finish().await;
        self.got_on();
        match answer {
            Ok(answer) => Ok(Ok(self.table.push(answer)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn drop(&mut self, upload: Resource<Upload>) -> wasmtime::Result<()> {
        self.table.delete(upload)?;
        Ok(())
    }
}

impl http::HostResponse for State {
    fn status(&mut self, answer: Resource<Response>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&answer)?.status())
    }

    fn header(
        &mut self,
        answer: Resource<Response>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&answer)?.header(&name))
    }

    fn headers(&mut self, answer: Resource<Response>) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.table.get(&answer)?.headers())
    }

    async fn read(
        &mut self,
        answer: Resource<Response>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        let read = self.table.get_mut(&answer)?.read(max as usize).await;
        self.got_on();
        Ok(read.map_err(types::Error::from))
    }

    fn drop(&mut self, answer: Resource<Response>) -> wasmtime::Result<()> {
        self.table.delete(answer)?;
        Ok(())
    }
}
