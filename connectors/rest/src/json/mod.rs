//! JSON as bytes: read in place, value by value, without building a tree of it.

mod path;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use path::{Found, Path};
pub(crate) use scan::{Kind, Scanner, Token};
