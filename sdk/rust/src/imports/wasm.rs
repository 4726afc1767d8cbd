//! The host's services, over the boundary.

use super::{Answer, Request};
use crate::bindings::home::hygge::connector::{host, http};
use crate::error::{Error, Result};
use crate::log::Level;

pub(crate) use http::{Response, Upload};

pub(crate) fn log(level: Level, message: &str, fields: &[(String, String)]) {
    let level = match level {
        Level::Trace => host::Level::Trace,
        Level::Debug => host::Level::Debug,
        Level::Info => host::Level::Info,
        Level::Warn => host::Level::Warn,
        Level::Error => host::Level::Error,
    };
    host::log(level, message, fields);
}

pub(crate) fn progress(done: u64, total: Option<u64>) {
    host::progress(done, total);
}

pub(crate) fn now() -> u64 {
    host::now()
}

pub(crate) fn sleep(ms: u64) -> Result<()> {
    host::sleep(ms).map_err(Error::cancelled)
}

pub(crate) fn send(request: Request) -> Result<Response> {
    http::send(&request.into()).map_err(Error::from)
}

pub(crate) fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    let requests: Vec<http::Request> = requests.into_iter().map(Into::into).collect();
    http::send_all(&requests).into_iter().map(|sent| sent.map_err(Error::from)).collect()
}

pub(crate) fn start(request: Request) -> Result<Upload> {
    http::start(&request.into()).map_err(Error::from)
}

pub(crate) fn write(upload: &mut Upload, bytes: &[u8]) -> Result<bool> {
    upload.write(bytes).map_err(Error::from)
}

pub(crate) fn finish(upload: Upload) -> Result<Response> {
    Upload::finish(upload).map_err(Error::from)
}

impl From<Request> for http::Request {
    fn from(request: Request) -> Self {
        Self {
            method: request.method,
            target: request.target,
            headers: request.headers,
            body: request.body,
            credential: request.credential,
            options: request.options,
        }
    }
}

impl Answer for Response {
    fn status(&self) -> u16 {
        Response::status(self)
    }

    fn header(&self, name: &str) -> Option<String> {
        Response::header(self, name)
    }

    fn headers(&self) -> Vec<(String, String)> {
        Response::headers(self)
    }

    fn read(&self, max: u32) -> Result<Vec<u8>> {
        Response::read(self, max).map_err(Error::from)
    }
}
