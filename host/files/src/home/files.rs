//! One entity's files as a Home.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use hygge_core::contract::{Context, Finding, Home, ReadRequest, Reader, SourcePlan};
use hygge_core::fault::Fault;

use super::config::looks_like_file;
use super::listing::Location;
use super::text::options::FormatOptions;
use super::{parquet, text};
use crate::format::Format;

/// A file or a folder of files.
#[derive(Debug)]
pub(super) struct FilesHome {
    /// The configured path, without the entity's folder.
    pub(super) base: PathBuf,
    /// Where the files are.
    pub(super) location: Location,
    /// How they are read.
    pub(super) reading: Reading,
}

/// How files are read.
#[derive(Debug)]
pub(super) enum Reading {
    /// As Parquet.
    Parquet {
        /// Rows in a batch, if the user said so.
        batch_rows: Option<NonZeroU64>,
    },
    /// As text.
    Text {
        /// CSV or NDJSON.
        format: Format,
        /// How it is written.
        options: Arc<FormatOptions>,
        /// Rows in a batch, if the user said so.
        batch_rows: Option<NonZeroU64>,
    },
}

#[async_trait]
impl Home for FilesHome {
    fn location(&self) -> String {
        self.location.written.display().to_string()
    }

    fn journal_folder(&self) -> Option<PathBuf> {
        if looks_like_file(&self.base) && !self.base.is_dir() {
            return self.base.parent().map(PathBuf::from);
        }
        Some(self.base.clone())
    }

    async fn check(&self) -> Result<Finding, Fault> {
        let subject = format!("source {}", self.location());
        let found = match self.plan(&ReadRequest::default()).await {
            Ok(Some(plan)) => {
                let rows = plan.rows.map(|rows| format!(", {} rows", grouped(rows)));
                let columns = plan.schema.fields().len();
                Ok(format!("{}{}, {columns} columns", plan.note, rows.unwrap_or_default()))
            }
            Ok(None) => Ok(String::new()),
            Err(fault) => Err(fault),
        };
        Ok(match found {
            Ok(note) => Finding { subject, fault: None, note },
            Err(fault) => Finding { subject, fault: Some(Arc::new(fault)), note: String::new() },
        })
    }

    async fn plan(&self, request: &ReadRequest) -> Result<Option<SourcePlan>, Fault> {
        match &self.reading {
            Reading::Parquet { .. } => parquet::plan(&self.location, request).await.map(Some),
            Reading::Text { format, options, .. } => {
                text::plan(&self.location, *format, options, request).await.map(Some)
            }
        }
    }

    async fn open(
        &self,
        request: &ReadRequest,
        context: Arc<Context>,
    ) -> Result<Box<dyn Reader>, Fault> {
        match &self.reading {
            Reading::Parquet { batch_rows } => {
                parquet::open(&self.location, *batch_rows, request, context).await
            }
            Reading::Text { format, options, batch_rows } => {
                text::open(&self.location, *format, options, *batch_rows, request, context).await
            }
        }
    }
}

/// A number with commas between the thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
