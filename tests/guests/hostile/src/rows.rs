//! Rows, honest ones and others.

#[cfg(target_arch = "wasm32")]
use std::hint::black_box;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use hygge_sdk::Batch;
use hygge_sdk::bindings::home::exports::hygge::connector::home as contract;
use hygge_sdk::bindings::home::hygge::connector::{host, types};

use crate::deeds::error;

/// Rows in a chunk.
const ROWS: i64 = 100;
/// Chunks in a split.
const CHUNKS: i64 = 3;

/// Splits of a table that is read slowly, and chunks in each.
pub(crate) const SLOW_SPLITS: u8 = 2;
const SLOW_CHUNKS: i64 = 40;

/// Rows in each split of a table that is read slowly.
pub(crate) fn slow_rows() -> u64 {
    (SLOW_CHUNKS * ROWS) as u64
}

/// A chunk of a table that is read slowly; none after the last.
pub(crate) fn slow(split: u8, number: i64) -> Result<Option<contract::Chunk>, types::Error> {
    if number >= SLOW_CHUNKS {
        return Ok(None);
    }
    host::sleep(4).map_err(|reason| error(types::Fault::Cancelled, reason))?;
    let first = (i64::from(split) * SLOW_CHUNKS + number) * ROWS;
    let batch = types::Batch::Arrow(encoded(first..first + ROWS, "name")?);
    Ok(Some(contract::Chunk { batch, resume: Some(vec![number as u8 + 1]) }))
}

/// The columns that `behaviour` announces.
pub(crate) fn schema(behaviour: &str) -> types::Schema {
    types::Schema::Json(match behaviour {
        "image" => crate::image::SCHEMA.to_owned(),
        "schema_deep" => "[".repeat(100_000),
        "schema_wide" => {
            let fields: Vec<_> =
                (0..100_000).map(|n| format!(r#"{{"name":"c{n}","type":"int64"}}"#)).collect();
            format!("[{}]", fields.join(","))
        }
        "schema_same" => {
            r#"[{"name":"id","type":"int64"},{"name":"id","type":"int64"}]"#.to_owned()
        }
        "schema_arrow" => return types::Schema::Arrow(vec![0xff; 1000]),
        _ => r#"[{"name":"id","type":"int64","nullable":false},{"name":"name","type":"string"}]"#
            .to_owned(),
    })
}

/// The chunk of this number; none after the last.
pub(crate) fn chunk(behaviour: &str, number: i64) -> Result<Option<contract::Chunk>, types::Error> {
    if behaviour == "image" {
        return Ok(crate::image::piece(number));
    }
    if number >= CHUNKS && behaviour != "empty_chunks" {
        return Ok(None);
    }
    let ids = number * ROWS..(number + 1) * ROWS;
    let good = || encoded(ids.clone(), "name");
    let batch = match behaviour {
        "claimed" => types::Batch::Arrow(claimed()),
        "ipc_garbage" => types::Batch::Arrow(vec![0xa5; 10_000]),
        "ipc_cut" => {
            let whole = good()?;
            types::Batch::Arrow(whole[..whole.len() / 2].to_vec())
        }
        "ipc_trailing" => types::Batch::Arrow([good()?, vec![1; 100]].concat()),
        "ipc_twice" => types::Batch::Arrow([good()?, good()?].concat()),
        "ipc_utf8" => types::Batch::Arrow(replaced(good()?, b"name 1", b"\xff\xfeme 1")),
        "ipc_offsets" => {
            // The second and the third end of the texts: `name 0`, `name 1`, …
            let (whole, bad) =
                ([12_u32, 18].map(u32::to_le_bytes), [u32::MAX, 6].map(u32::to_le_bytes));
            types::Batch::Arrow(replaced(good()?, &whole.concat(), &bad.concat()))
        }
        "schema_unlike" => types::Batch::Arrow(encoded(ids, "title")?),
        "schema_changes" if number == 1 => types::Batch::Arrow(encoded(ids, "title")?),
        "ndjson_deep" => ndjson(format!(r#"{{"id":1,"name":{}"#, "[".repeat(100_000))),
        "ndjson_long" => ndjson(format!(r#"{{"id":1,"name":"{}"}}"#, "x".repeat(64_000_000))),
        "ndjson_unlike" => ndjson(r#"{"id":1,"password":"x"}"#.to_owned()),
        "ndjson_utf8" => types::Batch::Ndjson(b"{\"id\":1,\"name\":\"\xff\"}\n".to_vec()),
        "ndjson_nulls" => ndjson(r#"{"name":"x"}"#.to_owned()),
        "ndjson_numbers" => ndjson(r#"{"id":1e400}"#.to_owned()),
        "empty_chunks" => ndjson(String::new()),
        _ => types::Batch::Arrow(good()?),
    };
    let resume = match behaviour {
        "state_large" => vec![7; 1 << 20],
        _ => vec![number as u8 + 1],
    };
    Ok(Some(contract::Chunk { batch, resume: Some(resume) }))
}

fn encoded(ids: std::ops::Range<i64>, name: &str) -> Result<Vec<u8>, types::Error> {
    let texts = StringArray::from_iter(ids.clone().map(|id| Some(format!("name {}", id % 10))));
    let columns = [
        ("id", Arc::new(Int64Array::from_iter_values(ids)) as ArrayRef, false),
        (name, Arc::new(texts), true),
    ];
    let failed = |reason: String| error(types::Fault::Bug, reason);
    let batch = RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| failed(error.to_string()))?;
    match Batch::arrow(&batch).map(types::Batch::from) {
        Ok(types::Batch::Arrow(bytes)) => Ok(bytes),
        Ok(types::Batch::Ndjson(_)) => Err(failed("rows of another form".to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// `bytes` with the first `old` in them replaced.
fn replaced(mut bytes: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    if let Some(at) = bytes.windows(old.len()).position(|window| window == old) {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    bytes
}

fn ndjson(lines: String) -> types::Batch {
    types::Batch::Ndjson(lines.into_bytes())
}

/// A list of 2 GB where there is next to nothing.
fn claimed() -> Vec<u8> {
    #[cfg(target_arch = "wasm32")]
    {
        let (nothing, most) = black_box((std::ptr::without_provenance_mut(8), isize::MAX as usize));
        // SAFETY: it is handed over and never touched here; that the host does not believe it is
        // what is tested.
        #[allow(unsafe_code)]
        unsafe {
            Vec::from_raw_parts(nothing, most, most)
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    Vec::new()
}
