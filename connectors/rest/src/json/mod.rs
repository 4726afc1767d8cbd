//! JSON as bytes: read in place, value by value, without building a tree of it.

mod number;
mod path;
mod scan;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use path::{Document, Found, Path};
pub(crate) use scan::{Kind, Likely, Name, Scanner, Token};
