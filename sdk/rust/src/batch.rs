//! Rows on their way over the boundary.

#[cfg(feature = "arrow")]
use arrow_array::RecordBatch;
#[cfg(feature = "arrow")]
use arrow_schema::SchemaRef;

use crate::bindings::types;
#[cfg(feature = "arrow")]
use crate::error::Result;

/// Rows for the host, in a form the contract knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch(pub(crate) Form);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Arrow(Vec<u8>),
    Ndjson(Vec<u8>),
}

impl Batch {
    /// One complete Arrow IPC stream, not compressed.
    pub fn ipc(stream: Vec<u8>) -> Self {
        Self(Form::Arrow(stream))
    }

    /// JSON objects, one a line, which the host reads against the announced schema.
    pub fn ndjson(lines: Vec<u8>) -> Self {
        Self(Form::Ndjson(lines))
    }

    /// The rows of a record batch.
    #[cfg(feature = "arrow")]
    pub fn arrow(batch: &RecordBatch) -> Result<Self> {
        Ok(Self::ipc(write_ipc(&batch.schema(), Some(batch))?))
    }

    /// How many bytes cross the boundary.
    pub fn len(&self) -> usize {
        let (Form::Arrow(bytes) | Form::Ndjson(bytes)) = &self.0;
        bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Batch> for types::Batch {
    fn from(batch: Batch) -> Self {
        match batch.0 {
            Form::Arrow(bytes) => Self::Arrow(bytes),
            Form::Ndjson(bytes) => Self::Ndjson(bytes),
        }
    }
}

#[cfg(feature = "arrow")]
impl TryFrom<&RecordBatch> for Batch {
    type Error = crate::Error;

    fn try_from(batch: &RecordBatch) -> Result<Self> {
        Self::arrow(batch)
    }
}

/// Rows from the host: one complete Arrow IPC stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received(Vec<u8>);

impl Received {
    /// What the host handed over.
    pub fn new(stream: Vec<u8>) -> Self {
        Self(stream)
    }

    /// What the host would hand over for these rows.
    #[cfg(feature = "arrow")]
    pub fn arrow(batch: &RecordBatch) -> Result<Self> {
        Ok(Self(write_ipc(&batch.schema(), Some(batch))?))
    }

    /// The stream itself.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The stream itself.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Its schema.
    #[cfg(feature = "arrow")]
    pub fn schema(&self) -> Result<SchemaRef> {
        Ok(self.reader()?.schema())
    }

    /// Its rows.
    #[cfg(feature = "arrow")]
    pub fn batches(&self) -> Result<Vec<RecordBatch>> {
        Ok(self.reader()?.collect::<std::result::Result<_, _>>()?)
    }

    #[cfg(feature = "arrow")]
    fn reader(&self) -> Result<arrow_ipc::reader::StreamReader<&[u8]>> {
        Ok(arrow_ipc::reader::StreamReader::try_new(self.0.as_slice(), None)?)
    }
}

/// An Arrow IPC stream of this schema, with one batch or none.
#[cfg(feature = "arrow")]
pub(crate) fn write_ipc(
    schema: &arrow_schema::Schema,
    batch: Option<&RecordBatch>,
) -> Result<Vec<u8>> {
    let mut size = 4096;
    for column in batch.into_iter().flat_map(RecordBatch::columns) {
        size += arrow_array::Array::to_data(column).get_slice_memory_size()? + 256;
    }
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::with_capacity(size), schema)?;
    if let Some(batch) = batch {
        writer.write(batch)?;
    }
    Ok(writer.into_inner()?)
}
