//! From page to page.

mod keys;
mod pages;

pub(crate) use keys::{Paging, PagingKeys};
pub(crate) use pages::{Page, Pages, Position, look_of};
