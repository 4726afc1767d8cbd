//! On what terms a Store of Parquet files takes Parquet data as it is.

use std::sync::Arc;

use hygge_core::contract::Terms;
use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::polish::Polish;

/// The name of these terms.
const NAME: &str = "parquet";

/// What a Store of Parquet files asks of Parquet data that it is to take as it is.
#[derive(Clone, Debug)]
pub(crate) struct ParquetTerms {
    /// Why it takes rows alone, if so.
    pub(crate) refusal: Option<&'static str>,
    /// What becomes of the columns.
    pub(crate) polish: Option<Polish>,
    /// How pages are to be compressed.
    pub(crate) codec: Compression,
    /// Whether the user said how hard the codec is to try, which no file tells of itself.
    pub(crate) level_matters: bool,
    /// Rows that a row group may have, if the user said so.
    pub(crate) most_rows: Option<u64>,
    /// Bytes that a file may have before it is divided, if the user said so.
    pub(crate) most_bytes: Option<u64>,
}

impl ParquetTerms {
    /// For the contract.
    pub(crate) fn into_terms(self) -> Terms {
        Terms { name: NAME, detail: Arc::new(self) }
    }

    /// These terms, if that is what they are.
    pub(crate) fn of(terms: &Terms) -> Option<&Self> {
        if terms.name == NAME { terms.detail.downcast_ref() } else { None }
    }

    /// Whether a column chunk may stay compressed as it is.
    pub(crate) fn keeps(&self, chunk: &ColumnChunkMetaData) -> bool {
        !self.level_matters && same_codec(chunk.compression(), self.codec)
    }
}

/// Whether two codecs are the same, apart from how hard they try.
fn same_codec(a: Compression, b: Compression) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}
