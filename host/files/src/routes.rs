//! Which way each column of a destination comes: moved as it is stored, or encoded anew.

use arrow_schema::Schema;

use crate::polish::{Polisher, Source};

/// The way of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Its values are those of this column of the file: its chunks are copied or recompressed.
    Move(usize),
    /// Its values are made or changed: they are encoded.
    Encode,
}

/// The ways of all columns of a destination, from files with one schema.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// In the order of the destination.
    pub(crate) columns: Vec<Route>,
    /// Whether the destination's columns are the file's own: none more, none less, no other name.
    pub(crate) unchanged: bool,
}

impl Routes {
    /// For a file whose columns have these `places` among `all` columns of the source, polished
    /// and then `stored`.
    pub(crate) fn new(
        file: &Schema,
        places: &[usize],
        all: &Schema,
        polisher: &Polisher,
        stored: &Schema,
    ) -> Self {
        let sources = polisher.sources();
        let columns: Vec<Route> = sources
            .iter()
            .zip(stored.fields())
            .map(|(source, stored)| {
                let Source::Passed(place) = source else { return Route::Encode };
                let root = places.iter().position(|at| at == place);
                let here = root.and_then(|root| file.fields().get(root));
                match (root, here, all.fields().get(*place)) {
                    (Some(root), Some(here), Some(all))
                        if here == all && all.data_type() == stored.data_type() =>
                    {
                        Route::Move(root)
                    }
                    _ => Route::Encode,
                }
            })
            .collect();
        let unchanged = columns.len() == file.fields().len()
            && columns.iter().enumerate().all(|(at, route)| *route == Route::Move(at))
            && file.fields().iter().zip(stored.fields()).all(|(a, b)| a.name() == b.name());
        Self { columns, unchanged }
    }
}
