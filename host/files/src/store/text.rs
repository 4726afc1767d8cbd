//! Writes a text file: CSV or NDJSON, compressed as a whole or not.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use flate2::write::GzEncoder;
use hygge_core::budget::Permit;
use hygge_core::contract::Context;
use hygge_core::fault::Fault;
use tokio::task::JoinHandle;

use super::detail::StagedFile;
use super::disk::DiskFile;
use crate::format::TextCompression;

/// Turns rows into lines.
pub(super) trait Lines: Send + Sync {
    /// What comes before the first row.
    fn head(&self) -> Result<Vec<u8>, Fault>;

    /// The lines of `rows`.
    fn encode(&self, rows: &RecordBatch) -> Result<Vec<u8>, Fault>;
}

/// Fewer rows than this are not worth a piece of work of their own.
const LEAST_ROWS: usize = 2_048;

/// More rows than this in one piece would hold too much text at a time.
const MOST_ROWS: usize = 16_384;

/// What all text files of a load have in common.
#[derive(Clone)]
pub(super) struct TextFiles {
    lines: Arc<dyn Lines>,
    compression: TextCompression,
    context: Arc<Context>,
}

/// A text file being written.
pub(super) struct TextFile {
    files: TextFiles,
    path: PathBuf,
    output: Output,
    rows: u64,
    /// Its size before what is being written now.
    size: u64,
}

/// Who has the file: this, or a task that compresses and writes while more is encoded.
enum Output {
    Idle(Box<Compressor>),
    Writing(JoinHandle<Result<Box<Compressor>, Fault>>),
    /// Writing failed; nothing more can be written.
    Failed,
}

enum Compressor {
    None(DiskFile),
    Gzip(GzEncoder<DiskFile>),
    Zstd(zstd::stream::write::Encoder<'static, DiskFile>),
}

impl TextFiles {
    pub(super) fn new(
        lines: Arc<dyn Lines>,
        compression: TextCompression,
        context: Arc<Context>,
    ) -> Self {
        Self { lines, compression, context }
    }

    /// Begins a file.
    pub(super) async fn create(&self, path: PathBuf) -> Result<TextFile, Fault> {
        let (at, durability) = (path.clone(), self.context.durability);
        let (lines, compression) = (Arc::clone(&self.lines), self.compression);
        let output = self
            .context
            .cpu
            .run_io(move || {
                let file = DiskFile::create(&at, durability)?;
                let failed = |error| Fault::io("write", &at, error);
                let mut output = Box::new(Compressor::new(file, compression).map_err(failed)?);
                output.write_all(&lines.head()?).map_err(failed)?;
                Ok(output)
            })
            .await?;
        Ok(TextFile { files: self.clone(), path, output: Output::Idle(output), rows: 0, size: 0 })
    }
}

impl TextFile {
    /// How many rows it holds.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes rows.
    pub(super) async fn write(&mut self, rows: &RecordBatch) -> Result<(), Fault> {
        let cores = self.files.context.cpu.cores();
        let piece = rows.num_rows().div_ceil(cores).clamp(LEAST_ROWS, MOST_ROWS);
        let mut from = 0;
        while from < rows.num_rows() {
            let mut pieces = Vec::with_capacity(cores);
            while from < rows.num_rows() && pieces.len() < cores {
                let slice = rows.slice(from, piece.min(rows.num_rows() - from));
                from += slice.num_rows();
                let lines = Arc::clone(&self.files.lines);
                pieces.push(self.files.context.cpu.run(move || lines.encode(&slice)));
            }
            let texts = futures::future::try_join_all(pieces).await?;
            self.append(texts).await?;
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    async fn append(&mut self, texts: Vec<Vec<u8>>) -> Result<(), Fault> {
        let held = self.files.context.memory.charge(texts.iter().map(Vec::len).sum());
        let output = self.take_output().await?;
        self.size = output.file().written();
        let path = self.path.clone();
        let cpu = self.files.context.cpu.clone();
        let compresses = self.files.compression != TextCompression::None;
        self.output = Output::Writing(tokio::spawn(async move {
            let work = move || write_texts(output, texts, held, &path);
            // Compressing keeps a core busy, plain writing waits for the disk.
            if compresses { cpu.run(work).await } else { cpu.run_io(work).await }
        }));
        Ok(())
    }

    /// The size it has reached, compressed; what is being written now is not in it.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Closes the file in the background.
    pub(super) async fn finish(mut self) -> Result<JoinHandle<Result<StagedFile, Fault>>, Fault> {
        let output = self.take_output().await?;
        let (path, rows) = (self.path, self.rows);
        Ok(tokio::task::spawn_blocking(move || close(*output, &path, rows)))
    }

    async fn take_output(&mut self) -> Result<Box<Compressor>, Fault> {
        match std::mem::replace(&mut self.output, Output::Failed) {
            Output::Idle(output) => Ok(output),
            Output::Writing(task) => task.await.map_err(super::writer::lost)?,
            Output::Failed => Err(Fault::bug(format!("{} has failed before", self.path.display()))),
        }
    }
}

fn write_texts(
    mut output: Box<Compressor>,
    texts: Vec<Vec<u8>>,
    held: Permit,
    path: &Path,
) -> Result<Box<Compressor>, Fault> {
    for text in texts {
        output.write_all(&text).map_err(|error| Fault::io("write", path, error))?;
    }
    drop(held);
    Ok(output)
}

fn close(output: Compressor, path: &Path, rows: u64) -> Result<StagedFile, Fault> {
    let bytes = output
        .finish()
        .and_then(|mut file| file.finish().map(|()| file.written()))
        .map_err(|error| Fault::io("write", path, error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(StagedFile { name, rows, bytes })
}

impl Compressor {
    fn new(file: DiskFile, compression: TextCompression) -> io::Result<Self> {
        Ok(match compression {
            TextCompression::None => Self::None(file),
            TextCompression::Gzip => {
                Self::Gzip(GzEncoder::new(file, flate2::Compression::default()))
            }
            TextCompression::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(file, 0)?),
        })
    }

    fn file(&self) -> &DiskFile {
        match self {
            Self::None(file) => file,
            Self::Gzip(encoder) => encoder.get_ref(),
            Self::Zstd(encoder) => encoder.get_ref(),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::None(file) => file.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<DiskFile> {
        match self {
            Self::None(file) => Ok(file),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}
