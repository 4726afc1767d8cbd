//! The file formats, and the endings of their names.

hygge_core::choices! {
    /// How the rows of a file are laid out.
    pub enum Format {
        /// Apache Parquet.
        Parquet = "parquet",
        /// Comma-separated values (RFC 4180), with a header line.
        Csv = "csv",
        /// One JSON object a line.
        Ndjson = "ndjson" | "jsonl",
    }
}

hygge_core::choices! {
    /// How a text file is compressed as a whole.
    pub enum TextCompression {
        /// Not at all.
        None = "uncompressed" | "none",
        /// gzip (RFC 1952).
        Gzip = "gzip" | "gz",
        /// Zstandard (RFC 8878).
        Zstd = "zstd" | "zst",
    }
}

impl Format {
    /// The ending of a file's name, dot included: `.parquet`.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Parquet => ".parquet",
            Self::Csv => ".csv",
            Self::Ndjson => ".ndjson",
        }
    }
}

impl TextCompression {
    /// What it adds to a file's name: `.gz`.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}
