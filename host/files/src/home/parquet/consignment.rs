//! Parts of a file that are handed over as they are stored.

use std::sync::Arc;

use hygge_core::budget::Permit;
use hygge_core::contract::{Parcel, ReadRequest, Tracking};

use super::super::source::OpenFile;
use super::columns::Columns;
use super::lane::FileShape;

/// What is in the parcels of a Parquet Home.
#[derive(Clone, Debug)]
pub(crate) struct Consignment {
    /// The file, open.
    pub(crate) file: Arc<OpenFile>,
    /// Its footer, whole, and where its columns are among those of all files.
    pub(crate) shape: FileShape,
    /// How much of it.
    pub(crate) part: Part,
}

/// How much of a file is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// A row group.
    Group(usize),
}

impl Consignment {
    /// The row groups in it.
    pub(crate) fn groups(&self) -> Arc<[usize]> {
        match self.part {
            Part::Whole => (0..self.shape.footer.metadata().num_row_groups()).collect(),
            Part::Group(group) => Arc::from([group]),
        }
    }

    /// For the Store. `memory` is what the entity should stay under.
    pub(super) fn into_parcel(
        self,
        request: &ReadRequest,
        memory: usize,
        permit: Permit,
    ) -> Parcel {
        let metadata = self.shape.footer.metadata();
        let groups = self.groups();
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let chosen = || groups.iter().filter_map(|group| metadata.row_groups().get(*group));
        let rows = chosen().map(|group| count(group.num_rows())).sum();
        let bytes = chosen().map(|group| count(group.compressed_size())).sum();
        let tracked = self.tracking(request, &groups, memory);
        Parcel { rows, bytes, content: Box::new(self), tracked, permit }
    }

    fn tracking(&self, request: &ReadRequest, groups: &Arc<[usize]>, memory: usize) -> Tracking {
        if request.watermark_column.is_none() {
            return Box::new(std::iter::empty());
        }
        let mut wanted: Vec<usize> = Vec::new();
        for name in request.watermark_column.iter().chain(&request.key_columns) {
            // What does not exist the engine has found out before.
            if let Ok(place) = self.shape.all.index_of(name)
                && !wanted.contains(&place)
            {
                wanted.push(place);
            }
        }
        let groups = Arc::clone(groups);
        Box::new(Columns::new(&self.file, &self.shape, groups, &wanted, memory))
    }
}
