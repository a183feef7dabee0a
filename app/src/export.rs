//! Writing what a pane shows to a file: CSV, JSON lines, Parquet, Markdown.
//!
//! The file is written under a temporary name beside the wanted one and renamed at the end, so a reader never sees half.

mod rows;
mod source;
#[cfg(test)]
mod tests;

pub use source::{Made, Produce, Source};

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use stratigraph_engine::{Blobs, ErrorKind, Progress};

use crate::effect::Reply;
use crate::message::Failure;
use crate::tasks::TaskContext;
use source::Rows;

/// What is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Rows: CSV, JSON lines, Parquet or a Markdown table.
    Rows {
        /// Suggested file name without extension: `node-Person`.
        name: String,
        /// The rows; all batches have the same schema.
        batches: Arc<[RecordBatch]>,
    },
    /// Rows that are read while they are written: all of them, however few are on view.
    Read {
        /// Suggested file name without extension.
        name: String,
        /// Where they come from.
        source: Source,
    },
    /// Text that is Markdown already.
    Text {
        /// Suggested file name without extension.
        name: String,
        /// The text.
        text: Arc<str>,
    },
}

impl Content {
    /// Suggested file name without extension.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Rows { name, .. } | Self::Read { name, .. } | Self::Text { name, .. } => name,
        }
    }

    /// In what the file will differ from what is on view, to be said before it is written.
    #[must_use]
    pub fn remark(&self) -> Option<&'static str> {
        match self {
            Self::Read { source: Source::Table { remark, .. }, .. } => *remark,
            Self::Rows { .. } | Self::Read { .. } | Self::Text { .. } => None,
        }
    }

    /// The forms it can be written in.
    #[must_use]
    pub fn formats(&self) -> &'static [Format] {
        match self {
            Self::Rows { .. } | Self::Read { .. } => {
                &[Format::Csv, Format::JsonLines, Format::Parquet, Format::Markdown]
            }
            Self::Text { .. } => &[Format::Markdown],
        }
    }
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Markdown.
    Markdown,
}

impl Format {
    /// Its name in menus.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON lines",
            Self::Parquet => "Parquet",
            Self::Markdown => "Markdown",
        }
    }

    /// Extension of its files.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::Markdown => "md",
        }
    }

    /// How blobs are read for it: a Markdown table is for people and shows sizes, the other forms hold everything.
    fn blobs(self) -> Blobs {
        match self {
            Self::Markdown => Blobs::Described,
            Self::Csv | Self::JsonLines | Self::Parquet => Blobs::Bytes,
        }
    }
}

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Write nothing and ask.
    Ask,
    /// Replace it.
    Replace,
}

/// A written file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// Rows in it; `None` for text.
    pub rows: Option<u64>,
    /// Its size.
    pub size_bytes: u64,
}

/// Writes a file on a blocking thread.
///
/// # Errors
/// `Unavailable` if the file cannot be written, `Cancelled` between two batches, `Internal` if rows cannot be formatted.
pub async fn run(
    content: Content,
    format: Format,
    path: PathBuf,
    existing: Existing,
    cx: &TaskContext,
) -> Result<Reply, Failure> {
    let progress = cx.progress().clone();
    let rows = match &content {
        Content::Read { source, .. } => Some(source.open(&cx.graph()?, format.blobs()).await?),
        Content::Rows { .. } | Content::Text { .. } => None,
    };
    let work = tokio::task::spawn_blocking(move || write(&content, rows, format, path, existing, &progress));
    work.await.map_err(|error| Failure::of(ErrorKind::Internal, &error))?
}

fn write(
    content: &Content,
    rows: Option<Rows>,
    format: Format,
    path: PathBuf,
    existing: Existing,
    progress: &Progress,
) -> Result<Reply, Failure> {
    if existing == Existing::Ask && path.exists() {
        return Ok(Reply::Exists(path));
    }
    let temporary = temporary_name(&path);
    let result = fill(content, rows, format, &temporary, progress).and_then(|rows| {
        let failed = |error: io::Error| unavailable(&path, &error);
        let size_bytes = std::fs::metadata(&temporary).map_err(failed)?.len();
        publish(&temporary, &path, existing).map_err(failed)?;
        Ok((rows, size_bytes))
    });
    match result {
        Ok((rows, size_bytes)) => Ok(Reply::Exported(Written { path, rows, size_bytes })),
        Err(failure) => {
            // It may not exist; the failure itself is what matters.
            drop(std::fs::remove_file(&temporary));
            Err(failure)
        }
    }
}

/// Gives the finished file its name. A file that appeared meanwhile is not replaced unless that was agreed.
fn publish(temporary: &Path, path: &Path, existing: Existing) -> io::Result<()> {
    match existing {
        Existing::Replace => std::fs::rename(temporary, path),
        Existing::Ask => {
            std::fs::hard_link(temporary, path)?;
            std::fs::remove_file(temporary)
        }
    }
}

fn fill(
    content: &Content,
    rows: Option<Rows>,
    format: Format,
    path: &Path,
    progress: &Progress,
) -> Result<Option<u64>, Failure> {
    let file = File::create(path).map_err(|error| unavailable(path, &error))?;
    match content {
        Content::Rows { batches, .. } => {
            let total = batches.iter().map(|batch| batch.num_rows() as u64).sum();
            let schema: SchemaRef = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
            let mut batches = batches.iter().cloned().map(Ok);
            rows::write(&schema, &mut batches, Some(total), format, file, progress).map(Some)
        }
        Content::Read { .. } => {
            let Rows { schema, mut batches } = rows.expect("a content that is read was opened before");
            let runtime = tokio::runtime::Handle::current();
            let mut batches =
                std::iter::from_fn(|| runtime.block_on(batches.try_next()).map_err(Failure::from).transpose());
            rows::write(&schema, &mut batches, None, format, file, progress).map(Some)
        }
        Content::Text { text, .. } => {
            let mut file = BufWriter::new(file);
            let done = file.write_all(text.as_bytes()).and_then(|()| file.flush());
            done.map(|()| None).map_err(|error| unavailable(path, &error))
        }
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn unavailable(path: &Path, error: &io::Error) -> Failure {
    Failure::of(ErrorKind::Unavailable, error).during(format!("cannot write {}", path.display()))
}
