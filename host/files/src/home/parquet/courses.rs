//! How each file is given out: as it is, row group by row group, or as rows.
//!
//! What decides is what the Store takes, what becomes of the columns, and whether row groups are
//! worth keeping. All of it is known from the footers before anything is read.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use hygge_core::contract::ReadRequest;
use hygge_core::fault::Fault;
use jiff::Zoned;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use super::super::adapt::places;
use super::catalog::{Catalog, PlannedFile};
use super::prune;
use super::tally::{Chosen, Reason, Tally};
use crate::polish::Polisher;
use crate::routes::{Route, Routes};
use crate::stored::stored;
use crate::terms::ParquetTerms;

/// A row group smaller than this is not worth keeping where another such one is beside it.
const SMALL_BYTES: u64 = 1 << 20;

/// A row group of fewer rows is not worth keeping either, unless its rows are wide.
const SMALL_ROWS: u64 = 20_000;

/// Bytes from which on a row group is worth keeping however few its rows.
const WIDE_BYTES: u64 = 8 << 20;

/// How a file is given out.
#[derive(Clone, Debug, Default)]
pub(super) enum Course {
    /// All of it as rows.
    #[default]
    Rows,
    /// The file as it is.
    Whole,
    /// In parts, one after the other.
    Legs(Box<[Leg]>),
}

/// Some row groups of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leg {
    /// Decoded.
    Rows(Arc<[usize]>),
    /// Handed over.
    Group(usize),
}

/// What is to be known of a file to choose its course.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    /// Its columns.
    pub(super) schema: SchemaRef,
    groups: Vec<GroupSketch>,
    /// Whether no row group is left out.
    whole: bool,
    codecs: Codecs,
}

#[derive(Clone, Debug)]
struct GroupSketch {
    at: usize,
    rows: u64,
    compressed: u64,
    /// Whether every row of it will land.
    all_land: bool,
}

/// Which columns of a file are compressed as they are to be.
#[derive(Clone, Debug)]
enum Codecs {
    AsWanted,
    Otherwise,
    /// By column.
    Some(Box<[bool]>),
}

impl Sketch {
    /// Of a file of which only `groups` are to be read, unless that is `None`.
    pub(super) fn new(
        footer: &ArrowReaderMetadata,
        groups: Option<&[usize]>,
        request: &ReadRequest,
        terms: &ParquetTerms,
    ) -> Self {
        let metadata = footer.metadata();
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let mut kept = vec![true; footer.schema().fields().len()];
        let chosen = metadata.row_groups().iter().enumerate();
        let whole = groups.is_none();
        let groups: Vec<GroupSketch> = chosen
            .filter(|(at, _)| groups.is_none_or(|groups| groups.contains(at)))
            .filter(|(_, group)| group.num_rows() > 0)
            .map(|(at, group)| {
                for (leaf, chunk) in group.columns().iter().enumerate() {
                    let root = footer.parquet_schema().get_column_root_idx(leaf);
                    if let Some(kept) = kept.get_mut(root) {
                        *kept &= terms.keeps(chunk);
                    }
                }
                let compressed = group.columns().iter().map(|chunk| count(chunk.compressed_size()));
                GroupSketch {
                    at,
                    rows: count(group.num_rows()),
                    compressed: compressed.sum(),
                    all_land: request
                        .since
                        .as_ref()
                        .is_none_or(|since| prune::is_above(metadata, footer.schema(), at, since)),
                }
            })
            .collect();
        let codecs = match (kept.iter().all(|kept| *kept), kept.iter().any(|kept| *kept)) {
            (true, _) => Codecs::AsWanted,
            (_, false) => Codecs::Otherwise,
            _ => Codecs::Some(kept.into()),
        };
        Self { schema: Arc::clone(footer.schema()), groups, whole, codecs }
    }

    fn keeps(&self, root: usize) -> bool {
        match &self.codecs {
            Codecs::AsWanted => true,
            Codecs::Otherwise => false,
            Codecs::Some(kept) => kept.get(root).copied().unwrap_or(false),
        }
    }
}

/// Chooses the course of every file on the terms of the request, and says what was chosen; says
/// nothing to a Store without such terms.
pub(super) fn choose(catalog: &mut Catalog, request: &ReadRequest) -> Option<Chosen> {
    let terms = request.terms.as_ref().and_then(ParquetTerms::of)?;
    if let Some(refusal) = terms.refusal {
        return Some(Chosen::refused(refusal));
    }
    // What cannot be polished or stored is for the Store to refuse.
    let chooser = Chooser::new(catalog, terms).ok()?;
    Some(chooser.choose(&mut catalog.files))
}

struct Chooser<'a> {
    terms: &'a ParquetTerms,
    all: SchemaRef,
    stored: SchemaRef,
    polisher: Polisher,
}

/// A row group with what is to become of it.
struct Candidate {
    file: usize,
    at: usize,
    rows: u64,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Keep,
    /// Kept if it stands alone.
    KeepAlone,
    Decode(Reason),
}

impl<'a> Chooser<'a> {
    fn new(catalog: &Catalog, terms: &'a ParquetTerms) -> Result<Self, Fault> {
        let all = Arc::clone(&catalog.schema);
        let polisher = match &terms.polish {
            Some(polish) => polish.bind(&all, &Zoned::now())?,
            None => Polisher::none(&all),
        };
        let stored = stored(polisher.schema())?;
        Ok(Self { terms, all, stored, polisher })
    }

    fn choose(&self, files: &mut [PlannedFile]) -> Chosen {
        let mut routes: HashMap<SchemaRef, Arc<Routes>> = HashMap::new();
        let mut of_files = Vec::with_capacity(files.len());
        let mut candidates = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let Some(sketch) = &file.sketch else {
                of_files.push(None);
                continue;
            };
            let routes = routes
                .entry(Arc::clone(&sketch.schema))
                .or_insert_with(|| Arc::new(self.routes(&sketch.schema)));
            for group in &sketch.groups {
                let fate = self.fate(group, routes);
                candidates.push(Candidate { file: at, at: group.at, rows: group.rows, fate });
            }
            of_files.push(Some(Arc::clone(routes)));
        }
        merge_small(&mut candidates);

        let mut tally = Tally::new(self.stored.fields().len());
        let mut candidates = candidates.into_iter().peekable();
        for (at, (file, routes)) in files.iter_mut().zip(of_files).enumerate() {
            let mut own = Vec::new();
            while let Some(candidate) = candidates.next_if(|candidate| candidate.file == at) {
                own.push(candidate);
            }
            let (Some(sketch), Some(routes)) = (&file.sketch, routes) else { continue };
            file.course = self.course(&own, sketch, &routes, &mut tally, file.source.len());
            file.sketch = None;
        }
        tally.chosen()
    }

    fn routes(&self, file: &SchemaRef) -> Routes {
        Routes::new(file, &places(file, &self.all), &self.all, &self.polisher, &self.stored)
    }

    fn fate(&self, group: &GroupSketch, routes: &Routes) -> Fate {
        if !group.all_land {
            return Fate::Decode(Reason::Filtered);
        }
        if !routes.columns.iter().any(|route| matches!(route, Route::Move(_))) {
            return Fate::Decode(Reason::AllChange);
        }
        if self.terms.most_rows.is_some_and(|most| group.rows > most) {
            return Fate::Decode(Reason::RowGroupSize);
        }
        let few = group.rows < SMALL_ROWS && group.compressed < WIDE_BYTES;
        if few || group.compressed < SMALL_BYTES { Fate::KeepAlone } else { Fate::Keep }
    }

    fn course(
        &self,
        own: &[Candidate],
        sketch: &Sketch,
        routes: &Routes,
        tally: &mut Tally,
        len: u64,
    ) -> Course {
        let kept = own.iter().filter(|group| !matches!(group.fate, Fate::Decode(_))).count();
        let divided = self.terms.most_bytes.is_some_and(|most| len > most) && own.len() > 1;
        if sketch.whole
            && kept == own.len()
            && kept > 0
            && routes.unchanged
            && sketch.schema.fields() == self.all.fields()
            && matches!(sketch.codecs, Codecs::AsWanted)
            && !divided
        {
            tally.whole_file();
            return Course::Whole;
        }
        for group in own {
            match group.fate {
                Fate::Decode(reason) => tally.decoded(reason, group.rows),
                Fate::Keep | Fate::KeepAlone => tally.row_group(routes, |root| sketch.keeps(root)),
            }
        }
        if kept == 0 {
            return Course::Rows;
        }
        let mut legs = Vec::new();
        let mut rows = Vec::new();
        for group in own {
            if matches!(group.fate, Fate::Decode(_)) {
                rows.push(group.at);
                continue;
            }
            if !rows.is_empty() {
                legs.push(Leg::Rows(std::mem::take(&mut rows).into()));
            }
            legs.push(Leg::Group(group.at));
        }
        if !rows.is_empty() {
            legs.push(Leg::Rows(rows.into()));
        }
        Course::Legs(legs.into())
    }
}

/// Small row groups that stand together, or beside rows that are decoded anyway, are decoded: the
/// Store then writes few large ones.
fn merge_small(candidates: &mut [Candidate]) {
    for run in candidates.chunk_by_mut(|a, b| a.fate != Fate::Keep && b.fate != Fate::Keep) {
        if run.len() < 2 {
            continue;
        }
        for candidate in run {
            if candidate.fate == Fate::KeepAlone {
                candidate.fate = Fate::Decode(Reason::Small);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(fates: &[Fate]) -> Vec<Fate> {
        let mut candidates: Vec<Candidate> =
            fates.iter().map(|fate| Candidate { file: 0, at: 0, rows: 1, fate: *fate }).collect();
        merge_small(&mut candidates);
        candidates.into_iter().map(|candidate| candidate.fate).collect()
    }

    #[test]
    fn small_row_groups_are_merged_where_there_is_something_to_merge_them_with() {
        use Fate::{Decode, Keep, KeepAlone};
        let small = Decode(Reason::Small);
        let filtered = Decode(Reason::Filtered);
        assert_eq!(merged(&[KeepAlone]), [KeepAlone]);
        assert_eq!(merged(&[Keep, KeepAlone, Keep]), [Keep, KeepAlone, Keep]);
        assert_eq!(merged(&[Keep, KeepAlone, KeepAlone]), [Keep, small, small]);
        assert_eq!(merged(&[filtered, KeepAlone, Keep]), [filtered, small, Keep]);
        assert_eq!(merged(&[Keep, Keep, filtered]), [Keep, Keep, filtered]);
    }
}
