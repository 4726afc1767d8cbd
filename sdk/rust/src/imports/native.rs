//! The host's services outside of a component: whatever a test put in their place.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Answer, Request};
use crate::error::{Error, Result};
use crate::log::Level;

/// Something that stands in for the host.
pub(crate) trait Services {
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]);
    fn progress(&self, done: u64, total: Option<u64>);
    fn now(&self) -> u64;
    fn sleep(&self, ms: u64) -> Result<()>;
    /// Takes a request, which is under way until [`Services::ended`].
    fn begin(&self, request: Request) -> Result<Response>;
    /// Waits for the answer of one that is under way.
    fn wait(&self);
    /// One was answered, or given up.
    fn ended(&self);
}

/// An answer whose body has not been read yet.
pub(crate) type Response = Box<dyn Answer>;

thread_local! {
    static SERVICES: RefCell<Option<Rc<dyn Services>>> = const { RefCell::new(None) };
}

/// Puts something in the host's place on this thread, until what is returned is dropped.
#[cfg(feature = "testing")]
pub(crate) fn enter(services: Rc<dyn Services>) -> Entered {
    Entered(SERVICES.with(|own| own.replace(Some(services))))
}

/// What stood in the host's place before.
#[cfg(feature = "testing")]
pub(crate) struct Entered(Option<Rc<dyn Services>>);

#[cfg(feature = "testing")]
impl Drop for Entered {
    fn drop(&mut self) {
        SERVICES.with(|own| *own.borrow_mut() = self.0.take());
    }
}

fn services() -> Option<Rc<dyn Services>> {
    SERVICES.with(|own| own.borrow().clone())
}

fn nobody() -> Error {
    Error::bug("there is no host here: run the connector in hygge, or test it with `testing`")
}

pub(crate) fn log(level: Level, message: &str, fields: &[(String, String)]) {
    if let Some(services) = services() {
        services.log(level, message, fields);
    }
}

pub(crate) fn progress(done: u64, total: Option<u64>) {
    if let Some(services) = services() {
        services.progress(done, total);
    }
}

pub(crate) fn now() -> u64 {
    services().map_or(0, |services| services.now())
}

pub(crate) fn sleep(ms: u64) -> Result<()> {
    services().map_or(Ok(()), |services| services.sleep(ms))
}

pub(crate) fn send(request: Request) -> Result<Response> {
    UnderWay::begin(request)?.answer()
}

pub(crate) fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    requests.into_iter().map(send).collect()
}

/// A request that was begun.
pub(crate) enum Upload {
    /// Its body is collected: what stands in for the host is asked at its end.
    Written { request: Request, body: Vec<u8> },
    /// It was whole.
    Whole(UnderWay),
}

/// A request that has been taken, and whose answer is still to be waited for.
pub(crate) struct UnderWay {
    services: Rc<dyn Services>,
    answer: Result<Response>,
}

impl UnderWay {
    fn begin(request: Request) -> Result<Self> {
        let services = services().ok_or_else(nobody)?;
        let answer = services.begin(request);
        Ok(Self { services, answer })
    }

    fn answer(mut self) -> Result<Response> {
        self.services.wait();
        std::mem::replace(&mut self.answer, Err(Error::bug("it was answered before")))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.services.ended();
    }
}

pub(crate) fn start(request: Request) -> Result<Upload> {
    services().ok_or_else(nobody)?;
    Ok(match request.body {
        None => Upload::Written { request, body: Vec::new() },
        Some(_) => Upload::Whole(UnderWay::begin(request)?),
    })
}

pub(crate) fn write(upload: &mut Upload, bytes: &[u8]) -> Result<bool> {
    match upload {
        Upload::Written { body, .. } => {
            body.extend_from_slice(bytes);
            Ok(true)
        }
        Upload::Whole(_) => Err(Error::bug("nothing is written to a request that is whole")),
    }
}

pub(crate) fn finish(upload: Upload) -> Result<Response> {
    let (request, body) = match upload {
        Upload::Written { request, body } => (request, body),
        Upload::Whole(under_way) => return under_way.answer(),
    };
    let length = request.options.iter().find(|(name, _)| name == "length");
    match length.and_then(|(_, length)| length.parse::<usize>().ok()) {
        Some(length) if length != body.len() => Err(Error::bug(format!(
            "a body has {} of the {length} bytes it was to have",
            body.len()
        ))),
        _ => send(Request { body: Some(body), ..request }),
    }
}

impl Answer for Response {
    fn status(&self) -> u16 {
        self.as_ref().status()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.as_ref().header(name)
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.as_ref().headers()
    }

    fn read(&self, max: u32) -> Result<Vec<u8>> {
        self.as_ref().read(max)
    }
}
