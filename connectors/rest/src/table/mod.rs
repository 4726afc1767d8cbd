//! Tables: what columns there are, and rows becoming columns.

mod decode;
mod given;
mod infer;
mod kind;
mod sink;
mod stride;
pub(crate) mod time;

pub(crate) use decode::{Decoder, Tolerance};
pub(crate) use given::given;
pub(crate) use infer::{Inference, Nested, Rules};
pub(crate) use kind::{Column, Source, schema};
pub(crate) use stride::Stride;
