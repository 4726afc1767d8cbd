//! Row groups and files that are taken over as they are stored.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use hygge_core::budget::Permit;
use hygge_core::contract::{Context, Portion};
use hygge_core::fault::Fault;
use parquet::file::reader::{ChunkReader, Length};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::detail::StagedFile;
use super::disk::DiskFile;
use super::parquet::{FileWriter, failed, staged};
use crate::home::parquet::consignment::Consignment;
use crate::lane::chunk::Content;
use crate::lane::encode::Chunk;
use crate::lane::group::MovedGroup;
use crate::lane::verify::{check_places, check_structure, check_values};

/// Adds a row group to a file, its columns made side by side and appended in their order. Gives
/// the file back, and the bytes added.
pub(super) async fn transfer(
    writer: Box<FileWriter>,
    moved: MovedGroup,
    portion: Portion,
    path: &Path,
    context: &Arc<Context>,
) -> Result<(Box<FileWriter>, u64), Fault> {
    let moved = Arc::new(moved);
    let (sender, chunks) = mpsc::channel(1);
    let appending = Appending {
        chunks,
        moved: Arc::clone(&moved),
        portion,
        path: path.to_owned(),
        context: Arc::clone(context),
    };
    let appending = tokio::task::spawn_blocking(move || appending.run(writer));
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

/// A row group being added to a file.
struct Appending {
    chunks: mpsc::Receiver<Chunk>,
    moved: Arc<MovedGroup>,
    portion: Portion,
    path: PathBuf,
    context: Arc<Context>,
}

impl Appending {
    fn run(mut self, mut writer: Box<FileWriter>) -> Result<(Box<FileWriter>, u64), Fault> {
        let failed = |error| failed(&self.path, error);
        let mut out = writer.next_row_group().map_err(failed)?;
        let all = self.moved.chunks() as u64;
        let (mut bytes, mut done) = (0, 0);
        while let Some(Chunk { content, close, held }) = self.chunks.blocking_recv() {
            bytes += close.bytes_written;
            done += 1;
            let watched = Watched { content: &content, context: &self.context };
            out.append_column(&watched, close).map_err(|error| {
                if self.context.cancel.is_cancelled() {
                    return Fault::cancelled();
                }
                // Its source may have been cut short meanwhile.
                self.moved.file().verify().err().unwrap_or_else(|| failed(error))
            })?;
            self.portion.reached(done, all);
            drop(held);
        }
        if done < all {
            return Err(Fault::cancelled());
        }
        out.close().map_err(failed)?;
        self.moved.file().verify()?;
        self.portion.reached(1, 1);
        Ok((writer, bytes))
    }
}

/// The bytes of a chunk on their way: each piece is progress, and a cancelled run ends them.
struct Watched<'a> {
    content: &'a Content,
    context: &'a Context,
}

struct WatchedBytes<'a> {
    bytes: Box<dyn Read>,
    context: &'a Context,
}

impl Length for Watched<'_> {
    fn len(&self) -> u64 {
        self.content.len()
    }
}

impl<'a> ChunkReader for Watched<'a> {
    type T = WatchedBytes<'a>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(WatchedBytes { bytes: self.content.get_read(start)?, context: self.context })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.content.get_bytes(start, length)
    }
}

impl Read for WatchedBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.context.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.context.progress.mark();
        self.bytes.read(buffer)
    }
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
    pub portion: Portion,
}

impl FileCopy {
    /// Checks the source, copies it, and reads the copy back.
    pub(super) async fn run(self) -> Result<StagedFile, Fault> {
        let consignment = Arc::new(self.consignment);
        check(&consignment, self.verify_values, &self.context, &self.stop).await?;
        let (context, stop) = (Arc::clone(&self.context), self.stop.clone());
        let (path, rows, permit, mut portion) = (self.path, self.rows, self.permit, self.portion);
        self.context
            .cpu
            .run_io(move || {
                let mut file = DiskFile::create(&path, context.durability)?;
                file.append_all(&consignment.file, &path, &stop, &mut portion)?;
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
            let progress = context.progress.clone();
            context.cpu.run_io(move || {
                let metadata = consignment.shape.footer.metadata();
                for leaf in 0..metadata.row_group(group).num_columns() {
                    if stop.is_cancelled() {
                        return Err(Fault::cancelled());
                    }
                    progress.mark();
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
            let checking = Arc::clone(context);
            context.cpu.run(move || match consignment.shape.places.get(root) {
                Some(place) => check_values(&consignment, group, *place, &checking, &stop),
                None => Ok(()),
            })
        })
        .buffered(cores);
    while let Some(checked) = decoded.next().await {
        checked?;
    }
    Ok(())
}
