//! Row groups and files that are taken over as they are stored.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt as _;
use hygge_core::budget::Permit;
use hygge_core::contract::Context;
use hygge_core::fault::Fault;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::detail::StagedFile;
use super::disk::DiskFile;
use super::parquet::{FileWriter, failed, staged};
use crate::home::parquet::consignment::Consignment;
use crate::lane::encode::Chunk;
use crate::lane::group::MovedGroup;
use crate::lane::verify::{check_places, check_structure, check_values};

/// Adds a row group to a file, its columns made side by side and appended in their order. Gives
/// the file back, and the bytes added.
pub(super) async fn transfer(
    writer: Box<FileWriter>,
    moved: MovedGroup,
    path: &Path,
    context: &Arc<Context>,
) -> Result<(Box<FileWriter>, u64), Fault> {
    let moved = Arc::new(moved);
    let (sender, chunks) = mpsc::channel(1);
    let (path, group) = (path.to_owned(), Arc::clone(&moved));
    let appending = tokio::task::spawn_blocking(move || append(writer, chunks, &group, &path));
    let made = futures::stream::iter(moved.pieces())
        .map(|piece| {
            let moved = Arc::clone(&moved);
            context.cpu.run(move || moved.make(piece))
        })
        .buffered(context.cpu.cores());
    futures::pin_mut!(made);
    let mut making = Ok(());
    'making: while let Some(some) = made.next().await {
        match some {
            Ok(some) => {
                for chunk in some {
                    if sender.send(chunk).await.is_err() {
                        break 'making;
                    }
                }
            }
            Err(fault) => {
                making = Err(fault);
                break;
            }
        }
    }
    drop(sender);
    let appended = appending.await.map_err(super::writer::lost);
    // A column that could not be made is the cause when both failed.
    making?;
    appended?
}

fn append(
    mut writer: Box<FileWriter>,
    mut chunks: mpsc::Receiver<Chunk>,
    moved: &MovedGroup,
    path: &Path,
) -> Result<(Box<FileWriter>, u64), Fault> {
    let failed = |error| failed(path, error);
    let mut out = writer.next_row_group().map_err(failed)?;
    let (mut bytes, mut left) = (0, moved.chunks());
    while let Some(Chunk { content, close, held }) = chunks.blocking_recv() {
        bytes += close.bytes_written;
        left = left.saturating_sub(1);
        out.append_column(&content, close).map_err(|error| {
            // Its source may have been cut short meanwhile.
            moved.file().verify().err().unwrap_or_else(|| failed(error))
        })?;
        drop(held);
    }
    if left > 0 {
        return Err(Fault::cancelled());
    }
    out.close().map_err(failed)?;
    moved.file().verify()?;
    Ok((writer, bytes))
}

/// A file to be copied as it is.
pub(super) struct FileCopy {
    pub consignment: Consignment,
    pub path: PathBuf,
    pub rows: u64,
    pub verify_values: bool,
    pub context: Arc<Context>,
    /// Set when the copy is not wanted any more.
    pub stop: CancellationToken,
    pub permit: Permit,
}

impl FileCopy {
    /// Checks the source, copies it, and reads the copy back.
    pub(super) async fn run(self) -> Result<StagedFile, Fault> {
        let consignment = Arc::new(self.consignment);
        check(&consignment, self.verify_values, &self.context, &self.stop).await?;
        let (context, stop) = (Arc::clone(&self.context), self.stop.clone());
        let (path, rows, permit) = (self.path, self.rows, self.permit);
        self.context
            .cpu
            .run_io(move || {
                let mut file = DiskFile::create(&path, context.durability)?;
                file.append_all(&consignment.file, &path, &stop)?;
                consignment.file.verify()?;
                file.finish().map_err(|error| Fault::io("write", &path, error))?;
                drop(permit);
                staged(&path, rows, file.written())
            })
            .await
    }
}

async fn check(
    consignment: &Arc<Consignment>,
    values: bool,
    context: &Arc<Context>,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let cores = context.cpu.cores();
    let metadata = consignment.shape.footer.metadata();
    check_places(&consignment.file, metadata)?;
    let mut structures = futures::stream::iter(0..metadata.num_row_groups())
        .map(|group| {
            let (consignment, stop) = (Arc::clone(consignment), stop.clone());
            context.cpu.run_io(move || {
                let metadata = consignment.shape.footer.metadata();
                for leaf in 0..metadata.row_group(group).num_columns() {
                    if stop.is_cancelled() {
                        return Err(Fault::cancelled());
                    }
                    check_structure(&consignment.file, metadata, group, leaf)?;
                }
                Ok(())
            })
        })
        .buffered(cores);
    while let Some(checked) = structures.next().await {
        checked?;
    }
    if !values {
        return Ok(());
    }
    let places = consignment.shape.places.len();
    let all =
        (0..metadata.num_row_groups()).flat_map(|group| (0..places).map(move |root| (group, root)));
    let mut decoded = futures::stream::iter(all)
        .map(|(group, root)| {
            let (consignment, stop) = (Arc::clone(consignment), stop.clone());
            let memory = context.memory.size();
            context.cpu.run(move || {
                if stop.is_cancelled() {
                    return Err(Fault::cancelled());
                }
                match consignment.shape.places.get(root) {
                    Some(place) => check_values(&consignment, group, *place, memory),
                    None => Ok(()),
                }
            })
        })
        .buffered(cores);
    while let Some(checked) = decoded.next().await {
        checked?;
    }
    Ok(())
}
