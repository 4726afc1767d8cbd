//! A load under way: rows go into staged files until everything is staged.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use hygge_core::budget::Permit;
use hygge_core::contract::{
    Batch, Context, LoadRequest, Manifest, Mode, Parcel, Portion, Staged, Writer,
};
use hygge_core::fault::Fault;
use jiff::Zoned;
use parquet::file::metadata::ParquetMetaData;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::FileStore;
use super::config::{Layout, Verify};
use super::csv::Csv;
use super::detail::{Detail, StagedFile, Staging};
use super::disk::write_whole;
use super::ground::{Ground, sync_names};
use super::ndjson::Ndjson;
use super::parquet::{ParquetFile, ParquetFiles};
use super::pattern::FilePattern;
use super::place::{Place, encoded};
use super::text::{TextFile, TextFiles};
use super::transfer::FileCopy;
use crate::home::parquet::consignment::{Consignment, Part};
use crate::lane::group::{MovedGroup, Target};
use crate::lane::shape::TargetShape;
use crate::polish::Polisher;

/// Files that are closed in the background at a time, at most.
const MOST_CLOSING: usize = 4;

/// What is common to the files of a load.
enum Files {
    Parquet(ParquetFiles),
    Text(TextFiles),
}

/// The file being written.
enum Current {
    Parquet(Box<ParquetFile>),
    Text(TextFile),
}

/// Writes the files of a load into staging.
pub(super) struct FileWriter {
    place: Place,
    staging: Staging,
    pattern: FilePattern,
    rows_per_file: Option<NonZeroU64>,
    target_file_size: u64,
    mode: Mode,
    context: Arc<Context>,
    polisher: Arc<Polisher>,
    /// What becomes of Parquet data that is taken over as it is stored.
    target: Option<Arc<Target>>,
    /// The footer of the file whose row groups are being taken over, and what becomes of it.
    shape: Option<(Arc<ParquetMetaData>, Arc<TargetShape>)>,
    /// Set when what is being copied is not wanted any more.
    stop: CancellationToken,
    files: Files,
    current: Option<Current>,
    /// Files begun so far.
    begun: u64,
    closing: VecDeque<JoinHandle<Result<StagedFile, Fault>>>,
    staged: Vec<StagedFile>,
    /// When the load began.
    began: Zoned,
    /// Whether a checkpoint needs what is staged.
    kept: bool,
}

impl FileWriter {
    /// Prepares staging; changes nothing at the destination.
    pub(super) async fn begin(
        store: &FileStore,
        load: &LoadRequest,
        context: Arc<Context>,
    ) -> Result<Self, Fault> {
        let run = encoded(&context.run.entity);
        let find = move |store: &FileStore| Ground::fresh(store, &run);
        Self::on(find, store, load, context, Zoned::now()).await
    }

    /// Goes on behind the rows of a checkpoint.
    pub(super) async fn resume(
        store: &FileStore,
        load: &LoadRequest,
        from: &Manifest,
        context: Arc<Context>,
    ) -> Result<Self, Fault> {
        let detail = Detail::read(from)?;
        let began = detail.began()?;
        let durability = context.durability;
        let find = move |store: &FileStore| Ground::left_by(store, detail, durability);
        let writer = Self::on(find, store, load, context, began).await?;
        Ok(Self { kept: true, ..writer })
    }

    /// Staging is prepared last: what cannot be written leaves no trace.
    async fn on(
        find: impl FnOnce(&FileStore) -> Result<Ground, Fault> + Send + 'static,
        store: &FileStore,
        load: &LoadRequest,
        context: Arc<Context>,
        began: Zoned,
    ) -> Result<Self, Fault> {
        let settings = &store.settings;
        let polisher = match &settings.polish {
            Some(polish) => polish.bind(&load.schema, &began)?,
            None => Polisher::none(&load.schema),
        };
        for warning in polisher.warnings() {
            context.notices.warn(warning);
        }
        let files = match settings.layout.clone() {
            Layout::Parquet(layout) => Files::Parquet(ParquetFiles::new(
                polisher.schema(),
                layout.compression,
                layout.row_group_rows(),
                Arc::clone(&context),
            )?),
            Layout::Csv { csv, compression } => {
                let lines = Arc::new(Csv::new(polisher.schema(), csv)?);
                Files::Text(TextFiles::new(lines, compression, Arc::clone(&context)))
            }
            Layout::Ndjson { compression } => {
                let lines = Arc::new(Ndjson::new(polisher.schema())?);
                Files::Text(TextFiles::new(lines, compression, Arc::clone(&context)))
            }
        };
        let name = store.clone();
        let ground = context.cpu.run_io(move || find(&name)).await?;
        let Ground { place, staging, staged } = ground;
        let polisher = Arc::new(polisher);
        let target = match (&files, settings.parquet_terms()) {
            (Files::Parquet(files), Some(terms)) => Some(Arc::new(Target {
                terms,
                polisher: Arc::clone(&polisher),
                stored: Arc::clone(files.stored()),
                properties: Arc::clone(files.properties()),
                verify_values: settings.verify == Verify::Values,
                spill: staging.folder.clone(),
                slabs: Arc::default(),
                context: Arc::clone(&context),
                constants: Mutex::default(),
            })),
            _ => None,
        };
        Ok(Self {
            target,
            shape: None,
            stop: context.cancel.child_token(),
            place,
            staging,
            pattern: settings.pattern.clone(),
            rows_per_file: settings.rows_per_file,
            target_file_size: settings.target_file_size,
            mode: load.mode,
            context,
            polisher,
            files,
            current: None,
            begun: staged.len() as u64,
            closing: VecDeque::new(),
            staged,
            began,
            kept: false,
        })
    }

    async fn write_rows(&mut self, rows: &RecordBatch) -> Result<(), Fault> {
        let mut from = 0;
        while from < rows.num_rows() {
            let mut current = match self.current.take() {
                Some(current) if current.takes_rows() => current,
                other => {
                    self.close_current(other).await?;
                    self.create().await?
                }
            };
            let left = rows.num_rows() - from;
            let room = self.rows_per_file.map_or(u64::MAX, |most| most.get() - current.rows());
            let count = usize::try_from(room).unwrap_or(usize::MAX).min(left);
            from += current.write(&rows.slice(from, count)).await?;
            let full = match self.rows_per_file {
                Some(most) => current.rows() >= most.get(),
                None => current.has_grown_to(self.target_file_size).await?,
            };
            if full {
                self.close(current).await?;
            } else {
                self.current = Some(current);
            }
        }
        Ok(())
    }

    /// Takes a file over as it is.
    async fn take_file(&mut self, consignment: Consignment, parcel: Held) -> Result<(), Fault> {
        let current = self.current.take();
        self.close_current(current).await?;
        let copy = FileCopy {
            consignment,
            path: self.next_path(),
            rows: parcel.rows,
            verify_values: self.target.as_ref().is_some_and(|target| target.verify_values),
            context: Arc::clone(&self.context),
            stop: self.stop.clone(),
            permit: parcel.permit,
            portion: parcel.portion,
        };
        self.closing.push_back(tokio::spawn(copy.run()));
        self.wait_for_closing(MOST_CLOSING).await
    }

    /// Takes a row group over, into the file under way where that has the same columns.
    async fn take_group(
        &mut self,
        consignment: Consignment,
        group: usize,
        parcel: Held,
    ) -> Result<(), Fault> {
        let (Files::Parquet(files), Some(target)) = (&self.files, self.target.clone()) else {
            return Err(Fault::bug("a Parquet row group was given to a store of text"));
        };
        let files = files.clone();
        let footer = Arc::clone(consignment.shape.footer.metadata());
        let shape = match &self.shape {
            Some((last, shape)) if Arc::ptr_eq(last, &footer) => Arc::clone(shape),
            _ => Arc::new(target.shape(&consignment)?),
        };
        self.shape = Some((footer, Arc::clone(&shape)));
        let mut file = match self.current.take() {
            Some(Current::Parquet(file)) if file.takes(&shape) => file,
            other => {
                self.close_current(other).await?;
                Box::new(files.create_for(self.next_path(), &shape).await?)
            }
        };
        let moved = MovedGroup::new(&target, &shape, consignment, group);
        if moved.rows() != parcel.rows {
            return Err(Fault::bug(format!(
                "a parcel of {} rows came with a row group of {}",
                parcel.rows,
                moved.rows()
            )));
        }
        file.take(moved, parcel.portion).await?;
        drop(parcel.permit);
        let mut current = Current::Parquet(file);
        if current.has_grown_to(self.target_file_size).await? {
            return self.close(current).await;
        }
        self.current = Some(current);
        Ok(())
    }

    fn next_path(&mut self) -> PathBuf {
        self.begun += 1;
        self.staging.data().join(self.pattern.name(self.begun))
    }

    async fn create(&mut self) -> Result<Current, Fault> {
        let path = self.next_path();
        Ok(match &self.files {
            Files::Parquet(files) => Current::Parquet(Box::new(files.create(path).await?)),
            Files::Text(files) => Current::Text(files.create(path).await?),
        })
    }

    async fn close_current(&mut self, current: Option<Current>) -> Result<(), Fault> {
        match current {
            Some(current) => self.close(current).await,
            None => Ok(()),
        }
    }

    async fn close(&mut self, current: Current) -> Result<(), Fault> {
        self.closing.push_back(match current {
            Current::Parquet(file) => file.finish().await?,
            Current::Text(file) => file.finish().await?,
        });
        self.wait_for_closing(MOST_CLOSING).await
    }

    async fn wait_for_closing(&mut self, most: usize) -> Result<(), Fault> {
        while self.closing.len() > most {
            if let Some(closing) = self.closing.pop_front() {
                self.staged.push(closing.await.map_err(lost)??);
                self.context.progress.mark();
            }
        }
        Ok(())
    }

    async fn stage_files(&mut self) -> Result<Staged, Fault> {
        if let Some(current) = self.current.take() {
            self.close(current).await?;
        } else if self.begun == 0 && self.mode == Mode::Replace {
            // A table without rows still has its columns.
            let empty = self.create().await?;
            self.close(empty).await?;
        }
        self.wait_for_closing(0).await?;
        let manifest = self.manifest()?;
        let bytes = self.staged.iter().map(|file| file.bytes).sum();
        let (staging, durability) = (self.staging.clone(), self.context.durability);
        let manifest = self
            .context
            .cpu
            .run_io(move || {
                let text = serde_json::to_vec(&manifest)
                    .map_err(|error| Fault::bug("cannot write a manifest").because(error))?;
                sync_names(&staging, durability)?;
                write_whole(&staging.manifest(), &text, durability)?;
                Ok(manifest)
            })
            .await?;
        Ok(Staged { rows: manifest.rows, manifest, bytes })
    }

    /// What is staged now, with every file closed.
    fn manifest(&self) -> Result<Manifest, Fault> {
        let detail = Detail::new(
            self.place.destination.clone(),
            self.staging.folder.clone(),
            self.place.inside,
            self.pattern.clone(),
            self.context.durability,
            self.staged.clone(),
            &self.began,
        );
        Ok(Manifest {
            entity_run_id: self.context.run.entity.clone(),
            mode: self.mode,
            rows: self.staged.iter().map(|file| file.rows).sum(),
            staging: self.staging.folder.display().to_string(),
            detail: detail.to_json()?,
        })
    }

    /// Closes the file under way, so that all rows are in whole files. A file that must have its
    /// exact number of rows cannot be closed before.
    async fn keep_files(&mut self) -> Result<Option<Manifest>, Fault> {
        if self.rows_per_file.is_some() && self.current.is_some() {
            return Ok(None);
        }
        let current = self.current.take();
        self.close_current(current).await?;
        self.wait_for_closing(0).await?;
        let (staging, durability) = (self.staging.clone(), self.context.durability);
        self.context.cpu.run_io(move || sync_names(&staging, durability)).await?;
        self.kept = true;
        self.manifest().map(Some)
    }

    /// Waits until nothing is written any more.
    async fn come_to_rest(&mut self) {
        self.stop.cancel();
        if let Some(current) = self.current.take() {
            let _ = self.close(current).await;
        }
        for closing in self.closing.drain(..) {
            let _ = closing.await;
        }
    }

    async fn discard(mut self) {
        // Nothing may still be writing when the folder is removed.
        self.come_to_rest().await;
        let staging = self.staging.clone();
        let removed = self.context.cpu.run_io(move || staging.remove()).await;
        if let Err(fault) = removed {
            self.context.notices.debug(fault.chain());
        }
    }
}

#[async_trait]
impl Writer for FileWriter {
    async fn write(&mut self, batch: Batch) -> Result<(), Fault> {
        if self.context.cancel.is_cancelled() {
            return Err(Fault::cancelled());
        }
        let Batch { rows, permit } = batch;
        let rows = if self.polisher.is_idle() {
            rows
        } else {
            let polisher = Arc::clone(&self.polisher);
            self.context.cpu.run(move || polisher.apply(&rows)).await?
        };
        self.write_rows(&rows).await?;
        drop(permit);
        Ok(())
    }

    async fn take(&mut self, parcel: Parcel) -> Result<(), Fault> {
        if self.context.cancel.is_cancelled() {
            return Err(Fault::cancelled());
        }
        let Parcel { content, rows, bytes, permit, .. } = parcel;
        let portion = self.context.progress.portion(rows, bytes);
        let held = Held { rows, permit, portion };
        let content = content
            .downcast::<Consignment>()
            .map_err(|_| Fault::bug("a store of Parquet files was given an unknown parcel"))?;
        match content.part {
            Part::Whole => self.take_file(*content, held).await,
            Part::Group(group) => self.take_group(*content, group, held).await,
        }
    }

    async fn stage(mut self: Box<Self>) -> Result<Staged, Fault> {
        match self.stage_files().await {
            Ok(staged) => Ok(staged),
            Err(fault) => {
                match self.kept {
                    true => self.come_to_rest().await,
                    false => self.discard().await,
                }
                Err(fault)
            }
        }
    }

    async fn checkpoint(&mut self) -> Result<Option<Manifest>, Fault> {
        if self.context.cancel.is_cancelled() {
            return Err(Fault::cancelled());
        }
        self.keep_files().await
    }

    async fn leave(mut self: Box<Self>) {
        self.come_to_rest().await;
    }

    async fn abort(self: Box<Self>) {
        self.discard().await;
    }
}

/// What a parcel is counted and charged for.
struct Held {
    rows: u64,
    permit: Permit,
    portion: Portion,
}

impl Current {
    /// Whether rows can be added to it.
    fn takes_rows(&self) -> bool {
        match self {
            Self::Parquet(file) => file.takes_rows(),
            Self::Text(_) => true,
        }
    }

    fn rows(&self) -> u64 {
        match self {
            Self::Parquet(file) => file.rows(),
            Self::Text(file) => file.rows(),
        }
    }

    /// Takes the first of `rows`, and says how many.
    async fn write(&mut self, rows: &RecordBatch) -> Result<usize, Fault> {
        match self {
            Self::Parquet(file) => file.write(rows).await,
            Self::Text(file) => file.write(rows).await.map(|()| rows.num_rows()),
        }
    }

    async fn has_grown_to(&mut self, target: u64) -> Result<bool, Fault> {
        match self {
            Self::Parquet(file) => file.has_grown_to(target).await,
            Self::Text(file) => Ok(file.size() >= target),
        }
    }
}

/// A task that panicked or was dropped with its runtime.
pub(super) fn lost(error: JoinError) -> Fault {
    if error.is_panic() {
        Fault::bug("writing a file panicked").because(error)
    } else {
        Fault::cancelled()
    }
}
