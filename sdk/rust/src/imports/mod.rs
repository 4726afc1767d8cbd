//! The services of the host: those of the contract inside a component, those of a unit test's
//! [`World`](crate::testing::World) elsewhere.

use crate::error::Result;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{
    Response, Upload, finish, log, now, progress, send, send_all, sleep, start, write,
};
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::{
    Response, Upload, finish, log, now, progress, send, send_all, sleep, start, write,
};

/// A request as the contract has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) credential: Option<String>,
    pub(crate) options: Vec<(String, String)>,
}

/// An answer whose body has not been read yet.
pub(crate) trait Answer {
    fn status(&self) -> u16;
    fn header(&self, name: &str) -> Option<String>;
    fn headers(&self) -> Vec<(String, String)>;
    /// The next bytes; none at the end.
    fn read(&self, max: u32) -> Result<Vec<u8>>;
}
