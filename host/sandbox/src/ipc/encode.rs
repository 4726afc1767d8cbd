//! Rows as a stream, for a guest.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::writer::StreamEncoder;
use arrow_schema::{ArrowError, Schema};
use hygge_core::fault::Fault;

/// One complete, uncompressed stream that holds `rows`.
///
/// Bytes are copied once, from the columns into a vector of exactly the right size. Of a slice,
/// only what it shows is written.
pub fn encode(rows: &RecordBatch) -> Result<Vec<u8>, Fault> {
    let stream = || -> Result<Vec<u8>, ArrowError> {
        let mut encoder = StreamEncoder::try_new(rows.schema_ref())?;
        let parts = encoder.encode(rows)?;
        Ok(joined(&parts, &encoder.finish()?))
    };
    stream().map_err(cannot)
}

/// A stream that holds a schema and no rows.
pub fn schema_bytes(schema: &Schema) -> Result<Vec<u8>, Fault> {
    let stream = || Ok(joined(&[], &StreamEncoder::try_new(schema)?.finish()?));
    stream().map_err(cannot)
}

fn joined(parts: &[Buffer], rest: &[Buffer]) -> Vec<u8> {
    let all = || parts.iter().chain(rest);
    let mut stream = Vec::with_capacity(all().map(Buffer::len).sum());
    for part in all() {
        stream.extend_from_slice(part);
    }
    stream
}

fn cannot(error: ArrowError) -> Fault {
    Fault::data("these columns cannot be handed to a connector as an Arrow IPC stream")
        .with_help("choose other columns, or give the one named below another type")
        .because(error)
}
