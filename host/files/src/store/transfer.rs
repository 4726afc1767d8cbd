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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::detail::StagedFile;
use super::disk::DiskFile;
use super::parquet::{FileWriter, failed, staged};
use crate::home::parquet::consignment::Consignment;
use crate::lane::chunk::Content;
use crate::lane::encode::{Chunk, Form};
use crate::lane::group::MovedGroup;
use crate::lane::verify::{check_places, check_structure, check_values};

/// What chunks that wait to be written are counted in.
const UNIT: u64 = 1 << 10;

/// The pieces of a row group that are still to be begun.
pub(super) struct Pieces {
    moved: Arc<MovedGroup>,
    context: Arc<Context>,
    ahead: Arc<Semaphore>,
    begun: mpsc::UnboundedSender<Begun>,
    stop: CancellationToken,
}

/// A piece being made.
struct Begun {
    chunks: JoinHandle<Result<Vec<Chunk>, Fault>>,
    room: OwnedSemaphorePermit,
}

/// Nobody takes the pieces any more.
#[derive(Debug)]
pub(super) struct Stopped;

/// Room for the chunks of a load that are made ahead of being written.
pub(super) fn ahead(context: &Context) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(room(context) as usize))
}

fn room(context: &Context) -> u32 {
    let units = context.memory.size() as u64 * 3 / 4 / UNIT;
    u32::try_from(units).unwrap_or(u32::MAX).clamp(1, Semaphore::MAX_PERMITS as u32)
}

/// Adds a row group to the file that `writer` will give. The task gives the file back; the pieces
/// are begun by [`Pieces::begin_all`].
///
/// They are made on all cores, those of several row groups side by side, for a row group often has
/// one column that takes as long as all others together. They are appended in their order.
pub(super) fn transfer(
    writer: impl Future<Output = Result<Box<FileWriter>, Fault>> + Send + 'static,
    moved: MovedGroup,
    portion: Portion,
    path: &Path,
    context: &Arc<Context>,
    ahead: &Arc<Semaphore>,
) -> (JoinHandle<Result<Box<FileWriter>, Fault>>, Pieces) {
    let moved = Arc::new(moved);
    let (begun, pieces) = mpsc::unbounded_channel();
    let stop = context.cancel.child_token();
    let rest = Pieces {
        moved: Arc::clone(&moved),
        context: Arc::clone(context),
        ahead: Arc::clone(ahead),
        begun,
        stop: stop.clone(),
    };
    let (path, context) = (path.to_owned(), Arc::clone(context));
    let appending = Appending { pieces, moved, portion, path, context };
    let task = tokio::spawn(async move {
        // Whatever ends this ends the pieces that are left.
        let _stop = stop.drop_guard();
        let writer = writer.await?;
        let runtime = tokio::runtime::Handle::current();
        let append = move || appending.run(writer, &runtime);
        tokio::task::spawn_blocking(append).await.map_err(super::writer::lost)?
    });
    (task, rest)
}

impl Pieces {
    /// Begins every piece, as room becomes free.
    pub(super) async fn begin_all(self) -> Result<(), Stopped> {
        let most = room(&self.context);
        for piece in self.moved.pieces() {
            let units = u32::try_from(self.moved.weight(piece) / UNIT).unwrap_or(u32::MAX);
            let room = Arc::clone(&self.ahead).acquire_many_owned(units.clamp(1, most));
            let room = tokio::select! {
                biased;
                () = self.begun.closed() => return Err(Stopped),
                room = room => room.map_err(|_| Stopped)?,
            };
            let (moved, stop) = (Arc::clone(&self.moved), self.stop.clone());
            let context = Arc::clone(&self.context);
            // In a task of its own, so that a core it is given never waits for somebody to look.
            let chunks = tokio::spawn(async move {
                let make = move || match stop.is_cancelled() {
                    true => Err(Fault::cancelled()),
                    false => moved.make(piece),
                };
                context.cpu.run(make).await
            });
            self.begun.send(Begun { chunks, room }).map_err(|_| Stopped)?;
        }
        Ok(())
    }
}

/// A row group being added to a file.
struct Appending {
    pieces: mpsc::UnboundedReceiver<Begun>,
    moved: Arc<MovedGroup>,
    portion: Portion,
    path: PathBuf,
    context: Arc<Context>,
}

impl Appending {
    fn run(
        mut self,
        mut writer: Box<FileWriter>,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Box<FileWriter>, Fault> {
        let failed = |error| failed(&self.path, error);
        let mut out = writer.next_row_group().map_err(failed)?;
        let all = self.moved.chunks() as u64;
        let mut done = 0;
        while let Some(Begun { chunks, room }) = self.pieces.blocking_recv() {
            for chunk in runtime.block_on(chunks).map_err(super::writer::lost)?? {
                let Chunk { form, held } = chunk;
                done += 1;
                let appended = match form {
                    Form::Stored(content, close) => {
                        let watched = Watched { content: &content, context: &self.context };
                        out.append_column(&watched, *close)
                    }
                    Form::Encoded(chunk) => chunk.append_to_row_group(&mut out),
                };
                appended.map_err(|error| {
                    if self.context.cancel.is_cancelled() {
                        return Fault::cancelled();
                    }
                    // Its source may have been cut short meanwhile.
                    self.moved.file().verify().err().unwrap_or_else(|| failed(error))
                })?;
                self.portion.reached(done, all);
                drop(held);
            }
            drop(room);
        }
        if done < all {
            return Err(Fault::cancelled());
        }
        out.close().map_err(failed)?;
        self.moved.file().verify()?;
        self.portion.reached(1, 1);
        Ok(writer)
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
