//! From page to page.

mod keys;
mod outlook;
mod pages;
mod room;

pub(crate) use keys::{Paging, PagingKeys};
pub(crate) use pages::{Page, Pages, Position, look_of};
pub(crate) use room::Room;
