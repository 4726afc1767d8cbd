//! The rows of many files, decoded ahead of whoever takes them.
//!
//! Rows come in the order of the files. While a batch is on its way, the next is being decoded,
//! its columns shared out among the cores. Batches are charged to the memory budget in the order
//! in which they are taken, so one that waits for memory never keeps an earlier one from leaving.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use futures::future::try_join_all;
use hygge_core::contract::{Batch, Context, ReadRequest};
use hygge_core::fault::Fault;
use parquet::errors::ParquetError;

use super::super::adapt::places;
use super::super::feed::Outlet;
use super::super::source::OpenFile;
use super::super::weight::held_bytes;
use super::catalog::{Catalog, PlannedFile};
use super::consignment::{Consignment, Part};
use super::courses::{Course, Leg};
use super::footer::{self, Keep, damaged};
use super::lane::{FileShape, Lane, Step, blame};
use super::pace::{Pace, Width};
use super::pages::{Groups, Guard};

/// Compressed bytes that are worth a core of their own.
const WORTH_A_LANE: i64 = 256 << 10;

/// Gives every file of the catalog to `outlet`, decoded or handed over as its course says.
pub(super) async fn give(
    catalog: Catalog,
    batch_rows: Option<NonZeroU64>,
    request: ReadRequest,
    context: Arc<Context>,
    outlet: Arc<Outlet>,
) -> Result<(), Fault> {
    let mut pace = Pace::new(context.memory.size(), batch_rows);
    for planned in catalog.files {
        if planned.rows == 0 {
            continue;
        }
        let file = open(&planned, &catalog.schema, &context).await?;
        let legs: Box<[Leg]> = match planned.course {
            Course::Rows => Box::new([Leg::Rows(file.groups(planned.groups.as_deref()))]),
            Course::Legs(legs) => legs,
            Course::Whole => {
                hand_over(&file, Part::Whole, &request, &context, &outlet).await?;
                continue;
            }
        };
        for leg in legs {
            match leg {
                Leg::Rows(groups) => {
                    for groups in runs(&file.shape, &groups, &pace) {
                        let mut run = Run::new(&file, groups, &pace, context.cpu.cores());
                        run.decode(&mut pace, &context, &outlet).await?;
                    }
                }
                Leg::Group(group) => {
                    hand_over(&file, Part::Group(group), &request, &context, &outlet).await?;
                }
            }
        }
        context.cpu.run_io(move || file.open.verify()).await?;
    }
    Ok(())
}

/// Gives a part of a file out as it is stored. Whoever takes it verifies that the file has not
/// changed when it has been read.
async fn hand_over(
    file: &File,
    part: Part,
    request: &ReadRequest,
    context: &Arc<Context>,
    outlet: &Outlet,
) -> Result<(), Fault> {
    let (open, shape) = (Arc::clone(&file.open), file.shape.clone());
    let footer = shape.footer.metadata();
    // A footer stays in memory as long as any of its row groups is on its way.
    let groups = if part == Part::Whole { 1 } else { footer.num_row_groups().max(1) };
    let permit = context.memory.acquire(footer.memory_size() / groups).await;
    let consignment = Consignment { file: open, shape, part };
    outlet.give_parcel(consignment.into_parcel(request, context.memory.size(), permit)).await
}

/// A file whose footer has been read again.
#[derive(Clone)]
struct File {
    open: Arc<OpenFile>,
    shape: FileShape,
}

impl File {
    /// Those of its row groups to be read.
    fn groups(&self, chosen: Option<&[usize]>) -> Arc<[usize]> {
        match chosen {
            Some(groups) => groups.into(),
            None => (0..self.shape.footer.metadata().num_row_groups()).collect(),
        }
    }
}

async fn open(
    planned: &PlannedFile,
    all: &arrow_schema::SchemaRef,
    context: &Context,
) -> Result<File, Fault> {
    let (source, all) = (Arc::clone(&planned.source), Arc::clone(all));
    let keep = match planned.course {
        Course::Rows => Keep::Shape,
        Course::Whole | Course::Legs(_) => Keep::Everything,
    };
    context
        .cpu
        .run(move || {
            let open = Arc::new(source.open()?);
            let footer = footer::read(&open, keep)?;
            let places = places(footer.schema(), &all).into();
            Ok(File { open, shape: FileShape { footer, all, places } })
        })
        .await
}

/// The row groups to decode, small ones taken together.
fn runs(shape: &FileShape, groups: &[usize], pace: &Pace) -> Vec<Arc<[usize]>> {
    let metadata = shape.footer.metadata();
    let mut runs = Vec::new();
    let mut run = Vec::new();
    let mut bytes = 0;
    for &at in groups {
        let Some(group) = metadata.row_groups().get(at).filter(|group| group.num_rows() > 0) else {
            continue;
        };
        run.push(at);
        bytes += usize::try_from(group.total_byte_size()).unwrap_or(0);
        if bytes >= pace.ceiling() / 4 {
            runs.push(std::mem::take(&mut run).into());
            bytes = 0;
        }
    }
    if !run.is_empty() {
        runs.push(run.into());
    }
    runs
}

/// Some row groups being decoded.
struct Run {
    file: File,
    groups: Arc<[usize]>,
    rows: u64,
    width: Width,
    /// Columns of the file for each lane.
    lanes: Vec<Vec<usize>>,
    /// Bytes that the pages being decoded hold.
    pages: usize,
    batch_rows: usize,
    done: u64,
}

impl Run {
    fn new(file: &File, groups: Arc<[usize]>, pace: &Pace, cores: usize) -> Self {
        let metadata = file.shape.footer.metadata();
        let chosen = || groups.iter().filter_map(|at| metadata.row_groups().get(*at));
        let rows = chosen().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
        let width = Width::of(chosen());
        let roots = file.shape.footer.schema().fields().len();
        let mut sizes = vec![0_i64; roots];
        let mut pages = 0;
        for (first, group) in chosen().enumerate() {
            for (leaf, column) in group.columns().iter().enumerate() {
                let root = file.shape.footer.parquet_schema().get_column_root_idx(leaf);
                if let Some(size) = sizes.get_mut(root) {
                    *size = size.saturating_add(column.compressed_size());
                }
                if first == 0 {
                    // A page and a dictionary, of the size writers aim for.
                    let bytes = usize::try_from(column.uncompressed_size()).unwrap_or(0);
                    pages += bytes.min(2 << 20);
                }
            }
        }
        let batch_rows = pace.begin(width);
        Self {
            file: file.clone(),
            groups,
            rows,
            width,
            lanes: vec![(0..roots).collect()],
            pages,
            batch_rows,
            done: 0,
        }
        .share_out(&sizes, cores)
    }

    /// Divides the columns among lanes of about the same size.
    fn share_out(mut self, sizes: &[i64], cores: usize) -> Self {
        let total: i64 = sizes.iter().fold(0, |sum, size| sum.saturating_add(*size));
        let lanes = usize::try_from(total / WORTH_A_LANE).unwrap_or(1).min(cores).min(sizes.len());
        if lanes < 2 {
            return self;
        }
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|root| std::cmp::Reverse(sizes.get(*root)));
        let mut shares: Vec<(i64, Vec<usize>)> = vec![(0, Vec::new()); lanes];
        for root in order {
            let lightest = shares.iter_mut().min_by_key(|(size, roots)| (*size, roots.len()));
            if let Some((size, roots)) = lightest {
                *size += sizes.get(root).copied().unwrap_or(0);
                roots.push(root);
            }
        }
        self.lanes =
            shares.into_iter().map(|(_, roots)| roots).filter(|roots| !roots.is_empty()).collect();
        self
    }

    async fn decode(
        &mut self,
        pace: &mut Pace,
        context: &Arc<Context>,
        outlet: &Outlet,
    ) -> Result<(), Fault> {
        let _pages = context.memory.charge(self.pages);
        let mut lanes: Vec<Lane> = Vec::new();
        while self.done < self.rows {
            let left = self.rows - self.done;
            let expected = left.min(self.batch_rows as u64);
            let bytes = pace.bytes_of(usize::try_from(expected).unwrap_or(usize::MAX), self.width);
            let mut permit = context.memory.acquire(bytes).await;
            if lanes.is_empty() {
                lanes = self.build(pace, context).await?;
            }
            let Some((back, columns)) = self.step(lanes, expected, context).await? else {
                lanes = Vec::new();
                self.batch_rows = pace.fewer(self.batch_rows);
                continue;
            };
            lanes = back;
            let rows = self.assemble(columns, expected)?;
            let bytes = held_bytes(&rows);
            permit.resize(bytes);
            self.done += expected;
            let count = rows.num_rows();
            let left = self.rows - self.done;
            if let Some(other) = pace.saw(count, bytes, self.batch_rows, left) {
                self.batch_rows = other;
                lanes = Vec::new();
            }
            outlet.give(Batch { rows, permit }).await?;
        }
        Ok(())
    }

    fn groups(&self, guard: Arc<Guard>) -> Groups {
        Groups {
            file: Arc::clone(&self.file.open),
            metadata: Arc::clone(self.file.shape.footer.metadata()),
            groups: Arc::clone(&self.groups),
            guard,
        }
    }

    async fn build(&self, pace: &Pace, context: &Context) -> Result<Vec<Lane>, Fault> {
        // Each lane answers for its own columns alone.
        let ceiling = pace.ceiling();
        try_join_all(self.lanes.iter().map(|roots| {
            let groups = self.groups(Guard::new(self.batch_rows, ceiling));
            let (shape, roots) = (self.file.shape.clone(), roots.clone());
            let (batch_rows, skip) = (self.batch_rows, self.done);
            context.cpu.run(move || {
                Lane::new(&shape, groups.clone(), &roots, batch_rows, skip)
                    .map_err(|error: ParquetError| blame(&shape, &groups, Some(error.into())))
            })
        }))
        .await
    }

    /// One batch from every lane; `None` when it would have been too large.
    async fn step(
        &self,
        lanes: Vec<Lane>,
        expected: u64,
        context: &Context,
    ) -> Result<Option<(Vec<Lane>, Vec<(usize, ArrayRef)>)>, Fault> {
        let last = self.done + expected == self.rows;
        let stepped = try_join_all(lanes.into_iter().map(|mut lane| {
            context.cpu.run(move || {
                let step = lane.step(last);
                Ok((lane, step))
            })
        }))
        .await?;
        let mut back = Vec::with_capacity(stepped.len());
        let mut columns = Vec::with_capacity(self.file.shape.all.fields().len());
        let mut too_wide = false;
        for (lane, step) in stepped {
            match step {
                Step::Rows(some, rows) if rows as u64 == expected => columns.extend(some),
                Step::Rows(..) => return Err(self.blame(None, context).await),
                Step::TooWide => too_wide = true,
                Step::Failed(error) => return Err(self.blame(error, context).await),
            }
            back.push(lane);
        }
        Ok((!too_wide).then_some((back, columns)))
    }

    async fn blame(&self, error: Option<arrow_schema::ArrowError>, context: &Context) -> Fault {
        let groups = self.groups(Guard::new(1, 0));
        let shape = self.file.shape.clone();
        let blamed = context.cpu.run(move || Ok(blame(&shape, &groups, error))).await;
        blamed.unwrap_or_else(|fault| fault)
    }

    fn assemble(&self, columns: Vec<(usize, ArrayRef)>, rows: u64) -> Result<RecordBatch, Fault> {
        let all = &self.file.shape.all;
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let mut placed: Vec<Option<ArrayRef>> = vec![None; all.fields().len()];
        for (place, column) in columns {
            if let Some(slot) = placed.get_mut(place) {
                *slot = Some(column);
            }
        }
        let filled = placed
            .into_iter()
            .zip(all.fields())
            .map(|(column, field)| {
                column.unwrap_or_else(|| new_null_array(field.data_type(), rows))
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(all), filled, &options).map_err(|error| {
            damaged(&self.file.open, &format!("row groups {:?}", self.groups), Some(error.into()))
        })
    }
}
