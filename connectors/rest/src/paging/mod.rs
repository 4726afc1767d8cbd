//! From page to page.

mod keys;
mod outlook;
mod pages;
mod room;
mod signs;

pub(crate) use keys::{Paging, PagingKeys};
pub(crate) use pages::{Page, Pages, Position, look_of};
pub(crate) use room::Room;
