//! The columns a connector announces, and whether a batch keeps to them.

mod bounds;
mod difference;
mod json;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow_schema::SchemaRef;
use hygge_core::fault::Fault;

use crate::ipc;

pub(crate) use difference::{dictionary_ids, difference};
pub(crate) use json::JSON;

/// The two forms in which a connector may say what columns a table has.
#[derive(Clone, Debug)]
pub enum Announced {
    /// An Arrow IPC stream that holds a schema and no rows.
    Arrow(Vec<u8>),
    /// A list of fields in JSON.
    Json(String),
}

/// The schema that was announced, after a look at every column: how many there are, how deep they
/// go, that each has a name of its own and a type that rows can have.
///
/// Of its metadata only the names of extension types known here are kept. `who` begins the message
/// of a fault.
pub fn announced(announced: Announced, who: &str) -> Result<SchemaRef, Fault> {
    let schema = match announced {
        Announced::Arrow(bytes) => ipc::decode_schema(bytes, who)?,
        Announced::Json(text) => json::schema(&text).map_err(|refused| refused.by(who))?,
    };
    bounds::check(&schema).map_err(|refused| refused.by(who))?;
    Ok(Arc::new(bounds::plain(&schema)))
}
